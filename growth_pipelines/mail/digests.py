"""When a digest is due, and that each is sent once: also after restarts, and by two who try at the same time.

The day is claimed in the store before the server is spoken to. A crash in between loses that digest rather than
sending it twice; what it would have told is in the next one, which begins where the last one that was sent ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from growth_pipelines.approvals.digest import digest_of, is_weekly
from growth_pipelines.errors import GrowthError
from growth_pipelines.mail.messages import digest_mail
from growth_pipelines.mail.transport import KEPT, MailUnclear, deliver
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit_heads import newest_published
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Flag
from growth_pipelines.telemetry import logger

AT = time(8)
FLAG = "mail_digest"
# A failed attempt is made again after this, then after twice as long, and so on up to the last.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
# So far back a digest reaches when those before it could not be sent.
_REACHES = timedelta(days=7)
_log = logger("mail")


@dataclass(frozen=True)
class Claim:
    """The right to send one day's digest, which begins at ``begins``; ``attempt`` counts from 1."""

    day: date
    begins: datetime
    attempt: int

    @property
    def weekly(self) -> bool:
        return is_weekly(self.day)


def last_digest(session: Session) -> dict[str, Any]:
    """What is known of the last one: day, state (sending, sent, waiting, refused, unclear), attempts, why; empty
    before the first."""
    flag = session.get(Flag, FLAG)
    return dict(flag.value) if flag is not None else {}


def send_due_digest(store: Store, settings: Settings, now: datetime) -> str:
    """Send today's digest if it is time; its state (see :func:`last_digest`), empty when none was due."""
    with store.read() as session:
        if _due(last_digest(session), settings.zone, now) is None:
            return ""
    with store.session() as session:
        claim = _claim(session, settings.zone, now)
    if claim is None:
        return ""
    state, why = _send(store, settings, claim, now)
    with store.session() as session:
        _note(session, claim, state, why, now)
    _log.info("digest", day=claim.day.isoformat(), state=state, why=why)
    return state


def _due(last: dict[str, Any], zone: str, now: datetime) -> date | None:
    """The shop's day whose digest is to be sent now: late, but on the same day, and never again once it ended."""
    local = now.astimezone(ZoneInfo(zone))
    if local.time() < AT:
        return None
    if last.get("day") == local.date().isoformat() and (
        last["state"] != "waiting" or now < datetime.fromisoformat(last["again_at"])
    ):
        return None
    return local.date()


def _claim(session: Session, zone: str, now: datetime) -> Claim | None:
    last = last_digest(session)
    day = _due(last, zone, now)
    if day is None:
        return None
    told_to = datetime.fromisoformat(last["told_to"]) if last.get("told_to") else now - timedelta(days=1)
    attempt = last["attempts"] + 1 if last.get("day") == day.isoformat() else 1
    week = now - _REACHES
    claim = Claim(day, week if is_weekly(day) else max(told_to, week), attempt)
    _note(session, claim, "sending", "", now)
    return claim


def _send(store: Store, settings: Settings, claim: Claim, now: datetime) -> tuple[str, str]:
    with store.read() as session:
        digest = digest_of(session, claim.begins, now, zone=settings.zone, mode=settings.actions.mode)
        head = newest_published(session)
    try:
        deliver(settings.smtp, digest_mail(settings, digest, head, weekly=claim.weekly))
    except KEPT as error:
        return "waiting", str(error)
    except MailUnclear as error:
        return "unclear", str(error)
    except GrowthError as error:
        return "refused", str(error)
    return "sent", ""


def _note(session: Session, claim: Claim, state: str, why: str, now: datetime) -> None:
    before = last_digest(session)
    wait = min(_FIRST_WAIT * 2 ** (claim.attempt - 1), _LONGEST_WAIT)
    value = {
        "day": claim.day.isoformat(),
        "state": state,
        "attempts": claim.attempt,
        "why": why,
        "again_at": (now + wait).isoformat(),
        "told_to": now.isoformat() if state == "sent" else before.get("told_to", ""),
    }
    session.merge(Flag(key=FLAG, value=value, updated_at=now, updated_by="mail"))
