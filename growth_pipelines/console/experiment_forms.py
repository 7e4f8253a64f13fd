"""The form that declares an experiment: what was typed, the planner's answer to it, and what is wrong where.

Planning changes nothing; declaring calls the one function that the command line and the API call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from growth_pipelines.actions.experiments.declaration import (
    BadExperiment,
    Declaration,
    Guardrail,
    check,
    usual_kind,
)
from growth_pipelines.actions.experiments.design import METRICS, Design
from growth_pipelines.actions.experiments.registry import create, must_decide
from growth_pipelines.approvals.sessions import SignedIn, proven_session
from growth_pipelines.console.failures import status_of
from growth_pipelines.console.identity import Console, Here, Person, session_token
from growth_pipelines.console.pages import Notice, page
from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.visits.reading import METRICS as VISITED
from growth_pipelines.readouts.foresight import HOW_MANY, Foreseen, Question, foresee
from growth_pipelines.readouts.own_numbers import Late, last_days

router = APIRouter(include_in_schema=False)
CHANNEL = "console"
Number = TypeVar("Number", int, float)
ADDRESS = "/experiments/new"
_LONGEST = 2_500
# Units and days that stand for those that are not planned yet, so that all else can be judged.
_ANY_UNITS, _WEEKS_OF_DAYS = 2, 56
MEASURES: dict[str, list[str]] = {
    "visitor": [f"{metric}:proportion" for metric in ("conversions", *sorted(VISITED - {"conversions"}))],
    **{
        unit: [f"{name}:{kind}" for name, kinds in known.items() for kind in kinds]
        for unit, known in METRICS.items()
    },
}
# What the form calls what a declaration calls otherwise.
_FIELDS = {"primary_metric": "measure", "metric_kind": "measure", "unit": "measure", "daily_units": "daily"}


class Typed(BaseModel):
    """The form as it was sent, whatever is in it."""

    key: str = ""
    hypothesis: str = ""
    measure: str = "visitor:conversions:proportion"
    better: str = "more"
    arms: str = "control, treatment"
    guardrails: str = ""
    baseline: str = ""
    minimum_effect: str = "0.1"
    daily: str = ""
    power: str = "0.8"
    coverage_goal: str = "0.5"
    planned_units: str = ""
    planned_days: str = ""
    outcome_days: str = "7"
    pre_days: str = "0"
    page_type: str = ""
    handle: str = "*"
    settle_days: str = "7"
    cap_quantile: str = "0.99"
    block_days: str = "1"
    carry_over_days: str = "0"
    csrf: str = ""
    do: str = "plan"


@dataclass(frozen=True)
class Answer:
    """What is shown beside the form: the plan, what is wrong with which field, and what can't be done at all."""

    foreseen: Foreseen | None = None
    errors: dict[str, str] | None = None
    notice: Notice | None = None


@router.get(ADDRESS)
def new(request: Request, person: Person, console: Here) -> HTMLResponse:
    """An empty form, with the shop's own numbers in it."""
    typed, answer = Typed(), Answer()
    try:
        late = last_days(console.settings, console.now())
    except GrowthError as problem:
        late, answer = None, Answer(notice=Notice(problem.message, problem.hint, "bad"))
    if late is not None:
        typed = Typed(baseline=f"{late.orders:.4g}", daily=f"{late.sessions:.0f}")
    return _form(request, person, typed, late, answer)


@router.post(ADDRESS)
def sent(request: Request, person: Person, console: Here, typed: Annotated[Typed, Form()]) -> Response:
    """Plan what was typed, or register it."""
    now = console.now()
    try:
        if any(len(text) > _LONGEST for text in typed.model_dump().values()):
            raise GrowthError("A field is too long.", "Shorten it.")
        with console.store.read() as session:
            proven = proven_session(session, session_token(request), typed.csrf, now)
            must_decide(session, proven.operator)
        if typed.do == "declare":
            return _registered(request, console, typed, now)
        typed, foreseen = _planned(console, typed, now)
    except GrowthError as problem:
        return _refused(request, person, console, typed, problem)
    return _form(request, person, typed, _last_days(console), Answer(foreseen))


def _last_days(console: Console) -> Late | None:
    """The shop's own numbers beside what was typed; no reason to lose that if they can't be read."""
    try:
        return last_days(console.settings, console.now())
    except GrowthError:
        return None


def _registered(request: Request, console: Console, typed: Typed, now: datetime) -> Response:
    declared = _declaration(typed)
    with console.store.session() as session:
        proven = proven_session(session, session_token(request), typed.csrf, now)
        row = create(
            session,
            declared,
            shop_id=console.settings.shop.domain,
            actor=proven.operator,
            channel=CHANNEL,
            now=now,
        )
        key = row.key
    return RedirectResponse(f"/experiments/{key}?done=registered", 303)


