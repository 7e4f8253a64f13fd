"""What the bot reads and decides in the store, one short transaction each; nothing here talks to Telegram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.lifecycle import is_expired, request_of
from growth_pipelines.actions.queue import NoSuchAction, as_document, find
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import digests_asked
from growth_pipelines.approvals.chats import ChatProof, linked_chats, speaker
from growth_pipelines.approvals.decide import DecisionRequest, DecisionResult, decide
from growth_pipelines.approvals.inbox import inbox, waiting
from growth_pipelines.approvals.permission import votes_that_count
from growth_pipelines.clock import Clock
from growth_pipelines.policies.terms import ChatMode
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ChatLink, Operator
from growth_pipelines.telegram.messages import Reader


@dataclass(frozen=True)
class Asker:
    """Who wrote or tapped, and where, as Telegram vouches for it."""

    user_id: int
    chat_id: int

    @property
    def private(self) -> bool:
        """Whether nobody else reads along: a private chat has its user's number."""
        return self.user_id == self.chat_id


@dataclass(frozen=True)
class Speaker:
    """The operator that an asker speaks for."""

    operator: str
    role: str

    @property
    def decides(self) -> bool:
        return self.role in MAY_DECIDE


@dataclass(frozen=True)
class Chat:
    """A linked chat that messages are sent to."""

    chat_id: int
    speaker: Speaker
    muted_until: datetime | None


@dataclass(frozen=True)
class Case:
    """An action as it was at one time, how its approval is given in a chat, and who has given theirs already."""

    action: Mapping[str, Any]
    confirm: ChatMode
    votes: Mapping[str, int] | None
    pending: bool
    voters: tuple[str, ...] = ()

    def asks(self, speaker: Speaker) -> bool:
        """Whether the question is still put to them: they may decide, and have not voted."""
        return self.pending and speaker.decides and speaker.operator not in self.voters


@dataclass(frozen=True)
class Desk:
    """The store, the settings and the clock, for everything that the bot does."""

    store: Store
    settings: Settings
    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def console_url(self) -> str:
        return self.settings.console_url

    def reader(self) -> Reader:
        """For whom messages are written now."""
        return Reader(self.now(), self.settings.zone, self.settings.currency, self.console_url)

    def allows(self, chat_id: int) -> bool:
        return chat_id in self.settings.telegram.allowed_chats

    def speaker(self, asker: Asker) -> Speaker | None:
        """Who the asker speaks for there; None is a stranger."""
        with self.store.read() as session:
            found = speaker(session, asker.user_id, asker.chat_id, self.settings.telegram.allowed_chats)
            return Speaker(found.name, found.role) if found else None

    def link_of(self, asker: Asker) -> ChatLink | None:
        with self.store.read() as session:
            return session.get(ChatLink, asker.user_id)

    def chats(self) -> list[Chat]:
        """The chats that are written to unasked: linked, allowed, of active operators."""
        with self.store.read() as session:
            return [
                Chat(link.chat_id, _speaker_of(session, link), link.muted_until)
                for link in linked_chats(session)
                if self.allows(link.chat_id)
            ]

    def case(self, id_or_ref: str) -> Case:
        """The action with this id or ref. Raises NoSuchAction."""
        with self.store.read() as session:
            return self._case(session, find(session, id_or_ref))

    def case_and_drafts(self, id_or_ref: str) -> tuple[Case, list[str]]:
        """The same, with the digests of all the drafts that it has had, the present one first."""
        with self.store.read() as session:
            action = find(session, id_or_ref)
            return self._case(session, action), [action.digest, *digests_asked(session, action)]

    def case_or_none(self, id_or_ref: str) -> Case | None:
        try:
            return self.case(id_or_ref)
        except NoSuchAction:
            return None

    def _case(self, session: Session, action: Action) -> Case:
        asked = request_of(session, action)
        pending = action.state == "pending" and not is_expired(action, self.now())
        if asked is None:
            return Case(as_document(action), "console", None, pending)
        terms = terms_of(asked)
        voters = tuple(vote.operator for vote in votes_that_count(session, action, asked))
        votes = {"have": len(voters), "need": terms.quorum} if terms.quorum > 1 else None
        if len(voters) >= terms.quorum:
            # The terms ask for fewer now: any of them may make it a decision.
            voters = ()
        # The policies may put the question under another priority than the proposal's own.
        document = {**as_document(action), "priority": asked.priority}
        return Case(document, terms.chat, votes, pending, voters)

    def pending(self, limit: int) -> tuple[list[Mapping[str, Any]], int]:
        """The most urgent requests, and how many there are."""
        with self.store.read() as session:
            found = inbox(session, "all", "", "", self.now(), limit=limit).entries
            total = waiting(session, self.now()).count
            return [{**as_document(one.action), "priority": one.request.priority} for one in found], total

    def decide(self, asker: Asker, request: DecisionRequest, *, confirmed: bool = False) -> DecisionResult:
        """Decide as whoever the chat speaks for; raises what decide() and the proof raise."""
        proof = ChatProof(asker.user_id, asker.chat_id, tuple(self.settings.telegram.allowed_chats), confirmed)
        return decide(self.store, self.settings, request, proof, self.now())


def _speaker_of(session: Session, link: ChatLink) -> Speaker:
    return Speaker(link.operator, session.get_one(Operator, link.operator).role)
