"""Lists of approval requests: what one person may answer, all that wait, what ends soon, and what was decided.

Those that wait come by priority, then age; decided ones the newest first. Pages are by key, so they stay quick
however many requests there are, and nothing is skipped or repeated when others decide meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.model import Priority
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.approvals.absences import away_now
from growth_pipelines.approvals.permission import votes_that_count
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.keyset import BadCursor, beyond, cursor_of, descending, further, values_of
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote, Operator
from growth_pipelines.store.unindexed import unindexed

# Names and roles by which somebody may approve: their own, and those of who is away.
Rights: TypeAlias = tuple[tuple[str, str], ...]
Tab = Literal["mine", "all", "expiring", "decided"]
TABS: tuple[Tab, ...] = get_args(Tab)
PRIORITIES: tuple[str, ...] = get_args(Priority)
RISKS = ("high", "medium", "low")
ENDS_SOON = timedelta(hours=24)
_FEW = 500
_OLDEST_FIRST = (ApprovalRequest.created_at, ApprovalRequest.id)
# An action's request is that of its present version.
_PRESENT = and_(Action.id == ApprovalRequest.action_id, Action.version == ApprovalRequest.version)
_NEWEST_DECISION = (ApprovalRequest.decided_at, ApprovalRequest.id)


@dataclass(frozen=True)
class Entry:
    """One request with its action: ``have`` of ``need`` votes are in, ``voted``: one is the asker's."""

    action: Action
    request: ApprovalRequest
    have: int
    need: int
    voted: bool

    @property
    def took(self) -> timedelta | None:
        """From the question to the answer; None while there is none."""
        return self.request.decided_at - self.request.created_at if self.request.decided_at else None


@dataclass(frozen=True)
class Inbox:
    """A page of a list, and the cursor of the next one (None: there is none)."""

    entries: list[Entry]
    next: str | None


@dataclass(frozen=True)
class Waiting:
    """How many requests wait, by priority (the most urgent first, none with 0), how many of them are past their
    time to answer, and since when the oldest waits (None: nothing does)."""

    by_priority: Mapping[str, int]
    late: int
    oldest: datetime | None

    @property
    def count(self) -> int:
        return sum(self.by_priority.values())


def inbox(
    session: Session,
    tab: str,
    operator: str,
    role: str,
    now: datetime,
    *,
    kind: str = "",
    risk: str = "",
    priority: str = "",
    after: str | None = None,
    limit: int = 25,
) -> Inbox:
    """A page of the list ``tab`` as ``operator`` sees it; empty filters take all.

    Raises BadCursor, or GrowthError for a tab or priority that there is none of.
    """
    if tab not in TABS:
        raise GrowthError(f"There is no list {tab!r}.", f"Use one of {', '.join(TABS)}.")
    if priority and priority not in PRIORITIES:
        raise GrowthError(f"There is no priority {priority!r}.", f"Use one of {', '.join(PRIORITIES)}.")
    name = " ".join(("inbox", tab, operator if tab == "mine" else "", kind, risk, priority))
    wanted = _requests(session, kind, risk)
    if tab == "decided":
        found = _decided(session, wanted, name, priority, after, limit + 1)
    elif tab == "mine" and role not in MAY_DECIDE:
        found = []
    else:
        those = wanted.where(*_waits(now), *_of_tab(session, tab, operator, role, now))
        found = _waiting(session, those, name, priority, after, limit + 1)
    shown = found[:limit]
    return Inbox(
        _with_votes(session, operator, shown),
        cursor_of(name, _key(tab, shown[-1][0])) if len(found) > limit else None,
    )


def count_mine(session: Session, operator: str, role: str, now: datetime, most: int) -> int:
    """How many wait for this person's answer, counted no further than ``most``."""
    if role not in MAY_DECIDE:
        return 0
    counted = _counted_mine(operator, _rights(session, operator, role, now))
    return session.scalar(counted, {"now": now, "most": most}) or 0


def waiting(session: Session, now: datetime) -> Waiting:
    """All that waits at this instant, in one query."""
    late = func.sum(case((ApprovalRequest.due_at <= now, 1), else_=0))
    wanted = select(ApprovalRequest.priority, func.count(), late, func.min(ApprovalRequest.created_at))
    wanted = wanted.join(Action, _PRESENT).where(*_waits(now)).group_by(ApprovalRequest.priority)
    found = {row[0]: row for row in session.execute(wanted)}
    return Waiting(
        {priority: found[priority][1] for priority in PRIORITIES if priority in found},
        sum(row[2] for row in found.values()),
        min((row[3] for row in found.values()), default=None),
    )


def _requests(session: Session, kind: str, risk: str) -> Select[*tuple[Any, ...]]:
    """Each action's present request beside it. Few of a kind are looked up by their ids: it would take longer to
    pass by all the others."""
    wanted = select(ApprovalRequest, Action).join(Action, _PRESENT)
    if kind:
        ids = session.scalars(select(Action.id).where(Action.kind == kind).limit(_FEW)).all()
        of_kind = ApprovalRequest.action_id.in_(ids) if len(ids) < _FEW else unindexed(Action.kind == kind)
        wanted = wanted.where(of_kind)
    return wanted.where(unindexed(Action.risk_tier == risk)) if risk else wanted


def _waits(now: datetime | BindParameter[Any]) -> tuple[ColumnElement[bool], ...]:
    """A deferred action's request is pending too, but asks nothing of anybody yet. While an action waits, it and
    its request end at the same time; the request's is the shorter row to read."""
    return (ApprovalRequest.status == "pending", Action.state == "pending", ApprovalRequest.expires_at > now)


