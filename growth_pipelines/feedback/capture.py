"""Decisions and edits become signals, each once however often this runs: the key is the request or audit event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import String, and_, cast, literal, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import RejectReason
from growth_pipelines.actions.submission import CHANNEL
from growth_pipelines.drafts.edits import ENTRIES, FIELDS
from growth_pipelines.drafts.entries import entry_texts
from growth_pipelines.learning import EditSignal, edit_signal, followed_by
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ApprovalRequest, AuditEvent, FeedbackSignal

POLICY = "policy"
_REASONS = get_args(RejectReason)


def capture(store: Store) -> int:
    """Store what was decided and edited since; how many signals are new."""
    with store.read() as session:
        found = [*_decisions(session), *_edits(session)]
    if found:
        with store.session() as session:
            known = set(session.scalars(select(FeedbackSignal.source)))
            found = [one for one in found if one.source not in known]
            session.add_all(found)
    return len(found)


def _decisions(session: Session) -> Iterator[FeedbackSignal]:
    source = literal("request:") + cast(ApprovalRequest.id, String)
    decided = (
        select(ApprovalRequest)
        .outerjoin(FeedbackSignal, FeedbackSignal.source == source)
        .where(ApprovalRequest.decided_at.is_not(None), FeedbackSignal.source.is_(None))
    )
    for one in session.scalars(decided):
        at: datetime = one.decided_at or one.created_at
        yield FeedbackSignal(
            source=f"request:{one.id}",
            action_id=one.action_id,
            at=at,
            decision=one.decision or one.status,
            # What is no code was typed by a person, and stays where it was typed.
            reason=one.reason if one.reason in _REASONS else "",
            by_policy=one.channel == POLICY,
            hours_to_decide=(at - one.created_at).total_seconds() / 3600,
        )


def _edits(session: Session) -> Iterator[FeedbackSignal]:
    source = literal("event:") + cast(AuditEvent.seq, String)
    revised = (
        select(AuditEvent)
        .outerjoin(FeedbackSignal, FeedbackSignal.source == source)
        .where(and_(AuditEvent.event == "revised", AuditEvent.channel != CHANNEL, FeedbackSignal.source.is_(None)))
    )
    for event in session.scalars(revised):
        changes = event.payload.get("edit") or ()
        before, after = ("\n".join(_texts(change[side]) for change in changes) for side in ("before", "after"))
        if event.action_id is None or before == after:
            continue
        signal = edit_signal(before, after)
        said = _said(changes)
        yield FeedbackSignal(
            source=f"event:{event.seq}",
            action_id=event.action_id,
            at=event.at,
            decision="edit",
            reason="",
            by_policy=False,
            category=signal.category,
            distance=signal.distance,
            words=_words(said) if said else None,
        )


def _words(said: list[tuple[str, str, str]]) -> dict[str, Any]:
    signal = edit_signal("\n".join(before for _, before, _ in said), "\n".join(after for _, _, after in said))
    return {
        "added": list(signal.added),
        "removed": list(signal.removed),
        "before": signal.words_before,
        "after": signal.words_after,
        "parts": sorted({part for part, _, _ in said}),
    }


def _said(changes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Part, text before and text after of what shoppers read: not the ids in lists, nor the steps of a task."""
    found: list[tuple[str, str, str]] = []
    for change in changes:
        part, before, after = change["part"], change["before"], change["after"]
        if part in FIELDS:
            found.append((part, str(before), str(after)))
        elif part == ENTRIES:
            drafted, edited = entry_texts(before), entry_texts(after)
            found += [(kind, text, edited[name][1]) for name, (kind, text) in drafted.items() if name in edited]
    return [one for one in found if one[1] != one[2]]


def edit_signals(session: Session, now: datetime) -> list[EditSignal]:
    """One an action of which texts for shoppers were edited: all its edits together."""
    edits = select(FeedbackSignal).where(FeedbackSignal.decision == "edit").order_by(FeedbackSignal.at)
    found: dict[str, EditSignal] = {}
    for one in session.scalars(edits):
        if one.words is not None:
            signal, before = _signal(one, now), found.get(one.action_id)
            found[one.action_id] = signal if before is None else followed_by(before, signal)
    return list(found.values())


def _signal(one: FeedbackSignal, now: datetime) -> EditSignal:
    words: dict[str, Any] = one.words or {}
    return EditSignal(
        category=one.category or "tone",  # type: ignore[arg-type]
        distance=one.distance or 0.0,
        added=tuple(words["added"]),
        removed=tuple(words["removed"]),
        words_before=int(words["before"]),
        words_after=int(words["after"]),
        age_days=(now - one.at).total_seconds() / 86_400,
        parts=tuple(words.get("parts", ())),
    )


def _texts(part: Any) -> str:
    """The words in a part of a draft, however deep they lie."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        return "\n".join(_texts(value) for value in part.values())
    return "\n".join(_texts(value) for value in part) if isinstance(part, list) else ""
