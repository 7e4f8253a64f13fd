"""Published heads of the audit chain: proof, kept outside of the database, of how the chain once was.

Whoever owns the database can make the whole chain anew, hashes and all. A head that was written down before, in a
file, a mail or a chat, no longer fits then. Heads are signed with a key of this machine, so that one that comes
back from elsewhere can be told from a forged one.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from filelock import FileLock
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import canonical_json
from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit_walk import GENESIS, Link
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import AuditEvent, AuditHead, OutboxEntry

PUBLISHED = "audit.head_published"
ALARM = "alarm.audit_chain"


@dataclass(frozen=True)
class PublishedHead:
    """The chain's end as it was at ``at``: the last event's number and hash, and the events of the day before.

    ``date`` is the shop's day on which it was published, ``events`` how many the day before it had.
    """

    date: str
    at: str
    seq: int
    hash: str
    events: int
    signature: str = ""

    def signed_text(self) -> bytes:
        """What the signature covers: everything else."""
        return canonical_json(
            {name: value for name, value in asdict(self).items() if name != "signature"}
        ).encode()

    @property
    def link(self) -> Link:
        return Link(self.seq, self.hash, f"of {self.date}")


def heads_file(settings: Settings) -> Path:
    """Where heads are appended, one JSON document a line. Copy it, or its lines, to where others can't write."""
    return settings.home / "audit" / "heads.ndjson"


def publish_head(store: Store, settings: Settings, now: datetime) -> PublishedHead:
    """Append the chain's present head to the file, with an outbox entry for those who carry it elsewhere.

    Once a day and head: done again with nothing new, it gives what is there. The line is on disk before the entry
    is committed, so a crash between them is mended by doing it again.
    """
    file = heads_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(file.with_suffix(".lock"), timeout=60), store.session() as session:
        head = _present(session, settings, now)
        last = next(iter(reversed(list(read_heads(file)))), None) if file.exists() else None
        if last is None or (last.date, last.seq, last.hash) != (head.date, head.seq, head.hash):
            signature = base64.b64encode(_private_key(settings).sign(head.signed_text())).decode()
            last = PublishedHead(**{**asdict(head), "signature": signature})
            _append(file, canonical_json(asdict(last)))
        _tell(session, last, now)
    return last


def _present(session: Session, settings: Settings, now: datetime) -> PublishedHead:
    zone = settings.zone
    today = local_date(now, zone)
    begins, ends = (start_of_day(day, zone) for day in (today - timedelta(days=1), today))
    counted = select(func.count()).select_from(AuditEvent).where(AuditEvent.at >= begins, AuditEvent.at < ends)
    head = session.get(AuditHead, 1)
    seq, digest = (head.seq, head.hash) if head else (0, GENESIS)
    return PublishedHead(today.isoformat(), now.isoformat(), seq, digest, session.scalar(counted) or 0)


def _append(file: Path, line: str) -> None:
    before = file.read_bytes()[-1:] if file.exists() else b"\n"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
        # A line that a crash cut off stays as it is, on a line of its own.
        out.write((b"" if before in (b"", b"\n") else b"\n") + line.encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _tell(session: Session, head: PublishedHead, now: datetime) -> None:
    newest = newest_published(session)
    if newest is None or newest.signature != head.signature:
        session.add(OutboxEntry(event=PUBLISHED, payload=asdict(head), created_at=now))


def tell_broken(store: Store, problems: Sequence[str], recovery: str, now: datetime) -> None:
    """Let those who listen to the outbox know at once that the chain doesn't hold."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    told = {"message": f"The audit chain is broken: {problems[0]}{more}.", "recovery": recovery}
    with store.session() as session:
        session.add(OutboxEntry(event=ALARM, payload=told, created_at=now))


def newest_published(session: Session) -> PublishedHead | None:
    """The head that was published last, as the outbox has it."""
    newest = session.scalar(
        select(OutboxEntry).where(OutboxEntry.event == PUBLISHED).order_by(OutboxEntry.seq.desc()).limit(1)
    )
    return PublishedHead(**newest.payload) if newest is not None else None


def read_heads(file: Path) -> Iterator[PublishedHead]:
    """The heads in a file, oldest first; what is no head, such as a line cut off by a crash, is passed over.

    Raises GrowthError when the file can't be read.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise GrowthError(f"{file} can't be read: {error.strerror}.", "Give a file of published heads.") from error
    for line in lines:
        head = _parsed(line)
        if head is not None:
            yield head


def _parsed(line: str) -> PublishedHead | None:
    try:
        found: Any = json.loads(line)
        head = PublishedHead(**{name: found[name] for name in PublishedHead.__dataclass_fields__})
    except (ValueError, TypeError, KeyError):
        return None
    return head if isinstance(head.seq, int) and isinstance(head.hash, str) else None


def head_problems(heads: Sequence[PublishedHead], public_key: str) -> list[str]:
    """A sentence for each head that the owner of this key (base64) did not sign as it is."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise GrowthError("That is no public key.", "Give what `growth audit key` printed.") from error
    return [f"the head {head.link.source} isn't signed by this key" for head in heads if not _fits(head, key)]


def _fits(head: PublishedHead, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(base64.b64decode(head.signature, validate=True), head.signed_text())
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def public_key(settings: Settings) -> str:
    """This machine's public key for heads, raw in base64; the pair is made when first asked for."""
    public = _private_key(settings).public_key()
    return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _private_key(settings: Settings) -> Ed25519PrivateKey:
    file = settings.home / "secrets" / "audit.key"
    if not file.exists():
        _make_key(file)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except ValueError as error:
        raise GrowthError(f"{file} holds no key.", "Restore it, or remove it for a new one.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise GrowthError(f"{file} holds no ed25519 key.", "Restore it, or remove it for a new one.")
    return key


def _make_key(file: Path) -> None:
    """Whole or not at all: two who make it at once end with the same one."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    partial = file.with_suffix(f".{os.getpid()}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem)
    try:
        os.link(partial, file)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