def _refused(
    request: Request, person: SignedIn, console: Console, typed: Typed, problem: GrowthError
) -> HTMLResponse:
    errors = {}
    if isinstance(problem, BadExperiment):
        errors = {_FIELDS.get(name, name): why for name, why in problem.fields.items()}
    message = "Some fields need another look." if errors else problem.message
    notice = Notice(message, "" if errors else problem.hint, "bad")
    return _form(
        request,
        person,
        typed,
        _last_days(console),
        Answer(None, errors, notice),
        status_of(problem),
    )


def _form(
    request: Request, person: SignedIn, typed: Typed, late: Late | None, answer: Answer, status: int = 200
) -> HTMLResponse:
    return page(
        request,
        "experiment_new.html",
        person,
        status,
        here="experiments",
        typed=typed,
        late=late,
        measures=MEASURES,
        foreseen=answer.foreseen,
        errors=answer.errors or {},
        notice=answer.notice,
    )


def _planned(console: Console, typed: Typed, now: datetime) -> tuple[Typed, Foreseen]:
    """The form with the units and days that are foreseen, and these. Raises GrowthError."""
    comes_by_itself = typed.measure.startswith("visitor:")
    days = "" if comes_by_itself else typed.planned_days.strip()
    asked = {"planned_units": str(_ANY_UNITS), "planned_days": days or str(_WEEKS_OF_DAYS)}
    unplanned = typed.model_copy(update=asked)
    declared = _declaration(unplanned)
    daily = None
    if comes_by_itself:
        read = _Read(typed)
        daily = read.number("daily", HOW_MANY)
        if read.errors:
            raise BadExperiment(HOW_MANY, "", read.errors)
    found = foresee(console.store, console.settings, Question(declared, daily), now)
    filled = {"planned_units": str(found.units), "planned_days": str(found.days)}
    return typed.model_copy(update=filled), found


class _Read:
    """Numbers of a form; what is none is kept with the field's name."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        self.errors: dict[str, str] = {}

    def number(self, name: str, missing: str = "Type a number, as in 0.1.") -> float:
        return self._read(name, float, missing)

    def whole(self, name: str, missing: str = "Type a whole number.") -> int:
        return self._read(name, int, missing)

    def pairs(self, name: str, missing: str) -> list[tuple[str, float]]:
        """``name[:number]`` with commas between; without a number it is 1."""
        try:
            parts = [part.strip().partition(":") for part in getattr(self.typed, name).split(",") if part.strip()]
            return [(label.strip(), float(number or 1)) for label, _, number in parts]
        except ValueError:
            self.errors[name] = missing
            return []

    def _read(self, name: str, kind: Callable[[str], Number], missing: str) -> Number:
        try:
            return kind(getattr(self.typed, name).strip())
        except ValueError:
            self.errors[name] = missing
            return kind("0")


def _declaration(typed: Typed) -> Declaration:
    """What the form declares. Raises BadExperiment with every field that is wrong."""
    read = _Read(typed)
    unit, _, measured = typed.measure.partition(":")
    metric, _, kind = measured.partition(":")
    declared = Declaration(
        key=typed.key.strip(),
        hypothesis=typed.hypothesis.strip(),
        primary_metric=metric,
        metric_kind=kind,
        increase_is_good=typed.better != "less",
        arms=tuple(read.pairs("arms", "Names with commas between, as in control, bar; weights as in bar:2.")),
        guardrails=tuple(
            Guardrail(name.lstrip("-"), margin, usual_kind(unit, name.lstrip("-")), not name.startswith("-"))
            for name, margin in read.pairs("guardrails", "Metric and margin, as in sessions:0.05.")
        ),
        unit=unit,
        baseline=read.number("baseline"),
        minimum_effect=read.number("minimum_effect"),
        power=read.number("power"),
        planned_units=read.whole("planned_units", "Plan it first, or say how many."),
        planned_days=read.whole("planned_days", "Plan it first, or say how many."),
        pre_days=read.whole("pre_days"),
        outcome_days=read.whole("outcome_days"),
        coverage_goal=read.number("coverage_goal"),
        design=Design(
            page_type=typed.page_type,
            handle=typed.handle,
            settle_days=read.whole("settle_days"),
            cap_quantile=read.number("cap_quantile"),
            block_days=read.whole("block_days"),
            carry_over_days=read.whole("carry_over_days"),
        ),
    )
    try:
        check(declared)
    except BadExperiment as problem:
        raise BadExperiment(problem.message, problem.hint, {**problem.fields, **read.errors}) from problem
    if read.errors:
        raise BadExperiment(next(iter(read.errors.values())), "", read.errors)
    return declared
