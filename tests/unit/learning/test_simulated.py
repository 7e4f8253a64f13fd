"""What learning promises holds in worlds of which the truth is known (``growth bench statistics``)."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics import learning
from growth_pipelines.bench.statistics.made_up_operators import WORLDS


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS[:1], ids=lambda world: world.name)
def test_regret_stays_below_both_linear_bandits_and_a_third_of_random(world) -> None:  # type: ignore[no-untyped-def]
    assert not [one for one in learning.regrets(world, range(2)) if not one.met]


def test_forty_rounds_already_miss_far_less_than_random_does() -> None:
    missed = [
        np.mean([learning.cumulative_regret(WORLDS[0], seed, choose, rounds=40) for seed in (0, 1)])
        for choose in (learning._learnt, learning._at_random)
    ]
    assert missed[0] < 0.5 * missed[1]


def test_intervals_of_the_doubly_robust_estimate_hold_the_truth_as_often_as_they_say() -> None:
    assert not [one for one in learning.coverage(250) if not one.met]
