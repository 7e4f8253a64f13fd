"""What learning promises holds in worlds of which the truth is known (``growth bench statistics``)."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics import corrected_scores, learning, off_policy_intervals
from growth_pipelines.bench.statistics.informed_policies import Informed
from growth_pipelines.bench.statistics.made_up_operators import WORLDS
from growth_pipelines.bench.statistics.made_up_promises import SHOPS


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS[:1], ids=lambda world: world.name)
def test_regret_stays_below_both_linear_bandits_and_a_third_of_random(world) -> None:  # type: ignore[no-untyped-def]
    # Of two games one may go wrong for any of them.
    assert not [one for one in learning.regrets(world, range(6)) if not one.met]


@pytest.mark.slow
def test_late_outcomes_in_a_list_that_is_hardly_read_leave_regret_within_its_limit() -> None:
    """One game says little (from .17 to .48): the bench's 24."""
    ours, random = (
        learning._mean_regret(WORLDS[3], range(24), choose) for choose in (learning._learnt, learning._at_random)
    )
    assert ours <= 0.3 * random


def test_forty_rounds_already_miss_far_less_than_random_does() -> None:
    missed = [
        np.mean([learning.cumulative_regret(WORLDS[0], seed, choose, rounds=40) for seed in (0, 1)])
        for choose in (learning._learnt, learning._at_random)
    ]
    assert missed[0] < 0.5 * missed[1]


def test_off_policy_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert not [one for one in off_policy_intervals.coverage(80) if not one.met]


def test_who_knows_how_a_world_was_drawn_misses_less_than_the_ranking_does() -> None:
    informed, learnt = (
        sum(learning.cumulative_regret(WORLDS[3], seed, choose(), rounds=60) for seed in (0, 1))
        for choose in (lambda: Informed(WORLDS[3]).choose, lambda: learning._learnt)
    )
    assert 0 < informed < learnt


def test_corrected_confidences_come_nearer_the_truth_and_no_failure_counts_twice() -> None:
    mixed = corrected_scores.scored(SHOPS[3], range(3))
    assert mixed.off_after < 0.85 * mixed.off_before
    assert mixed.once["chained"] <= 1 < mixed.once["all three"]
    assert mixed.best["chained"] > mixed.best["all three"]


def test_where_all_is_as_promised_corrections_cost_next_to_nothing() -> None:
    honest = corrected_scores.scored(SHOPS[0], range(3))
    assert honest.off_after < 0.07
    assert honest.best["chained"] > 0.98
