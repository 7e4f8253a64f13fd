"""The effect of one action on one resource: what it got, less what untouched resources say it would have got.

The expectation is a regression over matched untouched resources: their days of the horizon on their own last
week, the three weeks before it and the rest before, besides a constant. So it learns from them how much of a
spike lasts and of a trend goes on (regression to the mean), and the season is theirs, because days are compared
in whole weeks. The interval is conformal (Lei et al. 2018, "Distribution-free predictive inference for
regression"; Vovk, Gammerman & Shafer 2005): the effects that would be seen on the untouched ones, each left out
of its own fit, are what chance does. It presumes that the resource moves as its matches do, not any distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.outcomes.panel import FloatArray, Panel

HORIZONS = (7, 14, 28)
# The interval is an order statistic of the controls' errors: it needs 20, and some more for what is fitted.
LEAST_CONTROLS, _MOST_CONTROLS = 30, 120
LEAST_DAYS_BEFORE, _MOST_DAYS_BEFORE = 28, 84
# A match has at most this many times the traffic, or this many times less.
_CALIPER = 10.0
_LEVEL = 0.95
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True)
class Skipped:
    """Not measured, and why, in words; not an effect of 0. ``final``: waiting will not change it."""

    reason: str
    final: bool = False


@dataclass(frozen=True, eq=False)
class Effect:
    """``observed`` less ``counterfactual`` over the horizon, with its 95 % interval; all in the metric's unit.

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
    found_effect = _against(features, after)
    if isinstance(found_effect, Skipped):
        return found_effect
    expected, low, high, shared = found_effect
    counted = panel.values[rows, window.all]
    chance = _by_chance(float(after[0]), expected, float(counted[counted > 0].min()))
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


def _against(features: FloatArray, after: FloatArray) -> tuple[float, float, float, float] | Skipped:
    """Row 0 against the others: expectation, the effect's interval, the fit's share of its standard error."""
    x, y = features[1:], after[1:]
    if not y.sum() > 0:
        return Skipped("The untouched ones got nothing at all in these days.")
    level = x[:, :3].mean(axis=1)
    prior = y.sum() / level.sum() * np.array([1 / 3, 1 / 3, 1 / 3, 0.0])
    floor = 0.05 * float(level.mean())
    spread = (0.5, 0.5)
    for _ in range(3):
        weights = 1 / _variance(np.maximum(x @ prior, floor), *spread)
        inverse, beta, left_out, leverage = _fit(x, y, prior, weights)
        expected = np.maximum(y - left_out, floor)
        spread = _spread(left_out**2 / (1 + leverage), expected)
    errors = (_stable(y, *spread) - _stable(np.maximum(y - left_out, floor), *spread)) / np.sqrt(1 + leverage)
    counterfactual = max(float(features[0] @ beta), floor)
    noise = float(_variance(np.array([counterfactual]), *spread)[0])
    own = float(features[0] @ inverse @ features[0]) / noise
    below, above = (reach * math.sqrt(1 + own) for reach in _reach(errors))
    place = _stable(np.array([counterfactual]), *spread)
    least, most = _unstable(place - below, *spread), _unstable(place + above, *spread)
    low, high = _ends(float(after[0]), counterfactual, (counterfactual - least, most - counterfactual), spread)
    return counterfactual, low, high, math.sqrt(own * noise)


def _ends(
    observed: float, expected: float, reach: tuple[float, float], spread: tuple[float, float]
) -> tuple[float, float]:
    """The effects Δ for which ``observed`` is as near to expected + Δ as ``reach`` (below, above) allows.

    ``reach`` is that without an effect. With one, the counting noise is that of the values there are then, while
    the level without the action is as uncertain as ever: variance φ·(μ + Δ) + τ²·μ².
    """
    counting, moving = spread[0], spread[1] * expected**2
    gain = observed - expected

    def end(far: float, side: int) -> float:
        share = far**2 / (counting * expected + moving)
        half = observed + share * counting / 2
        root = math.sqrt(max(half**2 - observed**2 + share * moving, 0.0))
        return half + side * root - expected

    return min(max(end(reach[1], -1), -expected), gain), max(end(reach[0], 1), gain)


def _by_chance(observed: float, expected: float, grain: float) -> tuple[float, float]:
    """The effects that counting alone can't tell apart: the exact interval of a Poisson mean (Garwood 1936).

    ``grain`` is the least that comes at once: a click, an order, the price of a cheap one. The controls' errors
    are those of all of them together, so by themselves they would have a page that expects two orders and gets
    none be worse for certain.
    """
    from scipy.special import gammaincinv

    count, tail = observed / grain, (1 - _LEVEL) / 2
    least = float(gammaincinv(count, tail)) if count > 0 else 0.0
    return grain * least - expected, grain * float(gammaincinv(count + 1, 1 - tail)) - expected


def _reach(errors: FloatArray) -> tuple[float, float]:
    """How far below and above their expectation 95 % of the controls come, the next one counted in."""
    inside = math.ceil((errors.size + 1) * (1 + _LEVEL) / 2)
    if inside > errors.size:
        # Too few for each side by itself.
        rank = min(math.ceil((errors.size + 1) * _LEVEL), errors.size)
        both = float(np.sort(np.abs(errors))[rank - 1])
        return both, both
    ordered = np.sort(errors)
    return max(float(-ordered[errors.size - inside]), 0.0), max(float(ordered[inside - 1]), 0.0)


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


def _spread(squares: FloatArray, expected: FloatArray) -> tuple[float, float]:
    """φ and τ² of the variance φ·μ + τ²·μ² (counting noise, and levels that move), both ≥ 0."""
    from scipy.optimize import nnls

    design = np.column_stack([1 / expected, np.ones_like(expected)])
    (counting, moving), _ = nnls(design, squares / expected**2)
    least = 1e-9 * float(expected.mean())
    return max(float(counting), least), max(float(moving), 1e-9)


def _variance(expected: FloatArray, counting: float, moving: float) -> FloatArray:
    return counting * expected + moving * expected**2


def _stable(values: FloatArray, counting: float, moving: float) -> FloatArray:
    """Values on the scale on which their noise has variance 1 (Anscombe 1948): between a root and a logarithm."""
    scaled: FloatArray = 2 / math.sqrt(moving) * np.arcsinh(np.sqrt(np.maximum(values, 0) * moving / counting))
    return scaled


def _unstable(scaled: FloatArray, counting: float, moving: float) -> float:
    """The value at a place of that scale; below 0 the scale goes on as its mirror image, so that a reach that no
    count can use up is not cut short."""
    root = float(np.sinh(scaled[0] * math.sqrt(moving) / 2))
    return math.copysign(counting / moving * root**2, root)


def _by_day(
    values: FloatArray, row: int, controls: NDArray[np.intp], window: _Window, expected: float
) -> FloatArray:
    """The controls' days at the resource's level before; after, adding up to what is expected of it."""
    mix = values[controls].sum(axis=0)
    split, begins = window.before.stop - window.before.start, window.after.start - window.before.start
    before = mix * values[row, :split].sum() / max(mix[:split].sum(), 1e-9)
    after = mix * expected / max(mix[begins:].sum(), 1e-9)
    return np.concatenate([before[:split], after[split:]])
