"""What a digest says, gathered once for every channel that sends one: mail, chat.

Plain values from the store, without words for people beyond those that the actions carry, and without personal
data: operators by name, customers not at all. A channel chooses what it shows of them, and how.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.lifecycle import overdue
from growth_pipelines.actions.queue import top
from growth_pipelines.actions.template_pauses import paused_templates
from growth_pipelines.approvals.inbox import Waiting, waiting
from growth_pipelines.approvals.known_outcomes import KnownOutcomes, known_outcomes
from growth_pipelines.store.incidents import loud_incidents
from growth_pipelines.store.tables import Action, ApprovalRequest, Flag

# What ends within so much time is named.
EXPIRING_WITHIN = timedelta(hours=24)
# Lines of one list; its count says how many there are in all.
LISTED = 10
# What an answer made of the action, which may have moved on since.
_BECAME = {
    "approve": "approved",
    "approve_with_edits": "approved",
    "reject": "rejected",
    "request_changes": "changes_requested",
}
# The channel of what nobody was asked about, since a policy let it pass.
BY_POLICY = "policy"
_FRIDAY = 4


# The lists of what happened, in the order in which channels tell them.
HAPPENED = ("decided", "auto_approved", "deferred", "executed", "failed", "rolled_back", "expired")


@dataclass(frozen=True)
class DigestLine:
    """One action in a digest. ``at`` and ``by`` are of what the list is about: expiry, decision, execution."""

    ref: str
    title: str
    kind: str
    state: str
    priority: str
    risk_tier: str
    revenue_28d: float
    at: datetime
    by: str = ""
    channel: str = ""


@dataclass(frozen=True)
class DigestList:
    """The first lines of a list, and how many it has in all."""

    count: int
    lines: tuple[DigestLine, ...]


@dataclass(frozen=True)
class Digest:
    """The state of the approvals at ``ends`` and what happened since ``begins``.

    ``pending`` is best first, ``expiring`` and ``deferred`` soonest first, everything else newest first.
    ``outcomes`` are those that became final in that time. ``alarms`` are sentences, each of something that needs a
    person and will not end by itself; ``incidents`` are the numbers and titles of what is worse in the shop and
    neither silenced nor explained.
    """

    begins: datetime
    ends: datetime
    waiting: Waiting
    pending: DigestList
    expiring: DigestList
    decided: DigestList
    auto_approved: DigestList
    deferred: DigestList
    executed: DigestList
    failed: DigestList
    rolled_back: DigestList
    expired: DigestList
    outcomes: KnownOutcomes
    alarms: tuple[str, ...]
    incidents: tuple[tuple[int, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing waits, nothing happened, nothing is wrong."""
        lists = (getattr(self, name) for name in ("pending", *HAPPENED))
        return not self.alarms and self.outcomes.is_empty and not any(one.count for one in lists)


def is_weekly(day: date) -> bool:
    """Whether the digest of this day of the shop is of the whole week before it."""
    return day.weekday() == _FRIDAY


def digest_of(session: Session, begins: datetime, ends: datetime, *, zone: str, mode: str = "live") -> Digest:
    """What there is to tell at ``ends`` of the time since ``begins``. Reads only; a few indexed queries.

    ``mode`` is GROWTH_ACTIONS__MODE: where nothing is written, no approved action is late. ``zone``: in which
    alarms tell times.
    """
    answered = _answers(session, begins, ends)
    waits = waiting(session, ends)
    best = [_line(action, action.expires_at) for action in top(session, LISTED, ends)]
    soon = _actions(session, Action.state == "pending", Action.expires_at.between(ends, ends + EXPIRING_WITHIN))
    return Digest(
        begins=begins,
        ends=ends,
        waiting=waits,
        pending=DigestList(waits.count, tuple(best)),
        expiring=_listed(sorted((_line(a, a.expires_at) for a in soon), key=lambda line: line.at)),
        decided=_newest(line for line in answered if line.channel != BY_POLICY),
        auto_approved=_newest(line for line in answered if line.channel == BY_POLICY),
        deferred=_deferred(session, begins, ends),
        executed=_newest(
            _line(a, a.executed_at)
            for a in _since(session, begins, ends, "executed", "measured")
            if a.executed_at is not None and begins < a.executed_at <= ends
        ),
        failed=_ended(session, begins, ends, "failed"),
        rolled_back=_ended(session, begins, ends, "rolled_back"),
        expired=_ended(session, begins, ends, "expired"),
        outcomes=known_outcomes(session, begins, ends),
        alarms=tuple(_alarms(session, ends, mode, zone)),
        incidents=tuple((row.id, row.title) for row in loud_incidents(session, ends)),
    )


