"""Deciding about many actions at once: first what that covers, then, confirmed, each through the one ``decide``.

The confirmation is bound to exactly the actions, digests, decision and person that were shown, and is short-lived.
It is no state: a keyed hash under the session's own secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any, Literal

from sqlalchemy.orm import Session

from growth_pipelines.actions.lifecycle import is_expired
from growth_pipelines.actions.queue import NoSuchAction, find, rank
from growth_pipelines.actions.subject import conflict, written_fields
from growth_pipelines.actions.terms import stands_alone
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRequest,
    DecisionResult,
    Proof,
    StaleDigest,
    check_texts,
    decide_in,
)
from growth_pipelines.approvals.deferral import deferral
from growth_pipelines.approvals.steps import check_reason
from growth_pipelines.canonical import canonical_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.book import in_force
from growth_pipelines.policies.terms import Book
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Action

MOST = 200
CONFIRM_WITHIN = timedelta(minutes=10)
BulkDecision = Literal["approve", "reject", "defer"]
Fate = Literal["ready", "done", "stale", "decided", "unknown", "conflict", "refused"]


class NotConfirmed(GrowthError):
    """The confirmation is of another list, person or time."""


@dataclass(frozen=True)
class Item:
    """One action (id or ref) as it was seen."""

    action: str
    digest: str


@dataclass(frozen=True)
class Bulk:
    """One decision about many actions; ``reason``, ``note`` and ``until`` as for a single one."""

    decision: BulkDecision
    items: tuple[Item, ...]
    reason: str = ""
    note: str = ""
    until: date | None = None

    def about(self, item: Item) -> DecisionRequest:
        """The decision about one of them."""
        return DecisionRequest(item.action, self.decision, item.digest, self.note, self.reason, self.until)


@dataclass(frozen=True)
class ItemFate:
    """What becomes of one item: ``ready`` before, ``done`` after, else why not."""

    item: Item
    fate: Fate
    message: str
    action: Action | None = None
    result: DecisionResult | None = None


@dataclass(frozen=True)
class Coverage:
    """What a bulk decision covers. Money is the sum over the actions that are ready: over 28 days, discounted by
    nothing; ``conflicts`` are pairs that would write the same fields."""

    fates: tuple[ItemFate, ...]
    count: int
    kinds: dict[str, int]
    revenue_28d: float
    revenue_low: float
    revenue_high: float
    conflicts: tuple[tuple[Action, Action, tuple[str, ...]], ...]


def check(bulk: Bulk, settings: Settings, now: datetime) -> None:
    """Raise GrowthError for what would fail on every item."""
    check_texts([bulk.note, bulk.reason, [[item.action, item.digest] for item in bulk.items]])
    if not 0 < len(bulk.items) <= MOST:
        raise GrowthError(f"A bulk decision is about 1 to {MOST} actions.", "Send them in parts.")
    if len({item.action for item in bulk.items}) < len(bulk.items):
        raise GrowthError("An action is named twice.", "Name each action once.")
    if bulk.decision == "reject":
        check_reason(bulk.reason, bulk.note)
    if bulk.decision == "defer":
        deferral(settings, bulk.until, now)


def cover(session: Session, bulk: Bulk, now: datetime) -> Coverage:
    """What the decision would cover now; changes nothing."""
    fates = tuple(_foreseen(session, bulk, now))
    ready = [fate.action for fate in fates if fate.fate == "ready" and fate.action is not None]
    return Coverage(
        fates=fates,
        count=len(ready),
        kinds=dict(Counter(action.kind for action in ready)),
        revenue_28d=_sum(ready, "revenue_28d"),
        revenue_low=_sum(ready, "revenue_low"),
        revenue_high=_sum(ready, "revenue_high"),
        conflicts=tuple(
            (one, other, tuple(sorted(written_fields(one.fields) & written_fields(other.fields))))
            for one, other in combinations(sorted(ready, key=rank, reverse=True), 2)
            if conflict(one, other)
        ),
    )


def _sum(actions: Iterable[Action], name: str) -> float:
    return round(sum(action.impact[name] for action in actions), 2)


def _foreseen(session: Session, bulk: Bulk, now: datetime) -> list[ItemFate]:
    fates = [_foresee(session, item, now) for item in bulk.items]
    if bulk.decision != "approve":
        return fates
    book = in_force(session).book
    return [_by_itself(fate, book) for fate in fates]


def _by_itself(fate: ItemFate, book: Book) -> ItemFate:
    """What weighs most is approved where it is seen, not in a list."""
    action = fate.action
    if fate.fate != "ready" or action is None:
        return fate
    if not stands_alone(action.risk_tier, book.terms(action.kind, action.subtype, action.risk_tier)):
        return fate
    alone = f"{action.ref} ({action.risk_tier} risk) is to be looked at by itself: approve it on its own page."
    return replace(fate, fate="refused", message=alone)


def _foresee(session: Session, item: Item, now: datetime) -> ItemFate:
    try:
        action = find(session, item.action)
    except NoSuchAction as unknown:
        return ItemFate(item, "unknown", unknown.message)
    back = action.state == "deferred" and action.deferred_until is not None and action.deferred_until <= now
    if is_expired(action, now) or not (back or action.state == "pending"):
        state = "expired" if is_expired(action, now) else action.state.replace("_", " ")
        return ItemFate(item, "decided", f"{action.ref} is {state}.", action)
    if item.digest != action.digest:
        return ItemFate(item, "stale", f"{action.ref} has changed: it is at version {action.version}.", action)
    return ItemFate(item, "ready", "", action)


def decide_all(
    session: Session,
    settings: Settings,
    bulk: Bulk,
    proofs: Sequence[Proof],
    now: datetime,
) -> list[ItemFate]:
    """Decide about every item in the caller's write transaction, the best first; the fates in the items' order.

    ``proofs`` has one proof an item. Of two that would write the same fields only the better is approved. A
    refusal of one holds up no other.
    """
    foreseen = _foreseen(session, bulk, now)
    order = sorted(range(len(foreseen)), key=lambda at: _place(foreseen[at]), reverse=True)
    approved: list[Action] = []
    fates: dict[int, ItemFate] = {}
    for at in order:
        fates[at] = _decide_one(session, settings, bulk, foreseen[at], proofs[at], approved, now)
    return [fates[at] for at in range(len(foreseen))]


def _place(fate: ItemFate) -> tuple[float, int, str]:
    return rank(fate.action) if fate.action is not None else (-1.0, 0, "")


def _decide_one(
    session: Session,
    settings: Settings,
    bulk: Bulk,
    seen: ItemFate,
    proof: Proof,
    approved: list[Action],
    now: datetime,
) -> ItemFate:
    if seen.fate == "refused":
        return seen
    if bulk.decision == "approve" and seen.fate == "ready" and seen.action is not None:
        for other in approved:
            if conflict(seen.action, other):
                return replace(seen, fate="conflict", message=f"{other.ref} writes the same and is worth more.")
    outcome = decide_in(session, settings, bulk.about(seen.item), proof, now)
    if isinstance(outcome, DecisionResult):
        if bulk.decision == "approve" and seen.action is not None:
            approved.append(seen.action)
        return replace(seen, fate="done", message=outcome.message, result=outcome)
    return replace(seen, fate=_fate_of(outcome), message=outcome.message)


def _fate_of(refusal: GrowthError) -> Fate:
    if isinstance(refusal, NoSuchAction):
        return "unknown"
    if isinstance(refusal, StaleDigest):
        return "stale"
    return "decided" if isinstance(refusal, AlreadyDecided) else "refused"


def confirmation(bulk: Bulk, operator: str, secret: str, now: datetime) -> str:
    """The token that confirms this very decision of this person for the next 10 minutes."""
    until = int((now + CONFIRM_WITHIN).timestamp())
    return f"{until}.{_seal(bulk, operator, secret, until)}"


def check_confirmation(token: str, bulk: Bulk, operator: str, secret: str, now: datetime) -> None:
    """Raise NotConfirmed unless the token is this decision's."""
    until, _, seal = token.partition(".")
    fits = until.isascii() and until.isdigit() and len(until) < 12 and seal.isascii()
    if not fits or not hmac.compare_digest(seal, _seal(bulk, operator, secret, int(until))):
        raise NotConfirmed(
            "The confirmation is of another decision.", "Ask without `confirm` what it covers, then confirm that."
        )
    if int(until) <= now.timestamp():
        raise NotConfirmed("The confirmation is too old.", "Ask again without `confirm`, and look at the answer.")


def _seal(bulk: Bulk, operator: str, secret: str, until: int) -> str:
    said: dict[str, Any] = {
        "operator": operator,
        "decision": bulk.decision,
        "items": sorted([item.action, item.digest] for item in bulk.items),
        "reason": bulk.reason,
        "note": bulk.note,
        "until": bulk.until,
        "expires": until,
    }
    return hmac.new(secret.encode(), canonical_json(said).encode(), hashlib.sha256).hexdigest()
