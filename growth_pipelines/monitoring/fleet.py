"""Change points of thousands of pages × metrics at once, apart from what moved all pages alike.

Each metric's common movement (weekdays, holidays, a season, a site-wide fall) is the trimmed mean of the pages'
own indices; pages are judged relative to it, and it is judged by itself as the site. Rows go through the same
levels and the same scan as a single series, in blocks; those with a clear step are looked at again without it.
All p-values share one Benjamini–Hochberg correction.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.changes import ALPHA, LONGEST, detect_changes
from growth_pipelines.monitoring.day_grid import weekdays
from growth_pipelines.monitoring.discovery import adjusted_p_values
from growth_pipelines.monitoring.levels import (
    FloatArray,
    Kind,
    filled,
    stable_levels,
    without_spikes,
    without_weekdays,
)
from growth_pipelines.monitoring.step_scan import SHORTEST, design, scan_steps

SEARCH_KINDS: Mapping[str, Kind] = {"clicks": "count", "impressions": "count", "position": "duration"}
COLUMNS = (
    "scope",
    "page",
    "metric",
    "date",
    "first",
    "last",
    "direction",
    "size",
    "low",
    "high",
    "share",
    "p_value",
    "q_value",
)
# Rows scanned together: as many as keep the arrays of a block in the cache.
_BLOCK = 16
_LOOKS_AT_A_ROW = 3
# Pages thinner than this a day, or known on fewer days, are not judged.
_LEAST_MEAN, _LEAST_KNOWN = 0.5, 0.7
# A common movement needs this many pages with this much a day; its mean leaves out a tenth at either end.
_COMMON_PAGES, _COMMON_MEAN, _TRIMMED = 20, 5.0, 0.1
_LEVEL_BEFORE, _Z95, _DATE_TAIL = 56, 1.959964, 0.025


@dataclass(frozen=True)
class _Rows:
    """Levels of pages (rows) by day, what restores them, and which page each row is."""

    pages: NDArray[Any]
    values: FloatArray
    level: FloatArray


def detect_fleet(
    frame: pd.DataFrame,
    kinds: Mapping[str, Kind] = SEARCH_KINDS,
    *,
    fdr: float = 0.05,
    least_share: float = 0.1,
) -> pd.DataFrame:
    """Lasting shifts of every page's ``kinds`` (column → kind), and of the site, over the frame's last 400 days.

    ``frame``: page, date and the columns of ``kinds``, one row a page × day, complete days only. Days without a
    row are zeros of counts and missing otherwise. Returns one row a change, surest first: scope ("page" or
    "site"), page (None for the site), metric, ``date`` of the first day of the new level with the days ``first``
    and ``last`` between which it lies with 95 % probability, direction, ``size`` in the units of the metric (a
    page's is relative to what the site did) with its 95 % interval, ``share`` (size ÷ old level), p_value, and
    q_value: with q ≤ ``fdr``, at most that share of the rows is expected to be false. Changes of less than
    ``least_share`` are left out. Raises ValueError for an unknown kind.
    """
    found: list[dict[str, Any]] = []
    if len(frame):
        pages, days, grids = _grids(frame, kinds)
        for metric, kind in kinds.items():
            found += _metric_changes(metric, kind, pages, days, grids[metric])
    table = pd.DataFrame(found, columns=[name for name in COLUMNS if name != "q_value"])
    table["q_value"] = adjusted_p_values(table["p_value"].to_numpy(float))
    kept = table[(table["q_value"] <= fdr) & (table["share"].abs() >= least_share)]
    ordered = kept.sort_values(["p_value", "metric", "page"], kind="stable", na_position="first")
    return ordered[list(COLUMNS)].reset_index(drop=True)


def _grids(
    frame: pd.DataFrame, kinds: Mapping[str, Kind]
) -> tuple[NDArray[Any], NDArray[Any], dict[str, FloatArray]]:
    """Pages, days, and one matrix pages × days by metric."""
    code, pages = pd.factorize(frame["page"], sort=True)
    day = pd.to_datetime(frame["date"]).to_numpy().astype("datetime64[D]")
    newest = day.max()
    age = (newest - day).astype(int)
    length = min(LONGEST, int(age.max()) + 1)
    recent = age < length
    place = length - 1 - age[recent]
    grids = {}
    for metric, kind in kinds.items():
        grid = np.full((len(pages), length), 0.0 if kind == "count" else np.nan)
        grid[code[recent], place] = frame[metric].to_numpy(float)[recent]
        grids[metric] = grid
    return np.asarray(pages), newest - np.arange(length)[::-1], grids


def _metric_changes(
    metric: str, kind: Kind, pages: NDArray[Any], days: NDArray[Any], grid: FloatArray
) -> Iterator[dict[str, Any]]:
    """The site's changes, then every page's best step, however unsure: the correction needs them all."""
    common = _common_index(grid, kind)
    if not np.isfinite(grid).any():
        return
    level = np.nansum(grid, axis=0) if kind == "count" else common * np.nanmedian(grid)
    for change in detect_changes(level, days, kind):
        before = float(np.nanmean(level[max(0, change.index - _LEVEL_BEFORE) : change.index]))
        yield {
            "scope": "site",
            "page": None,
            "metric": metric,
            "date": days[change.index],
            "first": days[change.first],
            "last": days[change.last],
            "direction": change.direction,
            "size": change.size,
            "low": change.low,
            "high": change.high,
            "share": change.size / before if before else 0.0,
            "p_value": change.p_value,
        }

    def changes_of(block: slice) -> list[dict[str, Any]]:
        rows = _rows(pages[block], grid[block], common, kind, days)
        return [] if rows is None else list(_row_changes(rows, metric, kind, days))

    if len(days) < 2 * SHORTEST:
        return
    design(len(days))
    # NumPy lets go of the interpreter in its loops: as many blocks at a time as there are cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(changes_of, (slice(at, at + _BLOCK) for at in range(0, len(pages), _BLOCK))):
            yield from found


def _common_index(grid: FloatArray, kind: Kind) -> FloatArray:
    """By day, the trimmed mean of pages ÷ their own mean; ones where too few pages say anything."""
    with np.errstate(invalid="ignore"):
        usual = np.nanmean(np.where(np.isfinite(grid).any(axis=1, keepdims=True), grid, 0.0), axis=1)
    busy = usual >= (_COMMON_MEAN if kind == "count" else 1e-12)
    if busy.sum() < _COMMON_PAGES:
        return np.ones(grid.shape[1])
    index = np.sort(grid[busy] / usual[busy, None], axis=0)
    known = np.isfinite(index).sum(axis=0)
    rank = np.arange(len(index))[:, None]
    inside = (rank >= _TRIMMED * known) & (rank < np.ceil((1 - _TRIMMED) * known))
    total = np.where(inside, index, 0.0).sum(axis=0)
    mean = total / np.maximum(inside.sum(axis=0), 1)
    return np.where((known >= _COMMON_PAGES) & (mean > 0), mean, 1.0)


def _rows(
    pages: NDArray[Any], grid: FloatArray, common: FloatArray, kind: Kind, days: NDArray[Any]
) -> _Rows | None:
    """The rows of a block that can be judged, relative to what all pages did."""
    known = np.isfinite(grid).mean(axis=1) >= _LEAST_KNOWN
    thin = np.nan_to_num(grid).mean(axis=1) < _LEAST_MEAN if kind == "count" else np.zeros(len(grid), dtype=bool)
    judged = known & ~thin
    if not judged.any():
        return None
    values = filled(grid[judged] / common)
    level = stable_levels(values, kind).level
    flat = without_spikes(without_weekdays(level, weekdays(days)))
    moving = np.ptp(flat, axis=1) > 0
    return _Rows(pages[judged][moving], values[moving], flat[moving]) if moving.any() else None


def _row_changes(rows: _Rows, metric: str, kind: Kind, days: NDArray[Any]) -> Iterator[dict[str, Any]]:
    """Each row's best step; of those with a clear one also the next, beside it."""
    model = design(rows.level.shape[1])
    rest, left = rows.level.copy(), np.arange(len(rows.pages))
    for _ in range(_LOOKS_AT_A_ROW):
        scan = scan_steps(rest[left])
        ends = _date_ends(scan.date_weight, scan.best)
        described = _sizes(rows, left, model.candidates[scan.best], scan.step, scan.error, kind)
        for number, row in enumerate(left):
            size, low, high, share = described[:, number]
            yield {
                "scope": "page",
                "page": rows.pages[row],
                "metric": metric,
                "date": days[model.candidates[scan.best[number]]],
                "first": days[model.candidates[ends[0][number]]],
                "last": days[model.candidates[ends[1][number]]],
                "direction": "up" if scan.step[number] > 0 else "down",
                "size": size,
                "low": low,
                "high": high,
                "share": share,
                "p_value": scan.p_value[number],
            }
        clear = scan.p_value <= ALPHA
        rest[left[clear]] -= scan.step[clear, None] * model.steps[:, scan.best[clear]].T
        left = left[clear]
        if left.size == 0:
            return


def _date_ends(weight: FloatArray, best: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Candidates between which each row's date lies with 95 % probability."""
    below = np.cumsum(weight, axis=1)
    first = (below < _DATE_TAIL).sum(axis=1)
    last = np.minimum((below < 1 - _DATE_TAIL).sum(axis=1), weight.shape[1] - 1)
    return np.minimum(first, best), np.maximum(last, best)


def _sizes(
    rows: _Rows, chosen: NDArray[np.intp], begin: NDArray[np.intp], step: FloatArray, error: FloatArray, kind: Kind
) -> FloatArray:
    """size, low, high in units of the values and size ÷ old level (4 × rows chosen)."""
    place = np.arange(rows.level.shape[1])[None, :]
    before = (place < begin[:, None]) & (place >= begin[:, None] - _LEVEL_BEFORE)
    count = before.sum(axis=1)
    usual = np.where(before, rows.values[chosen], 0.0).sum(axis=1) / count
    old = np.where(before, rows.level[chosen], 0.0).sum(axis=1) / count
    ends = old[:, None] + np.stack([0 * step, step, step - _Z95 * error, step + _Z95 * error], axis=1)
    was, now, low, high = stable_levels(rows.values[chosen], kind).restore(ends).T
    scale = np.where((was > 0) & (usual > 0), usual / np.where(was > 0, was, 1.0), 1.0)
    size = scale * (now - was)
    low, high = np.minimum(scale * (low - was), size), np.maximum(scale * (high - was), size)
    return np.stack([size, low, high, size / np.where(usual > 0, usual, 1.0)])
