"""A score from 0 to 100 and a grade from A to F for each source, of five parts:

    score = 100 · Σ weight · part / Σ weight        over the parts that are known
    part  = ½ · mean + ½ · worst                    over what is judged of the source
    judged (completeness, validity, uniqueness)  = 1 - min(1, share of rows that break it / 5 %)
    judged (volume: what is compared with the past) = 1 if usual, else 0
    judged (freshness) = 1 within a stream's objective, falling to 0 at four times it

Half is the worst, because a mean over a hundred columns would hide that one of them is empty. At 5 % broken rows
nothing is left: sums of such a column are wrong by more than most decisions are about. A source with a broken
contract gets 59 at most: readers do not get its new data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from growth_pipelines.quality.outcomes import Outcome

# Wrong data first, then late and incomplete ones; keys twice are rare and block by themselves, and an unusual day
# is a hint only.
WEIGHTS = {"freshness": 0.25, "completeness": 0.2, "validity": 0.3, "uniqueness": 0.15, "volume": 0.1}
SERIOUS = 0.05
LATEST = 4.0
BLOCKED_AT_MOST = 59
GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F"))
_PART_OF = {"distribution": "volume"}


@dataclass(frozen=True)
class Score:
    """``parts`` are 0 to 1, only those that are known; ``blocked``: a contract of the source is broken."""

    score: int
    grade: str
    parts: Mapping[str, float]
    blocked: bool


def score_of(outcomes: Sequence[Outcome], lags: Sequence[tuple[float, float]]) -> Score:
    """The score of one source from its outcomes and its streams' ``(lag, objective)`` in seconds."""
    judged: dict[str, list[float]] = {name: [] for name in WEIGHTS}
    judged["freshness"] = [_freshness(lag, objective) for lag, objective in lags]
    for one in outcomes:
        judged[_PART_OF.get(one.dimension, one.dimension)].append(_judged(one))
    parts = {name: (sum(values) / len(values) + min(values)) / 2 for name, values in judged.items() if values}
    weight = sum(WEIGHTS[name] for name in parts)
    score = round(100 * sum(WEIGHTS[name] * part for name, part in parts.items()) / weight) if weight else 0
    blocked = any(one.blocks for one in outcomes)
    score = min(score, BLOCKED_AT_MOST) if blocked else score
    return Score(score, grade(score), parts, blocked)


def grade(score: int) -> str:
    return next(letter for least, letter in GRADES if score >= least)


def _freshness(lag: float, objective: float) -> float:
    return max(0.0, min(1.0, (LATEST - lag / objective) / (LATEST - 1)))


def _judged(one: Outcome) -> float:
    if one.passed:
        return 1.0
    if not one.checked:
        return 0.0
    return 1 - min(1.0, one.unexpected / one.checked / SERIOUS)
