"""Rankings compared off policy, in logs where it is known which is worth more: how often the gate passes one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_showings import made_up
from growth_pipelines.feedback.gate import chosen_by, judged
from growth_pipelines.feedback.rankings import BY_WIN_RATES, UNLEARNT
from growth_pipelines.learning import OffPolicyDifference, off_policy_difference
from growth_pipelines.learning.features import FloatArray

# Half of what an interval of 95 % misses lies above.
ERROR = 0.025
ROWS, _ITEMS, _LOGS_A_RUN = 1_200, 4, 5


# Name, what rewards are, whose choices are always the ones least tried.
SETTINGS = (
    ("approvals", "binary", ""),
    ("amounts", "skewed", ""),
    ("gains and losses", "both ways", ""),
    ("amounts, the new one's choices seldom tried", "skewed", "new"),
    ("amounts, the present one's choices seldom tried", "skewed", "present"),
)


class Passed(NamedTuple):
    """Shares of the logs that are worth enough in which a ranking is found to bring more, and to bring less."""

    more: float
    less: float


def compared(runs: int) -> list[Figure]:
    """Fixed rankings (5 × ``runs`` logs), and rankings that learn from the log that judges them (``runs``).

    The gate asks one question, whether a ranking brings more; how often one is found worse is printed beside it.
    """
    logs, found = _LOGS_A_RUN * runs, []
    for name, rewards, rare in SETTINGS:
        same = passes(logs, rewards, rare=rare)
        found.append(Figure(f"gate, {name}: passes a ranking that is worth the same", same.more, most=_most(logs)))
        found.append(Figure(f"gate, {name}: finds it worth less", same.less))
    found.append(Figure("gate: passes one that wins 15 points more often", passes(logs, "binary", 0.15).more, 0.5))
    same, better = learnt(runs), learnt(max(1, runs // 4), apart=0.5)
    return [
        *found,
        Figure("gate, rankings that learn: passes one that is worth the same", same.more, most=_most(runs)),
        Figure("gate, rankings that learn: finds it worth less", same.less),
        Figure("gate, rankings that learn: passes one that is worth more", better.more),
    ]


def _most(logs: int) -> float:
    """A passed share above it is more than the error that is meant and the simulation's own, with 97.5 %."""
    return ERROR + 2 * float(np.sqrt(ERROR * (1 - ERROR) / logs))


def passes(logs: int, rewards: str, more: float = 0.0, rare: str = "") -> Passed:
    """Two fixed rankings that differ in every showing; what the new one shows wins ``more`` often."""
    return _shares([_difference(seed, rewards, more, rare) for seed in range(logs)])


def _shares(found: list[OffPolicyDifference]) -> Passed:
    enough = [one for one in found if one.enough]
    return Passed(
        float(np.mean([one.ci_low > 0 for one in enough])), float(np.mean([one.ci_high < 0 for one in enough]))
    )


def _difference(seed: int, rewards: str, more: float, rare: str) -> OffPolicyDifference:
    rng = np.random.default_rng([seed, 31])
    at = np.arange(ROWS)
    present = rng.integers(0, _ITEMS, ROWS)
    new = (present + rng.integers(1, _ITEMS, ROWS)) % _ITEMS
    chance = rng.uniform(0.2, 0.6, (ROWS, 1)) + np.zeros((1, _ITEMS))
    shares = rng.dirichlet(np.full(_ITEMS, 0.5), ROWS) * 0.9 + 0.1 / _ITEMS
    if rare:
        shares = np.sort(shares, axis=1)
        present, new = (np.full(ROWS, 0 if rare == whose else _ITEMS - 1) for whose in ("present", "new"))
    chance[at, new] += more
    action = (rng.random((ROWS, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, _ITEMS - 1)
    reward = _rewards(rng, chance[at, action], rewards)
    model = np.full((ROWS, _ITEMS), float(reward.mean()))
    return off_policy_difference(action, reward, shares[at, action], new, present, model)


def _rewards(rng: np.random.Generator, mean: FloatArray, rewards: str) -> FloatArray:
    if rewards == "binary":
        return (rng.random(ROWS) < mean).astype(float)
    amount: FloatArray = mean * rng.exponential(size=ROWS)
    return amount if rewards == "skewed" else 2 * amount * np.clip(rng.normal(0.5, 1, ROWS), -1, 2)


def learnt(logs: int, apart: float = 0.0, showings: int = 600) -> Passed:
    """The ranking by win-rates against the one that learns nothing; kinds' approvals lie up to ``apart`` apart."""
    passed, worse = [], []
    for seed in range(logs):
        log, signals = made_up(showings, seed, apart)
        found = judged(log, signals, BY_WIN_RATES, UNLEARNT, chosen_by(log, signals, UNLEARNT))
        passed.append(found.passed)
        worse.append(found.high is not None and found.high < 0)
    return Passed(float(np.mean(passed)), float(np.mean(worse)))
