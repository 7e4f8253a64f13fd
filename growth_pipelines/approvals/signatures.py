"""Decisions that carry their own proof: ed25519 signatures over the canonical JSON of a decision record.

The private key stays with its operator (a file that only they can read); the store knows the public one. A
record names the action, its version and digest, the decision with all that belongs to it, the operator and
when the record ends. Change any of it and the signature no longer fits.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.canonical import canonical_json, digest
from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Operator

Decision = Literal["approve", "approve_with_edits", "edit", "request_changes", "reject", "defer", "rollback"]
Flaw = Literal["malformed", "unknown_operator", "bad_signature", "expired"]
# How long a record counts: the command line decides at once, a printed one may be pasted later.
AT_ONCE = timedelta(minutes=10)
TO_PASTE = timedelta(hours=24)


class DecisionRecord(BaseModel):
    """A decision in words that a signature binds to; ``signature`` is base64 over everything else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action_id: str
    version: int
    digest: str
    decision: Decision
    operator: str
    expires_at: AwareDatetime
    note: str = ""
    reason: str = ""
    until: date | None = None
    draft: dict[str, Any] | None = None
    signature: str = ""

    def signed_text(self) -> bytes:
        """What the signature covers."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"})).encode()

    def proof_hash(self) -> str:
        """Names this decision, so that it counts once; without the signature, which base64 can spell otherwise."""
        return digest(self.model_dump(mode="json", exclude={"signature"}))


@dataclass(frozen=True)
class OperatorKey:
    """What is needed to judge an operator's signature; ``public_key`` is the raw key in base64."""

    public_key: str
    role: str
    active: bool


@dataclass(frozen=True)
class Finding:
    """What an examination of a record found: the record itself, or its ``flaw`` with ``why``."""

    record: DecisionRecord | None
    flaw: Flaw | None
    why: str


class ProofRefused(GrowthError):
    """The proof of who decides is no proof; ``flaw`` says in which way. Nothing was decided."""

    def __init__(self, flaw: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.flaw = flaw


def examine(record: Any, keys: Mapping[str, OperatorKey], now: datetime, zone: str = "UTC") -> Finding:
    """Judge a record (a mapping, a DecisionRecord, or its JSON text) without touching anything; ``zone``: in which
    it tells times.
    """
    parsed = _parse(record)
    if isinstance(parsed, str):
        return Finding(None, "malformed", parsed)
    key = keys.get(parsed.operator)
    if key is None or not key.active:
        return Finding(parsed, "unknown_operator", f"{parsed.operator} is not an active operator")
    if not _fits(parsed, key):
        return Finding(parsed, "bad_signature", f"the signature is not {parsed.operator}'s over this record")
    if parsed.expires_at <= now:
        return Finding(parsed, "expired", f"the record ended at {local_minute(parsed.expires_at, zone)}")
    return Finding(parsed, None, f"{parsed.decision} signed by {parsed.operator}")


def _parse(record: Any) -> DecisionRecord | str:
    if isinstance(record, DecisionRecord):
        return record
    try:
        if isinstance(record, str | bytes):
            record = json.loads(record)
        return DecisionRecord.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        return f"the decision record is malformed: {'.'.join(map(str, first['loc'])) or 'record'}: {first['msg']}"
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or a number that Python refuses to read
        return "the decision record is not JSON"


def _fits(record: DecisionRecord, key: OperatorKey) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key, validate=True))
        public.verify(base64.b64decode(record.signature, validate=True), record.signed_text())
    except (InvalidSignature, ValueError):
        return False
    return True


def keys_of(session: Session) -> dict[str, OperatorKey]:
    """The public keys of all operators, by name."""
    rows = session.scalars(select(Operator))
    return {row.name: OperatorKey(row.public_key, row.role, row.active) for row in rows}


def verify(store: Store, record: Any, now: datetime) -> DecisionRecord:
    """The record, if it is proof. Raises ProofRefused."""
    with store.read() as session:
        return proven(session, record, now)


def proven(session: Session, record: Any, now: datetime, zone: str = "UTC") -> DecisionRecord:
    """The same, within a transaction."""
    finding = examine(record, keys_of(session), now, zone)
    if finding.flaw is not None or finding.record is None:
        raise ProofRefused(
            finding.flaw or "malformed",
            f"Refused: {finding.why}.",
            "Sign again with `growth actions sign` as an active operator.",
        )
    return finding.record


def key_file(settings: Settings, operator: str) -> Path:
    """Where an operator's private key lies."""
    return settings.home / "operators" / f"{operator}.key"


def sign(settings: Settings, record: DecisionRecord) -> DecisionRecord:
    """The record with its operator's signature. Raises GrowthError when their key can't be read here."""
    private = _private_key(settings, record.operator)
    try:
        signature = base64.b64encode(private.sign(record.signed_text())).decode()
    except ValueError as error:
        raise GrowthError(
            "The decision holds something that is no text.", "Type it again, in plain characters."
        ) from error
    return record.model_copy(update={"signature": signature})


def present_operator(store: Store, settings: Settings) -> str:
    """The active operator that the command line acts as, proved by their key on this machine.

    For what operators do besides deciding actions. Raises GrowthError without the key, ProofRefused when it is
    not the one that the store knows.
    """
    public = _private_key(settings, settings.operator).public_key().public_bytes_raw()
    with store.read() as session:
        known = keys_of(session).get(settings.operator)
    if known is None or not known.active or known.public_key != base64.b64encode(public).decode():
        raise ProofRefused(
            "unknown_operator",
            f"Refused: {settings.operator} is not an active operator with the key on this machine.",
            "See `growth operators list`; set GROWTH_OPERATOR to a name whose key is here.",
        )
    return settings.operator


def _private_key(settings: Settings, operator: str) -> Ed25519PrivateKey:
    if not operator:
        raise GrowthError(
            "Who decides? GROWTH_OPERATOR is not set.",
            "Set it to your name in `growth operators list`, or add yourself with `growth operators add NAME`.",
        )
    file = key_file(settings, operator)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise GrowthError(
            f"The key of {operator} can't be read: {file}.",
            "Set GROWTH_OPERATOR to a name whose key is on this machine, or add the operator again.",
        ) from error
    except ValueError as error:
        raise GrowthError(
            f"{file} is not a private key.", f"Remove and add {operator} again to get a new one."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise GrowthError(f"{file} is not an ed25519 key.", f"Remove and add {operator} again to get a new one.")
    return key
