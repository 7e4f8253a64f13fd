"""Split tests of pages read at their planned looks, as the product reads them: by both methods, one with a veto.

On made-up shops, so that the truth is known: nothing done, the effect that the planner foretells, and harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.shop_pages import START, page_days, page_traffic
from growth_pipelines.experiments import match_pages
from growth_pipelines.experiments.foresight import of_pages
from growth_pipelines.experiments.page_effects import placebo_throws
from growth_pipelines.experiments.page_readout import SplitTest, read_pages
from growth_pipelines.experiments.planned_looks import END_ALPHA, HARM_ALPHA, planned_looks
from growth_pipelines.experiments.readout import Declared, Measure

SETTLE, DAYS, PAGES = 7, 21, 120
_POWER, _HARM = 0.8, -0.3
# Seeds of the shops, and what is added to them for another time of the same one.
_SHOPS, _OTHER_TIME = 1_000, 100_000
_DECLARED = Declared(
    key="made-up",
    arms=("control", "changed"),
    weights=(1.0, 1.0),
    primary=Measure("clicks", "mean"),
    guardrails=(),
    planned_units=PAGES,
    planned_days=DAYS,
    baseline=1.0,
    minimum_effect=0.1,
)


@dataclass(frozen=True)
class Lived:
    """One experiment: the day on which it ended, what it read then, and whether the methods ever disagreed on what
    the deciding one had shown. ``claims_alone`` is what that one would have claimed by itself."""

    days: int
    status: str
    claims_alone: bool
    was_vetoed: bool


def false_claims(runs: int) -> list[Figure]:
    """Claims over all planned looks where nothing was done."""
    found = [lived(seed, 0.0) for seed in range(_SHOPS, _SHOPS + runs)]
    looks, told = len(planned_looks(DAYS)), HARM_ALPHA + END_ALPHA
    claims = _share(found, lambda one: one.status in ("ship", "roll back"))
    alone = _share(found, lambda one: one.claims_alone)
    early = _share(found, lambda one: one.status == "roll back" and one.days < DAYS)
    return [
        Figure(f"pages, {looks} planned looks: false claims", claims, most=_upper(told, runs)),
        Figure(f"pages, {looks} planned looks: the same without a veto", alone, most=_upper(told, runs)),
        Figure("pages: stopped before the end, nothing done", early, most=_upper(HARM_ALPHA, runs)),
        Figure("pages: vetoed, nothing done", _share(found, lambda one: one.was_vetoed)),
    ]


def power(runs: int) -> list[Figure]:
    """Experiments that show the least effect foretold for them, and that are stopped for a harm of 30 %."""
    shops = range(_SHOPS, _SHOPS + runs)
    foretold = [_foretold(seed) for seed in shops]
    better = [lived(seed, effect) for seed, effect in zip(shops, foretold, strict=True)]
    worse = [lived(seed, _HARM) for seed in shops]
    shown = _share(better, lambda one: one.status == "ship")
    stopped = _share(worse, lambda one: one.status == "roll back")
    early = _share(worse, lambda one: one.status == "roll back" and one.days < DAYS)
    return [
        Figure("pages: least effect foretold, 60 pairs, power 80 %", float(np.median(foretold))),
        Figure("pages: of that effect, shown at the planned end", shown, least=_lower(_POWER, runs)),
        Figure("pages: of that effect, vetoed", _share(better, lambda one: one.was_vetoed)),
        Figure(f"pages: harm of {-_HARM:.0%}, stopped", stopped),
        Figure(f"pages: harm of {-_HARM:.0%}, stopped before the planned end", early),
    ]


def lived(seed: int, effect: float) -> Lived:
    """An experiment on the made-up shop ``seed``, read at each planned look until it stops or is over."""
    pairs = match_pages(page_traffic(PAGES, seed), seed)
    daily = page_days(pairs, effect, seed)
    was_vetoed, claims_alone, status, days = False, False, "", 0
    for look in planned_looks(DAYS):
        test = SplitTest(pairs, daily, START, SETTLE, look.days, seed)
        [arm] = read_pages(_DECLARED, test).arms
        assert arm.decision is not None
        assert arm.effect is not None
        below, above = arm.effect.ci_high < 0, arm.effect.ci_low > 0
        claims_alone |= below or (above and look.is_last)
        was_vetoed |= arm.decision.reason == "methods_disagree"
        status, days = arm.decision.status, look.days
        if status == "roll back":
            break
    return Lived(days, status, claims_alone, was_vetoed)


def _foretold(seed: int) -> float:
    """The least effect told from the same pages at another time, in which nothing was done."""
    pairs = match_pages(page_traffic(PAGES, seed), seed)
    daily = page_days(pairs, 0.0, seed + _OTHER_TIME)
    throws = placebo_throws(daily, pairs, START, seed=seed, value="clicks", settle_days=SETTLE)
    return of_pages(throws, _POWER).effect


def _share(found: Sequence[Lived], holds: Callable[[Lived], bool]) -> float:
    return sum(map(holds, found)) / len(found)


def _upper(rate: float, runs: int) -> float:
    """A rate, and what chance adds to it in so many runs: three standard errors."""
    return round(rate + 3 * (rate * (1 - rate) / runs) ** 0.5, 4)


def _lower(rate: float, runs: int) -> float:
    return round(rate - 3 * (rate * (1 - rate) / runs) ** 0.5, 4)
