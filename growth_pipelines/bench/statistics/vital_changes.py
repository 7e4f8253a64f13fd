"""Repairs of web vitals that do nothing: how often a change is told of them, and how often one is found."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.shop_pages import lasting
from growth_pipelines.outcomes.effect import Effect
from growth_pipelines.outcomes.vitals import read_vital

_PAGES, _WINDOW = 60, 28
_REPAIRED = date(2026, 6, 1)
# Taken at random; as the page that got worse most, whose next value would be better without a repair too; as one
# that regressed for good two to seven weeks before, whose next value would not; and as one that did so in the
# second week before, which no window shows in time.
_PICKS = ("at random", "got worse most", "had regressed", "had just regressed")
_SINCE = {"had regressed": (14, 50), "had just regressed": (7, 14)}
_REGRESSED = (1.2, 1.8)
_BETTER = 0.25


def vital_figures(runs: int) -> list[Figure]:
    """False calls of repairs that do nothing, and repairs found: ``runs`` sites of 60 pages a figure.

    The change is read off the value after, so an interval misses what a repair brought exactly as often as it
    misses 0 where it brought nothing: coverage is 1 less false calls, and power is that of the same reading moved.
    """
    return [figure for pick in _PICKS for figure in _figures(pick, runs)]


def _figures(pick: str, runs: int) -> list[Figure]:
    read = [one for seed in range(runs) if (one := _without_effect(pick, seed)) is not None]
    slack = 3.3 * math.sqrt(0.95 * 0.05 / max(len(read), 1))
    return [
        Figure(
            f"vitals, page {pick}: a repair without effect is called better or worse",
            float(np.mean([not one.low <= 0 <= one.high for one in read])),
            # The last one is printed to warn of it.
            most=round(0.05 + slack, 4) if pick != "had just regressed" else None,
        ),
        Figure(
            f"vitals, page {pick}: power, {_BETTER:.0%} better",
            float(np.mean([one.high < _BETTER * one.observed for one in read])),
        ),
        Figure(f"vitals, page {pick}: not measured, as it was changing", 1 - len(read) / runs),
    ]


def _without_effect(pick: str, seed: int) -> Effect | None:
    """What is read of one repair that changed nothing; None where it is not measured."""
    import pandas as pd

    rng = np.random.default_rng([seed, _PICKS.index(pick), 11])
    loads = _loads(rng)
    row = int(rng.integers(_PAGES))
    if pick in _SINCE:
        loads[row, 2 * _WINDOW - int(rng.integers(*_SINCE[pick])) :] *= rng.uniform(*_REGRESSED)
    starts = (0, _WINDOW // 2, _WINDOW, 2 * _WINDOW + 1)
    earlier, fortnight, before, after = (_p75(loads[:, begin : begin + _WINDOW]) for begin in starts)
    if pick == "got worse most":
        row = int(np.argmax(np.log(before / earlier)))
    names = [f"/p/{number}" for number in range(_PAGES)]
    first = _REPAIRED - timedelta(days=2 * _WINDOW)
    periods = pd.concat(
        [
            pd.DataFrame(
                {
                    "unit": names,
                    "form_factor": "phone",
                    "metric": "lcp",
                    "period_start": first + timedelta(days=begin),
                    "period_end": first + timedelta(days=begin + _WINDOW - 1),
                    "p75": values,
                }
            )
            for begin, values in zip(starts, (earlier, fortnight, before, after), strict=True)
        ]
    )
    touches = pd.DataFrame({"unit": [names[row]], "date": [_REPAIRED]})
    found = read_vital(periods, names[row], "lcp", "phone", _REPAIRED, touches)
    return found if isinstance(found, Effect) else None


def _loads(rng: np.random.Generator) -> np.ndarray:
    """Page × day × loads, ms: heavy-tailed loads, pages that drift by themselves and all of them together."""
    days = 3 * _WINDOW + 1
    drift = lasting(rng, 1, days, 0.9, 0.05) + lasting(rng, _PAGES, days, 0.8, 0.1)
    middle = np.log(rng.uniform(1_200, 4_000, _PAGES))[:, None] + drift
    spread = rng.uniform(0.3, 0.6, _PAGES)[:, None, None]
    return np.exp(middle[:, :, None] + spread * rng.standard_normal((_PAGES, days, 12)))


def _p75(loads: np.ndarray) -> np.ndarray:
    return np.quantile(loads.reshape(len(loads), -1), 0.75, axis=1).round()
