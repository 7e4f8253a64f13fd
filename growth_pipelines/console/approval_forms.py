"""Deciding from the lists: one request without leaving the list, or many at once after a look at what that covers.

A script asks for the parts of a page (it says so in ``HX-Request``); without one the same forms lead to pages.
Every decision goes through :func:`growth_pipelines.approvals.decide.decide`, with the browser's session as proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse

from growth_pipelines.actions.brake import is_paused
from growth_pipelines.actions.queue import NoSuchAction, find
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.bulk import (
    CONFIRM_WITHIN,
    Bulk,
    BulkDecision,
    Coverage,
    Item,
    ItemFate,
    NotConfirmed,
    check,
    check_confirmation,
    confirmation,
    cover,
    decide_all,
)
from growth_pipelines.approvals.decide import AlreadyDecided, DecisionRequest, SessionProof, StaleDigest, decide
from growth_pipelines.approvals.deferral import deferral_days
from growth_pipelines.approvals.permission import permission
from growth_pipelines.approvals.sessions import NotFresh, SignedIn, proven_session
from growth_pipelines.console import views
from growth_pipelines.console.approval_pages import stamp
from growth_pipelines.console.failures import BadRequest, MayNotDecide, status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.labels import all_labels, label
from growth_pipelines.console.leads_to import leads_to
from growth_pipelines.console.login_pages import again_part
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action

router = APIRouter(include_in_schema=False)
# As many as a person can look through in one go, and as a page has room for.
CHOSEN_AT_ONCE = 100


@dataclass(frozen=True)
class Typed:
    """What a decision's form holds beside the decision itself."""

    reason: str = ""
    note: str = ""
    until: str = ""

    @property
    def day(self) -> date | None:
        """The day to ask again on. Raises BadRequest."""
        try:
            return date.fromisoformat(self.until) if self.until else None
        except ValueError as error:
            raise BadRequest(f"{self.until!r} is not a day.", "Choose one from the calendar.") from error


