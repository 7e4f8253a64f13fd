"""Off-policy evaluation: what each estimate is, what is refused, what is flagged."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.logged_showings import showings
from growth_pipelines.learning import UnusableLog, fit_policy, off_policy_value


def test_the_four_estimates_are_the_published_formulas() -> None:
    action, reward, shown = [0, 1, 1, 0], [1.0, 0.0, 2.0, 1.0], [0.5, 0.5, 0.25, 0.8]
    target, model = np.full((4, 2), 0.5), np.array([[1.0, 0.5]] * 4)
    weights = np.array([1.0, 1.0, 2.0, 0.625])
    value = off_policy_value(action, reward, shown, target, model)
    assert value.ips == pytest.approx((weights * reward).mean())
    assert value.snips == pytest.approx((weights * reward).sum() / weights.sum())
    assert value.dm == pytest.approx(0.75)
    assert value.dr == pytest.approx(0.75 + (weights * (np.array(reward) - [1.0, 0.5, 0.5, 1.0])).mean())
    assert value.ci_low < value.dr < value.ci_high
    assert value.ips_interval[0] < value.ips < value.ips_interval[1]
    assert value.snips_interval[0] < value.snips < value.snips_interval[1]


def test_the_policy_that_was_logged_is_valued_at_what_it_brought() -> None:
    log = showings(500, 1, steep=1.0)
    value = off_policy_value(log.action, log.reward, np.full(500, 1.0), log.action, np.zeros((500, 5)))
    assert value.ips == value.snips == value.dr == pytest.approx(log.reward.mean())
    assert value.effective_sample_size == pytest.approx(500)


def test_too_few_rows_or_one_heavy_weight_are_not_enough() -> None:
    few = showings(60, 2, steep=0.5)
    assert not off_policy_value(few.action, few.reward, few.propensity, few.target, few.reward_model).enough
    many = showings(900, 2, steep=0.0)
    assert off_policy_value(many.action, many.reward, many.propensity, many.target, many.reward_model).enough
    rare = many.propensity.copy()
    at = int(np.argmax(many.target[np.arange(900), many.action]))
    rare[at] = 1e-4
    assert not off_policy_value(many.action, many.reward, rare, many.target, many.reward_model).enough


@pytest.mark.parametrize(
    ("propensity", "target"),
    [([0.0, 0.5], [[0.5, 0.5]] * 2), ([1.2, 0.5], [[0.5, 0.5]] * 2), ([0.5, 0.5], [[0.5, 0.9]] * 2)],
)
def test_probabilities_that_are_none_are_refused(propensity: list[float], target: list[list[float]]) -> None:
    with pytest.raises(UnusableLog):
        off_policy_value([0, 1], [1.0, 0.0], propensity, target, [[0.5, 0.5]] * 2)


def test_a_policy_learnt_from_a_log_beats_the_policy_that_made_it() -> None:
    log = showings(3_000, 3, steep=0.5)
    policy = fit_policy(
        {"contexts": log.contexts, "action": log.action, "reward": log.reward, "propensity": log.propensity}
    )
    fresh = showings(3_000, 4, steep=0.0)
    shares = policy.probabilities(fresh.contexts, 5)
    assert shares.shape == (3_000, 5)
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares.min() > 0
    learnt = off_policy_value(
        fresh.action, fresh.reward, fresh.propensity, shares, policy.expected(fresh.contexts, 5)
    )
    assert learnt.ci_low > log.reward.mean()


def test_an_item_the_log_never_showed_keeps_a_share() -> None:
    log = showings(400, 5, steep=0.0)
    policy = fit_policy(
        {"contexts": log.contexts, "action": log.action, "reward": log.reward, "propensity": log.propensity}
    )
    shares = policy.probabilities(log.contexts, 7)
    assert shares.shape == (400, 7)
    assert (shares[:, 5:].mean(axis=0) > 0.001).all()


def test_of_a_target_that_the_log_never_shows_only_what_the_model_believes_is_told() -> None:
    target = np.tile([0.0, 0.5, 0.5], (500, 1))
    value = off_policy_value(np.zeros(500, int), np.ones(500), np.full(500, 0.5), target, np.full((500, 3), 0.2))
    assert np.isnan([value.ips, value.snips, value.dr]).all()
    assert value.dm == pytest.approx(0.2)
    assert {(value.ci_low, value.ci_high), value.ips_interval, value.snips_interval} == {(-np.inf, np.inf)}
    assert (value.effective_sample_size, value.enough) == (0, False)


@pytest.mark.parametrize("others", [0, 1, 499])
def test_of_one_row_that_shows_what_the_target_would_no_interval_is_known(others: int) -> None:
    action, rows = np.r_[2, np.zeros(others, int)], others + 1
    target = np.tile([0, 0, 1], (rows, 1))
    value = off_policy_value(action, np.ones(rows), np.full(rows, 0.5), target, np.full((rows, 3), 0.2))
    assert value.dr == pytest.approx(0.2 + 0.8 / 0.5 / rows)
    assert {(value.ci_low, value.ci_high), value.ips_interval, value.snips_interval} == {(-np.inf, np.inf)}
    assert not value.enough


def test_two_rows_that_show_it_have_an_interval() -> None:
    target, model = np.tile([0, 0, 1], (20, 1)), np.zeros((20, 3))
    value = off_policy_value(np.arange(20) // 9, np.arange(20), np.full(20, 0.5), target, model)
    assert -np.inf < value.ci_low < value.dr < value.ci_high < np.inf
