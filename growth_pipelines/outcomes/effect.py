"""The effect of one action on one resource: what it got, less what untouched resources say it would have got.

The expectation is a regression over matched untouched resources: their days of the horizon on their own last
week, the three weeks before it and the rest before, besides a constant. So it learns from them how much of a
spike lasts and of a trend goes on (regression to the mean), and the season is theirs, because days are compared
in whole weeks. The interval is conformal (Lei et al. 2018, "Distribution-free predictive inference for
regression"; Vovk, Gammerman & Shafer 2005): the effects that would be seen on the untouched ones, each left out
of its own fit, are what chance does. It presumes that the resource moves as its matches do, not any distribution,
but for the first two of three looks (``looks``), whose levels go beyond what so few can show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.outcomes.looks import level
from growth_pipelines.outcomes.noise import START, estimated
from growth_pipelines.outcomes.panel import FloatArray, Panel

# The interval is an order statistic of the controls' errors: it needs 20, and some more for what is fitted.
LEAST_CONTROLS, _MOST_CONTROLS = 30, 120
LEAST_DAYS_BEFORE, _MOST_DAYS_BEFORE = 28, 84
# A match has at most this many times the traffic, or this many times less.
_CALIPER = 10.0
_LEAST_LEVEL = 0.95
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True)
class Skipped:
    """Not measured, and why, in words; not an effect of 0. ``final``: waiting will not change it."""

    reason: str
    final: bool = False


@dataclass(frozen=True, eq=False)
class Effect:
    """``observed`` less ``counterfactual`` over the horizon, with its interval; all in the metric's unit.

    Those of the three horizons hold the truth at once in 95 of 100 cases (see ``looks``).

    ``baseline``: the same number of days before, at the level of all days before. ``shared_error``: the part of
    the standard error that comes from the controls' fit, which effects measured on the same controls share.
    ``actual`` and ``expected`` are by day from ``first`` on, the days before the execution included.
    """

    observed: float
    counterfactual: float
    effect: float
    low: float
    high: float
    baseline: float
    controls: int
    shared_error: float
    is_overlapping: bool
    first: np.datetime64
    actual: FloatArray
    expected: FloatArray


@dataclass(frozen=True, eq=False)
class _Window:
    """Columns of the panel: ``before`` in whole weeks up to the day before, ``after`` from the day after on."""

    before: slice
    after: slice

    @property
    def all(self) -> slice:
        return slice(self.before.start, self.after.stop)


def measure(panel: Panel, unit: object, executed: object, horizon: int) -> Effect | Skipped:
    """The effect on ``unit`` of what was done to it on the day ``executed``, over the ``horizon`` days after it.

    The day of execution is in neither window. ``is_overlapping`` says that something else was done to it too.
    """
    found = np.flatnonzero(panel.names == unit)
    if not found.size:
        return Skipped("Nothing was ever counted on it.")
    row = int(found[0])
    window = _window(panel, panel.day(executed), horizon)
    if isinstance(window, Skipped):
        return window
    controls = _matches(panel, row, window)
    if controls.size < LEAST_CONTROLS:
        return Skipped(
            f"Only {controls.size} untouched ones have comparable traffic; {LEAST_CONTROLS} are needed to tell"
            " chance from effect.",
            final=True,
        )
    rows = np.concatenate([[row], controls])
    features = _features(panel.values[rows, window.before], horizon)
    after = panel.values[rows, window.after].sum(axis=1)
    sure = level(horizon)
    counted = panel.values[rows, window.all]
    found_effect = _against(features, after, sure, _grain(counted))
    if isinstance(found_effect, Skipped):
        return found_effect
    expected, low, high, shared = found_effect
    chance = _by_chance(float(after[0]), expected, _grain(counted[:1]) or _grain(counted), sure)
    low, high = min(low, chance[0]), max(high, chance[1])
    days = np.arange(window.before.start, window.after.stop)
    other = panel.touched[row, window.all] & (days != panel.day(executed))
    return Effect(
        observed=float(after[0]),
        counterfactual=expected,
        effect=float(after[0]) - expected,
        low=low,
        high=high,
        baseline=float(panel.values[row, window.before].mean()) * horizon,
        controls=int(controls.size),
        shared_error=shared,
        is_overlapping=bool(other.any()),
        first=panel.first + window.before.start,
        actual=panel.values[row, window.all].copy(),
        expected=_by_day(panel.values[:, window.all], row, controls, window, expected),
    )


def _window(panel: Panel, executed: int, horizon: int) -> _Window | Skipped:
    if executed + horizon >= panel.days:
        missing = executed + horizon - panel.days + 1
        return Skipped(
            f"{missing} of {horizon} days after it are not over, or their figures are not complete yet."
        )
    weeks = min(executed, _MOST_DAYS_BEFORE) // 7
    if executed < LEAST_DAYS_BEFORE:
        return Skipped(
            f"Only {max(executed, 0)} days before it are known; {LEAST_DAYS_BEFORE} are needed.", final=True
        )
    return _Window(slice(executed - 7 * weeks, executed), slice(executed + 1, executed + 1 + horizon))


def _grain(counted: FloatArray) -> float:
    """The least that came at once: a click, an order, the price of a cheap one; 0 where nothing came."""
    return float(np.min(counted, where=counted > 0, initial=np.inf)) if (counted > 0).any() else 0.0


def _matches(panel: Panel, row: int, window: _Window) -> NDArray[np.intp]:
    """Rows of untouched resources, nearest in traffic first: of its template, or of all where that has too few."""
    traffic = panel.values[:, window.before].sum(axis=1)
    untouched: NDArray[np.bool_] = np.logical_not(panel.touched[:, window.all].any(axis=1))
    untouched[row] = False
    distance = np.abs(np.log((traffic + 0.5) / (traffic[row] + 0.5)))
    near = untouched & (distance <= math.log(_CALIPER)) & (traffic > 0)
    alike = near & (panel.templates == panel.templates[row])
    chosen = np.flatnonzero(alike if alike.sum() >= LEAST_CONTROLS else near)
    return chosen[np.argsort(distance[chosen], kind="stable")][:_MOST_CONTROLS]


def _features(before: FloatArray, horizon: int) -> FloatArray:
    """Resource × 4: the last week, the three before it and the rest at the horizon's length, and a constant."""
    parts = [before[:, -7:], before[:, -28:-7], before[:, :-28]]
    means = [part.mean(axis=1) if part.shape[1] else before.mean(axis=1) for part in parts]
    constant = np.full(len(before), before[1:].mean())
    return horizon * np.column_stack([*means, constant])


