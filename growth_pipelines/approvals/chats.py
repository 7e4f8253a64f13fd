"""Chat accounts that speak for operators: linked by a code that is typed in once, and the proof that they give.

The console or the command line shows the code; who types it into the bot proves to be the person in front of
that screen. Only the code's hash is kept, guesses are counted, and a link ends with its operator.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import find
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.operators import hash_of
from growth_pipelines.approvals.proofs import DecisionRequest, Person
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.terms import ChatMode
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ChatLink, LinkCode, LoginFailure, Operator
from growth_pipelines.telemetry import logger

CHANNEL = "telegram"
CODE_LASTS = timedelta(minutes=10)
CODE_LENGTH = 8
# Read aloud or copied by hand: no 0 and O, no 1, I and L.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
# Wrong codes that one account, and all of them together, may try in the time that a lock lasts.
GUESSES_ALLOWED, ALL_GUESSES_ALLOWED = 5, 50
LOCKED_FOR = timedelta(minutes=15)
_CLIENT = "chat:"


class LinkRefused(GrowthError):
    """The code links nothing."""


class ConfirmFirst(ProofRefused):
    """Policies ask for a second yes in the chat."""

    def __init__(self) -> None:
        super().__init__("not_confirmed", "Policies ask for this approval twice.", "Confirm it.")


@dataclass(frozen=True)
class NewCode:
    """A code that links a chat once; it is shown now and never again."""

    code: str
    expires_at: datetime


def new_code(
    session: Session, operator: str, now: datetime, *, actor: str = "", channel: str = "console"
) -> NewCode:
    """A code that links a chat to an active operator, in the caller's transaction; earlier codes end.

    ``actor`` is who asks for it, if not the operator. Raises GrowthError when there is no such operator.
    """
    person = session.get(Operator, operator)
    if person is None or not person.active:
        raise GrowthError(f"There is no active operator {operator}.", "See `growth operators list`.")
    session.execute(delete(LinkCode).where(LinkCode.operator == operator, LinkCode.used_at.is_(None)))
    code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
    expires_at = now + CODE_LASTS
    session.add(LinkCode(code_hash=hash_of(code), operator=operator, created_at=now, expires_at=expires_at))
    _note(session, "chat_code_made", actor or operator, channel, now, operator)
    return NewCode(code, expires_at)


def link_chat(store: Store, code: str, user_id: int, chat_id: int, now: datetime) -> str:
    """Use up a code: the account speaks for the code's operator from now on. Returns their name.

    Raises LinkRefused for a code that is unknown, used or too old, and after too many of them.
    """
    with store.session() as session:
        outcome = _use_code(session, code, user_id, chat_id, now)
    if isinstance(outcome, LinkRefused):
        logger("approvals").info("chat not linked", why=outcome.message)
        raise outcome
    return outcome


def _use_code(session: Session, code: str, user_id: int, chat_id: int, now: datetime) -> str | LinkRefused:
    if _is_locked(session, user_id, now):
        return LinkRefused(
            "Too many wrong codes.", f"Wait {LOCKED_FOR.seconds // 60} minutes, then ask for another."
        )
    found = session.get(LinkCode, hash_of("".join(code.split()).upper()))
    person = session.get(Operator, found.operator) if found else None
    if found is None or found.used_at or found.expires_at <= now or person is None or not person.active:
        session.add(LoginFailure(id=str(uuid.uuid4()), client=f"{_CLIENT}{user_id}", at=now))
        return LinkRefused("This code is unknown, used or too old.", "Ask the console for another one.")
    found.used_at = now
    before = session.get(ChatLink, user_id)
    if before is not None:
        session.delete(before)
        session.flush()
    session.add(ChatLink(user_id=user_id, chat_id=chat_id, operator=person.name, linked_at=now, muted_until=None))
    _note(session, "chat_linked", person.name, CHANNEL, now, person.name)
    return person.name


def _is_locked(session: Session, user_id: int, now: datetime) -> bool:
    recent = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > now - LOCKED_FOR)
    own = session.scalar(recent.where(LoginFailure.client == f"{_CLIENT}{user_id}")) or 0
    everyones = session.scalar(recent.where(LoginFailure.client.startswith(_CLIENT))) or 0
    return own >= GUESSES_ALLOWED or everyones >= ALL_GUESSES_ALLOWED


def unlink_chat(session: Session, user_id: int, now: datetime) -> str | None:
    """End one account's link, in the caller's transaction; whose it was, or None."""
    known = session.get(ChatLink, user_id)
    if known is None:
        return None
    session.delete(known)
    _note(session, "chat_unlinked", known.operator, CHANNEL, now, known.operator)
    return known.operator


def unlink_operator(
    session: Session, operator: str, now: datetime, *, actor: str = "", channel: str = "console"
) -> int:
    """End every chat that speaks for the operator, in the caller's transaction; how many there were."""
    chats = session.scalars(select(ChatLink).where(ChatLink.operator == operator)).all()
    for chat in chats:
        session.delete(chat)
    if chats:
        _note(session, "chat_unlinked", actor or operator, channel, now, operator)
    return len(chats)


def linked_chats(session: Session, operator: str | None = None) -> list[ChatLink]:
    """The chats of active operators (or of one), by operator."""
    wanted = select(ChatLink).join(Operator, Operator.name == ChatLink.operator).where(Operator.active)
    if operator is not None:
        wanted = wanted.where(ChatLink.operator == operator)
    return list(session.scalars(wanted.order_by(ChatLink.operator, ChatLink.user_id)))


def speaker(session: Session, user_id: int, chat_id: int, allowed: Collection[int]) -> Operator | None:
    """The operator that a chat account speaks for there, or None: unknown account, chat not allowed, removed."""
    link = session.get(ChatLink, user_id) if chat_id in allowed else None
    operator = session.get(Operator, link.operator) if link else None
    return operator if operator is not None and operator.active else None


@dataclass(frozen=True)
class ChatProof:
    """A message or click as Telegram delivered it: whose account it is, and in which chat.

    Telegram vouches for both numbers; ``allowed`` are the chats that are heard. ``confirmed``: whether they were
    asked once more and said yes again.
    """

    user_id: int
    chat_id: int
    allowed: tuple[int, ...]
    confirmed: bool = False
    channel: str = CHANNEL
    records_strangers: bool = False

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """The operator that the account is linked to. Raises ProofRefused; ConfirmFirst where one yes won't do."""
        operator = speaker(session, self.user_id, self.chat_id, self.allowed)
        if operator is None:
            raise ProofRefused(
                "unknown_chat", "This chat speaks for nobody.", "Link it with a code of the console."
            )
        if request.decision.startswith("approve"):
            self._judge(_way_to_approve(session, request.action))
        return Person(operator.name, operator.role, self.channel)

    def _judge(self, way: ChatMode) -> None:
        """By the policies as they are now, whatever they were when the button was drawn or looked at."""
        if way == "console":
            raise ProofRefused("console_only", "Policies leave approving this to the console.", "Open it there.")
        if way == "twice" and not self.confirmed:
            raise ConfirmFirst


def _way_to_approve(session: Session, action: str) -> ChatMode:
    asked = request_of(session, find(session, action))
    return terms_of(asked).chat if asked is not None else "console"


def _note(session: Session, event: str, actor: str, channel: str, now: datetime, operator: str) -> None:
    append_event(session, event=event, actor=actor, channel=channel, now=now, payload={"operator": operator})
