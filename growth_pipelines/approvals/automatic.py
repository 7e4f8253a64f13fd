"""Approvals that a policy gives, in the place of a person: within all limits, on record, reversible.

Each goes through the one ``decide()`` with a proof of its own. A rule is paused when too few of what it passed
went well, and stays so until a person resumes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import false, func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import POLICY
from growth_pipelines.actions.brake import is_paused
from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.actions.terms import facts_of, put_under, terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.proofs import DecisionRequest, Person
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.errors import GrowthError
from growth_pipelines.policies.automatic import refusal
from growth_pipelines.policies.book import InForce, in_force, save
from growth_pipelines.policies.terms import LONGEST_AUTOMATIC, AutomaticRule, Book, Terms
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import (
    Action,
    ActionOutcome,
    ApprovalRequest,
    Flag,
    Operator,
    OutboxEntry,
    PolicyVersion,
)

# Fewer than this many that came to an end say nothing of a rule.
JUDGED_FROM = 5
PREVIEW_OVER = timedelta(days=28)
_EXAMPLES = 8
_WENT_WELL, _WENT_WRONG = ("executed", "measured"), ("failed", "rolled_back")


@dataclass(frozen=True)
class PolicyProof:
    """The policy itself asks: whether it may is judged again in the deciding transaction."""

    zone: str
    channel: str = POLICY
    records_strangers: bool = True

    def prove(self, session: Session, request: DecisionRequest, now: datetime) -> Person:
        """The rule in force that lets the action pass. Raises ProofRefused."""
        from growth_pipelines.actions.queue import find

        action, policies = find(session, request.action), in_force(session)
        why = waits_because(session, action, policies, now, self.zone)
        if request.decision != "approve" or why:
            raise ProofRefused("policy", f"No policy approves {action.ref}: {why or 'policies only approve'}.")
        rule = policies.book.automatic_for(action.kind)
        assert rule is not None
        told = {"policy_version": policies.version, "rule": rule.model_dump(mode="json", exclude_none=True)}
        return Person(POLICY, POLICY, POLICY, by_policy=told)


def waits_because(session: Session, action: Action, policies: InForce, now: datetime, zone: str) -> str:
    """Why an action waits for a person now, or nothing: the rule, its pause, and what it passed today."""
    rule = policies.book.automatic_for(action.kind)
    request = request_of(session, action)
    terms = terms_of(request) if request is not None else Terms()
    why = refusal(rule, facts_of(action), terms, now)
    if why or rule is None:
        return why
    if pause_of(session, action.kind) is not None:
        return "auto-approval is paused"
    if passed_today(session, action.kind, now, zone) >= rule.per_day:
        return f"{rule.per_day} have passed by themselves today"
    return ""


def passed_today(session: Session, kind: str, now: datetime, zone: str) -> int:
    """How many approvals of a kind policies have given on the shop's present day: of requests, since an action
    that was sent back tells of none any more."""
    since = start_of_day(local_date(now, zone), zone)
    counted = (
        select(func.count())
        .select_from(ApprovalRequest)
        .join(Action, Action.id == ApprovalRequest.action_id)
        .where(Action.kind == kind, ApprovalRequest.channel == POLICY, ApprovalRequest.decided_at >= since)
    )
    return session.scalar(counted) or 0


def approve_automatically(store: Store, settings: Settings, now: datetime) -> list[str]:
    """Approve what the rules in force let pass, the best first; the refs. Pauses the rules that fail.

    Nothing is approved while all writes are paused.
    """
    from growth_pipelines.approvals.decide import DecisionResult, decide_in

    with store.read() as session:
        enabled = [rule for rule in in_force(session).book.automatic if _on(rule, now)]
    passed: list[str] = []
    for rule in enabled:
        with store.session() as session:
            if is_paused(session) or _pause_if_failing(session, rule, now):
                continue
            for action in _candidates(session, rule):
                if waits_because(session, action, in_force(session), now, settings.zone):
                    continue
                asked = DecisionRequest(action.id, "approve", action.digest)
                outcome = decide_in(session, settings, asked, PolicyProof(settings.zone), now)
                if isinstance(outcome, DecisionResult):
                    passed.append(action.ref)
    return passed


def _on(rule: AutomaticRule, now: datetime) -> bool:
    return rule.enabled and (rule.until is None or now < rule.until)


def _candidates(session: Session, rule: AutomaticRule) -> list[Action]:
    wanted = (
        select(Action)
        .where(
            Action.state == "pending",
            Action.kind == rule.kind,
            # Judged when the question was put and when policies change: those that must wait keep nobody out.
            Action.auto_approvable,
        )
        .order_by(Action.score.desc(), Action.tie_break.desc(), Action.id)
        .limit(10 * rule.per_day)
    )
    return list(session.scalars(wanted))


@dataclass(frozen=True)
class Record:
    """How those went that a rule passed: of the ``ended`` newest, ``well`` did."""

    ended: int
    well: int

    @property
    def success(self) -> float | None:
        return self.well / self.ended if self.ended else None


def record_of(session: Session, rule: AutomaticRule) -> Record:
    """How the newest ones went that policies passed of the rule's kind since it was last resumed.

    Executed is well, unless it failed, was rolled back or made worse what it had promised, by the longest reading.
    """
    since = _resumed_at(session, rule.kind)
    judged_by = (
        select(ActionOutcome.outcome_class)
        .where(
            ActionOutcome.action_id == Action.id,
            ActionOutcome.is_promised,
            ActionOutcome.outcome_class.is_not(None),
        )
        .order_by(ActionOutcome.horizon_days.desc())
        .limit(1)
        .scalar_subquery()
    )
    worse = func.coalesce(judged_by == "negative", false())
    wanted = (
        select(Action.state, worse)
        .where(
            Action.kind == rule.kind,
            Action.decided_channel == POLICY,
            Action.state.in_((*_WENT_WELL, *_WENT_WRONG)),
            *((Action.decided_at > since,) if since else ()),
        )
        .order_by(Action.decided_at.desc(), Action.id)
        .limit(rule.pause_over)
    )
    ended = session.execute(wanted).all()
    return Record(len(ended), sum(state in _WENT_WELL and not worsened for state, worsened in ended))


def _pause_if_failing(session: Session, rule: AutomaticRule, now: datetime) -> bool:
    """Whether the rule is paused, after judging how it has done."""
    if pause_of(session, rule.kind) is not None:
        return True
    record = record_of(session, rule)
    if record.ended < JUDGED_FROM or record.well >= rule.pause_below * record.ended:
        return False
    told = {"kind": rule.kind, "ended": record.ended, "well": record.well}
    _switch(session, rule.kind, True, POLICY, POLICY, now, told, "automatic_paused")
    return True


def pause_of(session: Session, kind: str) -> Flag | None:
    """The pause in force of a kind's rule, or None."""
    flag = session.get(Flag, _flag(kind))
    return flag if flag is not None and flag.value.get("paused") else None