def _against(
    features: FloatArray, after: FloatArray, level: float, grain: float
) -> tuple[float, float, float, float] | Skipped:
    """Row 0 against the others: expectation, the effect's interval, the fit's share of its standard error."""
    x, y = features[1:], after[1:]
    if not y.sum() > 0:
        return Skipped("The untouched ones got nothing at all in these days.")
    prior = y.sum() / x[:, :3].sum() * np.array([1.0, 1.0, 1.0, 0.0])
    floor = 0.05 * float(x[:, :3].mean())
    moves = features[:, :2] @ np.array([0.25, 0.75]) - features[:, 2]
    noise = START
    for _ in range(3):
        weights = 1 / noise.of(np.maximum(x @ prior, floor), moves[1:])
        inverse, beta, left_out, leverage = _fit(x, y, prior, weights)
        expected = np.maximum(y - left_out, floor)
        noise = estimated(left_out**2 / (1 + leverage), expected, moves[1:], grain)
    relative = noise.relative(expected, moves[1:])
    errors = (noise.stable(y, relative) - noise.stable(expected, relative)) / np.sqrt(1 + leverage)
    counterfactual = max(float(features[0] @ beta), floor)
    place = np.array([counterfactual])
    variance = float(noise.of(place, moves[:1])[0])
    own = float(features[0] @ inverse @ features[0]) / variance
    below, above = (far * math.sqrt(1 + own) for far in reach(errors, level))
    moving = float(noise.relative(place, moves[:1])[0])
    stood = float(noise.stable(place, np.array([moving]))[0])
    least, most = noise.unstable(stood - below, moving), noise.unstable(stood + above, moving)
    spread = (noise.counting, moving)
    low, high = _ends(float(after[0]), counterfactual, (counterfactual - least, most - counterfactual), spread)
    return counterfactual, low, high, math.sqrt(own * variance)


