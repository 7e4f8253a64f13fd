"""Which message about which version of an action stands in which chat, and what it shows.

A message is edited whenever what it shows is no longer so. That is found by comparing rows, not by remembering
events: a bot that was down, or an edit that failed, is made up for on the next look.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import TRANSITIONS, is_expired
from growth_pipelines.actions.queue import as_document
from growth_pipelines.approvals.chats import CHANNEL
from growth_pipelines.store.tables import Action, Delivery

PENDING, SUPERSEDED = "pending", "superseded"
# Nothing follows these.
ENDED = tuple(state for state, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True)
class Stale:
    """A message that shows what no longer is; ``shown`` is what it must show, ``action`` the document."""

    chat_id: int
    message_id: int
    version: int
    shown: str
    action: Mapping[str, Any]


def record_delivery(
    session: Session, action: Mapping[str, Any], chat_id: int, message_id: int, now: datetime
) -> None:
    """Note a request's message, just sent."""
    session.add(
        Delivery(
            id=str(uuid.uuid4()),
            action_id=action["id"],
            version=action["version"],
            channel=CHANNEL,
            chat_id=chat_id,
            message_id=message_id,
            shown=PENDING,
            sent_at=now,
            edited_at=None,
        )
    )


def delivered_to(session: Session, action_id: str, version: int) -> set[int]:
    """The chats in which this version's question stands unanswered."""
    wanted = select(Delivery.chat_id).where(
        Delivery.channel == CHANNEL,
        Delivery.action_id == action_id,
        Delivery.version == version,
        Delivery.shown == PENDING,
    )
    return set(session.scalars(wanted))


def open_messages(session: Session, action_id: str) -> list[tuple[int, int]]:
    """(chat, message) of the action's questions that stand unanswered."""
    wanted = select(Delivery.chat_id, Delivery.message_id).where(
        Delivery.channel == CHANNEL, Delivery.action_id == action_id, Delivery.shown == PENDING
    )
    return [(chat, message) for chat, message in session.execute(wanted)]


def stale(session: Session, now: datetime, limit: int) -> list[Stale]:
    """Messages to edit, the newest first."""
    replaced = and_(Delivery.version < Action.version, Delivery.shown != SUPERSEDED)
    # What came back to pending is asked again in a message of its own.
    moved = and_(Delivery.version == Action.version, Delivery.shown != Action.state, Action.state != PENDING)
    # Its time is over, and nobody has stored that yet.
    over = and_(Action.state == PENDING, Delivery.shown == PENDING, Action.expires_at <= now)
    wanted = (
        select(Delivery, Action)
        .join(Action, Action.id == Delivery.action_id)
        .where(Delivery.channel == CHANNEL, Delivery.shown.not_in(ENDED), or_(replaced, moved, over))
        .order_by(Delivery.sent_at.desc())
        .limit(limit)
    )
    found = []
    for delivery, action in session.execute(wanted):
        shown = must_show(action, delivery.version, now)
        if shown != delivery.shown:
            found.append(
                Stale(delivery.chat_id, delivery.message_id, delivery.version, shown, as_document(action))
            )
    return found


def must_show(action: Action, version: int, now: datetime) -> str:
    """What a message about this version of the action has to say."""
    if version < action.version:
        return SUPERSEDED
    return "expired" if is_expired(action, now) and action.state == PENDING else action.state


def mark_shown(session: Session, chat_id: int, message_id: int, shown: str, now: datetime) -> None:
    """Note what a message shows now, or that it can't be edited any more."""
    session.execute(
        update(Delivery)
        .where(Delivery.channel == CHANNEL, Delivery.chat_id == chat_id, Delivery.message_id == message_id)
        .values(shown=shown, edited_at=now)
    )
