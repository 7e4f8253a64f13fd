"""The policy book: what it says, and what it says of one kind and risk. Plain data, no store.

A book is a list of rules from the general to the special; those that fit a kind and a risk are laid over each
other, field by field. Whoever must not be able to happen is refused by the types: nothing here can say that
silence approves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from growth_pipelines.errors import GrowthError

Priority = Literal["critical", "high", "medium", "low"]
DecidingRole = Literal["operator", "admin"]
DECIDING_ROLES: tuple[DecidingRole, ...] = get_args(DecidingRole)
Ending = Literal["expire", "reject"]
ChatMode = Literal["once", "twice", "console"]
ANY = "*"
# Nothing worth this much (28 days, the shop's currency) ever passes by itself, whatever a book says.
AUTOMATIC_VALUE_LIMIT = 1000
# A rule that is switched on for a time ends within this, where settings say nothing else.
LONGEST_AUTOMATIC = timedelta(days=14)


class BadBook(GrowthError):
    """The policy book can't be put in force; the message names the place."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Terms(_Part):
    """Who decides about one action and by when; kept with its approval request."""

    roles: tuple[DecidingRole, ...] = Field(DECIDING_ROLES, min_length=1)
    approvers: tuple[str, ...] = ()
    quorum: int = Field(1, ge=1, le=5)
    four_eyes: bool = False
    priority: Priority | None = None
    answer_hours: float | None = Field(None, gt=0, le=24 * 7)
    remind_share: float = Field(0.5, gt=0, lt=1)
    escalate_to: str = ""
    at_the_end: Ending = "expire"
    chat: ChatMode = "once"


class Rule(_Part):
    """What is said of a kind (and subtype) and a risk; a field that is absent leaves what earlier rules say."""

    kind: str = ANY
    subtype: str = ANY
    risk: Literal["*", "low", "medium", "high"] = "*"
    roles: tuple[DecidingRole, ...] | None = Field(None, min_length=1)
    approvers: tuple[str, ...] | None = None
    quorum: int | None = Field(None, ge=1, le=5)
    four_eyes: bool | None = None
    priority: Priority | None = None
    answer_hours: float | None = Field(None, gt=0, le=24 * 7)
    remind_share: float | None = Field(None, gt=0, lt=1)
    escalate_to: str | None = None
    at_the_end: Ending | None = None
    chat: ChatMode | None = None

    def fits(self, kind: str, subtype: str, risk: str) -> bool:
        """Whether the rule is about such an action."""
        return self.kind in (ANY, kind) and self.subtype in (ANY, subtype) and self.risk in (ANY, risk)

    def says(self) -> dict[str, Any]:
        """The terms that the rule sets."""
        return self.model_dump(exclude={"kind", "subtype", "risk"}, exclude_none=True)


class AutomaticRule(_Part):
    """What of one kind may pass without a person, and when that stops by itself.

    ``until`` bounds the rule in time, by no more than settings allow when it is saved. It is paused when, of the
    last ``pause_over`` actions that it passed and that came to an end, under ``pause_below`` went well.
    """

    kind: str
    enabled: bool = False
    min_confidence: float = Field(ge=0.5, le=1)
    max_risk: Literal["low", "medium"] = "low"
    per_day: int = Field(10, ge=1, le=10)
    below_value: float = Field(AUTOMATIC_VALUE_LIMIT, gt=0, le=AUTOMATIC_VALUE_LIMIT)
    pause_below: float = Field(0.7, ge=0.7, le=1)
    pause_over: int = Field(20, ge=5, le=20)
    until: AwareDatetime | None = None


