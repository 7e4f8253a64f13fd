"""``GET /api/audit/events``: the audit chain as it is stored, for those who keep a copy or watch it.

Each event carries the hash of the one before it, so whoever has read the whole chain can prove it without us.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime
from sqlalchemy import select

from growth_pipelines.console.approval_documents import AuditHeadDocument, Stamped
from growth_pipelines.console.callers import ReadsAudit
from growth_pipelines.console.documents import problems
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.identity import Here
from growth_pipelines.console.paging import NEXT_LINK, next_link
from growth_pipelines.console.stamps import stamp
from growth_pipelines.store.audit_records import EventFilter, record_of
from growth_pipelines.store.tables import AuditEvent, AuditHead

router = APIRouter(prefix="/api/audit", tags=["audit"])
Text = Annotated[str | None, Query(max_length=64)]


class EventDocument(AuditHeadDocument):
    """One link of the chain: ``hash`` is the SHA-256 of the canonical JSON of all else."""

    id: str
    at: datetime
    actor: str
    channel: str
    event: str
    action_id: str | None
    version: int | None
    before_digest: str | None
    after_digest: str | None
    trace_id: str
    payload: dict[str, Any]
    prev_hash: str


class EventPage(Stamped):
    """Events in the order of the chain. ``next`` goes into ``after``; null where there are no more by now."""

    head: AuditHeadDocument | None
    events: list[EventDocument]
    next: int | None


@router.get(
    "/events",
    operation_id="listAuditEvents",
    response_model=EventPage,
    responses={200: {"model": EventPage, "headers": NEXT_LINK}, **problems(422)},
)
def events(
    request: Request,
    caller: ReadsAudit,
    console: Here,
    after: Annotated[int, Query(ge=0, le=2**62, description="`seq` of the last event that is known")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    action: Annotated[str | None, Query(max_length=64, description="id or ref")] = None,
    actor: Text = None,
    channel: Text = None,
    event: Text = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="at that time or later")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="before that time")] = None,
) -> Response:
    """The audit chain from one event on; what is left out filters nothing."""
    texts = {"action": action, "actor": actor, "channel": channel, "event": event}
    for name, text in texts.items():
        if text is not None and not text.isprintable():
            raise BadRequest(f"{name}: it holds control characters.")
    chosen = EventFilter(since and _utc(since), until and _utc(until), **texts)
    wanted = select(AuditEvent).where(AuditEvent.seq > after).order_by(AuditEvent.seq).limit(limit + 1)
    with console.store.read() as session:
        found = list(session.scalars(chosen.narrow(wanted)))
        head = session.get(AuditHead, 1)
    following = found[limit - 1].seq if len(found) > limit else None
    body = {
        **stamp(request, console.now()),
        "head": {"seq": head.seq, "hash": head.hash} if head else None,
        "events": [record_of(one) for one in found[:limit]],
        "next": following,
    }
    return JSONResponse(body, headers=next_link(request, "after", following))


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise BadRequest("from, to: there is no such time.") from error
