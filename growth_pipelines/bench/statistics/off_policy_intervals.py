"""How often off-policy intervals hold a truth that is known, and on which side they miss it."""

from __future__ import annotations

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.logged_showings import showings
from growth_pipelines.learning import OffPolicyValue, off_policy_value
from growth_pipelines.learning.features import FloatArray

# Name, how far the logging policy prefers some items, whether rewards are yes or no (else amounts).
SETTINGS = (
    ("approvals, showings at random", 0.0, True),
    ("approvals, showings that prefer", 0.8, True),
    ("skewed amounts, showings at random", 0.0, False),
    ("skewed amounts, showings that prefer", 0.8, False),
)
# A log is read in a thousandth of a second, so each run reads several.
LOGS_A_RUN = 5


def coverage(runs: int, rows: int = 700) -> list[Figure]:
    """From 5 × ``runs`` logs of each setting; where weights are too heavy it is printed, and flagged."""
    logs = LOGS_A_RUN * runs
    # Within the range asked for, and the simulation's own error.
    spare = 2 * float(np.sqrt(0.95 * 0.05 / logs))
    found = []
    for name, steep, binary in SETTINGS:
        read = np.array([_sides(*_valued(rows, seed, steep, binary)) for seed in range(logs)])
        below, above = read.mean(axis=0)
        found += [
            Figure(f"{estimate} coverage: {name}", 1 - below[at] - above[at], 0.93 - spare, 0.97 + spare)
            for at, estimate in enumerate(("DR", "IPS", "SNIPS"))
        ]
        found += [
            Figure(f"DR, {name}: truth below the interval", below[0]),
            Figure(f"DR, {name}: truth above it", above[0]),
        ]
    heavy = [_valued(rows, seed, 2.0, True) for seed in range(runs)]
    held = [value.ci_low <= truth <= value.ci_high for value, truth in heavy]
    return [
        *found,
        Figure("DR coverage: heavy weights", float(np.mean(held))),
        Figure("heavy weights: flagged as not enough", float(np.mean([not one.enough for one, _ in heavy])), 0.5),
    ]


def _valued(rows: int, seed: int, steep: float, binary: bool) -> tuple[OffPolicyValue, float]:
    log = showings(rows, seed, steep=steep, binary=binary)
    return off_policy_value(log.action, log.reward, log.propensity, log.target, log.reward_model), log.truth


def _sides(value: OffPolicyValue, truth: float) -> FloatArray:
    """(2, 3): whether the truth lies below and above the intervals of DR, IPS and SNIPS."""
    ends = np.array([(value.ci_low, value.ci_high), value.ips_interval, value.snips_interval])
    return np.array([truth < ends[:, 0], truth > ends[:, 1]], dtype=float)
