"""Learning: regret beside two linear bandits and what could be reached, corrected scores, off policy, the gate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from growth_pipelines.bench.statistics.bandits import LinearBandit
from growth_pipelines.bench.statistics.corrected_scores import corrected
from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.informed_policies import Informed
from growth_pipelines.bench.statistics.made_up_operators import ROUNDS, SHOWN, WORLDS, Log, Operators, World
from growth_pipelines.bench.statistics.off_policy_intervals import coverage
from growth_pipelines.bench.statistics.queue_rankings import Chooses, chooses
from growth_pipelines.bench.statistics.rankings_compared import compared
from growth_pipelines.feedback.rankings import CHAINED, EXPECTED_VALUE
from growth_pipelines.learning import rank

# (width, half-life in rounds): the best on other seeds of widths from 0.1 to 0.6, with and without forgetting. The
# best of each family in each world, in hindsight, is what ours is held against.
TUNED = ((0.1, 30.0), (0.1, 60.0), (0.3, None))
RIVALS: dict[str, tuple[LinearBandit, ...]] = {
    name: tuple(LinearBandit(draws, width, ridge=1.0, half_life=half_life) for width, half_life in TUNED)
    for name, draws in (("LinUCB", False), ("linear Thompson sampling", True))
}


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """All of them; a world is played ``runs`` ÷ 25 times (by the queue ÷ 75; at least once).

    Of logs 5 × ``runs`` are read.
    """
    found: list[Figure] = []
    for world in WORLDS:
        tell(f"{ROUNDS} rounds where {world.name}")
        for of_world in (regrets, reached):
            found += of_world(world, range(max(1, runs // 25)))
        found += queue_regrets(world, range(max(1, runs // 75)))
    tell("shops whose confidences and estimates are off")
    found += corrected(max(4, runs // 15))
    tell("logs of showings")
    found += coverage(runs)
    tell("rankings that are worth the same, and better ones")
    return found + compared(runs)


def regrets(world: World, seeds: range) -> list[Figure]:
    """Cumulative regret after 120 rounds as a share of random's, means over ``seeds``."""
    random = _mean_regret(world, seeds, _at_random)
    ours = _mean_regret(world, seeds, _learnt) / random
    rivals = {
        name: min(_mean_regret(world, seeds, _of(rival)) for rival in family) / random
        for name, family in RIVALS.items()
    }
    found = [Figure(f"{world.name}: regret ÷ random's", ours, most=0.3)]
    for name, regret in rivals.items():
        found += [
            Figure(f"{world.name}: {name}'s, the best of {len(TUNED)}", regret),
            Figure(f"{world.name}: regret ÷ {name}'s", ours / regret, most=1.0),
        ]
    return found


def reached(world: World, seeds: range) -> list[Figure]:
    """The same of who knows how the world was drawn; printed beside, without a limit."""
    random = _mean_regret(world, seeds, _at_random)
    missed = float(np.mean([cumulative_regret(world, seed, Informed(world).choose) for seed in seeds]))
    return [Figure(f"{world.name}: regret ÷ random's of who knows how it was drawn", missed / random)]


def queue_regrets(world: World, seeds: range) -> list[Figure]:
    """The same of the queue's own rankings; printed beside, without a limit."""
    random = _mean_regret(world, seeds, _at_random)
    return [
        Figure(f"{world.name}: regret ÷ random's of {name}", _mean_regret(world, seeds, choose) / random)
        for name, choose in (
            ("the queue's present ranking", chooses(CHAINED, world)),
            ("the queue's ranking by expected value", chooses(EXPECTED_VALUE, world)),
        )
    ]


def cumulative_regret(world: World, seed: int, choose: Chooses, rounds: int = ROUNDS) -> float:
    """Expected reward missed over all rounds; outcomes are in the history once the world's lag is over."""
    operators, missed, log = Operators(world, seed), 0.0, Log(rounds)
    for now in range(rounds):
        candidates = operators.propose()
        shown = choose(log.history(now - world.lag), candidates, now)
        approved, outcome, regret = operators.decide(shown)
        missed += regret
        log.add(candidates, shown, approved, outcome)
    return missed


def _mean_regret(world: World, seeds: range, choose: Chooses) -> float:
    return float(np.mean([cumulative_regret(world, seed, choose) for seed in seeds]))


def _at_random(history: pd.DataFrame, candidates: pd.DataFrame, now: int) -> np.ndarray:
    return np.random.default_rng(now).permutation(len(candidates))[:SHOWN]


def _learnt(history: pd.DataFrame, candidates: pd.DataFrame, now: int) -> np.ndarray:
    chosen = rank(history, candidates, SHOWN, 1_000 + now)
    return pd.Index(candidates["id"]).get_indexer(chosen)


def _of(rival: LinearBandit) -> Chooses:
    return lambda history, candidates, now: rival.rank(history, candidates, SHOWN, 1_000 + now)
