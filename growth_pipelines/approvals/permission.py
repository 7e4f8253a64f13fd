"""Whether this person may approve this action now, and how many more must: the policies applied to people.

Approving takes what the request's terms ask: a role, sometimes a name, four eyes, a quorum. To edit, reject,
defer, ask for changes or roll back, any operator will do: saying no must never wait for someone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import MAY_DECIDE
from growth_pipelines.actions.terms import terms_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.absences import away_now
from growth_pipelines.policies.terms import Terms
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote, Operator


@dataclass(frozen=True)
class Permission:
    """``allowed`` to approve, or ``why`` not; ``for_whom`` the absent one whose right is used, else empty.

    ``have`` of ``need`` people have approved already.
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


def permission(session: Session, action: Action, name: str, role: str, now: datetime) -> Permission:
    """Whether ``name`` may approve the action's present version. Its state and time are not judged here."""
    request = request_of(session, action)
    if request is None:
        return Permission(False, "It has no approval request.", 0, 1)
    terms, votes = terms_of(request), votes_of(session, request)
    for_whom, why = _right(session, terms, name, role, now)
    if not why and terms.four_eyes:
        authors = _authors(session, action)
        own = next((one for one in (name, for_whom) if one in authors), "")
        why = f"{own} proposed or edited it; someone else must approve." if own else ""
    if not why and any(vote.operator == name for vote in votes):
        why = f"{name} has approved it already; {terms.quorum - len(votes)} more must."
    return Permission(not why, why, len(votes), terms.quorum, for_whom)


def _right(session: Session, terms: Terms, name: str, role: str, now: datetime) -> tuple[str, str]:
    """(for whom, why not): by their own right, or by that of someone who is away."""
    if role not in MAY_DECIDE:
        return "", f"{name} is a {role}, who may look but not decide."
    if _has_right(terms, name, role):
        return "", ""
    for away in away_now(session, now):
        absent = session.get(Operator, away.operator) if away.delegate == name else None
        if absent is not None and absent.active and _has_right(terms, absent.name, absent.role):
            return absent.name, ""
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
