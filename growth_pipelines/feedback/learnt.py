"""What the signals and outcomes in the store add up to; nothing here is kept, all of it can be computed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.outcomes import FINAL_DAYS
from growth_pipelines.feedback.capture import edit_signals
from growth_pipelines.feedback.habits import known_habits
from growth_pipelines.learning import (
    ConfidenceCalibration,
    Drift,
    ImpactRatio,
    Preference,
    WinRate,
    chained,
    drift,
    reliability,
    win_rates,
)
from growth_pipelines.outcomes.classes import worked
from growth_pipelines.store.audit import newest
from growth_pipelines.store.tables import Action, ActionOutcome, FeedbackSignal, Showing

if TYPE_CHECKING:
    import pandas as pd

# Outcomes before which confidence, impact and ranking are printed as not known.
ENOUGH = 100
_LOOK_BACK = timedelta(days=730)
# Whatever changes known outcomes, or which habits are followed, is one of these events.
_CHANGED_BY = ("outcome_read", "task_done", "habit_followed", "habit_dropped")
_APPROVED = ("approve", "approve_with_edits")


@dataclass(frozen=True, eq=False)
class Learnt:
    """The state of knowledge; ``signals`` are what it rests on, with so many ``decisions`` and ``outcomes``.

    ``realised`` is by recommender what came of estimate × corrected confidence, "" being the shop's.
    """

    signals: pd.DataFrame
    decisions: int
    edits: int
    outcomes: int
    rates: tuple[WinRate, ...]
    calibration: ConfidenceCalibration
    reliability: tuple[dict[str, float], ...]
    realised: Mapping[str, ImpactRatio]
    preferences: tuple[tuple[Preference, bool], ...]
    approval_drift: Drift
    success_drift: Drift

    @property
    def unknown(self) -> list[str]:
        """What is not known yet, in plain sentences."""
        said = []
        if not self.decisions:
            said.append("Nothing is decided yet, so every kind of proposal counts the same.")
        if self.outcomes < ENOUGH:
            said.append(f"{self.outcomes} outcomes so far; judging confidence and estimates needs about {ENOUGH}.")
        if self.edits and not self.preferences:
            said.append(f"{self.edits} edited drafts so far; a habit counts from three alike.")
        return said


def learnt_rests_on(session: Session, now: datetime) -> tuple[Any, ...]:
    """While this is the same, what is ``learnt`` is, but for how much less an hour-old signal counts."""
    signals, shown = (select(func.count(one), func.max(one)) for one in (FeedbackSignal.at, Showing.at))
    return (
        now.replace(minute=0, second=0, microsecond=0),
        newest(session, _CHANGED_BY),
        tuple(session.execute(signals).one()),
        tuple(session.execute(shown).one()),
    )


def learnt(session: Session, now: datetime) -> Learnt:
    """Everything that is learnt, from what is in the store at ``now``."""
    signals = signal_frame(session, now)
    measured = signals[signals["succeeded"].notna()]
    decided = signals[signals["approved"].notna()].sort_values("at")
    edits = edit_signals(session, now)
    by_time = measured.sort_values("measured_at")
    corrected = chained(signals)
    return Learnt(
        signals=signals,
        decisions=len(decided),
        edits=len(edits),
        outcomes=len(measured),
        rates=tuple(win_rates(signals)),
        calibration=corrected.calibration,
        reliability=tuple(reliability(measured["confidence"], measured["succeeded"])),
        realised=corrected.realised,
        preferences=tuple(known_habits(session, edits)),
        approval_drift=drift(*_foreseen(decided["approved"].to_list())),
        success_drift=drift(by_time["succeeded"], by_time["confidence"]),
    )


def _foreseen(happened: list[float]) -> tuple[list[float], list[float]]:
    """Each decision beside the rate of all before it, the first 20 being what is learnt from."""
    total, expected = 1.0, []
    for place, value in enumerate(happened):
        expected.append(total / (place + 2))
        total += value
    return happened[20:], expected[20:]


def signal_frame(session: Session, now: datetime) -> pd.DataFrame:
    """One row an action that an operator decided about or whose outcome is final.

    recommender, subtype, change_type, confidence, at, age_days, approved, succeeded, measured_at, estimate,
    effect, effect_low, effect_high, revenue, ease, page_visits, page_position, place (in the list that was shown
    last before the decision, 0 first). Of several decisions about an action the last counts; policies' are no
    taste.
    """
    import pandas as pd

    decided = (
        select(
            Action.id,
            Action.recommender,
            Action.subtype,
            Action.diff,
            Action.confidence,
            Action.impact,
            Action.ease,
            Action.page_visits,
            Action.page_position,
            FeedbackSignal.at,
            FeedbackSignal.decision,
            FeedbackSignal.by_policy,
        )
        .join(FeedbackSignal, FeedbackSignal.action_id == Action.id)
        .where(
            FeedbackSignal.at > now - _LOOK_BACK, FeedbackSignal.decision.in_((*_APPROVED, "reject", "rollback"))
        )
        .order_by(FeedbackSignal.at)
    )
    outcomes = final_outcomes(session)
    last = {row.id: row for row in session.execute(decided)}
    places = _places(session, last.values(), now)
    rows = [_row(row, outcomes.get(row.id, {}), places.get(row.id), now) for row in last.values()]
    columns = (
        "action_id recommender subtype change_type confidence revenue at age_days approved succeeded measured_at "
        "estimate effect effect_low effect_high ease page_visits page_position place"
    )
    frame = pd.DataFrame(rows, columns=columns.split())
    numbers = columns.split()[7:10] + columns.split()[11:] + ["confidence", "revenue"]
    return frame.astype(dict.fromkeys(numbers, float))


def _places(session: Session, decided: Iterable[Any], now: datetime) -> dict[str, int]:
    """By action its place in the list that was shown last before it was decided."""
    decided_at = {row.id: row.at for row in decided}
    showings = select(Showing.at, Showing.shown).where(Showing.at > now - _LOOK_BACK).order_by(Showing.at)
    return {
        one["action_id"]: one["rank"] - 1
        for row in session.execute(showings)
        for one in row.shown
        if one["action_id"] in decided_at and row.at <= decided_at[one["action_id"]]
    }


def _row(row: Any, outcome: dict[str, Any], place: int | None, now: datetime) -> dict[str, Any]:
    did = worked(outcome.get("outcome_class"))
    approved = None if row.by_policy else float(row.decision in _APPROVED)
    if row.decision == "rollback":
        approved = 0.0
    return {
        "action_id": row.id,
        "recommender": row.recommender,
        "subtype": row.subtype,
        "change_type": row.diff[0].get("change_type", "change") if row.diff else "change",
        "confidence": row.confidence,
        "revenue": row.impact.get("revenue_28d", 0.0),
        "ease": row.ease,
        "page_visits": row.page_visits,
        "page_position": row.page_position,
        "place": place,
        "at": row.at,
        "age_days": (now - row.at).total_seconds() / 86_400,
        "approved": approved,
        "succeeded": None if did is None else float(did),
        "measured_at": str(outcome.get("measured_at", "")),
        **{name: outcome.get(name) for name in ("estimate", "effect", "effect_low", "effect_high")},
    }


def final_outcomes(session: Session) -> dict[str, dict[str, Any]]:
    """By action what was measured after 28 days of the metric that was promised, where that could be told."""
    names = ("action_id", "outcome_class", "measured_at", "effect", "effect_low", "effect_high", "estimate")
    wanted = select(*(getattr(ActionOutcome, name) for name in names)).where(
        ActionOutcome.horizon_days == FINAL_DAYS,
        ActionOutcome.is_promised,
        ActionOutcome.outcome_class.is_not(None),
    )
    return {row["action_id"]: dict(row) for row in session.execute(wanted).mappings()}