class Book(_Part):
    """All policies of the shop."""

    answer_hours: dict[Priority, Annotated[float, Field(gt=0, le=24 * 7)]]
    rules: tuple[Rule, ...] = Field(min_length=1)
    automatic: tuple[AutomaticRule, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Book:
        missing = {"critical", "high", "medium", "low"} - self.answer_hours.keys()
        if missing:
            raise ValueError(f"answer_hours says nothing of {', '.join(sorted(missing))}")
        kinds = [rule.kind for rule in self.automatic]
        if len(set(kinds)) < len(kinds):
            raise ValueError("automatic names a kind twice")
        return self

    def terms(self, kind: str, subtype: str, risk: str) -> Terms:
        """What holds for such an action."""
        said: dict[str, Any] = {}
        for rule in self.rules:
            if rule.fits(kind, subtype, risk):
                said |= rule.says()
        return Terms(**said)

    def answer_within(self, terms: Terms, proposed: str) -> timedelta:
        """The time to answer; ``proposed`` is the action's own priority, where the terms set none."""
        hours = terms.answer_hours or self.answer_hours[_priority(terms.priority or proposed)]
        return timedelta(hours=hours)

    def automatic_for(self, kind: str) -> AutomaticRule | None:
        """The rule about what may pass by itself, if there is one."""
        return next((rule for rule in self.automatic if rule.kind == kind), None)

    def document(self) -> dict[str, Any]:
        """The book as plain JSON, without what is not said."""
        return self.model_dump(mode="json", exclude_none=True)


def _priority(name: str) -> Priority:
    for known in ("critical", "high", "medium", "low"):
        if known == name:
            return known
    raise BadBook(f"There is no priority {name}.")


@cache
def shipped() -> Book:
    """The book of a new shop."""
    return parse((files("growth_pipelines.policies") / "shipped.yaml").read_text(encoding="utf-8"))


def parse(text: str) -> Book:
    """The book in a YAML (or JSON) text. Raises BadBook that names the place."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadBook(f"The policy book is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(read, Mapping):
        raise BadBook("A policy book has answer_hours, rules and automatic.", "Start from `growth policies show`.")
    return book_of(read)


def book_of(document: Mapping[str, Any]) -> Book:
    """The book that a document says. Raises BadBook that names the place."""
    try:
        return Book.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "book"
        raise BadBook(
            f"The policy book can't be used: {place}: {first['msg']}.", "Correct it, save it again."
        ) from error


def text_of(book: Book) -> str:
    """The book as YAML, to be edited and saved again; what is as by default is left out."""
    document = {
        "answer_hours": {name: _short(hours) for name, hours in book.answer_hours.items()},
        "rules": [rule.model_dump(mode="json", exclude_defaults=True) for rule in book.rules],
        "automatic": [
            {
                "kind": rule.kind,
                "enabled": rule.enabled,
                "min_confidence": rule.min_confidence,
                **rule.model_dump(mode="json", exclude_defaults=True),
            }
            for rule in book.automatic
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def _short(number: float) -> float:
    return int(number) if number == int(number) else number


def with_automatic(
    book: Book, kind: str, *, enabled: bool, until: datetime | None, min_confidence: float | None = None
) -> Book:
    """The book with one kind's rule switched on or off, to the second. Raises BadBook for one without a rule."""
    rule = book.automatic_for(kind)
    if rule is None:
        raise BadBook(f"No automatic rule is about {kind}.", "Add one: `growth policies show`, then `save`.")
    until = until.replace(microsecond=0) if until else None
    changed = rule.model_copy(
        update={"enabled": enabled, "until": until, "min_confidence": min_confidence or rule.min_confidence}
    )
    others = tuple(changed if one.kind == kind else one for one in book.automatic)
    return book.model_copy(update={"automatic": others})


def flaws(book: Book, people: Mapping[str, str], kinds: Collection[str]) -> list[str]:
    """Why the book can't work with these active operators (name → role) and these kinds; empty when it can."""
    found = []
    for at, rule in enumerate(book.rules, 1):
        place = f"rule {at} ({rule.kind}, risk {rule.risk})"
        if rule.kind != ANY and rule.kind not in kinds:
            found.append(f"{place}: there is no kind {rule.kind}")
        named = [*(rule.approvers or ()), *([rule.escalate_to] if rule.escalate_to else [])]
        found += [f"{place}: {name} is no active operator" for name in named if name not in people]
        terms = book.terms(rule.kind, rule.subtype, rule.risk)
        able = [
            name
            for name, role in people.items()
            if role in terms.roles and (not terms.approvers or name in terms.approvers)
        ]
        if rule.approvers and not able:
            found.append(f"{place}: none of its approvers has one of the roles {', '.join(terms.roles)}")
    found += [f"automatic: there is no kind {rule.kind}" for rule in book.automatic if rule.kind not in kinds]
    return found + unmeetable(book, people, kinds)


def unmeetable(book: Book, people: Mapping[str, str], kinds: Collection[str]) -> list[str]:
    """What asks for more people than there are, for any kind and risk that rules add up to; empty if nothing."""
    found = []
    deciding = [name for name, role in people.items() if role != "viewer"]
    subtypes = sorted({rule.subtype for rule in book.rules})
    for kind, subtype, risk in product(kinds, subtypes, ("low", "medium", "high")):
        terms, place = book.terms(kind, subtype, risk), f"{kind}, risk {risk}"
        able = [
            name
            for name, role in people.items()
            if role in terms.roles and (not terms.approvers or name in terms.approvers)
        ]
        if terms.quorum > 1 and len(able) < terms.quorum:
            found.append(f"{place}: a quorum of {terms.quorum} is more than the {len(able)} who may approve")
        if terms.four_eyes and len(deciding) < 2:
            found.append(f"{place}: four eyes need two operators; there are {len(deciding)}")
    return found
