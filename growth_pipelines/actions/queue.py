"""What is shown to the operator and in which order: lookups, lists, and the Top 10."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import is_expired
from growth_pipelines.actions.subject import conflict
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action, AuditEvent

_RISK = {"low": 0, "medium": 1, "high": 2}


class NoSuchAction(GrowthError):
    """No action has this id or ref."""


def find(session: Session, id_or_ref: str) -> Action:
    """The action with this id or ref. Raises NoSuchAction."""
    wanted = select(Action).where(or_(Action.id == id_or_ref, Action.ref == id_or_ref))
    # PostgreSQL takes no NUL, so it can't even be asked.
    action = session.scalar(wanted) if id_or_ref.isprintable() else None
    if action is None:
        raise NoSuchAction(f"There is no action {id_or_ref}.", "See `growth actions list`.")
    return action


def list_actions(session: Session, state: str | None = None, kind: str | None = None) -> list[Action]:
    """All actions of a state and kind (None: any), best first."""
    wanted = select(Action)
    if state is not None:
        wanted = wanted.where(Action.state == state)
    if kind is not None:
        wanted = wanted.where(Action.kind == kind)
    return sorted(session.scalars(wanted), key=rank)


def rank(action: Action) -> tuple[Any, ...]:
    """The sort key of the queue: score; then the freshest evidence and the lowest risk; then age."""
    freshest = max((row["end"] for row in action.evidence), default="")
    newest_first = tuple(-ord(letter) for letter in freshest)
    return (-action.score, newest_first, _RISK.get(action.risk_tier, 3), action.created_at, action.id)


def top(
    session: Session, n: int, now: datetime, *, state: str | None = None, kind: str | None = None
) -> list[Action]:
    """The ``n`` actions to look at first: pending (or in ``state``), best first, free of conflicts and varied.

    Of two actions that change the same field of the same resource only the better one is shown. No recommender
    takes more than half of the places unless nothing else is worth more than 0.
    """
    listed = list_actions(session, state or "pending", kind)
    waiting = [action for action in listed if not is_expired(action, now)]
    compatible: list[Action] = []
    for action in waiting:
        if not any(conflict(action, other) for other in compatible):
            compatible.append(action)
    return sorted(_varied(compatible, n), key=rank)


def _varied(ranked: list[Action], n: int) -> list[Action]:
    half = max(1, n // 2)
    taken: Counter[str] = Counter()
    chosen: list[Action] = []
    left_over: list[Action] = []
    for action in ranked:
        if len(chosen) < n and action.score > 0 and taken[action.recommender] < half:
            chosen.append(action)
            taken[action.recommender] += 1
        else:
            left_over.append(action)
    return chosen + left_over[: n - len(chosen)]


def as_document(action: Action) -> dict[str, Any]:
    """The action as one JSON document, the form of ``growth actions list --json`` and of the HTTP API."""
    return {
        "id": action.id,
        "ref": action.ref,
        "trace_id": action.trace_id,
        "shop": action.shop_id,
        "kind": action.kind,
        "subtype": action.subtype,
        "recommender": action.recommender,
        "source": action.source,
        "version": action.version,
        "state": action.state,
        "state_at": _text(action.state_at),
        "target": action.target,
        "title": action.title,
        "rationale": action.rationale,
        "why_now": action.why_now,
        "score": action.score,
        "confidence": action.confidence,
        "ease": action.ease,
        "impact": action.impact,
        "factors": action.factors,
        "ranking_version": action.ranking_version,
        "risk_tier": action.risk_tier,
        "priority": action.priority,
        "freshness": action.freshness,
        "digest": action.digest,
        "batch_digest": action.batch_digest,
        "created_at": _text(action.created_at),
        "updated_at": _text(action.updated_at),
        "expires_at": _text(action.expires_at),
        "deferred_until": _text(action.deferred_until),
        "executed_at": _text(action.executed_at),
        "evidence": action.evidence,
        "checks": action.checks,
        "diff": action.diff,
        "draft": action.draft,
        "rollback_plan": action.rollback_plan,
        "labels": action.labels,
        "auto_approvable": action.auto_approvable,
        "auto_approvable_why": action.auto_approvable_why,
        "decided_by": action.decided_by,
        "decided_at": _text(action.decided_at),
        "decided_channel": action.decided_channel,
    }


def history(session: Session, action: Action) -> list[dict[str, Any]]:
    """What happened to the action, oldest first, from the audit chain."""
    events = session.scalars(select(AuditEvent).where(AuditEvent.action_id == action.id).order_by(AuditEvent.seq))
    return [
        {
            "seq": event.seq,
            "at": _text(event.at),
            "event": event.event,
            "actor": event.actor,
            "channel": event.channel,
            "version": event.version,
            "digest": event.after_digest,
            "payload": event.payload,
        }
        for event in events
    ]


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None
