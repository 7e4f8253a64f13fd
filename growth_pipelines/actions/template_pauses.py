"""Templates that write nothing for now: paused when operators reject their texts, resumed by an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import Flag, Operator, OutboxEntry

_PREFIX = "template:"


class NotPaused(GrowthError):
    """The template may write already."""


class MayNotResume(GrowthError):
    """The person's role resumes nothing."""


@dataclass(frozen=True)
class TemplateSwitch:
    """Whether a template is paused, since when and by whom; of ``decisions``, ``rejected`` were against it."""

    template: str
    paused: bool
    at: datetime
    by: str
    decisions: int
    rejected: int


def template_switches(session: Session) -> dict[str, TemplateSwitch]:
    """Every template that was ever paused, by name."""
    flags = session.scalars(select(Flag).where(Flag.key.startswith(_PREFIX, autoescape=True)).order_by(Flag.key))
    return {switch.template: switch for switch in map(_switch, flags)}


def paused_templates(session: Session) -> frozenset[str]:
    """The names of those that write nothing now."""
    return frozenset(name for name, switch in template_switches(session).items() if switch.paused)


def pause_template(session: Session, template: str, *, decisions: int, rejected: int, now: datetime) -> bool:
    """Stop a template from writing; False when it was stopped already. The switch is an audit event."""
    flag = session.get(Flag, f"{_PREFIX}{template}")
    if flag is not None and flag.value["paused"]:
        return False
    counted = {"decisions": decisions, "rejected": rejected}
    _set(session, template, {"paused": True, **counted}, actor="monitor", channel="monitor", now=now)
    return True


def resume_template(
    session: Session, template: str, *, actor: str, channel: str, reason: str, now: datetime
) -> None:
    """Let a template write again; decisions up to now no longer count against it.

    The caller has proved who ``actor`` is. Raises MayNotResume unless they may decide, NotPaused where nothing is
    paused, GrowthError without a reason.
    """
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role not in MAY_DECIDE:
        raise MayNotResume(
            f"{actor or 'Nobody'} may not resume a template.", "It takes an active operator or admin."
        )
    if not reason.strip():
        raise GrowthError("Resuming a template needs a reason.", "Say what has changed, e.g. its wording.")
    flag = session.get(Flag, f"{_PREFIX}{template}")
    if flag is None or not flag.value["paused"]:
        raise NotPaused(
            f"No template {template!r} is paused.", "`growth templates list` shows the paused ones first."
        )
    value = {**flag.value, "paused": False}
    _set(session, template, value, actor=actor, channel=channel, now=now, reason=reason.strip())


def _set(
    session: Session,
    template: str,
    value: dict[str, bool | int],
    *,
    actor: str,
    channel: str,
    now: datetime,
    reason: str = "",
) -> None:
    key = f"{_PREFIX}{template}"
    flag = session.get(Flag, key) or Flag(key=key)
    flag.value, flag.updated_at, flag.updated_by = value, now, actor
    session.add(flag)
    event = "paused" if value["paused"] else "resumed"
    told = {"template": template, **value, **({"reason": reason} if reason else {})}
    link = append_event(session, event=f"template_{event}", actor=actor, channel=channel, now=now, payload=told)
    payload = {**told, "actor": actor, "channel": channel, "at": now.isoformat(), "audit_seq": link.seq}
    session.add(OutboxEntry(event=f"template.{event}", payload=payload, created_at=now))
    session.flush()


def _switch(flag: Flag) -> TemplateSwitch:
    return TemplateSwitch(
        flag.key.removeprefix(_PREFIX),
        bool(flag.value["paused"]),
        flag.updated_at,
        flag.updated_by,
        int(flag.value["decisions"]),
        int(flag.value["rejected"]),
    )
