"""Work that people do by hand: what is still to be done, and that it was done on some day.

An action that is nothing but such work changes nothing when its card opens. It counts as executed on the day on
which somebody says that it was done, and its outcome is read from that day on; until then none is. Where an action
also wrote something itself, that counts from when it was written.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.executors.task_cards import card_of
from growth_pipelines.actions.transitions import record
from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action, ActionOutcome, Operator, TaskCard


class NoOpenTask(GrowthError):
    """Nothing of this action waits for being done by hand."""


class NotThatDay(GrowthError):
    """The work can't have been done on this day."""


class MayNotFinish(GrowthError):
    """The person's role says of no work that it is done."""


def is_by_hand(action: Action) -> bool:
    """Whether all that the action changes is done by a person."""
    return all(change["change_type"] == "task" for change in action.diff)


def open_tasks(session: Session, most: int | None = None) -> list[tuple[Action, TaskCard]]:
    """What is still to be done, the oldest first; ``most``: so many at the most."""
    wanted = (
        select(Action, TaskCard)
        .join(TaskCard, (TaskCard.action_id == Action.id) & (TaskCard.version == Action.version))
        .where(TaskCard.state == "open", Action.state.in_(("executed", "measured")))
        .order_by(TaskCard.created_at, TaskCard.id)
        .limit(most)
    )
    return [(action, card) for action, card in session.execute(wanted)]


def not_yet_changed(session: Session) -> set[str]:
    """Ids of executed actions that have changed nothing so far: all of their work is still to be done."""
    return {action.id for action, _ in open_tasks(session) if is_by_hand(action)}


def mark_done(
    session: Session, action: Action, on: date | None, *, actor: str, channel: str, now: datetime, zone: str
) -> TaskCard:
    """Say that the work was done ``on`` a day of the shop (None: now), and let its outcome count from then.

    The caller has proved who ``actor`` is. Raises MayNotFinish, NoOpenTask, or NotThatDay for a day before the
    work was proposed or after today.
    """
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in MAY_DECIDE:
        raise MayNotFinish(
            f"{actor or 'Nobody'} may not mark work as done.", "It takes an active operator or admin."
        )
    card = card_of(session, action)
    at = _instant(action, on, now, zone)
    closed = (
        update(TaskCard)
        .where(TaskCard.action_id == action.id, TaskCard.version == action.version, TaskCard.state == "open")
        .values(state="done", done_at=at)
        .returning(TaskCard.id)
        .execution_options(synchronize_session=False)
    )
    if card is None or session.scalar(closed) is None:
        raise NoOpenTask(
            f"No work of {action.ref} waits for being done.",
            f"It was done on {local_date(card.done_at, zone)}." if card and card.done_at else "",
        )
    session.refresh(card)
    if is_by_hand(action) and action.state == "executed":
        action.executed_at = at
        # What was read of the days after the card opened is no outcome of this work.
        session.execute(delete(ActionOutcome).where(ActionOutcome.action_id == action.id))
    action.updated_at = now
    done = {"done_on": local_date(at, zone).isoformat()}
    record(session, action, "task_done", actor, channel, now, before=action.state, payload=done)
    return card


def _instant(action: Action, on: date | None, now: datetime, zone: str) -> datetime:
    """Now, or the noon of an earlier day: nobody is asked for the hour."""
    today = local_date(now, zone)
    if on is None or on == today:
        return now
    if on > today:
        raise NotThatDay(f"{on} is still to come.", f"Today is {today}.")
    if on < (proposed := local_date(action.created_at, zone)):
        raise NotThatDay(f"On {on} the work was not proposed yet.", f"That was on {proposed}.")
    return start_of_day(on, zone) + timedelta(hours=12)


def task_document(action: Action, card: TaskCard) -> dict[str, Any]:
    """A task as programs get it."""
    return {
        "action": action.id,
        "ref": action.ref,
        "kind": action.kind,
        "url": action.target["url"],
        "title": card.title,
        "steps": card.steps,
        "state": card.state,
        "opened_at": card.created_at.isoformat(),
        "done_at": card.done_at.isoformat() if card.done_at else None,
    }
