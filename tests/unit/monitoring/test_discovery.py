"""False-discovery control agrees with SciPy's; the robust spread finds what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from growth_pipelines.monitoring.discovery import adjusted_p_values, excess_dispersion, robust_scale


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_values_are_those_of_scipy(seed: int) -> None:
    p_values = np.random.default_rng(seed).uniform(0, 1, 50) ** 2
    assert adjusted_p_values(p_values) == pytest.approx(false_discovery_control(p_values))


def test_missing_p_values_are_not_counted() -> None:
    assert adjusted_p_values(np.array([0.01, np.nan, 0.5]))[0] == pytest.approx(0.02)
    assert np.isnan(adjusted_p_values(np.array([0.01, np.nan]))[1])


def test_false_discoveries_stay_under_their_rate_when_nothing_is_true() -> None:
    rng = np.random.default_rng(1)
    hits = sum((adjusted_p_values(rng.uniform(0, 1, 300)) <= 0.05).any() for _ in range(400))
    assert hits / 400 < 0.08


@pytest.mark.parametrize("tau", [0.0, 0.1, 0.4])
def test_spread_beyond_chance_is_found_although_a_tenth_is_far_off(tau: float) -> None:
    rng = np.random.default_rng(2)
    variance = rng.uniform(0.001, 0.02, 2000)
    deviation = rng.normal(0, np.sqrt(variance + tau**2))
    deviation[:200] -= 1.5
    assert excess_dispersion(deviation, variance) == pytest.approx(tau, rel=0.2, abs=0.06)


def test_the_robust_scale_of_normal_values_is_their_standard_deviation() -> None:
    assert robust_scale(np.random.default_rng(3).normal(5, 2, 20_000)) == pytest.approx(2, rel=0.03)
    assert np.isnan(robust_scale(np.array([np.nan])))
