"""``POST /api/approvals/bulk``: many decisions of one sort, first shown, then confirmed."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from growth_pipelines.approvals.bulk import (
    CONFIRM_WITHIN,
    MOST,
    Bulk,
    BulkDecision,
    Item,
    ItemFate,
    check,
    check_confirmation,
    confirmation,
    cover,
    decide_all,
)
from growth_pipelines.console.callers import Caller, Decides, proof_of, proven_caller
from growth_pipelines.console.changes import Csrf, IdempotencyKey, change
from growth_pipelines.console.documents import BulkCoverage, BulkDecided, problems
from growth_pipelines.console.failures import MayNotDecide
from growth_pipelines.console.identity import Console, Here
from growth_pipelines.console.observed import observe
from growth_pipelines.errors import GrowthError

router = APIRouter(prefix="/api/approvals", tags=["approvals"])


class BulkItem(BaseModel):
    """One action and the digest of what was seen of it."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=64, description="id or ref")
    digest: str = Field(min_length=1, max_length=64, pattern="^[0-9A-Za-z]+$")


class BulkAsked(BaseModel):
    """One decision about many actions. Without ``confirm`` nothing is decided.

    ``reason`` is needed to reject, ``note`` with the reason ``other``, ``until`` to defer.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"decision": "approve", "items": [{"id": "G-7K2M", "digest": "9f86d081884c7d65"}]}]
        },
    )

    decision: BulkDecision
    items: list[BulkItem] = Field(min_length=1, max_length=MOST)
    reason: str = Field("", max_length=2000)
    note: str = Field("", max_length=2000)
    until: date | None = None
    confirm: str | None = Field(None, max_length=100, description="`confirm` of the answer that was shown")


@router.post(
    "/bulk",
    operation_id="decideInBulk",
    response_model=BulkCoverage | BulkDecided,
    responses=problems(401, 403, 409, 411, 413, 422),
)
def bulk(
    request: Request,
    caller: Decides,
    console: Here,
    asked: BulkAsked,
    csrf: Csrf = "",
    key: IdempotencyKey = None,
) -> Response | dict[str, Any]:
    """Without `confirm`: what the decision covers. With it: decide, each action for itself, the best first."""
    items = tuple(Item(item.id, item.digest) for item in asked.items)
    wanted = Bulk(asked.decision, items, asked.reason, asked.note, asked.until)
    if asked.confirm is None:
        return _shown(console, request, wanted, csrf)
    confirm = asked.confirm

    def act(session: Session, by: Caller) -> dict[str, Any] | GrowthError:
        _check(console, wanted, by)
        check_confirmation(confirm, wanted, by.operator, by.secret, console.now())
        proof = proof_of(request, csrf)
        fates = decide_all(session, console.settings, wanted, [proof] * len(items), console.now())
        return {
            "decided": True,
            "done": sum(fate.fate == "done" for fate in fates),
            "items": [_outcome(fate) for fate in fates],
        }

    return change(console, request, csrf, key, asked.model_dump(mode="python"), act)


def _shown(console: Console, request: Request, wanted: Bulk, csrf: str) -> dict[str, Any]:
    now = console.now()
    with console.store.read() as session:
        caller = proven_caller(session, request, csrf, "decide:approvals", now)
        _check(console, wanted, caller)
        covered = cover(session, wanted, now)
    return {
        "decided": False,
        "count": covered.count,
        "kinds": covered.kinds,
        "money": {
            "currency": observe(console.settings, now).shop.currency,
            "revenue_28d": covered.revenue_28d,
            "revenue_low": covered.revenue_low,
            "revenue_high": covered.revenue_high,
        },
        "conflicts": [
            {"better": one.ref, "other": other.ref, "fields": list(fields)}
            for one, other, fields in covered.conflicts
        ],
        "items": [_outcome(fate) for fate in covered.fates],
        "confirm": confirmation(wanted, caller.operator, caller.secret, now),
        "confirm_within_seconds": int(CONFIRM_WITHIN.total_seconds()),
    }


def _check(console: Console, wanted: Bulk, caller: Caller) -> None:
    if not caller.may_decide:
        raise MayNotDecide(
            f"{caller.operator} is a {caller.role}, who may look but not decide.", "Ask an operator or admin."
        )
    check(wanted, console.settings, console.now())


def _outcome(fate: ItemFate) -> dict[str, Any]:
    now = fate.action
    return {
        "id": fate.item.action,
        "ref": now.ref if now is not None else None,
        "outcome": fate.fate,
        "message": fate.message,
        "digest": now.digest if now is not None else None,
        "state": now.state if now is not None else None,
    }
