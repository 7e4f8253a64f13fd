"""The scan for steps: right algebra, an honest p-value for the best of all dates, no step seen in a drift."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.made_up_series import wandering
from growth_pipelines.monitoring.step_scan import design, scan_steps
from growth_pipelines.monitoring.toeplitz import toeplitz_inverses


def test_inverses_and_determinants_are_those_of_the_dense_matrices() -> None:
    lag = np.arange(50)
    covariances = np.array([0.7 * rho**lag + 0.3 * (lag == 0) for rho in (0.0, 0.5, 0.98)])
    inverses, determinants = toeplitz_inverses(covariances)
    dense = covariances[:, np.abs(lag[:, None] - lag[None, :])]
    np.testing.assert_allclose(inverses, np.linalg.inv(dense), atol=1e-9)
    np.testing.assert_allclose(determinants, np.linalg.slogdet(dense)[1])


def test_a_constant_added_changes_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(3, 100))
    one, two = scan_steps(values), scan_steps(values + 1_000)
    np.testing.assert_allclose(one.z, two.z, atol=1e-6)
    assert (design(100).norm > 0).all()


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.015), (0.6, 0.02), (0.9, 0.04)])
def test_the_p_value_is_for_the_best_of_all_dates(rho: float, most: float) -> None:
    """Where drift is strong and not known, p = 0.01 is exceeded up to three times as often."""
    rng = np.random.default_rng(2)
    quiet = np.array([wandering(rng, 150, rho, 1.0) + 0.3 * rng.normal(size=150) for _ in range(600)])
    p_values = np.concatenate([scan_steps(part).p_value for part in np.split(quiet, 12)])
    assert np.mean(p_values <= 0.01) <= most


def test_step_error_and_date_are_those_that_were_made() -> None:
    rng = np.random.default_rng(3)
    steps = np.where(np.arange(160) >= 110, 1.5, 0.0)
    scan = scan_steps(steps + rng.normal(0, 1, (200, 160)))
    clear = scan.p_value < 0.01
    assert clear.mean() > 0.9
    assert np.mean(np.abs(scan.step - 1.5) < 1.96 * scan.error) > 0.85
    dated = np.cumsum(scan.date_weight, axis=1)
    at = int(np.flatnonzero(scan.candidates == 110)[0])
    inside = (dated[:, at] >= 0.025) & (dated[:, at - 1] <= 0.975)
    assert inside[clear].mean() > 0.88
