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
# What is known of a proposal before anybody decides about it.
COLUMNS = ["action_type", "predicted_impact", "effort", "traffic", "position", "confidence"]
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

    known = pd.concat([history[COLUMNS], candidates[COLUMNS]], ignore_index=True) if len(history) else candidates
    return fitted(history, Features(known)).of(candidates, rng, spread)


@dataclass(frozen=True, eq=False)
class Expecting:
    """The two models, learnt once and asked of any proposals; one that too little is known for is None.

    The outcomes' model speaks in ``unit`` from ``level`` on.
    """

    features: Features
    approval: Coefficients | None = None
    outcome: Coefficients | None = None
    level: float = 0.0
    unit: float = 1.0

    def of(
        self, candidates: pd.DataFrame, rng: np.random.Generator | None = None, spread: float = 0.0
    ) -> Expectation:
        """Of ``candidates`` as for :func:`rank`; with ``rng`` one draw, else the models' means."""
        rows = self.features.of(candidates)

        def said(model: Coefficients) -> FloatArray:
            found: FloatArray = rows @ (model.mean if rng is None else model.draw(rng, spread))
            return found

        approval = np.ones(len(candidates))
        if self.approval is not None:
            approval = 1 / (1 + np.exp(-np.clip(said(self.approval), -20, 20)))
        if self.outcome is None:
            return Expectation(approval, _static(candidates))
        return Expectation(approval, self.level + self.unit * said(self.outcome))


def fitted(history: pd.DataFrame, features: Features) -> Expecting:
    """The models that ``history`` (as for :func:`rank`) teaches, of proposals as ``features`` sees them."""
    if not len(history):
        return Expecting(features)
    past, approved = features.of(history), approvals(history["decision"])
    age = _ages(history["round"])
    judged = np.isfinite(approved)
    approval = None
    if judged.sum() >= _LEAST_DECISIONS:
        weights, places = 0.5 ** (age[judged] / HALF_LIFE), _places(history)
        shown = None if places is None else places[judged]
        approval = logistic(past[judged], approved[judged], weights, features.blocks, shown)
    outcome = history["outcome"].to_numpy(dtype=float, na_value=np.nan)
    measured = (approved == 1) & np.isfinite(outcome)
    if measured.sum() < _LEAST_OUTCOMES or outcome[measured].std() == 0:
        return Expecting(features, approval)
    weights = 0.5 ** (age[measured] / OUTCOME_HALF_LIFE)
    level, unit = float(np.average(outcome[measured], weights=weights)), float(outcome[measured].std())
    brought = (outcome[measured] - level) / unit
    brings = linear(past[measured], brought, weights, features.blocks, features.believed)
    return Expecting(features, approval, brings, level, unit)


def approvals(decisions: pd.Series) -> FloatArray:
    """1 approved, 0 refused, NaN neither; words or numbers."""
    codes, words = decisions.factorize(use_na_sentinel=False)
    return np.array([_approval(str(word).lower().strip()) for word in words], dtype=float)[codes]


def _approval(said: str) -> float:
    if said in YES or said in ("1", "1.0"):
        return 1.0
    return 0.0 if said in NO or said in ("0", "0.0") else np.nan


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
