"""The page of one action: all that a decision needs. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.body_html import LINKS
from growth_pipelines.actions.brake import brake
from growth_pipelines.actions.executors.task_cards import card_of
from growth_pipelines.actions.experiments.units import split_test_of
from growth_pipelines.actions.model import OPEN_STATES
from growth_pipelines.actions.outcomes import outcomes_of, standing
from growth_pipelines.actions.queue import find, top
from growth_pipelines.actions.recheck import RECHECK_DAYS, recheck_of
from growth_pipelines.actions.subject import page_of
from growth_pipelines.actions.tasks import is_by_hand
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.deferral import deferral_days
from growth_pipelines.approvals.permission import Permission, permission, votes_of
from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.clock import local_date
from growth_pipelines.console import views
from growth_pipelines.console.chosen import choices_of
from growth_pipelines.console.identity import Console, Here, Person, console_of
from growth_pipelines.console.judging import Judged, judge, other_texts
from growth_pipelines.console.labels import all_labels, label
from growth_pipelines.console.leads_to import leads_to
from growth_pipelines.console.observed import observe
from growth_pipelines.console.pages import Notice, event_row, page
from growth_pipelines.console.plots.events import events_of
from growth_pipelines.console.plots.outcome import outcome_plot
from growth_pipelines.console.plots.plot import Plot
from growth_pipelines.console.plots.series import series_of
from growth_pipelines.console.plots.shown import drawn_of, figures_of
from growth_pipelines.console.rendered import rendered
from growth_pipelines.console.sent import Sent, sent
from growth_pipelines.drafts.page_facts import facts_of
from growth_pipelines.monitoring.marks import Dated
from growth_pipelines.store.tables import Action, ActionOutcome, AuditEvent, Execution, TaskCard

router = APIRouter(include_in_schema=False)


@router.get("/actions/{id_or_ref}")
def action(request: Request, person: Person, id_or_ref: str, done: str = "") -> HTMLResponse:
    return action_page(request, person, id_or_ref, done=done)


@router.post("/actions/{id_or_ref}/check")
def check(
    request: Request, person: Person, console: Here, id_or_ref: str, body: Annotated[Sent, Depends(sent)]
) -> HTMLResponse:
    """Judge the texts of a form as they are typed. Changes nothing; a script asks for the judgement alone."""
    typed = {name: value for name, value in body.fields.items() if isinstance(value, str)}
    if request.headers.get("x-fragment"):
        with console.store.read() as session:
            found = find(session, id_or_ref)
        return page(request, "checked.html", person, judged=judged_of(console, found, typed))
    return action_page(request, person, id_or_ref, opened="approve_with_edits", typed=typed)


def judged_of(console: Console, found: Action, typed: Mapping[str, str]) -> list[Judged]:
    """The texts of a form, judged; as they are drafted where the form has none."""
    drafted = drafted_of(typed)
    parts = views.edited_parts(found.draft, drafted or views.typed_as_drafted(found.draft))
    return judge(found, parts, facts_of(console.settings, found), other_texts(console.settings, found))


def drafted_of(typed: Mapping[str, str]) -> dict[str, str]:
    """What of a form is the draft's."""
    return {name.removeprefix("draft."): text for name, text in typed.items() if name.startswith("draft.")}


def action_page(
    request: Request,
    person: SignedIn,
    id_or_ref: str,
    *,
    done: str = "",
    notice: Notice | None = None,
    opened: str = "",
    typed: Mapping[str, str] | None = None,
    confirm: str = "",
    status: int = 200,
) -> HTMLResponse:
    """One action in full. After a refused decision: with a notice, and what was typed still in its form.

    ``confirm`` stands for claims that nobody backs and that the form asks to be confirmed.
    """
    console = console_of(request)
    now = console.now()
    observed = observe(console.settings, now)
    zone = ZoneInfo(console.settings.zone)
    with console.store.read() as session:
        found = find(session, id_or_ref)
        queue = top(session, console.settings.actions.top, now, only=(Action.ref, Action.title))
        answer = request_of(session, found)
        history = _history(session, found)
        execution = session.get(Execution, (found.id, found.version))
        card = card_of(session, found)
        outcomes = outcomes_of(session, found.id)
        judged_by = standing(outcomes)
        paused = brake(session) is not None
        events = events_of(session, found, now, zone)
        votes = votes_of(session, answer) if answer else []
        # What is no page has no address.
        is_open_page = found.state in OPEN_STATES and found.target["url"]
        tested = split_test_of(session, page_of(found.target["url"])) if is_open_page else None
        leave = permission(session, found, person.operator, person.role, now)
    way = leads_to(found, console.settings.actions.mode, paused=paused)
    awaiting = label("awaiting", way)
    if done in all_labels()["decided"]:
        notice = notice or _done(done, found, awaiting, leave)
    typed = typed or {}
    return page(
        request,
        "action.html",
        person,
        status,
        here="today",
        observed=observed,
        action=found,
        history=history,
        outcomes=outcomes,
        worse=judged_by is not None and judged_by.outcome_class == "negative",
        outcome_figures=drawn_of(_outcome_plots(judged_by, found, events, zone, observed.shop.currency)),
        run_id=next((event["run_id"] for event in reversed(history) if event["run_id"]), ""),
        figures=figures_of(console.settings, found, events),
        place=_place(queue, found),
        split_test=tested,
        next_up=next((other for other in queue if other.id != found.id), None),
        notice=notice,
        address=f"/actions/{found.ref}" if opened or (notice and notice.tone != "good") else "",
        **_change(console, found),
        **_proof(found, execution, observed.shop.currency),
        **_by_hand(found, card, now, zone),
        **_decision(console, person, found, typed, opened, now),
        answer=answer,
        votes=votes,
        leave=leave,
        confirm=confirm,
        can_roll_back=found.state in ("executed", "measured") and not _rollback_waits(history),
        approve_effect=label("effects", way),
        awaiting=awaiting,
    )


