"""Forecasts and their intervals, on the days of a real shop and on made-up series, beside the seasonal-naive ones.

The naive forecast repeats the last week. Errors are scaled by the mean absolute difference of days a week apart in
what is known at each origin (MASE); gain = 1 − MASE ÷ the naive one's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_series import FAMILIES
from growth_pipelines.bench.statistics.retail_daily import retail_series
from growth_pipelines.monitoring import anomaly_scores, forecast
from growth_pipelines.monitoring.day_grid import weekdays

FloatArray = NDArray[np.float64]
HORIZONS = (7, 14, 28)
_FIRST_ORIGIN, _BETWEEN_ORIGINS = 140, 7
_SATURDAY = 5
_LEAST_GAIN, _LEAST_COVERAGE, _MOST_COVERAGE = 0.12, 0.87, 0.93


@dataclass(frozen=True)
class Judged:
    """Origins × 28 days each: scaled errors of the forecast and of the naive one, whether the interval held."""

    error: FloatArray
    naive: FloatArray
    covered: FloatArray

    def gain(self, horizon: int) -> float:
        return 1 - float(np.nanmean(self.error[:, :horizon]) / np.nanmean(self.naive[:, :horizon]))


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """The real shop first, then made-up series (``runs`` ÷ 50 of each kind)."""
    days, series = retail_series()
    tell(f"{len(series)} series of a real shop, rolling origins")
    judged = {name: judge(values, days) for name, values in series.items()}
    found = on_real_days(judged, days)
    tell("made-up series of each kind")
    return found + on_made_up_days(max(4, runs // 50)) + strange_days(max(4, runs // 50))


def judge(values: FloatArray, days: NDArray[np.datetime64], between: int = _BETWEEN_ORIGINS) -> Judged:
    """Forecasts of 28 days from every ``between`` days on, each knowing only what came before."""
    longest = max(HORIZONS)
    rows = [
        _one_origin(values, days, origin) for origin in range(_FIRST_ORIGIN, values.size - longest + 1, between)
    ]
    return Judged(*(np.array(part) for part in zip(*rows, strict=True)))


def _one_origin(
    values: FloatArray, days: NDArray[np.datetime64], origin: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    longest = max(HORIZONS)
    known, truth = values[:origin], values[origin : origin + longest]
    mean, low, high = forecast(known, days[:origin], longest)
    last_week = np.where(np.isfinite(known[-7:]), known[-7:], np.nanmean(known))
    scale = np.nanmean(np.abs(known[7:] - known[:-7]))
    covered = np.where(np.isfinite(truth), (truth >= low) & (truth <= high), np.nan)
    naive = np.tile(last_week, longest // 7)
    return np.abs(mean - truth) / scale, np.abs(naive - truth) / scale, covered


def on_real_days(judged: dict[str, Judged], days: NDArray[np.datetime64]) -> list[Figure]:
    """All series together against the limits, then each series, worse ones included."""
    together = Judged(*(np.concatenate(p) for p in zip(*map(_parts, judged.values()), strict=True)))
    found = []
    for horizon in HORIZONS:
        covered = float(np.nanmean(together.covered[:, :horizon]))
        found += [
            Figure(f"real shop, {horizon} days: MASE", float(np.nanmean(together.error[:, :horizon]))),
            Figure(f"real shop, {horizon} days: gain", together.gain(horizon), least=_LEAST_GAIN),
            Figure(
                f"real shop, {horizon} days: coverage of 90 %",
                covered,
                least=_LEAST_COVERAGE,
                most=_MOST_COVERAGE,
            ),
        ]
    traded = _days_with_trade(days, len(together.error) // len(judged))
    covered_open = np.where(np.tile(traded, (len(judged), 1)), together.covered, np.nan)
    found.append(Figure("real shop, 28 days: coverage without Saturdays", float(np.nanmean(covered_open))))
    gains = {name: one.gain(max(HORIZONS)) for name, one in judged.items()}
    found.append(Figure("series worse than the naive forecast", sum(gain < 0 for gain in gains.values())))
    for name, one in judged.items():
        found += [
            Figure(f"{name}: gain", gains[name]),
            Figure(f"{name}: coverage of 90 %", float(np.nanmean(one.covered))),
        ]
    return found


def _parts(judged: Judged) -> tuple[FloatArray, FloatArray, FloatArray]:
    return judged.error, judged.naive, judged.covered


def _days_with_trade(days: NDArray[np.datetime64], origins: int) -> NDArray[np.bool_]:
    """Origins × 28: not a Saturday."""
    first = _FIRST_ORIGIN + _BETWEEN_ORIGINS * np.arange(origins)
    traded: NDArray[np.bool_] = weekdays(days[first[:, None] + np.arange(max(HORIZONS))]) != _SATURDAY
    return traded


def on_made_up_days(runs: int, days: int = 300) -> list[Figure]:
    """Gain and coverage on series of each kind that did not exist when the method was chosen."""
    found = []
    for number, (family, make) in enumerate(FAMILIES.items()):
        if family == "rolling28":
            continue
        rows = []
        for run in range(runs):
            made = make(np.random.default_rng([run, number, 41]), np.ones(days))
            rows.append(_parts(judge(made.values, made.dates, 28)))
        one = Judged(*(np.concatenate(part) for part in zip(*rows, strict=True)))
        found += [
            Figure(f"made-up {family}: gain", one.gain(max(HORIZONS)), least=_LEAST_GAIN),
            Figure(f"made-up {family}: coverage of 90 %", float(np.nanmean(one.covered)), 0.85, 0.95),
        ]
    return found


def strange_days(runs: int, days: int = 300, strange: int = 8) -> list[Figure]:
    """Chance that a day at half or 1.7 times its value scores above an ordinary day; quiet days above 3."""
    found = []
    for number, family in enumerate(("counts", "revenue", "autocorrelated")):
        right, quiet = [], []
        for run in range(runs):
            rng = np.random.default_rng([run, number, 43])
            made = FAMILIES[family](rng, np.ones(days))
            quiet.append(np.nanmean(anomaly_scores(made.values, made.dates)[14:] > 3))
            at = rng.choice(np.arange(60, days), strange, replace=False)
            values = made.values.copy()
            values[at] *= np.where(rng.random(strange) < 0.5, 0.5, 1.7)
            scores = anomaly_scores(values, made.dates)
            ordinary = np.delete(scores, at)[14:]
            right.append(np.nanmean(scores[at][:, None] > ordinary[np.isfinite(ordinary)][None, :]))
        found += [
            Figure(f"anomalies, {family}: strange day above an ordinary one", float(np.mean(right)), least=0.85),
            Figure(f"anomalies, {family}: quiet days that score over 3", float(np.mean(quiet)), most=0.03),
        ]
    return found
