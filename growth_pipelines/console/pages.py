"""The pages that people read. None of them changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.body_html import LINKS
from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.listing import changes
from growth_pipelines.actions.queue import count_up_to, find, top
from growth_pipelines.actions.recheck import RECHECK_DAYS, recheck_of
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.clock import local_date
from growth_pipelines.console import views
from growth_pipelines.console.chosen import choices_of
from growth_pipelines.console.guard import host_name
from growth_pipelines.console.identity import Console, Here, Person, console_of
from growth_pipelines.console.labels import all_labels, label
from growth_pipelines.console.observed import Observed, Shop, observe, page_texts
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import ACTION_STATES, Action, AuditEvent, AuditHead, Execution

router = APIRouter(include_in_schema=False)
LISTED, EVENTS, DECIDED, COUNTED = 50, 50, 5, 1000
# Up to this many events the audit page verifies the whole chain unasked.
VERIFIED_UNASKED = 5000
# The docs page brings its own scripts and styles inside one file: it runs in a sandbox of no origin, so it
# can read nothing of the console's and send nothing with its cookie.
DOCS_POLICY = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Notice:
    """What just happened, on top of a page; ``tone`` is good, warn or bad."""

    message: str
    hint: str = ""
    tone: str = "good"


def page(request: Request, name: str, person: SignedIn | None, status: int = 200, **context: Any) -> HTMLResponse:
    """A template with what every page shows around it."""
    console = console_of(request)
    templates: Environment = request.app.state.templates
    around: dict[str, Any] = {
        "now": console.now(),
        "here": "",
        "operator": None,
        "csrf": "",
        "shop": Shop("", "", "UTC"),
        "orders_note": "",
        "trace_id": "",
    }
    if person is not None:
        around |= _around(request, console, person, context.pop("observed", None))
    return HTMLResponse(templates.get_template(name).render(**{**around, **context}), status)


def _around(request: Request, console: Console, person: SignedIn, observed: Observed | None) -> dict[str, Any]:
    mode = console.settings.actions.mode
    observed = observed or observe(console.settings, console.now())
    with console.store.read() as session:
        paused = brake(session)
    # The Dagster server listens on loopback beside this one, so it has the name that we were called by.
    host = host_name(request.headers["host"])
    shown_host = f"[{host}]" if ":" in host else host
    return {
        "operator": {"name": person.operator, "role": person.role},
        "csrf": person.csrf,
        "shop": observed.shop,
        "orders_note": observed.orders_note,
        "mode": mode,
        "mode_meaning": label("modes", mode),
        "paused": paused,
        "dagster_url": f"http://{shown_host}:{console.settings.dagster.port}",
    }


@router.get("/")
def today(request: Request, person: Person, console: Here) -> HTMLResponse:
    now = console.now()
    observed = observe(console.settings, now)
    with console.store.read() as session:
        queue = top(session, console.settings.actions.top, now)
        waiting = _counted(session, Action.state == "pending", Action.expires_at > now)
        ever = bool(queue) or count_up_to(session, 1) > 0
        lately = select(Action).where(Action.decided_at.is_not(None)).order_by(Action.decided_at.desc())
        decided = session.scalars(lately.limit(DECIDED)).all()
    return page(
        request,
        "today.html",
        person,
        here="today",
        observed=observed,
        sources=observed.sources,
        problem=observed.problem,
        rows=views.rows_of(queue),
        total=sum(action.impact["revenue_28d"] for action in queue),
        waiting=waiting,
        ever=ever,
        decided=decided,
    )


def _counted(session: Session, *conditions: Any) -> str:
    """How many, in words: exact as far as anyone reads it, and quick beyond."""
    found = count_up_to(session, COUNTED + 1, *conditions)
    return f"{found}" if found <= COUNTED else f"{COUNTED:,}+"


@router.get("/actions")
def actions(
    request: Request, person: Person, console: Here, state: str = "", after: str | None = None
) -> HTMLResponse:
    with console.store.read() as session:
        counts = {name: _counted(session, Action.state == name) for name in sorted(ACTION_STATES)}
        everything = _counted(session)
        found = changes(session, state, LISTED, after)
    return page(
        request,
        "actions.html",
        person,
        here="actions",
        counts={name: count for name, count in counts.items() if count != "0"},
        everything=everything,
        chosen=state,
        rows=views.rows_of(found.actions),
        older=found.next,
        first=after is None,
    )


@router.get("/actions/{id_or_ref}")
def action(request: Request, person: Person, id_or_ref: str, done: str = "") -> HTMLResponse:
    return action_page(request, person, id_or_ref, done=done)


def action_page(
    request: Request,
    person: SignedIn,
    id_or_ref: str,
    *,
    done: str = "",
    notice: Notice | None = None,
    opened: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """One action in full. After a refused decision: with a notice, and what was typed still in its form."""
    console = console_of(request)
    now = console.now()
    observed = observe(console.settings, now)
    with console.store.read() as session:
        found = find(session, id_or_ref)
        queue = top(session, console.settings.actions.top, now)
        answer = request_of(session, found)
        history = _history(session, found)
        execution = session.get(Execution, (found.id, found.version))
        paused = brake(session) is not None
    way = _way(console, found, paused)
    awaiting = label("awaiting", way)
    if done in all_labels()["decided"] and found.state != "pending":
        notice = Notice(label("decided", done), awaiting if found.state == "approved" else "")
    typed = typed or {}
    factors, factor_parts = views.factors_of(found, observed.shop.currency)
    drafted = {name.removeprefix("draft."): text for name, text in typed.items() if name.startswith("draft.")}
    # The zone that the decision counts its days in.
    today_there = local_date(now, console.settings.zone)
    return page(
        request,
        "action.html",
        person,
        status,
        here="today",
        observed=observed,
        action=found,
        axis=views.axis_of(found),
        previews=views.previews_of(found, *_texts_now(console, found)),
        fields=views.fields_of(found),
        steps=found.draft.get("steps", []),
        summary=found.draft.get("summary", ""),
        change_title=label("changes", "task" if _is_task(found) else found.kind),
        evidence=views.evidence_of(found),
        factors=factors,
        factor_parts=factor_parts,
        execution=execution,
        kept=views.kept_of(found, (execution.snapshot or {}) if execution else {}),
        recheck_days=RECHECK_DAYS,
        recheck=recheck_of(found.evidence, found.executed_at),
        links=[] if LINKS in found.fields else found.draft.get("internal_links", []),
        editable=views.editable_of(found.draft, drafted),
        choices=choices_of(found, drafted),
        history=history,
        answer=answer,
        place=_place(queue, found),
        next_up=next((other for other in queue if other.id != found.id), None),
        may_decide=person.may_decide,
        can_roll_back=found.state in ("executed", "measured") and not _rollback_waits(history),
        approve_effect=label("effects", way),
        awaiting=awaiting,
        reasons=all_labels()["reasons"],
        defer={
            "min": (today_there + timedelta(days=1)).isoformat(),
            "value": (today_there + timedelta(days=7)).isoformat(),
            "max": (today_there + timedelta(days=console.settings.actions.defer_days_max)).isoformat(),
        },
        notice=notice,
        opened=opened,
        typed={"note": "", "reason": "", "until": "", **typed},
        address=f"/actions/{found.ref}" if notice and notice.tone != "good" else "",
    )


def _is_task(found: Action) -> bool:
    return all(change["change_type"] == "task" for change in found.diff)


def _way(console: Console, found: Action, paused: bool) -> str:
    """What an approval leads to: a task card, a wait for the brake, or what the mode says."""
    if _is_task(found):
        return "task"
    return "paused" if paused else console.settings.actions.mode


def _texts_now(console: Console, found: Action) -> tuple[str, str]:
    """What a search engine shows now, looked up only where a preview needs it."""
    if not any(change["field"].startswith("seo.") for change in found.diff):
        return "", ""
    return page_texts(console.settings, found.target["gid"])


def _place(queue: list[Action], found: Action) -> dict[str, Any] | None:
    """Where the action stands in today's queue, with its neighbours' refs."""
    refs = [other.ref for other in queue]
    if found.ref not in refs:
        return None
    at = refs.index(found.ref)
    return {
        "index": at + 1,
        "of": len(refs),
        "before": refs[at - 1] if at else "",
        "after": refs[at + 1] if at + 1 < len(refs) else "",
    }


def _history(session: Session, found: Action) -> list[dict[str, Any]]:
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.action_id == found.id).order_by(AuditEvent.seq.desc())
    )
    return [_event(event) for event in events]


def _rollback_waits(history: list[dict[str, Any]]) -> bool:
    """Whether a rollback has been asked for and not yet been answered; ``history`` is newest first."""
    told = (event["event"] for event in history)
    return next((name for name in told if name.startswith("rollback_")), "") == "rollback_requested"


def _event(event: AuditEvent) -> dict[str, Any]:
    payload = event.payload
    said = [
        label("reasons", str(payload.get("reason") or "")),
        str(payload.get("note") or payload.get("why") or ""),
    ]
    return {
        "seq": event.seq,
        "at": event.at,
        "event": event.event,
        "actor": event.actor,
        "channel": event.channel,
        "version": event.version,
        "hash": event.hash,
        "note": ": ".join(filter(None, said)),
    }


@router.get("/audit")
def audit(
    request: Request, person: Person, console: Here, before: int | None = None, verify: bool = False
) -> HTMLResponse:
    with console.store.read() as session:
        head = session.get(AuditHead, 1)
        asked = verify or head is None or head.seq <= VERIFIED_UNASKED
        chain = verify_chain(session) if asked else None
        wanted = (
            select(AuditEvent, Action.ref, Action.title)
            .outerjoin(Action, Action.id == AuditEvent.action_id)
            .order_by(AuditEvent.seq.desc())
            .limit(EVENTS)
        )
        if before is not None:
            wanted = wanted.where(AuditEvent.seq < before)
        events = [{**_event(event), "ref": ref, "title": title} for event, ref, title in session.execute(wanted)]
    older = events[-1]["seq"] if events and events[-1]["seq"] > 1 else 0
    return page(request, "audit.html", person, here="audit", events=events, chain=chain, older=older)


@router.get("/quality")
def quality(request: Request, person: Person, console: Here) -> HTMLResponse:
    from growth_pipelines.quality.report import by_source, read_report
    from growth_pipelines.quality.scoring import WEIGHTS

    report = read_report(console.settings)
    sources = by_source(report, console.now()) if report else []
    return page(
        request,
        "quality.html",
        person,
        here="quality",
        judged_at=report.judged_at if report else None,
        sources=sources,
        blocked=any(source.quality.blocked for source in sources),
        parts=list(WEIGHTS),
    )


@router.get("/docs")
@router.get("/docs/")
def all_docs(person: Person) -> Response:
    return RedirectResponse("/docs/dbt", 303)


@router.get("/docs/dbt")
def dbt_docs(request: Request, person: Person, console: Here) -> Response:
    file = console.settings.home / "docs" / "dbt.html"
    if not file.exists():
        return page(
            request,
            "error.html",
            person,
            404,
            code=404,
            message="The data models are not documented yet",
            hint="Run `growth docs`; this page then shows every model, column and test.",
        )
    return HTMLResponse(file.read_bytes(), headers={"content-security-policy": DOCS_POLICY})
