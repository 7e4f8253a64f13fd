"""Work that a person does by hand, opened when its action is executed and withdrawn when it is rolled back."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.executors.plan import TaskDraft
from growth_pipelines.store.tables import Action, TaskCard


def open_card(session: Session, action: Action, task: TaskDraft, now: datetime) -> TaskCard:
    """The card of this version of the action; opened once however often it is asked for."""
    card = card_of(session, action)
    if card is None:
        card = TaskCard(
            id=str(uuid.uuid4()),
            action_id=action.id,
            version=action.version,
            title=task.summary,
            steps=list(task.steps),
            state="open",
            created_at=now,
            done_at=None,
        )
        session.add(card)
    return card


def withdraw_card(session: Session, action: Action) -> None:
    """Take the card back, unless the work has been done already."""
    card = card_of(session, action)
    if card is not None and card.state == "open":
        card.state = "withdrawn"


def card_of(session: Session, action: Action) -> TaskCard | None:
    """The card of the action's present version."""
    return session.scalar(
        select(TaskCard).where(TaskCard.action_id == action.id, TaskCard.version == action.version)
    )
