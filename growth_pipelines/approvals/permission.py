"""Whether this person may approve this action now, and how many more must: the policies applied to people.

Approving takes what the request's terms ask: a role, sometimes a name, four eyes, a quorum. They are asked of each
vote again whenever one is added, so that no vote outlives the right that it was given by. To edit, reject, defer,
ask for changes or roll back, any operator will do: saying no must never wait for someone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE, removed_since
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.absences import away_now
from growth_pipelines.policies.terms import Terms
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote, AuditEvent, Operator


@dataclass(frozen=True)
class Permission:
    """``allowed`` to approve, or ``why`` not; ``for_whom`` the absent one whose right is used, else empty.

    ``have`` of ``need`` people have approved already, whoever asks and is ``allowed`` to left out.
    """

    allowed: bool
    why: str
    have: int
    need: int
    for_whom: str = ""


def votes_of(session: Session, request: ApprovalRequest) -> list[ApprovalVote]:
    """Who has approved the request, in order."""
    wanted = select(ApprovalVote).where(ApprovalVote.request_id == request.id)
    return list(session.scalars(wanted.order_by(ApprovalVote.at, ApprovalVote.id)))


def votes_that_count(session: Session, action: Action, request: ApprovalRequest) -> list[ApprovalVote]:
    """Those of the votes that the present terms would let in: of people who still may, each right used once."""
    return list(_by_right(session, action, request).values())


def _by_right(session: Session, action: Action, request: ApprovalRequest) -> dict[str, ApprovalVote]:
    """The votes that count, by whose right each was given: the voter's own, or that of who was away."""
    terms, votes = terms_of(request), votes_of(session, request)
    authors = _authors(session, action) if votes and terms.four_eyes else set()
    found: dict[str, ApprovalVote] = {}
    for vote in votes:
        told = session.get(AuditEvent, vote.audit_seq)
        whose = str(told.payload.get("for") or vote.operator) if told is not None else vote.operator
        holder = _deciding(session, whose)
        stays = (
            _deciding(session, vote.operator) is not None
            and holder is not None
            and _has_right(terms, holder.name, holder.role)
            and not {vote.operator, whose} & authors
            and not any(removed_since(session, name, vote.audit_seq) for name in {vote.operator, whose})
        )
        if stays:
            found.setdefault(whose, vote)
    return found


def _deciding(session: Session, name: str) -> Operator | None:
    """The operator, if they are active and their role may decide."""
    operator = session.get(Operator, name)
    return operator if operator is not None and operator.active and operator.role in MAY_DECIDE else None


def permission(session: Session, action: Action, name: str, role: str, now: datetime) -> Permission:
    """Whether ``name`` may approve the action's present version. Its state and time are not judged here."""
    request = request_of(session, action)
    if request is None:
        return Permission(False, "It has no approval request.", 0, 1)
    terms, votes = terms_of(request), _by_right(session, action, request)
    others = {whose: vote for whose, vote in votes.items() if vote.operator != name}
    for_whom, why = _right(session, terms, name, role, now, others)
    if not why and terms.four_eyes:
        authors = _authors(session, action)
        own = next((one for one in (name, for_whom) if one in authors), "")
        why = f"{own} proposed or edited it; someone else must approve." if own else ""
    # Where the terms ask for fewer now than have voted, any of them may make it a decision.
    if not why and len(others) < len(votes) < terms.quorum:
        why = f"{name} has approved it already; {terms.quorum - len(votes)} more must."
    return Permission(not why, why, len(votes) if why else len(others), terms.quorum, for_whom)


def _right(
    session: Session, terms: Terms, name: str, role: str, now: datetime, used: Collection[str]
) -> tuple[str, str]:
    """(for whom, why not): by their own right, or by that of someone who is away; not by one that was ``used``."""
    if role not in MAY_DECIDE:
        return "", f"{name} is a {role}, who may look but not decide."
    holders = [(name, role)]
    for away in away_now(session, now):
        absent = session.get(Operator, away.operator) if away.delegate == name else None
        if absent is not None and absent.active:
            holders.append((absent.name, absent.role))
    able = [holder for holder, its_role in holders if _has_right(terms, holder, its_role)]
    free = [holder for holder in able if holder not in used]
    if free:
        return (free[0] if free[0] != name else ""), ""
    if able:
        return "", f"It was approved by the right of {able[0]} already, which counts once."
    if role not in terms.roles:
        return "", f"Policies leave this to {_listed([f'{one}s' for one in terms.roles])}; {name} is an {role}."
    return "", f"Policies leave this to {_listed(terms.approvers)}."


def _has_right(terms: Terms, name: str, role: str) -> bool:
    return role in terms.roles and (not terms.approvers or name in terms.approvers)


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names)


def _authors(session: Session, action: Action) -> set[str]:
    """Who proposed or edited any version of the action."""
    return set(session.scalars(select(ApprovalRequest.requester).where(ApprovalRequest.action_id == action.id)))