def resume_automatic(session: Session, kind: str, *, actor: str, channel: str, reason: str, now: datetime) -> None:
    """Let a paused rule pass actions again; what went before no longer counts. Takes an admin and a reason."""
    person = session.get(Operator, actor)
    if person is None or not person.active or person.role != "admin":
        raise GrowthError(f"{actor or 'Nobody'} may not resume auto-approval.", "Ask an admin.")
    if pause_of(session, kind) is None:
        raise GrowthError(f"Auto-approval of {kind} is not paused.", "See `growth policies show`.")
    if not reason.strip():
        raise GrowthError("Resuming needs a reason.", "Say what has changed.")
    told = {"kind": kind, "reason": reason.strip()}
    _switch(session, kind, False, actor, channel, now, told, "automatic_resumed")


def _switch(
    session: Session,
    kind: str,
    paused: bool,
    actor: str,
    channel: str,
    now: datetime,
    told: dict[str, Any],
    event: str,
) -> None:
    flag = session.get(Flag, _flag(kind))
    value = {**told, "paused": paused}
    if flag is None:
        session.add(Flag(key=_flag(kind), value=value, updated_at=now, updated_by=actor))
    else:
        flag.value, flag.updated_at, flag.updated_by = value, now, actor
    link = append_event(session, event=event, actor=actor, channel=channel, now=now, payload=told)
    more = {**told, "actor": actor, "channel": channel, "at": now.isoformat(), "audit_seq": link.seq}
    session.add(OutboxEntry(event=event.replace("_", ".", 1), payload=more, created_at=now))
    session.flush()


