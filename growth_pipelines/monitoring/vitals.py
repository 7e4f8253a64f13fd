"""Core Web Vitals that regressed, from CrUX's weekly history of overlapping 28-day p75s.

A step in what visitors experience shows in a 28-day p75 as a ramp over four weekly points, and neighbouring points
share three quarters of their visits, so detectors for independent data raise an alarm nearly always. Here each
series is fitted with a ramp at every possible onset by least squares; the error of the fit is that of a
four-week moving average (correlation 1 − lag/4), its size comes from differences of windows that share no
visit, and the p-value is corrected for having looked at every onset and (Benjamini–Hochberg) at every series.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.discovery import adjusted_p_values, robust_scale
from growth_pipelines.monitoring.vital_limits import THRESHOLDS

FloatArray = NDArray[np.float64]

COLUMNS = (
    "page_key",
    "form_factor",
    "metric",
    "since",
    "before",
    "after",
    "size",
    "p_value",
    "q_value",
    "severity",
    "period_start",
    "period_end",
)
# CLS is reported in hundredths: an offset keeps its logarithm from magnifying the rounding.
_LOG_OFFSET = {"lcp": 0.0, "inp": 0.0, "cls": 0.02}
_LEAST_CHANGE = {"lcp": 100.0, "inp": 20.0, "cls": 0.02}
_OVERLAP = 4  # weekly points per 28-day window
# A series' own noise is estimated from few independent windows: mixed with the fleet's, worth this many.
_FLEET_WINDOWS = 6.0
_LEAST_NOISE = 0.01


def rating(metric: str, p75: float) -> str:
    """good, needs-improvement or poor."""
    good, poor = THRESHOLDS[metric]
    return "good" if p75 <= good else "needs-improvement" if p75 <= poor else "poor"


def find_regressions(vitals: pd.DataFrame, *, fdr: float = 0.05, min_effect: float = 0.1) -> pd.DataFrame:
    """Pages whose LCP, INP or CLS got worse, no longer is good, and still is so; worst p-value first.

    ``vitals``: page_key (null for the origin), form_factor, metric, period_start, period_end and p75 (null in
    thin periods), one row a 28-day window, weekly; other metrics are ignored. ``since`` is the estimated first
    day of the change (±1 week), ``before`` the median p75 up to then, ``after`` the newest p75, ``size`` the
    relative change, ``severity`` critical (now poor, was not), high (was good, or poor and worse) or medium.
    """
    rows = vitals[vitals["metric"].isin(list(THRESHOLDS)) & vitals["page_key"].notna()]
    found = [_fit_metric(str(metric), part) for metric, part in rows.groupby("metric", sort=True)]
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    fits = pd.concat(found, ignore_index=True)
    fits["q_value"] = adjusted_p_values(fits["p_value"].to_numpy(float))
    change = fits["after"] - fits["before"]
    least = fits["metric"].map(_LEAST_CHANGE)
    good = fits["metric"].map({metric: limits[0] for metric, limits in THRESHOLDS.items()})
    worse = (
        (fits["q_value"] <= fdr)
        & (fits["size"] >= min_effect)
        & (change >= least)
        & (change >= 0.5 * fits["fitted_change"])
        & (fits["after"] > good)
    )
    kept = fits[worse].copy()
    kept["severity"] = [
        _severity(metric, before, after)
        for metric, before, after in zip(kept["metric"], kept["before"], kept["after"], strict=True)
    ]
    ordered = kept.sort_values(["p_value", "page_key", "metric", "form_factor"], kind="stable")
    return ordered[list(COLUMNS)].reset_index(drop=True)


def _severity(metric: str, before: float, after: float) -> str:
    was, now = rating(metric, before), rating(metric, after)
    if now == "poor" and was != "poor":
        return "critical"
    return "high" if was == "good" or now == "poor" else "medium"


def _fit_metric(metric: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The best ramp of every series of one metric."""
    weekly = _weekly_grid(rows)
    raw = weekly.to_numpy(float)
    ends = pd.DatetimeIndex(weekly.columns)
    values = np.log(raw + _LOG_OFFSET[metric])
    known = ~np.isnan(values)
    ramp = best_ramp(values, known)
    onset, gain = ramp.onset, ramp.gain
    keys = weekly.index.to_frame(index=False)
    last = known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    positions = np.arange(raw.shape[1])
    before = np.array([_median(raw[s, positions <= onset[s]]) for s in range(len(raw))])
    after = _newest(rows, keys, raw[np.arange(len(raw)), last])
    level = before + _LOG_OFFSET[metric]
    return keys.assign(
        metric=metric,
        since=[(ends[k] + timedelta(days=1)).date() for k in onset],
        before=before,
        after=after,
        size=after / before - 1,
        fitted_change=level * np.expm1(np.clip(gain, 0, 3) * np.minimum(1.0, (last - onset) / _OVERLAP)),
        p_value=onset_p_value(ramp.t_value, ramp.freedom, known.sum(axis=1)),
        period_start=[(ends[k] - timedelta(days=27)).date() for k in last],
        period_end=[ends[k].date() for k in last],
    )


def _weekly_grid(rows: pd.DataFrame) -> pd.DataFrame:
    """Series × period_end, on the weekday most periods end on, without holes in the calendar."""
    ends = pd.to_datetime(rows["period_end"])
    weekday = ends.dt.weekday.mode().iloc[0]
    regular = rows.assign(period_end=ends)[ends.dt.weekday == weekday]
    grid = regular.pivot_table(
        index=["page_key", "form_factor"], columns="period_end", values="p75", aggfunc="last", sort=True
    )
    calendar = pd.date_range(grid.columns.min(), grid.columns.max(), freq="7D")
    return grid.reindex(columns=calendar)