def _typed(
    reason: Annotated[str, Form(max_length=2000)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> Typed:
    return Typed(reason, note, until)


@router.get("/approvals/{id_or_ref}/look")
def look(request: Request, person: Person, console: Here, id_or_ref: str) -> HTMLResponse:
    """What a decision in the list needs: the change, why, and the forms."""
    return _look(request, person, console, id_or_ref)


def _look(
    request: Request,
    person: SignedIn,
    console: Console,
    id_or_ref: str,
    notice: Notice | None = None,
    opened: str = "",
    typed: Typed | None = None,
    status: int = 200,
) -> HTMLResponse:
    with console.store.read() as session:
        found = find(session, id_or_ref)
        effect = label("effects", leads_to(found, console.settings.actions.mode, paused=is_paused(session)))
        leave = permission(session, found, person.operator, person.role, console.now())
    part = "approval_look.html" if _is_part(request) else "approval_look_page.html"
    return page(
        request,
        part,
        person,
        status,
        here="approvals",
        action=found,
        fields=views.fields_of(found),
        steps=found.draft.get("steps", []),
        may_decide=person.may_decide,
        leave=leave,
        approve_effect=effect,
        reasons=all_labels()["reasons"],
        days=deferral_days(console.settings, console.now()),
        notice=notice,
        opened=opened,
        typed=typed or Typed(),
    )


def _is_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


@router.post("/approvals/{id_or_ref}/decision")
def decision(
    request: Request,
    person: Person,
    console: Here,
    id_or_ref: str,
    decision: Annotated[BulkDecision, Form()],
    typed: Annotated[Typed, Depends(_typed)],
    digest: Annotated[str, Form(max_length=64)] = "",
    csrf: Annotated[str, Form(max_length=100)] = "",
) -> HTMLResponse:
    """Decide about one action of a list; the answer takes its row's place."""
    proof = SessionProof(session_token(request), csrf, console.settings.console.proof_lasts)
    try:
        wanted = DecisionRequest(id_or_ref, decision, digest, typed.note, typed.reason, typed.day)
        result = decide(console.store, console.settings, wanted, proof, console.now())
    except NoSuchAction:
        raise
    except NotFresh:
        if not _is_part(request):
            raise
        sent = {"decision": decision, "digest": digest, **vars(typed)}
        return _in_its_place(again_part(request, person, sent), _ref(console, id_or_ref))
    except GrowthError as problem:
        return _refused(request, person, console, id_or_ref, problem, decision, typed)
    return _answer(request, person, console, id_or_ref, Notice(result.message), 200)


def _refused(
    request: Request,
    person: SignedIn,
    console: Console,
    id_or_ref: str,
    problem: GrowthError,
    opened: str,
    typed: Typed,
) -> HTMLResponse:
    """Someone was first: their decision takes the row's place. Anything else can be mended in the form."""
    if isinstance(problem, AlreadyDecided):
        told = Notice(problem.message, "", "warn")
        return _answer(request, person, console, id_or_ref, told, status_of(problem))
    tone = "warn" if isinstance(problem, StaleDigest) else "bad"
    notice = Notice(problem.message, problem.hint, tone)
    response = _look(request, person, console, id_or_ref, notice, opened, typed, status_of(problem))
    return _in_its_place(response, _ref(console, id_or_ref))


def _in_its_place(response: HTMLResponse, ref: str) -> HTMLResponse:
    """Shown where the forms of that row are."""
    response.headers["hx-retarget"] = f"#look-{ref}"
    response.headers["hx-reswap"] = "innerHTML"
    return response


def _ref(console: Console, id_or_ref: str) -> str:
    with console.store.read() as session:
        return find(session, id_or_ref).ref


def _answer(
    request: Request, person: SignedIn, console: Console, id_or_ref: str, told: Notice, status: int
) -> HTMLResponse:
    with console.store.read() as session:
        found = find(session, id_or_ref)
        asked = request_of(session, found)
        seen = stamp(session)
    part = "approval_answer.html" if _is_part(request) else "approval_answer_page.html"
    return page(request, part, person, status, here="approvals", action=found, asked=asked, told=told, seen=seen)


@router.post("/approvals/bulk")
def bulk(
    request: Request,
    person: Person,
    console: Here,
    decision: Annotated[BulkDecision, Form()],
    typed: Annotated[Typed, Depends(_typed)],
    item: Annotated[list[str] | None, Form()] = None,
    csrf: Annotated[str, Form(max_length=100)] = "",
    confirm: Annotated[str, Form(max_length=100)] = "",
) -> HTMLResponse:
    """Without ``confirm``: a page that shows what the decision covers. With it: decide, and what became of each.

    The confirmation is of the actions, their drafts, the decision and the person; reason, note and day are typed
    beside it.
    """
    shown = Bulk(decision, _items(item or []))
    if not person.may_decide:
        raise MayNotDecide(
            f"{person.operator} is a {person.role}, who may look but not decide.", "Ask an operator or admin."
        )
    if not confirm:
        return _confirm_page(request, person, console, shown, csrf, typed)
    try:
        fates = _decide_all(console, request, shown, typed, csrf, confirm)
    except NotConfirmed as problem:
        notice = Notice(problem.message, "Look at what it covers now, then confirm.", "warn")
        return _confirm_page(request, person, console, shown, csrf, typed, notice, status_of(problem))
    except GrowthError as problem:
        notice = Notice(problem.message, problem.hint, "bad")
        return _confirm_page(request, person, console, shown, csrf, typed, notice, status_of(problem))
    done = sum(fate.fate == "done" for fate in fates)
    voted = sum(fate.result is not None and fate.result.outcome == "voted" for fate in fates)
    return page(
        request, "bulk_done.html", person, here="approvals", decision=decision, fates=fates, done=done, voted=voted
    )


def _items(chosen: Sequence[str]) -> tuple[Item, ...]:
    """What was ticked, each as id:digest."""
    if not 0 < len(chosen) <= CHOSEN_AT_ONCE:
        what = f"More than {CHOSEN_AT_ONCE} actions are chosen." if chosen else "No action is chosen."
        raise BadRequest(what, "Go back and tick the actions that the decision is about.")
    pairs = [one.partition(":") for one in dict.fromkeys(chosen)]
    return tuple(Item(action, digest) for action, _, digest in pairs)


def _decide_all(
    console: Console, request: Request, shown: Bulk, typed: Typed, csrf: str, confirm: str
) -> list[ItemFate]:
    now = console.now()
    wanted = replace(shown, reason=typed.reason, note=typed.note, until=typed.day)
    with console.store.session() as session:
        person = proven_session(session, session_token(request), csrf, now)
        check_confirmation(confirm, shown, person.operator, person.token, now)
        check(wanted, console.settings, now)
        proof = SessionProof(person.token, csrf, console.settings.console.proof_lasts)
        proofs = [proof] * len(shown.items)
        return decide_all(session, console.settings, wanted, proofs, now)


def _confirm_page(
    request: Request,
    person: SignedIn,
    console: Console,
    shown: Bulk,
    csrf: str,
    typed: Typed,
    notice: Notice | None = None,
    status: int = 200,
) -> HTMLResponse:
    now = console.now()
    with console.store.read() as session:
        proven_session(session, session_token(request), csrf, now)
        covered = cover(session, shown, now)
    ready = _ready(covered)
    return page(
        request,
        "bulk_confirm.html",
        person,
        status,
        here="approvals",
        decision=shown.decision,
        verb=label("bulk", shown.decision),
        covered=covered,
        ready=ready,
        left_out=[fate for fate in covered.fates if fate.fate != "ready"],
        # The confirmation is of those that can still be decided, exactly.
        confirm=confirmation(
            replace(shown, items=tuple(_item(a) for a in ready)), person.operator, person.token, now
        ),
        minutes=int(CONFIRM_WITHIN.total_seconds() // 60),
        reasons=all_labels()["reasons"],
        days=deferral_days(console.settings, console.now()),
        typed=typed,
        notice=notice,
    )


def _ready(covered: Coverage) -> list[Action]:
    return [fate.action for fate in covered.fates if fate.fate == "ready" and fate.action is not None]


def _item(action: Action) -> Item:
    return Item(action.id, action.digest)
