"""Pages that got worse by themselves under a site-wide fall of demand: found, named, nobody else accused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_sites import STYLES, Style, made_up_site
from growth_pipelines.monitoring import detect_fleet, scan_pages

_LEAST_PRECISION, _LEAST_RECALL, _LEAST_RIGHT, _MOST_SECONDS = 0.95, 0.85, 0.95, 60
_LARGE = 10_000
# Where the limits no longer hold: pages that wander more than on the restless sites. Told, held to nothing.
_MORE_DRIFT = 0.15


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """``scan_pages`` and ``detect_fleet`` on ``runs`` ÷ 100 sites of each style, then 10,000 pages once."""
    found: list[Figure] = []
    sites = max(2, runs // 100)
    for style in STYLES:
        tell(f"{sites} sites of 1,200 pages, {style}")
        found += scanned(style, sites)
        found += watched(style, max(1, sites // 5))
    tell(f"{sites} restless sites of 1,200 pages that drift by {_MORE_DRIFT}")
    found += beyond(sites)
    tell(f"{_LARGE:,} pages × 3 metrics × 365 days")
    return [*found, seconds(_LARGE)]


@dataclass
class Scanned:
    """Pages told on sites where some got worse, those among them that had, with the right cause, and all that had;
    ``accused``: pages told where none had."""

    told: int = 0
    right: int = 0
    caused: int = 0
    worse: int = 0
    accused: int = 0


def scan(style: Style, sites: int, drift: float | None = None) -> Scanned:
    """The last 28 days against the 28 before, with the cause; and the same sites without a page that got worse."""
    sums = Scanned()
    for seed in range(sites):
        site = made_up_site(style, seed, drift=drift)
        table = scan_pages(site.frame)
        hits = table[table["page"].isin(list(site.truth))]
        sums.told, sums.right, sums.worse = (
            sums.told + len(table), sums.right + len(hits), sums.worse + len(site.truth)
        )  # fmt: skip
        sums.caused += int((hits["page"].map(site.truth) == hits["cause"]).sum())
        sums.accused += len(scan_pages(made_up_site(style, seed + 10_000, worse=0, drift=drift).frame))
    return sums


def scanned(style: Style, sites: int) -> list[Figure]:
    sums = scan(style, sites)
    return [
        Figure(f"{style} site: precision of pages that got worse", sums.right / max(sums.told, 1),
               least=_LEAST_PRECISION),
        Figure(f"{style} site: share of them found", sums.right / sums.worse, least=_LEAST_RECALL),
        Figure(f"{style} site: cause right", sums.caused / max(sums.right, 1), least=_LEAST_RIGHT),
        Figure(f"{style} site, nothing wrong: pages accused of 1,200", sums.accused / sites, most=1),
    ]  # fmt: skip


def beyond(sites: int) -> list[Figure]:
    """What is left where pages drift more than on a restless site."""
    sums = scan("restless", sites, _MORE_DRIFT)
    name = f"restless site, drift {_MORE_DRIFT}"
    return [
        Figure(f"{name}: precision of pages that got worse", sums.right / max(sums.told, 1)),
        Figure(f"{name}: share of them found", sums.right / sums.worse),
    ]


def watched(style: Style, sites: int, pages: int = 400, worse: int = 20) -> list[Figure]:
    """Changes by date over all days of all metrics."""
    told, right, found, changed, accused = 0, 0, 0, 0, 0
    for seed in range(sites):
        site = made_up_site(style, seed + 500, pages=pages, worse=worse)
        table = detect_fleet(site.frame)
        rows = table[table["scope"] == "page"]
        hit = rows["page"].isin(list(site.truth))
        told, right = told + len(rows), right + int(hit.sum())
        found, changed = found + rows.loc[hit, "page"].nunique(), changed + len(site.truth)
        still = detect_fleet(made_up_site(style, seed + 20_000, pages=pages, worse=0).frame)
        accused += int((still["scope"] == "page").sum())
    return [
        Figure(f"{style} fleet: precision of changes", right / max(told, 1)),
        Figure(f"{style} fleet: share of changed pages found", found / changed),
        Figure(f"{style} fleet, nothing wrong: changes told of 1,200 series", accused / sites, most=2),
    ]


def seconds(pages: int) -> Figure:
    """How long ``detect_fleet`` takes for clicks, impressions and position of a year."""
    frame = made_up_site("heavy tail", 1, pages=pages, worse=60, days=365).frame
    started = time.perf_counter()
    detect_fleet(frame)
    name = f"{pages:,} pages × 3 metrics × 365 days, seconds"
    return Figure(name, float(np.round(time.perf_counter() - started, 1)), most=_MOST_SECONDS)
