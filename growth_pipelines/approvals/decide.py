"""The one way to decide, for every channel: console, command line, Dagster, and those that follow.

A decision is one transaction: who decides is proved, the action and its request change by compare-and-set, the
audit event and the outbox entry are written; or nothing happens and the refusal itself is on record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.lifecycle import expire, is_expired, release
from growth_pipelines.actions.queue import as_document, find
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.answers import (
    AlreadyDecided,
    DecisionRefused,
    DecisionResult,
    NotAllowed,
    StaleDigest,
    TimeIsOver,
)
from growth_pipelines.approvals.case import Case, already
from growth_pipelines.approvals.proofs import DecisionRequest, Person, Proof, SessionProof, SignatureProof
from growth_pipelines.approvals.steps import REJECT_REASONS, STEPS, Vote
from growth_pipelines.canonical import canonical_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, UsedProof
from growth_pipelines.telemetry import logger

__all__ = [
    "REJECT_REASONS",
    "AlreadyDecided",
    "DecisionRefused",
    "DecisionRequest",
    "DecisionResult",
    "NotAllowed",
    "Proof",
    "SessionProof",
    "SignatureProof",
    "StaleDigest",
    "TimeIsOver",
    "decide",
    "decide_in",
]

_LONGEST_ID, _LONGEST_WHY = 64, 500


def decide(
    store: Store,
    settings: Settings,
    request: DecisionRequest,
    proof: Proof,
    now: datetime,
) -> DecisionResult:
    """Decide. The first valid decision wins; the others raise AlreadyDecided.

    Raises ProofRefused (nobody proved to decide), NotAllowed, StaleDigest, AlreadyDecided, NoSuchAction, or a
    GrowthError that says what is missing. Refusals are on record too.
    """
    with store.session() as session:
        outcome = decide_in(session, settings, request, proof, now)
    if isinstance(outcome, GrowthError):
        raise outcome
    return outcome


def decide_in(
    session: Session,
    settings: Settings,
    request: DecisionRequest,
    proof: Proof,
    now: datetime,
) -> DecisionResult | GrowthError:
    """The same within the caller's write transaction: what must be stored with the decision, or several at once.

    A refusal is returned, not raised: its record is in the transaction, which the caller commits.
    """
    person: Person | None = None
    try:
        person = proof.prove(session, request, now)
        action = find(session, request.action)
        _catch_up(session, action, now)
        case = Case(session, settings, action, request, person, now)
        with session.begin_nested():
            return _decide(case)
    except GrowthError as error:
        if isinstance(error, DecisionRefused):
            # An edit that may not be approved is undone: what is told is the action without it.
            error.action = as_document(session.get_one(Action, error.action["id"], populate_existing=True))
        _note_refusal(session, request, proof, person, error, now)
        return error


def _catch_up(session: Session, action: Action, now: datetime) -> None:
    """Store what time has already done, so that a late sweep changes no decision."""
    if action.state == "deferred" and action.deferred_until is not None and action.deferred_until <= now:
        release(session, action, now)
    if is_expired(action, now):
        expire(session, action, now)


def _note_refusal(
    session: Session,
    request: DecisionRequest,
    proof: Proof,
    person: Person | None,
    error: GrowthError,
    now: datetime,
) -> None:
    """Refusals of known people go on record; strangers are only logged where the channel lets anybody knock."""
    channel = person.channel if person else proof.channel
    logger("approvals").info("decision refused", decision=request.decision, channel=channel, why=error.message)
    if person is None and not proof.records_strangers:
        return
    action = error.action if isinstance(error, DecisionRefused) else None
    append_event(
        session,
        event="decision_refused",
        actor=person.name if person else "unknown",
        channel=channel,
        now=now,
        action_id=action["id"] if action else None,
        version=action["version"] if action else None,
        after_digest=action["digest"] if action else None,
        payload={
            "asked": request.decision,
            # As they were sent, which may be anything; the chain keeps it for ever.
            "action": request.action[:_LONGEST_ID],
            "digest": request.digest[:_LONGEST_ID],
            "why": error.message[:_LONGEST_WHY],
        },
    )


def _decide(case: Case) -> DecisionResult:
    action, request = case.action, case.request
    if case.person.by_policy is None and case.person.role not in MAY_DECIDE:
        raise NotAllowed(
            f"{case.person.name} is a {case.person.role}, who may look but not decide.",
            "Ask an operator or admin.",
            as_document(action),
        )
    check_texts([request.note, request.reason, request.draft])
    open_for = ("executed", "measured") if request.decision == "rollback" else ("pending",)
    if action.state not in open_for:
        raise already(case)
    if case.person.proof_hash and case.session.get(UsedProof, case.person.proof_hash):
        raise already(case, replayed=True)
    if request.digest != action.digest:
        raise StaleDigest(
            f"{action.ref} has changed since you looked at it: it is at version {action.version} now.",
            "Look at the current draft and decide again.",
            as_document(action),
        )
    done = STEPS[request.decision](case)
    if case.person.proof_hash:
        case.session.add(UsedProof(proof_hash=case.person.proof_hash, action_id=action.id, used_at=case.now))
        case.session.flush()
    asked = request_of(case.session, action)
    status = asked.status if asked else ""
    document = as_document(action)
    if isinstance(done, Vote):
        return DecisionResult(action.state, status, done.message, document, "voted", done.votes)
    return DecisionResult(action.state, status, done, document)


def check_texts(said: Any) -> None:
    """Refuse what the store and the shop can't hold: NUL characters, half characters, numbers without end."""
    try:
        text = canonical_json(said)
        text.encode()
    except (TypeError, ValueError):
        text = "\\u0000"
    if "\\u0000" in text:
        raise GrowthError("The decision holds something that is no text.", "Type it again, in plain characters.")
