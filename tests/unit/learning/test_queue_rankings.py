"""What the queue's own rankings miss where the truth is known (``growth bench statistics``)."""

from __future__ import annotations

import numpy as np

from growth_pipelines.bench.statistics import learning
from growth_pipelines.bench.statistics.made_up_operators import WORLDS
from growth_pipelines.bench.statistics.queue_rankings import chooses
from growth_pipelines.feedback.rankings import CHAINED, EXPECTED_VALUE


def test_where_pages_decide_what_an_action_brings_expecting_it_misses_less() -> None:
    missed = {
        version: np.mean(
            [learning.cumulative_regret(WORLDS[0], seed, chooses(version, WORLDS[0]), 50) for seed in (0, 1)]
        )
        for version in (CHAINED, EXPECTED_VALUE)
    }
    random = np.mean([learning.cumulative_regret(WORLDS[0], seed, learning._at_random, 50) for seed in (0, 1)])
    assert missed[EXPECTED_VALUE] < 0.9 * missed[CHAINED] < 0.9 * random
