"""What is asked to be decided, and the proofs of who asks: one class a channel, each judged in the transaction.

A channel adds a proof of its own by another class with ``prove``; :mod:`decide` knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import find
from growth_pipelines.actions.terms import stands_alone, terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.sessions import PROOF_LASTS, NotFresh, proven_session
from growth_pipelines.approvals.signatures import Decision, DecisionRecord, ProofRefused, proven
from growth_pipelines.store.tables import Operator


@dataclass(frozen=True)
class DecisionRequest:
    """What is decided about which action (id or ref), as it was seen (``digest``).

    ``reason`` is needed to reject (one of REJECT_REASONS) and to roll back (any text), ``note`` to request changes
    and with the reason "other", ``until`` to defer, ``draft`` (the parts that change) to edit.
    """

    action: str
    decision: Decision
    digest: str
    note: str = ""
    reason: str = ""
    until: date | None = None
    draft: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, record: DecisionRecord) -> DecisionRequest:
        """What a signed record asks for."""
        return cls(
            record.action_id,
            record.decision,
            record.digest,
            record.note,
            record.reason,
            record.until,
            record.draft,
        )


@dataclass(frozen=True)
class Person:
    """Who was proved to ask, and through which channel; ``proof_hash`` names a proof that counts once.

    ``by_policy`` is set when nobody asks but a policy: what the record then says of the rule.
    """

    name: str
    role: str
    channel: str
    proof_hash: str | None = None
    by_policy: Mapping[str, Any] | None = None


class Proof(Protocol):
    """Proves who decides. ``records_strangers``: whether a proof of nobody goes into the audit chain too."""

    @property
    def channel(self) -> str: ...

    @property
    def records_strangers(self) -> bool: ...

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """The person behind the request. Raises ProofRefused."""


@dataclass(frozen=True)
class SessionProof:
    """A signed-in browser: the session cookie's token and the form's CSRF token.

    To approve what is looked at by itself, it must not be longer than ``lasts`` ago that the person proved who
    they are. Saying no never waits for that. Programs' tokens, signatures and chats prove who asks each time.
    """

    token: str
    csrf: str
    lasts: timedelta = PROOF_LASTS
    channel: str = "console"
    records_strangers: bool = False

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """Whose session it is. Raises ProofRefused, or NotFresh for what asks for a newer proof."""
        signed_in = proven_session(session, self.token, self.csrf, now)
        approves = request.decision.startswith("approve") and signed_in.may_decide
        if approves and not signed_in.is_fresh(now, self.lasts) and _weighs_most(session, request):
            raise NotFresh
        return Person(signed_in.operator, signed_in.role, self.channel)


def _weighs_most(session: Session, request: DecisionRequest) -> bool:
    """Whether the approval is of what is looked at by itself. What is refused anyhow asks nobody for a proof."""
    action = find(session, request.action)
    if action.digest != request.digest or action.state not in ("pending", "deferred"):
        return False
    asked = request_of(session, action)
    return asked is None or stands_alone(action.risk_tier, terms_of(asked))


@dataclass(frozen=True)
class SignatureProof:
    """A signed record (mapping, JSON text or DecisionRecord) and the channel that it came through; ``zone``: in
    which a no tells times.
    """

    record: Any
    channel: str = "cli"
    zone: str = "UTC"
    records_strangers: bool = True

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """Whose signature it is, over exactly this decision."""
        signed = proven(session, self.record, now, self.zone)
        action = find(session, request.action)
        if replace(request, action=action.id) != DecisionRequest.of(signed):
            raise ProofRefused("bad_signature", "Refused: the signature is over another decision.")
        operator = session.get_one(Operator, signed.operator)
        return Person(operator.name, operator.role, self.channel, signed.proof_hash())
