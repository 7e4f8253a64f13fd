"""The pages that people read. None of them changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.listing import changes
from growth_pipelines.actions.queue import count_states, count_up_to, top
from growth_pipelines.actions.tasks import open_tasks
from growth_pipelines.approvals.inbox import count_mine
from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.console import views
from growth_pipelines.console.identity import Console, Here, Person, console_of
from growth_pipelines.console.labels import all_labels, label
from growth_pipelines.console.observed import Observed, Shop, observe
from growth_pipelines.console.paging import pages
from growth_pipelines.console.policy_views import running_rules
from growth_pipelines.policies.book import in_force
from growth_pipelines.store.incidents import loud_incidents
from growth_pipelines.store.tables import Action, AuditEvent

router = APIRouter(include_in_schema=False)
LISTED, DECIDED, TASKS, COUNTED, BADGE = 40, 5, 10, 1000, 99
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


def done_notice(group: str, done: str) -> Notice | None:
    """What a page says after the redirect that ends a change: the words of ``done`` in this group of labels."""
    said = all_labels()[group].get(done, "")
    return Notice(said) if said else None


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
        waiting = _waiting(session, person, console.now())
        automatic = running_rules(in_force(session), session, console.now())
    return {
        "operator": {"name": person.operator, "role": person.role},
        "csrf": person.csrf,
        "shop": observed.shop,
        "orders_note": observed.orders_note,
        "mode": mode,
        "mode_meaning": label("modes", mode),
        "paused": paused,
        "waiting_count": waiting,
        "automatic": automatic,
    }


def _waiting(session: Session, person: SignedIn, now: datetime) -> str:
    """How many wait for this person, or at all for someone who only looks; as far as a badge has room."""
    if person.may_decide:
        found = count_mine(session, person.operator, person.role, now, BADGE + 1)
    else:
        found = count_up_to(session, BADGE + 1, Action.state == "pending", Action.expires_at > now)
    return f"{found}" if found <= BADGE else f"{BADGE}+"


@router.get("/")
def today(request: Request, person: Person, console: Here) -> HTMLResponse:
    now = console.now()
    observed = observe(console.settings, now)
    with console.store.read() as session:
        queue = top(session, console.settings.actions.top, now)
        waiting = count_up_to(session, COUNTED + 1, Action.state == "pending", Action.expires_at > now)
        ever = bool(queue) or count_up_to(session, 1) > 0
        lately = select(Action).where(Action.decided_at.is_not(None)).order_by(Action.decided_at.desc())
        decided = session.scalars(lately.limit(DECIDED)).all()
        incidents = loud_incidents(session, now)
        tasks = open_tasks(session, TASKS + 1)
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
        waiting=_in_words(waiting),
        ever=ever,
        decided=decided,
        incidents=incidents,
        tasks=tasks[:TASKS],
        more_tasks=len(tasks) > TASKS,
    )


def _in_words(counted: int) -> str:
    """How many: exact as far as anyone reads it."""
    return f"{counted}" if counted <= COUNTED else f"{COUNTED:,}+"


@router.get("/actions")
def actions(
    request: Request, person: Person, console: Here, state: str = "", after: str | None = None
) -> HTMLResponse:
    with console.store.read() as session:
        counts = count_states(session, COUNTED + 1)
        found = changes(session, state, LISTED, after)
    return page(
        request,
        "actions.html",
        person,
        here="actions",
        counts={name: _in_words(count) for name, count in counts.items() if count},
        # Enough where one state alone was counted no further.
        everything=_in_words(sum(counts.values())),
        chosen=state,
        rows=views.rows_of(found.actions),
        pages=pages("/actions", {"state": state}, "after", after, found.next),
    )


def event_row(event: AuditEvent) -> dict[str, Any]:
    """What lists show of an event."""
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
        "edit": views.edit_of(payload.get("edit")),
        "run_id": str(payload.get("run_id") or ""),
    }


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
