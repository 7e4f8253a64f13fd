"""A kind that was rolled back on a resource stays silent there until an operator lifts that.

An experiment's start and the promotion of its winner are two questions: of them, only the one that was rolled back
stays silent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import Action, Flag, Operator


class NotSuppressed(GrowthError):
    """Nothing is suppressed here, so nothing can be lifted."""


class MayNotLift(GrowthError):
    """The person's role lifts nothing."""


_BY_FIELD = ("experiment",)


def suppressing(
    session: Session, kind: str, gid: str, past: Iterable[Action], fields: Collection[str] | None = None
) -> Action | None:
    """The rolled-back action among ``past`` (of this resource) that keeps ``kind`` silent here, or None.

    ``fields`` are those that are to be changed; None: any.
    """
    lifted = session.get(Flag, _key(kind, gid))
    for action in past:
        same = kind not in _BY_FIELD or fields is None or not set(fields).isdisjoint(action.fields)
        undone = same and action.kind == kind and action.state == "rolled_back"
        if undone and not (lifted and lifted.updated_at >= action.state_at):
            return action
    return None


def suppressions(session: Session) -> list[Action]:
    """The rolled-back actions that keep their kind silent on their resource, one for each, the newest first."""
    undone = session.scalars(
        select(Action).where(Action.state == "rolled_back").order_by(Action.state_at.desc(), Action.id)
    )
    found: dict[tuple[str, str], Action] = {}
    for action in undone:
        about = (action.kind, action.resource_gid)
        if about not in found and suppressing(session, *about, (action,)):
            found[about] = action
    return list(found.values())


def lift_suppression(session: Session, action: Action, *, actor: str, channel: str, now: datetime) -> None:
    """Let the action's kind be proposed again on its resource, although it was rolled back there.

    The caller has proved who ``actor`` is. Raises MayNotLift unless they may decide, NotSuppressed where no
    action of that kind keeps the resource silent.
    """
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in ("operator", "admin"):
        raise MayNotLift(f"{actor} may not lift a suppression.", "It takes an active operator or admin.")
    undone = session.scalars(
        select(Action).where(
            Action.resource_gid == action.resource_gid, Action.kind == action.kind, Action.state == "rolled_back"
        )
    ).all()
    if suppressing(session, action.kind, action.resource_gid, undone) is None:
        raise NotSuppressed(
            f"{action.kind} is not suppressed for {action.target['url']}.",
            "Only a rollback suppresses, and only until it is lifted.",
        )
    key = _key(action.kind, action.resource_gid)
    flag = session.get(Flag, key) or Flag(key=key)
    flag.value, flag.updated_at, flag.updated_by = {"lifted": True}, now, actor
    session.add(flag)
    append_event(
        session,
        event="suppression_lifted",
        actor=actor,
        channel=channel,
        now=now,
        action_id=action.id,
        version=action.version,
        trace_id=action.trace_id,
        payload={"kind": action.kind, "resource": action.resource_gid},
    )


def _key(kind: str, gid: str) -> str:
    return f"suppression_lifted:{kind}:{gid}"