def _ends(
    observed: float, expected: float, reach: tuple[float, float], spread: tuple[float, float]
) -> tuple[float, float]:
    """The effects Δ for which ``observed`` is as near to expected + Δ as ``reach`` (below, above) allows.

    ``reach`` is that without an effect. A loss makes nothing surer but the counting: variance φ·(μ + Δ) + τ²·μ².
    With a gain, days that vary by themselves vary more and a level that was going to move does not; which part
    of τ² is which nobody can tell, so all noise grows like the values: (φ·μ + τ²·μ²) · (μ + Δ) ÷ μ.
    """
    counting, moving = spread[0], spread[1] * expected**2
    gain = observed - expected

    def end(far: float, side: int) -> float:
        grown = far**2 / expected
        level = observed + grown / 2 + side * math.sqrt(observed * grown + grown**2 / 4)
        if level < expected:
            share = far**2 / (counting * expected + moving)
            half = observed + share * counting / 2
            level = half + side * math.sqrt(max(half**2 - observed**2 + share * moving, 0.0))
        return level - expected

    return min(max(end(reach[1], -1), -expected), gain), max(end(reach[0], 1), gain)


def _by_chance(observed: float, expected: float, grain: float, level: float) -> tuple[float, float]:
    """The effects that counting alone can't tell apart: the exact interval of a Poisson mean (Garwood 1936).

    ``grain`` is the least that comes at once. The controls' errors are those of all of them together, so by
    themselves they would have a page that expects two orders and gets none be worse for certain.
    """
    from scipy.special import gammaincinv

    count, tail = observed / grain, (1 - level) / 2
    least = float(gammaincinv(count, tail)) if count > 0 else 0.0
    return grain * least - expected, grain * float(gammaincinv(count + 1, 1 - tail)) - expected


def reach(errors: FloatArray, level: float) -> tuple[float, float]:
    """How far below and above their expectation ``level`` of the controls come, the next one counted in.

    Between two of them it is interpolated. Where there are too few for such a level, it is taken from 95 % of
    them by the tail of a normal distribution, and is never less than the farthest of them came.
    """
    rank = (errors.size + 1) * (1 + level) / 2
    ordered = np.sort(errors)
    if rank <= errors.size:
        places = np.arange(1, errors.size + 1)
        ends = (-np.interp(errors.size + 1 - rank, places, ordered), np.interp(rank, places, ordered))
        return max(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
    if level > _LEAST_LEVEL:
        from scipy.special import ndtri

        farther = float(ndtri((1 + level) / 2) / ndtri((1 + _LEAST_LEVEL) / 2))
        below, above = reach(errors, _LEAST_LEVEL)
        return max(below * farther, float(-ordered[0])), max(above * farther, float(ordered[-1]))
    # Too few for each side by itself.
    both = float(np.sort(np.abs(errors))[min(math.ceil((errors.size + 1) * level), errors.size) - 1])
    return both, both


def _fit(
    x: FloatArray, y: FloatArray, prior: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weighted ridge towards ``prior``, its strength chosen by the errors of each row left out of its own fit.

    Inverse of the normal matrix, coefficients, left-out errors and each row's variance by the fit over its own.
    """
    best: tuple[float, Any, Any, Any, Any] | None = None
    normal = (x * weights[:, None]).T @ x
    gap = y - x @ prior
    for ridge in _RIDGES:
        inverse = np.linalg.inv(normal + ridge * np.diag(np.diag(normal)))
        beta = prior + inverse @ (x.T @ (weights * gap))
        hat = np.minimum(weights * np.einsum("ij,jk,ik->i", x, inverse, x), 0.99)
        left_out = (y - x @ beta) / (1 - hat)
        loss = float((weights * left_out**2).sum())
        if best is None or loss < best[0]:
            best = (loss, inverse, beta, left_out, hat / (1 - hat))
    assert best is not None
    return best[1:]


def _by_day(
    values: FloatArray, row: int, controls: NDArray[np.intp], window: _Window, expected: float
) -> FloatArray:
    """The controls' days at the resource's level before; after, adding up to what is expected of it."""
    mix = values[controls].sum(axis=0)
    split, begins = window.before.stop - window.before.start, window.after.start - window.before.start
    before = mix * values[row, :split].sum() / max(mix[:split].sum(), 1e-9)
    after = mix * expected / max(mix[begins:].sum(), 1e-9)
    return np.concatenate([before[:split], after[split:]])
