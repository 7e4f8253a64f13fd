"""What the decisions in the store say of the texts that are drafted; templates that fail are paused here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.outcomes import FINAL_DAYS
from growth_pipelines.actions.submission import CHANNEL
from growth_pipelines.actions.template_pauses import (
    TemplateSwitch,
    pause_template,
    paused_templates,
    template_switches,
)
from growth_pipelines.content.attribution import Decided, standing, template_text
from growth_pipelines.content.monitors import (
    WEEK,
    DraftedText,
    TemplateRecord,
    TextQuality,
    template_records,
    text_quality,
)
from growth_pipelines.outcomes.classes import worked
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ActionOutcome, ApprovalRequest, AuditEvent

# Decisions that are older, or of more actions, say nothing of today's wording.
_LOOK_BACK, _MOST_ACTIONS = timedelta(days=365), 2000
_AT_ONCE = 500
_SAYS_ITS_TEMPLATES: ColumnElement[bool] = Action.draft["templates"].as_string().is_not(None)


def watch_templates(store: Store, now: datetime) -> frozenset[str]:
    """Pause the templates whose texts are rejected too often; the names of all that are paused."""
    with store.read() as session:
        paused = paused_templates(session)
        failing = [one for one in records_of(session, now) if one.fails and one.template not in paused]
    if failing:
        with store.session() as session:
            for one in failing:
                pause_template(session, one.template, decisions=one.decisions, rejected=one.rejected, now=now)
            paused = paused_templates(session)
    return paused


def records_of(session: Session, now: datetime) -> list[TemplateRecord]:
    """What was decided about each template's texts since an operator last resumed it."""
    resumed = {name: one.at for name, one in template_switches(session).items() if not one.paused}
    return template_records(_decided(session, now), resumed)


@dataclass(frozen=True)
class TemplateRow:
    """A template as people see it: its wording, what was decided, and since when it is paused (None: it writes).

    While it is paused, the decisions are those that it was paused for. Of the ``measured`` actions that say its
    text, whose outcome is known after 28 days, ``worked`` did what they were for.
    """

    template: str
    wording: str
    decisions: int
    rejected: int
    paused_at: datetime | None = None
    measured: int = 0
    worked: int = 0

    @property
    def worked_between(self) -> tuple[float, float]:
        """The 95 % interval of the share that works (Jeffreys)."""
        from scipy.special import betaincinv

        low, high = betaincinv(self.worked + 0.5, self.measured - self.worked + 0.5, [0.025, 0.975])
        return float(low), float(high)

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "paused_at": self.paused_at.isoformat() if self.paused_at else None}


def template_rows(session: Session, now: datetime) -> list[TemplateRow]:
    """The paused templates, then those that a decision says something of, most rejected first."""
    paused = {one.template: one for one in template_switches(session).values() if one.paused}
    records = [one for one in records_of(session, now) if one.template not in paused]
    records.sort(key=lambda one: (-one.share, one.template))
    found: list[tuple[TemplateSwitch | TemplateRecord, datetime | None]] = [
        *((one, one.at) for one in paused.values()),
        *((one, None) for one in records),
    ]
    outcomes = _outcomes(session, now)
    return [
        TemplateRow(
            one.template,
            template_text(one.template),
            one.decisions,
            one.rejected,
            since,
            measured=len(outcomes[one.template]),
            worked=sum(outcomes[one.template]),
        )
        for one, since in found
    ]


def quality_of_texts(session: Session, recommender: str, now: datetime) -> TextQuality:
    """The texts that a recommender drafted in the last seven days, against the seven before."""
    quality: ColumnElement[float] = Action.factors["text_quality"].as_float()
    rows = session.execute(
        select(Action.created_at, quality).where(
            Action.recommender == recommender,
            Action.created_at > now - 2 * WEEK,
            _SAYS_ITS_TEMPLATES,
            quality.is_not(None),
        )
    )
    return text_quality([DraftedText(created_at, value) for created_at, value in rows], now)


def _decided(session: Session, now: datetime) -> list[tuple[datetime, Decided]]:
    rows = session.execute(
        select(Action.id, Action.decided_at, Action.state, Action.draft, ApprovalRequest.reason)
        .outerjoin(
            ApprovalRequest,
            and_(ApprovalRequest.action_id == Action.id, ApprovalRequest.version == Action.version),
        )
        .where(Action.decided_at > now - _LOOK_BACK, _SAYS_ITS_TEMPLATES)
        .order_by(Action.decided_at.desc())
        .limit(_MOST_ACTIONS)
    ).all()
    originals = _originals(session, [row.id for row in rows])
    return [
        (row.decided_at, Decided(row.draft, row.state, row.reason or "", originals.get(row.id))) for row in rows
    ]


def _outcomes(session: Session, now: datetime) -> defaultdict[str, list[bool]]:
    """Template → whether each action that says its text worked, where that is known for good."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    rows = session.execute(
        select(Action.draft, ActionOutcome.outcome_class)
        .join(ActionOutcome, ActionOutcome.action_id == Action.id)
        .where(
            *(ActionOutcome.is_promised, ActionOutcome.horizon_days == FINAL_DAYS),
            Action.decided_at > now - _LOOK_BACK,
            _SAYS_ITS_TEMPLATES,
        )
        .order_by(Action.decided_at.desc())
        .limit(_MOST_ACTIONS)
    )
    for row in rows:
        did = worked(row.outcome_class)
        for template in standing(row.draft) if did is not None else ():
            found[template].append(bool(did))
    return found


def _originals(session: Session, actions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The parts that operators edited as the recommender last drafted them, by action."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for event in _revisions(session, actions):
        if event.channel == CHANNEL:
            found.pop(str(event.action_id), None)
        for change in event.payload.get("edit", ()):
            found[str(event.action_id)].setdefault(change["part"], change["before"])
    return found


def _revisions(session: Session, actions: Sequence[str]) -> Iterator[AuditEvent]:
    for start in range(0, len(actions), _AT_ONCE):
        yield from session.scalars(
            select(AuditEvent)
            .where(AuditEvent.action_id.in_(actions[start : start + _AT_ONCE]), AuditEvent.event == "revised")
            .order_by(AuditEvent.seq)
        )
