"""Two arms as their sums grow day by day, of every metric; the true effect is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from growth_pipelines.experiments.arms import Arm, Metric

# True mean of a unit of control (a ratio's: of the ratio).
TRUE_MEANS: dict[Metric, float] = {"proportion": 0.08, "mean": 30.0, "ratio": 0.3, "cuped": 34.0}


def arms_over_time(
    metric: Metric, looks: int, units_a_look: int, lift: float, seed: int
) -> Iterator[tuple[Arm, Arm]]:
    """Control and treatment (its mean ``lift`` higher, relatively) at each look, from units drawn one by one."""
    rng = np.random.default_rng([seed, list(TRUE_MEANS).index(metric)])
    both = [_cumulated(_units(rng, metric, looks, units_a_look, arm * lift), units_a_look) for arm in (0, 1)]
    for look in range(looks):
        control, treatment = ({key: float(sums[look]) for key, sums in arm.items()} for arm in both)
        yield control, treatment


def _units(rng: np.random.Generator, metric: Metric, looks: int, units: int, lift: float) -> dict[str, np.ndarray]:
    shape, level = (looks, units), TRUE_MEANS[metric] * (1 + lift)
    if metric == "proportion":
        return {"x": (rng.random(shape) < level).astype(float)}
    if metric == "mean":
        return {"x": rng.exponential(level, shape)}
    if metric == "ratio":
        sessions = 1 + rng.poisson(1.5, shape)
        own = rng.beta(6, 6 / level - 6, shape)
        return {"x": rng.binomial(sessions, own).astype(float), "d": sessions.astype(float)}
    before = rng.gamma(2, 10, shape)
    return {"x": 0.7 * before + rng.normal(level - 14, 6, shape), "pre": before}


def _cumulated(units: dict[str, np.ndarray], units_a_look: int) -> dict[str, np.ndarray]:
    x = units["x"]
    daily = {"n": np.full(len(x), float(units_a_look)), "sum": x.sum(axis=1), "sum_squares": (x**2).sum(axis=1)}
    for name, prefix, product in (("d", "d_", "xd_sum"), ("pre", "pre_", "xpre_sum")):
        if name in units:
            other = units[name]
            daily[f"{prefix}sum"] = other.sum(axis=1)
            daily[f"{prefix}sum_squares"] = (other**2).sum(axis=1)
            daily[product] = (x * other).sum(axis=1)
    return {key: np.cumsum(values) for key, values in daily.items()}
