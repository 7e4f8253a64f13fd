"""The audit chain for people: its newest events, whatever is looked for among them, and all of it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy import select

from growth_pipelines.approvals.sessions import proven_session
from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.console.chain_looks import ChainLooks
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.labels import all_labels
from growth_pipelines.console.pages import event_row, page
from growth_pipelines.console.paging import pages
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event, verify_chain
from growth_pipelines.store.audit_export import Format, lines
from growth_pipelines.store.audit_heads import newest_published
from growth_pipelines.store.audit_records import EventFilter, records
from growth_pipelines.store.tables import Action, AuditEvent, AuditHead

router = APIRouter(include_in_schema=False)
EVENTS = 50
# Up to this many events the page verifies the whole chain each time, and unasked.
VERIFIED_UNASKED = 1000
_LINES_AT_ONCE = 500
# Names, ids and days are shorter.
_LONGEST = 64
_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


@router.get("/audit")
def audit(
    request: Request,
    person: Person,
    console: Here,
    actor: str = "",
    event: str = "",
    channel: str = "",
    action: str = "",
    since: str = "",
    until: str = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    verify: bool = False,
) -> HTMLResponse:
    """The newest events that fit, and whether the chain holds."""
    asked = _asked(actor, event, channel, action, since, until)
    wanted = (
        select(AuditEvent, Action.ref, Action.title)
        .outerjoin(Action, Action.id == AuditEvent.action_id)
        .order_by(AuditEvent.seq.desc())
        .limit(EVENTS + 1)
    )
    if before is not None:
        wanted = wanted.where(AuditEvent.seq < before)
    with console.store.read() as session:
        head = session.get(AuditHead, 1)
        short = head is None or head.seq <= VERIFIED_UNASKED
        chain = verify_chain(session) if short and (verify or (not asked and before is None)) else None
        found = session.execute(_filter(console, asked).narrow(wanted)).all()
        events = [{**event_row(link), "ref": ref, "title": title} for link, ref, title in found[:EVENTS]]
        published = newest_published(session)
    more = len(found) > EVENTS
    looks: ChainLooks = request.app.state.chain_looks
    looked = looks.newest(console.now()) if verify and not short else None
    return page(
        request,
        "audit.html",
        person,
        here="audit",
        events=events,
        chain=looked.report if looked else chain,
        looked_at=looked.at if looked else None,
        being_verified=verify and not short and looked is None,
        published=published,
        asked=asked,
        pages=pages("/audit", asked, "before", before, events[-1]["seq"] if more else None),
        known={"events": sorted(all_labels()["events"]), "channels": sorted(all_labels()["channels"])},
    )


@router.post("/audit/export")
def export(
    request: Request,
    person: Person,
    console: Here,
    actor: str = Form(""),
    event: str = Form(""),
    channel: str = Form(""),
    action: str = Form(""),
    since: str = Form(""),
    until: str = Form(""),
    form: Format = Form("ndjson"),
    csrf: str = Form(""),
) -> Response:
    """All events that fit as a file; that somebody took it is an event itself."""
    asked = _asked(actor, event, channel, action, since, until)
    chosen, now = _filter(console, asked), console.now()
    with console.store.session() as session:
        proven = proven_session(session, session_token(request), csrf, now)
        append_event(
            session,
            event="audit_exported",
            actor=proven.operator,
            channel="console",
            now=now,
            payload={"format": form, **asked},
        )
    name = f"audit-{local_date(now, console.settings.zone).isoformat()}.{form}"
    return StreamingResponse(
        _text(console, chosen, form),
        media_type=_TYPES[form],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _text(console: Console, chosen: EventFilter, form: Format) -> Iterator[str]:
    with console.store.read() as session:
        all_lines = lines(records(session, chosen), form)
        while some := "".join(islice(all_lines, _LINES_AT_ONCE)):
            yield some


def _asked(actor: str, event: str, channel: str, action: str, since: str, until: str) -> dict[str, str]:
    """What the form asks for; fields that were left empty ask for nothing."""
    given = {
        "actor": actor,
        "event": event,
        "channel": channel,
        "action": action,
        "since": since,
        "until": until,
    }
    asked = {name: value.strip() for name, value in given.items() if value.strip()}
    if not all(value.isprintable() and len(value) <= _LONGEST for value in asked.values()):
        raise GrowthError("That can't be looked for.", f"Use up to {_LONGEST} plain characters.")
    return asked


def _filter(console: Console, asked: dict[str, str]) -> EventFilter:
    parts: dict[str, Any] = dict(asked)
    zone = console.settings.zone
    if "since" in parts:
        parts["since"] = start_of_day(_day(parts["since"]), zone)
    if "until" in parts:
        parts["until"] = start_of_day(_day(parts["until"]) + timedelta(days=1), zone)
    return EventFilter(**parts)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise GrowthError(f"{text!r} is no day.", "Write it as YYYY-MM-DD.") from error
    if not 2000 <= day.year < 9999:
        raise GrowthError(f"{text!r} is no day of this machine.", "Choose another one.")
    return day
