"""What is shown to the operator and in which order: lookups, lists, and the Top 10."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Label, Select, func, or_, select
from sqlalchemy.orm import QueryableAttribute, Session, load_only

from growth_pipelines.actions.lifecycle import EXPIRING
from growth_pipelines.actions.subject import conflict
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.keyset import beyond, descending
from growth_pipelines.store.tables import ACTION_STATES, Action, AuditEvent, Showing
from growth_pipelines.store.unindexed import unindexed


class NoSuchAction(GrowthError):
    """No action has this id or ref."""


def find(session: Session, id_or_ref: str) -> Action:
    """The action with this id or ref. Raises NoSuchAction."""
    wanted = select(Action).where(or_(Action.id == id_or_ref, Action.ref == id_or_ref))
    # PostgreSQL takes no NUL, so it can't even be asked.
    action = session.scalar(wanted) if id_or_ref.isprintable() else None
    if action is None:
        raise NoSuchAction(f"There is no action {id_or_ref}.", "See `growth actions list`.")
    return action


# At most one place in ten tries something that the score alone would not show; shorter lists have none.
ROOM_TO_TRY, _TRIED_FOR = 10, timedelta(hours=26)
# The order of the queue, all descending: money first; freshness, risk and age only break ties. Never a tie itself.
RANKED = (Action.score, Action.tie_break, Action.id)


class Waiting(NamedTuple):
    """As much of an action as decides its place in the queue: reading whole actions takes ten times as long."""

    id: str
    recommender: str
    score: float
    tie_break: int
    resource_gid: str
    fields: list[str]


_WAITING = tuple(getattr(Action, name) for name in Waiting._fields)


def rank(action: Action | Waiting) -> tuple[float, int, str]:
    """The place of an action in the queue; the higher first."""
    return (action.score, action.tie_break, action.id)


def list_actions(session: Session, state: str | None = None, kind: str | None = None) -> list[Action]:
    """All actions of a state and kind (None: any), best first."""
    wanted = select(Action).order_by(*descending(RANKED))
    if state is not None:
        wanted = wanted.where(Action.state == state)
    if kind is not None:
        wanted = wanted.where(Action.kind == kind)
    return list(session.scalars(wanted))


def count_actions(session: Session, state: str) -> int:
    """How many actions are in a state."""
    return session.scalar(select(func.count()).select_from(Action).where(Action.state == state)) or 0


def count_up_to(session: Session, most: int, *conditions: ColumnElement[bool]) -> int:
    """How many actions there are of this sort, counted no further than ``most``: whoever looks needs no more."""
    some = select(Action.id).where(*conditions).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def count_states(session: Session, most: int) -> dict[str, int]:
    """How many actions each state has, counted no further than ``most`` each, in one statement."""

    def counted(state: str) -> Label[int]:
        some = select(Action.id).where(Action.state == state).limit(most).subquery()
        return select(func.count()).select_from(some).scalar_subquery().label(state)

    return dict(session.execute(select(*map(counted, sorted(ACTION_STATES)))).mappings().one())


def top(
    session: Session,
    n: int,
    now: datetime,
    *,
    state: str | None = None,
    kind: str | None = None,
    trying: bool = True,
    only: Sequence[QueryableAttribute[Any]] = (),
) -> list[Action]:
    """The ``n`` actions to look at first: pending (or in ``state``), best first, free of conflicts and varied.

    Of two actions that change the same field of the same resource only the better one is shown. No recommender
    takes more than half of the places unless nothing else is worth more than 0. Reads a few pages of each
    recommender from its index, however many actions wait. The last place goes to what the queue tries out now,
    unless not ``trying``. ``only``: so much of each action is read (its id always); everything, where it is empty.
    """
    tried = _tried(session, now) if trying and state in (None, "pending") and kind is None else None
    state = state or "pending"
    waiting: Select[*tuple[Any, ...]] = (
        select(*_WAITING).where(Action.state == state).order_by(*descending(RANKED))
    )
    if state in EXPIRING:
        # The index of expiries holds nothing of the order.
        waiting = waiting.where(unindexed(Action.expires_at > now))
    if kind is not None:
        waiting = waiting.where(Action.kind == kind)
    best = _best_of_each(session, waiting, _recommenders(session, state), n)
    varied = sorted(_varied(sorted(best, key=rank, reverse=True), n), key=rank, reverse=True)
    if n >= ROOM_TO_TRY and len(varied) == n and tried is not None:
        kept = varied[:-1]
        if not any(tried.id == action.id or conflict(tried, action) for action in kept):
            varied = [*kept, tried]
    chosen = select(Action).where(Action.id.in_([action.id for action in varied]))
    if only:
        chosen = chosen.options(load_only(*only, raiseload=True))
    return list(session.scalars(chosen.order_by(*descending(RANKED))))


def _tried(session: Session, now: datetime) -> Waiting | None:
    """What the queue tries out today, while it still waits."""
    newest = select(Showing.explored).where(Showing.at > now - _TRIED_FOR).order_by(Showing.at.desc()).limit(1)
    explored = session.scalar(newest)
    if explored is None:
        return None
    waits = select(*_WAITING).where(Action.id == explored, Action.state == "pending", Action.expires_at > now)
    found = _read(session, waits)
    return found[0] if found else None


def _recommenders(session: Session, state: str) -> list[str]:
    """Who has actions in this state: one step through the index each, not a scan of all actions."""
    first = func.min(Action.recommender)
    names = select(first.label("name")).where(Action.state == state).cte(recursive=True)
    following = select(first).where(Action.state == state, Action.recommender > names.c.name)
    names = names.union_all(select(following.scalar_subquery()).where(names.c.name.is_not(None)))
    return list(session.scalars(select(names.c.name).where(names.c.name.is_not(None))))


def _best_of_each(
    session: Session, waiting: Select[*tuple[Any, ...]], recommenders: list[str], n: int
) -> list[Waiting]:
    """Each recommender's ``n`` best that give way to no better action on the same resource and field."""
    own = {name: waiting.where(Action.recommender == name).limit(max(2 * n, 20)) for name in recommenders}
    found: dict[str, list[Waiting]] = {name: [] for name in recommenders}
    pages = {name: page for name in own if (page := _read(session, own[name]))}
    while pages:
        kept = _compatible(session, waiting, [action for page in pages.values() for action in page])
        last = {name: rank(page[-1]) for name, page in pages.items()}
        for name, page in pages.items():
            found[name] += [action for action in page if action.id in kept]
        further = {name: own[name].where(beyond(RANKED, last[name])) for name in pages if len(found[name]) < n}
        pages = {name: page for name in further if (page := _read(session, further[name]))}
    return [action for name in recommenders for action in found[name][:n]]


