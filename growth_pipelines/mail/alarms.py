"""What is told at once, and nothing else: what failed for good, what stands still, what is wrong with the machine.

Some happen and come through the outbox; others last, are looked for, and are told when they begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from growth_pipelines.approvals.at_once import sentence_of
from growth_pipelines.errors import GrowthError
from growth_pipelines.mail.messages import alarm_mail
from growth_pipelines.mail.transport import KEPT, deliver
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.outbox import begin_at_end, move_to, read_from
from growth_pipelines.store.tables import Flag
from growth_pipelines.telemetry import logger

LISTENER = "mail"
FLAG = "mail_alarms"
_ENTRIES = 200
_log = logger("mail")


def begin(store: Store, now: datetime) -> None:
    """A mailbox that is new hears from now on; one that was there before goes on where it was."""
    with store.session() as session:
        begin_at_end(session, LISTENER, now)


def tell_events(store: Store, settings: Settings, now: datetime) -> list[str]:
    """Send what the outbox has of it as one message; what was told. After one of KEPT nothing is lost."""
    with store.read() as session:
        entries = read_from(session, LISTENER, _ENTRIES)
    if not entries:
        return []
    told = [sentence for entry in entries if (sentence := sentence_of(entry))]
    if told:
        _send(settings, f"{entries[0].seq}-{entries[-1].seq}", told, now)
    with store.session() as session:
        move_to(session, LISTENER, entries[-1].seq, now)
    return told


def tell_conditions(store: Store, settings: Settings, present: Mapping[str, str], now: datetime) -> list[str]:
    """Send what of ``present`` (key → sentence) was not there at the last look; what was told.

    What is over is forgotten, so that it is told again when it comes again. Raises one of KEPT.
    """
    with store.read() as session:
        known = _known(session)
    new = {key: sentence for key, sentence in present.items() if key not in known}
    if new:
        _send(
            settings, sha256(f"{sorted(new)}{now.isoformat()}".encode()).hexdigest()[:16], list(new.values()), now
        )
    if new or set(known) - set(present):
        since = {key: known.get(key, now.isoformat()) for key in present}
        with store.session() as session:
            session.merge(Flag(key=FLAG, value=since, updated_at=now, updated_by=LISTENER))
    return list(new.values())


def _known(session: Session) -> dict[str, str]:
    flag = session.get(Flag, FLAG)
    return dict(flag.value) if flag is not None else {}


def _send(settings: Settings, key: str, told: list[str], now: datetime) -> None:
    """What the server refuses for good is only logged: it would hold up all that follows. Raises one of KEPT."""
    try:
        deliver(settings.smtp, alarm_mail(settings, key, told, now))
    except KEPT:
        raise
    except GrowthError as error:
        _log.error("alarm not sent", why=str(error), told=told)