def _done(done: str, found: Action, awaiting: str, leave: Permission) -> Notice | None:
    """What the decision that led here did, as far as it still is so."""
    if found.state != "pending":
        return Notice(label("decided", done), awaiting if found.state == "approved" else "")
    if done == "edit" and found.version > 1:
        return Notice(label("decided", done), leave.why)
    if done.startswith("approve") and 0 < leave.have < leave.need:
        return Notice(label("decided", "voted"), f"{leave.have} of {leave.need} approvals.")
    return None


def _change(console: Console, found: Action) -> dict[str, Any]:
    """What would change, as it would look and word by word."""
    return {
        "change_title": label("changes", "task" if is_by_hand(found) else found.kind),
        "previews": views.previews_of(found, *_texts_now(console, found)),
        "rendered": rendered(found, views.order_names(found)),
        "fields": views.fields_of(found),
        "steps": found.draft.get("steps", []),
        "summary": found.draft.get("summary", ""),
        "links": [] if LINKS in found.fields else found.draft.get("internal_links", []),
    }


def _proof(found: Action, execution: Execution | None, currency: str) -> dict[str, Any]:
    """What the action rests on, and what has become of it."""
    factors, factor_parts = views.factors_of(found, currency)
    return {
        "axis": views.axis_of(found),
        "evidence": views.evidence_of(found),
        "factors": factors,
        "factor_parts": factor_parts,
        "borne_out": views.borne_out(found),
        "execution": execution,
        "kept": views.kept_of(found, (execution.snapshot or {}) if execution else {}),
        "recheck_days": RECHECK_DAYS,
    }


def _by_hand(found: Action, card: TaskCard | None, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What of the action a person does, and whether that is done."""
    waits = card is not None and card.state == "open" and found.state in ("executed", "measured")
    unchanged = waits and is_by_hand(found)
    return {
        "done_on": local_date(card.done_at, zone.key) if card is not None and card.done_at else None,
        "task_waits": waits,
        "unchanged": unchanged,
        "work_days": {"first": local_date(found.created_at, zone.key), "last": local_date(now, zone.key)},
        "recheck": recheck_of(found.evidence, None if unchanged else _executed_on(found, zone)),
    }


def _executed_on(action: Action, zone: ZoneInfo) -> date | None:
    return local_date(action.executed_at, zone.key) if action.executed_at else None


def _decision(
    console: Console, person: SignedIn, found: Action, typed: Mapping[str, str], opened: str, now: datetime
) -> dict[str, Any]:
    """The forms that decide."""
    drafted = drafted_of(typed)
    checked = opened in ("edit", "approve_with_edits") and found.state == "pending"
    return {
        "may_decide": person.may_decide,
        "editable": views.editable_of(found.draft, drafted),
        "choices": choices_of(found, drafted),
        "judged": judged_of(console, found, typed) if checked else [],
        "reasons": all_labels()["reasons"],
        "days": deferral_days(console.settings, now),
        "opened": opened,
        "typed": {"note": "", "reason": "", "until": "", **typed},
    }


def _outcome_plots(
    outcome: ActionOutcome | None, action: Action, events: Sequence[Dated], zone: ZoneInfo, currency: str
) -> list[Plot]:
    """The weeks of the reading that the action is judged by."""
    day = _executed_on(action, zone)
    if outcome is None or day is None:
        return []
    title = f"{label('outcome_metrics', outcome.metric)} by week"
    return [outcome_plot(outcome.days, outcome.metric, day, title, currency, events)]


def _texts_now(console: Console, found: Action) -> tuple[str, str]:
    """What a search engine shows now, looked up only where a preview needs it."""
    if not any(change["field"].startswith("seo.") for change in found.diff):
        return "", ""
    rows = series_of(console.settings).rows("shown_texts", found.target["gid"])
    return (rows[0][0] or "", rows[0][1] or "") if rows else ("", "")


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
    return [event_row(event) for event in events]


def _rollback_waits(history: list[dict[str, Any]]) -> bool:
    """Whether a rollback has been asked for and not yet been answered; ``history`` is newest first."""
    told = (event["event"] for event in history)
    return next((name for name in told if name.startswith("rollback_")), "") == "rollback_requested"
