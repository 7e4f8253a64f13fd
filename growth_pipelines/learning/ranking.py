"""The order of proposals: how likely each is approved × what it then brings, learnt from both.

Approval is no value: a model of approvals alone ranks no better than never learning. So there are two: P(approve),
from every decision, and E[outcome | done], from what was measured of approved actions only. What is drawn from
their posteriors (Thompson sampling) is ranked by the product, so that what is uncertain has its turn. What nobody
looked at was not refused: how often each place of the list is looked at is learnt too. Outcomes start from the
estimates, and leave them as far as what is measured says. Decisions fade with a half-life of 30 rounds, as tastes
shift; outcomes, of which there are fewer, with one of 60.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.learning.features import Features, FloatArray
from growth_pipelines.learning.regression import Coefficients, linear, logistic

if TYPE_CHECKING:
    import pandas as pd

HALF_LIFE = 30.0
OUTCOME_HALF_LIFE = 60.0
SPREAD = 0.2
# Fewer say nothing that the estimates themselves do not say.
_LEAST_DECISIONS, _LEAST_OUTCOMES = 3, 3
YES = frozenset(
    {"approve", "approved", "approve_with_edits", "edited", "accepted", "executed", "measured", "true", "yes"}
)
NO = frozenset({"reject", "rejected", "request_changes", "changes_requested", "declined", "false", "no"})


@dataclass(frozen=True, eq=False)
class Expectation:
    """Of each candidate: ``approval`` (a probability), ``outcome`` if done (the outcomes' unit)."""

    approval: FloatArray
    outcome: FloatArray

    @property
    def value(self) -> FloatArray:
        return self.approval * self.outcome


def rank(
    history: pd.DataFrame, candidates: pd.DataFrame, k: int, seed: int, *, spread: float = SPREAD
) -> list[Any]:
    """The ids of the ``k`` candidates to show, best first; one Thompson draw with ``seed``.

    ``candidates``: id, action_type, predicted_impact (any unit, the same for all), effort, traffic, position (of
    the page in search), confidence (0 to 1). ``history`` has these columns and round (a number that grows),
    decision (approved, rejected; what is neither is not learnt from) and outcome, missing until measured; it may
    be empty. Where it has a column ``place`` (in the list that was shown, 0 first; missing if not known), what was
    overlooked there is told from what was refused. ``spread`` multiplies the posteriors' standard deviations: 0
    explores nothing. Raises KeyError for a missing column, ValueError where an id occurs twice.
    """
    if (repeated := candidates["id"].duplicated()).any():
        raise ValueError(f"{candidates['id'][repeated].iloc[0]!r} occurs twice: give each id once")
    expected = expectations(history, candidates, np.random.default_rng(seed), spread)
    order = np.lexsort((np.arange(len(candidates)), -_static(candidates), -expected.value))
    return list(candidates["id"].iloc[order[: max(0, k)]])


def expectations(
    history: pd.DataFrame, candidates: pd.DataFrame, rng: np.random.Generator | None = None, spread: float = 0.0
) -> Expectation:
    """What the two models say of the candidates; with ``rng`` one draw, else their means."""
    import pandas as pd

    columns = ["action_type", "predicted_impact", "effort", "traffic", "position", "confidence"]
    known = pd.concat([history[columns], candidates[columns]], ignore_index=True) if len(history) else candidates
    features = Features(known)
    rows = features.of(candidates)
    if not len(history):
        return Expectation(np.ones(len(candidates)), _static(candidates))
    past, approved = features.of(history), approvals(history["decision"])
    age = _ages(history["round"])
    outcome = history["outcome"].to_numpy(dtype=float, na_value=np.nan)

    def drawn(coefficients: Coefficients) -> FloatArray:
        one = coefficients.mean if rng is None else coefficients.draw(rng, spread)
        said: FloatArray = rows @ one
        return said

    approval = np.ones(len(candidates))
    judged = np.isfinite(approved)
    if judged.sum() >= _LEAST_DECISIONS:
        weights = 0.5 ** (age[judged] / HALF_LIFE)
        odds = drawn(logistic(past[judged], approved[judged], weights, features.blocks, _places(history[judged])))
        approval = 1 / (1 + np.exp(-np.clip(odds, -20, 20)))
    measured = (approved == 1) & np.isfinite(outcome)
    if measured.sum() < _LEAST_OUTCOMES or outcome[measured].std() == 0:
        return Expectation(approval, _static(candidates))
    weights = 0.5 ** (age[measured] / OUTCOME_HALF_LIFE)
    level, unit = float(np.average(outcome[measured], weights=weights)), float(outcome[measured].std())
    brought = (outcome[measured] - level) / unit
    said = drawn(linear(past[measured], brought, weights, features.blocks, features.believed))
    return Expectation(approval, level + unit * said)


def approvals(decisions: pd.Series) -> FloatArray:
    """1 approved, 0 refused, NaN neither; words or numbers."""
    said = decisions.astype(str).str.lower().str.strip()
    found = np.full(len(said), np.nan)
    found[said.isin(YES | {"1", "1.0"}).to_numpy()] = 1.0
    found[said.isin(NO | {"0", "0.0"}).to_numpy()] = 0.0
    return found


def _ages(rounds: pd.Series) -> FloatArray:
    values = rounds.to_numpy(dtype=float)
    ages: FloatArray = values.max() - values
    return ages


def _places(history: pd.DataFrame) -> FloatArray | None:
    return history["place"].to_numpy(dtype=float, na_value=np.nan) if "place" in history else None


def _static(candidates: pd.DataFrame) -> FloatArray:
    """What is believed without any history: impact × confidence."""
    impact = candidates["predicted_impact"].to_numpy(dtype=float, na_value=0.0)
    believed: FloatArray = impact * candidates["confidence"].to_numpy(dtype=float, na_value=0.0)
    return believed