def _compatible(session: Session, waiting: Select[*tuple[Any, ...]], page: list[Waiting]) -> set[str]:
    """The ids of those actions of a page that conflict with no better one that is kept itself."""
    # What is worth less than all of the page takes no place of any of them. The index of scores would pass by all
    # the others.
    least = min(action.score for action in page)
    rivals = waiting.order_by(None).where(
        Action.resource_gid.in_(sorted({action.resource_gid for action in page})),
        unindexed(Action.score >= least),
    )
    kept: dict[str, list[Waiting]] = {}
    for action in sorted(_read(session, rivals), key=rank, reverse=True):
        others = kept.setdefault(action.resource_gid, [])
        if not any(conflict(action, other) for other in others):
            others.append(action)
    return {action.id for actions in kept.values() for action in actions}


def _read(session: Session, wanted: Select[*tuple[Any, ...]]) -> list[Waiting]:
    # Without what makes whole objects of rows: half the time of a few hundred.
    return [Waiting._make(row) for row in session.connection().execute(wanted)]


def _varied(ranked: list[Waiting], n: int) -> list[Waiting]:
    half = max(1, n // 2)
    taken: Counter[str] = Counter()
    chosen: list[Waiting] = []
    left_over: list[Waiting] = []
    for action in ranked:
        if len(chosen) < n and action.score > 0 and taken[action.recommender] < half:
            chosen.append(action)
            taken[action.recommender] += 1
        else:
            left_over.append(action)
    return chosen + left_over[: n - len(chosen)]


def as_document(action: Action) -> dict[str, Any]:
    """The action as one JSON document, the form of ``growth actions list --json`` and of the HTTP API."""
    return {
        "id": action.id,
        "ref": action.ref,
        "trace_id": action.trace_id,
        "shop": action.shop_id,
        "kind": action.kind,
        "subtype": action.subtype,
        "recommender": action.recommender,
        "source": action.source,
        "version": action.version,
        "state": action.state,
        "state_at": _text(action.state_at),
        "target": action.target,
        "title": action.title,
        "rationale": action.rationale,
        "why_now": action.why_now,
        "score": action.score,
        "confidence": action.confidence,
        "ease": action.ease,
        "impact": action.impact,
        "factors": action.factors,
        "ranking_version": action.ranking_version,
        "risk_tier": action.risk_tier,
        "priority": action.priority,
        "freshness": action.freshness,
        "digest": action.digest,
        "batch_digest": action.batch_digest,
        "created_at": _text(action.created_at),
        "updated_at": _text(action.updated_at),
        "expires_at": _text(action.expires_at),
        "deferred_until": _text(action.deferred_until),
        "executed_at": _text(action.executed_at),
        "evidence": action.evidence,
        "checks": action.checks,
        "diff": action.diff,
        "draft": action.draft,
        "rollback_plan": action.rollback_plan,
        "labels": action.labels,
        "auto_approvable": action.auto_approvable,
        "auto_approvable_why": action.auto_approvable_why,
        "decided_by": action.decided_by,
        "decided_at": _text(action.decided_at),
        "decided_channel": action.decided_channel,
    }


def history(session: Session, action: Action) -> list[dict[str, Any]]:
    """What happened to the action, oldest first, from the audit chain."""
    events = session.scalars(select(AuditEvent).where(AuditEvent.action_id == action.id).order_by(AuditEvent.seq))
    return [
        {
            "seq": event.seq,
            "at": _text(event.at),
            "event": event.event,
            "actor": event.actor,
            "channel": event.channel,
            "version": event.version,
            "digest": event.after_digest,
            "payload": event.payload,
        }
        for event in events
    ]


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None
