"""Rankings against each other: how often one is wrongly found better, and what its judgement may know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from growth_pipelines.bench.statistics.logged_showings import showings
from growth_pipelines.bench.statistics.made_up_showings import made_up
from growth_pipelines.bench.statistics.rankings_compared import ERROR, passes
from growth_pipelines.feedback.gate import chosen_by, judged
from growth_pipelines.feedback.rankings import BY_WIN_RATES, UNLEARNT
from growth_pipelines.learning import UnusableLog, off_policy_difference


@pytest.mark.parametrize("rewards", ["binary", "skewed", "both ways"])
def test_of_rankings_worth_the_same_no_more_pass_than_is_meant(rewards: str) -> None:
    logs = 800
    spare = 2 * np.sqrt(ERROR * (1 - ERROR) / logs)
    same = passes(logs, rewards)
    assert 0.005 < same.more < ERROR + spare
    assert 0.005 < same.less < ERROR + spare


def test_a_ranking_that_brings_more_passes_and_is_never_found_worse() -> None:
    better = passes(200, "binary", more=0.2)
    assert better.more > 0.7
    assert better.less == 0


def test_what_came_later_changes_no_earlier_choice() -> None:
    log, signals = made_up(400, 5, apart=0.5)
    before = chosen_by(log, signals, BY_WIN_RATES)
    later = np.arange(400) >= 200
    turned = signals.assign(approved=np.where(later, 1 - signals["approved"], signals["approved"]))
    after = chosen_by(log, turned, BY_WIN_RATES)
    # The block that holds the 200th showing is learnt without itself.
    assert (before[:240] == after[:240]).all()
    assert (before[240:] != after[240:]).any()


def test_showings_that_share_an_outcome_count_once() -> None:
    log = showings(300, 6, steep=0.3)
    new, present = np.argmax(log.target, axis=1), np.zeros(300, dtype=int)
    once = off_policy_difference(log.action, log.reward, log.propensity, new, present, log.reward_model)
    rows = np.repeat(np.arange(300), 4)
    fourfold = (log.action[rows], log.reward[rows], log.propensity[rows], new[rows], present[rows])
    shared = off_policy_difference(*fourfold, log.reward_model[rows], outcome=rows)
    assert (shared.difference, shared.ci_low, shared.ci_high) == pytest.approx(
        (once.difference, once.ci_low, once.ci_high)
    )
    assert shared.effective_sample_size == pytest.approx(once.effective_sample_size)
    blind = off_policy_difference(*fourfold, log.reward_model[rows])
    assert blind.ci_high - blind.ci_low < 0.6 * (once.ci_high - once.ci_low)
    with pytest.raises(UnusableLog):
        off_policy_difference(*fourfold, log.reward_model[rows], outcome=[0, 1])


def test_a_ranking_compared_with_itself_differs_nowhere() -> None:
    log = showings(200, 7, steep=0.3)
    new = np.argmax(log.target, axis=1)
    found = off_policy_difference(log.action, log.reward, log.propensity, new, new, log.reward_model)
    assert (found.difference, found.ci_low, found.ci_high, found.differing) == (0, 0, 0, 0)
    assert not found.enough


def test_what_no_showing_tells_apart_is_not_known_to_be_worth_the_same() -> None:
    log = showings(200, 8, steep=0.3)
    new, present = (log.action + 1) % 5, (log.action + 2) % 5
    found = off_policy_difference(log.action, log.reward, log.propensity, new, present, log.reward_model)
    assert np.isnan([found.difference, found.baseline]).all()
    assert (found.ci_low, found.ci_high, found.differing) == (-np.inf, np.inf, 200)
    assert not found.enough
    new[0] = log.action[0]
    once = off_policy_difference(log.action, log.reward, log.propensity, new, present, log.reward_model)
    assert np.isfinite(once.difference)
    assert (once.ci_low, once.ci_high) == (-np.inf, np.inf)
    new[1:40] = log.action[1:40]
    shared = off_policy_difference(
        log.action, log.reward, log.propensity, new, present, log.reward_model, outcome=np.r_[np.zeros(40), 1:161]
    )
    assert (shared.ci_low, shared.ci_high) == (-np.inf, np.inf)


def test_the_gate_names_no_figures_of_what_the_showings_do_not_tell() -> None:
    log, signals = made_up(100, 9)
    new = chosen_by(log, signals[:0], BY_WIN_RATES)
    other = replace(log, action=(new + 1) % 3)
    found = judged(other, signals[:0], BY_WIN_RATES, UNLEARNT, (new + 2) % 3)
    assert (found.value, found.low, found.high, found.present) == (None, None, None, None)
    assert not found.passed
    assert found.why.startswith("The showings are worth 0 ")