def _of_tab(session: Session, tab: str, operator: str, role: str, now: datetime) -> Iterator[ColumnElement[bool]]:
    if tab == "expiring":
        yield or_(ApprovalRequest.expires_at <= now + ENDS_SOON, ApprovalRequest.due_at <= now)
    if tab == "mine":
        yield _has_no_vote(operator)
        # How many that are is guessed from text at one in thousands: all would be read and sorted.
        yield unindexed(_may_approve(operator, _rights(session, operator, role, now)))


# What is asked about a person is the same each time; to put it together takes longer than to ask the database.
@lru_cache(maxsize=256)
def _counted_mine(operator: str, rights: Rights) -> Select[int]:
    """Counts what waits at ``now`` for someone with these rights, up to ``most``."""
    own = select(literal(1)).select_from(ApprovalRequest).join(Action, _PRESENT).limit(bindparam("most"))
    own = own.where(*_waits(bindparam("now")), _has_no_vote(operator), _may_approve(operator, rights))
    return select(func.count()).select_from(own.subquery())


@lru_cache(maxsize=256)
def _has_no_vote(operator: str) -> ColumnElement[bool]:
    own = ApprovalVote.request_id == ApprovalRequest.id
    return ~exists().where(own, ApprovalVote.operator == operator)


def _rights(session: Session, operator: str, role: str, now: datetime) -> Rights:
    """Name and role of those by whose right ``operator`` may approve: their own, and that of who is away."""
    absent = [session.get(Operator, away.operator) for away in away_now(session, now) if away.delegate == operator]
    return ((operator, role), *((one.name, one.role) for one in absent if one is not None and one.active))


def _may_approve(operator: str, rights: Rights) -> ColumnElement[bool]:
    """What :func:`growth_pipelines.approvals.permission.permission` says, as a condition of the query.

    A request without terms asks for a deciding role only.
    """
    return or_(*(_has_right(operator, name, its_role) for name, its_role in rights))


@lru_cache(maxsize=256)
def _has_right(operator: str, name: str, role: str) -> ColumnElement[bool]:
    """Looked for in the lists' own JSON text, where a name stands in quotes: both engines can do that."""
    terms = ApprovalRequest.terms
    roles, approvers = terms["roles"].as_string(), func.coalesce(terms["approvers"].as_string(), "[]")
    earlier = aliased(ApprovalRequest)
    wrote = exists().where(earlier.action_id == ApprovalRequest.action_id, earlier.requester.in_((operator, name)))
    return and_(
        or_(roles.is_(None), roles.contains(f'"{role}"', autoescape=True)),
        or_(approvers == "[]", approvers.contains(f'"{name}"', autoescape=True)),
        or_(func.coalesce(terms["four_eyes"].as_boolean(), False).is_(False), ~wrote),
    )


def _waiting(
    session: Session, wanted: Select[*tuple[Any, ...]], name: str, priority: str, after: str | None, most: int
) -> list[Any]:
    """By priority, then age. One step for each priority along its own index, until the page is full."""
    reached, since = _position(name, after)
    found: list[Any] = []
    for one in PRIORITIES[PRIORITIES.index(reached) :] if reached else PRIORITIES:
        if priority and one != priority:
            continue
        these = wanted.where(ApprovalRequest.priority == one).order_by(*_OLDEST_FIRST).limit(most - len(found))
        if one == reached:
            these = these.where(further(_OLDEST_FIRST, since))
        found += session.execute(these).all()
        if len(found) >= most:
            break
    return found


def _position(name: str, after: str | None) -> tuple[str, Sequence[Any]]:
    """The priority and the row that a cursor has reached."""
    if after is None:
        return "", ()
    priority, *since = values_of(after, name, (str, datetime, str))
    if priority not in PRIORITIES:
        raise BadCursor()
    return priority, since


def _decided(
    session: Session, wanted: Select[*tuple[Any, ...]], name: str, priority: str, after: str | None, most: int
) -> list[Any]:
    """Answered ones, the newest first."""
    wanted = wanted.where(ApprovalRequest.decided_at.is_not(None)).order_by(*descending(_NEWEST_DECISION))
    if priority:
        wanted = wanted.where(ApprovalRequest.priority == priority)
    if after is not None:
        wanted = wanted.where(beyond(_NEWEST_DECISION, values_of(after, name, (datetime, str))))
    return list(session.execute(wanted.limit(most)).all())


def _key(tab: str, request: ApprovalRequest) -> tuple[str | datetime, ...]:
    if tab == "decided" and request.decided_at is not None:
        return request.decided_at, request.id
    return request.priority, request.created_at, request.id


def _with_votes(session: Session, operator: str, rows: Sequence[Any]) -> list[Entry]:
    """The page's rows with their votes, read at once."""
    asked = [request.id for request, _ in rows]
    votes: dict[str, set[str]] = {one: set() for one in asked}
    cast = select(ApprovalVote.request_id, ApprovalVote.operator).where(ApprovalVote.request_id.in_(asked))
    for request_id, voter in session.execute(cast):
        votes[request_id].add(voter)
    return [
        Entry(
            action,
            request,
            len(votes_that_count(session, action, request)) if votes[request.id] else 0,
            terms_of(request).quorum,
            operator in votes[request.id],
        )
        for request, action in rows
    ]