def _resumed_at(session: Session, kind: str) -> datetime | None:
    flag = session.get(Flag, _flag(kind))
    return flag.updated_at if flag is not None and not flag.value.get("paused") else None


def _flag(kind: str) -> str:
    return f"automatic:{kind}"


@dataclass(frozen=True)
class Preview:
    """What a kind's rule would let pass: ``now`` of the ``waiting`` actions; and of the ``proposed`` of the last
    28 days ``then``, whose ``decided`` people have approved or not (state → how many). ``examples`` are some of
    each, ref → title.
    """

    kind: str
    waiting: int
    now: int
    proposed: int
    then: int
    decided: dict[str, int]
    examples: dict[str, str]


def preview(session: Session, book: Book, now: datetime, zone: str) -> list[Preview]:
    """What each rule of ``book`` that is switched on would let pass; changes nothing.

    Of the past it looks at the drafts as they are kept, and counts at most ``per_day`` a day of the shop, the best
    first. A rule that is paused lets nothing pass now, nor one that has let pass its number today.
    """
    return [_preview(session, book, rule, now, zone) for rule in book.automatic if _on(rule, now)]


def _preview(session: Session, book: Book, rule: AutomaticRule, now: datetime, zone: str) -> Preview:
    wanted = select(Action).where(Action.kind == rule.kind).order_by(Action.score.desc(), Action.id)
    recent = list(session.scalars(wanted.where(Action.created_at > now - PREVIEW_OVER)))
    waiting = list(session.scalars(wanted.where(Action.state == "pending", Action.expires_at > now)))
    paused = pause_of(session, rule.kind) is not None
    left = 0 if paused else max(0, rule.per_day - passed_today(session, rule.kind, now, zone))
    at_once = [action for action in waiting if _passes(book, rule, action, now)][:left]
    then = _per_day([action for action in recent if _passes(book, rule, action, now)], rule.per_day, zone)
    decided = Counter(action.state for action in then)
    return Preview(
        rule.kind,
        len(waiting),
        len(at_once),
        len(recent),
        len(then),
        dict(sorted(decided.items())),
        dict(islice({action.ref: action.title for action in (*at_once, *then)}.items(), _EXAMPLES)),
    )


def _passes(book: Book, rule: AutomaticRule, action: Action, now: datetime) -> bool:
    terms = book.terms(action.kind, action.subtype, action.risk_tier)
    return not refusal(rule, facts_of(action), terms, now)


def _per_day(actions: Sequence[Action], most: int, zone: str) -> list[Action]:
    days: Counter[date] = Counter()
    kept = []
    for action in actions:
        day = local_date(action.created_at, zone)
        days[day] += 1
        if days[day] <= most:
            kept.append(action)
    return kept


def save_book(
    session: Session,
    book: Book,
    *,
    actor: str,
    channel: str,
    now: datetime,
    seen: int,
    note: str = "",
    longest: timedelta = LONGEST_AUTOMATIC,
) -> PolicyVersion:
    """Put a policy book in force, in the caller's transaction; waiting requests come under it at once.

    A rule that is switched on for a time ends within ``longest``. Raises what
    :func:`growth_pipelines.policies.book.save` does.
    """
    return save(
        session,
        book,
        actor=actor,
        channel=channel,
        now=now,
        kinds=SUBTYPES,
        seen=seen,
        note=note,
        longest=longest,
        apply=put_waiting_under,
    )


def put_waiting_under(session: Session, policies: InForce, now: datetime) -> int:
    """Bring the requests that wait for an answer under new policies; how many have other terms now.

    Their clocks go on: a deadline that was told is kept.
    """
    wanted = (
        select(ApprovalRequest, Action)
        .join(Action, Action.id == ApprovalRequest.action_id)
        .where(ApprovalRequest.status == "pending", ApprovalRequest.version == Action.version)
    )
    changed = sum(put_under(request, action, policies, now) for request, action in session.execute(wanted))
    session.flush()
    return changed