def _newest(rows: pd.DataFrame, keys: pd.DataFrame, otherwise: FloatArray) -> FloatArray:
    """Each series' p75 of its newest window, weekly or daily."""
    known = rows[rows["p75"].notna()].sort_values("period_end", kind="stable")
    newest = known.groupby(["page_key", "form_factor"])["p75"].last()
    found = newest.reindex(pd.MultiIndex.from_frame(keys[["page_key", "form_factor"]])).to_numpy(float)
    return np.where(np.isnan(found), otherwise, found)


@dataclass(frozen=True)
class Ramp:
    """Per series: ``onset`` (index of the last untouched window), height and its error, t value and freedom."""

    onset: NDArray[np.intp]
    gain: FloatArray
    error: FloatArray
    t_value: FloatArray
    freedom: FloatArray


def best_ramp(values: FloatArray, known: NDArray[np.bool_], overlap: int = _OVERLAP) -> Ramp:
    """The best upward ramp of every row of ``values`` (series × points; ``overlap`` points share a window)."""
    series, points = values.shape
    onsets = np.arange(overlap - 1, points - 1)
    if onsets.size == 0:
        nothing = np.full(series, np.nan)
        return Ramp(np.zeros(series, dtype=np.intp), nothing, nothing, nothing, np.ones(series))
    contrast, spread, usable = _contrasts(onsets, known, overlap)
    gain = (contrast * np.nan_to_num(values)[:, None, :]).sum(axis=2)
    lag = np.abs(np.arange(points)[:, None] - np.arange(points)[None, :])
    shared = np.clip(1 - lag / overlap, 0, None)
    variance = ((contrast @ shared) * contrast).sum(axis=2)
    noise, freedom = _noise(values, overlap)
    error = np.sqrt(np.where(usable, variance, np.inf)) * noise[:, None]
    t_values = np.where(usable, gain / error, -np.inf)
    t_values = t_values / _fleet_inflation(t_values, overlap)
    # The largest t value says whether there is a change, the best fit says when it began.
    row = np.arange(series)
    best = np.argmax(np.where(usable, gain * np.abs(gain) * spread, -np.inf), axis=1)
    highest = t_values.max(axis=1)
    t_value = np.where(np.isfinite(highest), highest, np.nan)
    return Ramp(onsets[best].astype(np.intp), gain[row, best], error[row, best], t_value, freedom)


def _contrasts(
    onsets: NDArray[np.intp], known: NDArray[np.bool_], overlap: int
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Least-squares weights (series × onsets × points) of the ramps, their spread, and the usable ones."""
    points = known.shape[1]
    ramps = np.clip((np.arange(points)[None, :] - onsets[:, None]) / overlap, 0.0, 1.0)[None]
    weight = known[:, None, :].astype(float)
    count = np.maximum(weight.sum(axis=2, keepdims=True), 1.0)
    centred = (ramps - (weight * ramps).sum(axis=2, keepdims=True) / count) * weight
    spread = (centred**2).sum(axis=2)
    usable = (spread > 1e-9) & ((weight * (ramps == 0)).sum(axis=2) >= overlap)
    usable &= (weight * (ramps > 0)).sum(axis=2) >= 1
    contrast = np.divide(centred, spread[:, :, None], out=np.zeros_like(centred), where=usable[:, :, None])
    return contrast, spread, usable


def _noise(values: FloatArray, overlap: int) -> tuple[FloatArray, FloatArray]:
    """Standard deviation of one window per series, from windows 28 days apart, shrunk to the fleet's."""
    apart = (values[:, overlap:] - values[:, :-overlap]) / np.sqrt(2)
    own = np.array([robust_scale(row, centre=0.0) for row in apart])
    fleet = float(np.nanmedian(own)) if np.isfinite(own).any() else _LEAST_NOISE
    windows = np.maximum((~np.isnan(values)).sum(axis=1) / overlap - 1, 1.0)
    borrowed = _FLEET_WINDOWS if len(values) >= 5 else 0.0
    own = np.where(np.isnan(own), fleet, own)
    mixed = np.sqrt((windows * own**2 + borrowed * fleet**2) / (windows + borrowed))
    least = _LEAST_NOISE if len(values) >= 5 else 1e-12
    return np.maximum(mixed, least), windows + borrowed


def _fleet_inflation(t_values: FloatArray, overlap: int) -> float:
    """How much wider the bulk of the fleet's t values is than the model says (≥ 1), where a fleet exists."""
    if len(t_values) < 20:
        return 1.0
    late = t_values[:, -overlap] if t_values.shape[1] >= overlap else t_values[:, -1]
    scale = robust_scale(np.where(np.isfinite(late), late, np.nan), centre=0.0)
    return max(1.0, scale) if np.isfinite(scale) else 1.0


def onset_p_value(
    t_value: FloatArray, freedom: FloatArray, points: NDArray[np.intp], overlap: int = _OVERLAP
) -> FloatArray:
    """One-sided, times the number of onsets that are independent of each other."""
    from scipy.special import stdtr

    looks = np.maximum(points / overlap, 1.0)
    result: FloatArray = np.minimum(1.0, looks * stdtr(freedom, -t_value))
    return result


def _median(values: FloatArray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else float("nan")