def _answers(session: Session, begins: datetime, ends: datetime) -> list[DigestLine]:
    """One line a decision: of the request, since its action may have moved on."""
    wanted = (
        select(ApprovalRequest, Action)
        .join(Action, Action.id == ApprovalRequest.action_id)
        .where(ApprovalRequest.decided_at > begins, ApprovalRequest.decided_at <= ends)
    )
    return [
        _line(
            action,
            asked.decided_at,
            asked.decided_by or "",
            asked.channel or "",
            _BECAME.get(asked.decision or "", action.state),
        )
        for asked, action in session.execute(wanted)
    ]


def _deferred(session: Session, begins: datetime, ends: datetime) -> DigestList:
    """What was put off and still is, by the day it comes back."""
    put_off = (a for a in _since(session, begins, ends, "deferred") if begins < a.state_at <= ends)
    return _listed(sorted((_line(a, a.deferred_until) for a in put_off), key=lambda line: line.at))


def _ended(session: Session, begins: datetime, ends: datetime, state: str) -> DigestList:
    return _newest(
        _line(action, action.state_at)
        for action in _since(session, begins, ends, state)
        if begins < action.state_at <= ends
    )


def _since(session: Session, begins: datetime, ends: datetime, *states: str) -> list[Action]:
    """Actions in one of these states that something happened to: what may have come there in that time."""
    # Nothing enters a state without an update, so no time index of its own is needed.
    return _actions(session, Action.state.in_(states), Action.updated_at > begins, Action.state_at <= ends)


def _actions(session: Session, *conditions: ColumnElement[bool]) -> list[Action]:
    return list(session.scalars(select(Action).where(*conditions)))


def _line(
    action: Action, at: datetime | None, by: str = "", channel: str = "", became: str | None = None
) -> DigestLine:
    return DigestLine(
        ref=action.ref,
        title=action.title,
        kind=action.kind,
        state=became or action.state,
        priority=action.priority,
        risk_tier=action.risk_tier,
        revenue_28d=float(action.impact.get("revenue_28d") or 0),
        at=at or action.state_at,
        by=by,
        channel=channel,
    )


def _newest(lines: Iterable[DigestLine]) -> DigestList:
    return _listed(sorted(lines, key=lambda line: line.at, reverse=True))


def _listed(lines: list[DigestLine]) -> DigestList:
    return DigestList(len(lines), tuple(lines[:LISTED]))


def _alarms(session: Session, now: datetime, mode: str, zone: str) -> list[str]:
    """What is wrong with the approvals themselves: a pulled brake, paused templates, approvals not carried out."""
    stopped = brake(session)
    paused = sorted(paused_templates(session))
    return [
        *([stopped.told(zone)] if stopped else []),
        *(f"The template {name} is paused: too many of its texts were rejected." for name in paused),
        *(
            f"Auto-approval of {kind} is paused: its actions went wrong too often."
            for kind in _paused_kinds(session)
        ),
        *(f"{late.ref}: {late.message}" for late in overdue(session, now, mode)),
    ]


def _paused_kinds(session: Session) -> list[str]:
    flags = session.scalars(
        select(Flag).where(Flag.key.startswith("automatic:", autoescape=True)).order_by(Flag.key)
    )
    return [flag.key.partition(":")[2] for flag in flags if flag.value.get("paused")]
