"""What the policy pages show: who decides about which actions, grouped; rules that let actions pass; changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff

from sqlalchemy.orm import Session

from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.approvals.automatic import Record, passed_today, pause_of, record_of
from growth_pipelines.policies.book import InForce, versions
from growth_pipelines.policies.terms import AutomaticRule, Book, Terms, book_of, shipped, text_of
from growth_pipelines.store.tables import Flag, PolicyVersion

RISKS = ("low", "medium", "high")
_SHOWN_VERSIONS = 20


@dataclass(frozen=True)
class Scope:
    """Actions of these kinds and risks; ``subtypes`` where it is not all of a kind, ``rest`` after other rows."""

    kinds: tuple[str, ...]
    risks: tuple[str, ...]
    subtypes: tuple[str, ...] = ()

    @property
    def every_kind(self) -> bool:
        return len(self.kinds) == len(SUBTYPES)

    @property
    def every_risk(self) -> bool:
        return len(self.risks) == len(RISKS)


@dataclass(frozen=True)
class TermsRow:
    """Where the same terms hold."""

    scopes: tuple[Scope, ...]
    terms: Terms


def terms_rows(book: Book) -> list[TermsRow]:
    """The terms in force for every kind, subtype and risk that there is, each said once.

    The most common first, so that the special ones stand below.
    """
    cells: dict[Terms, dict[str, dict[tuple[str, ...], list[str]]]] = {}
    for kind, subtypes in SUBTYPES.items():
        for subtype in subtypes:
            for terms, risks in _by_terms(book, kind, subtype).items():
                cells.setdefault(terms, {}).setdefault(kind, {}).setdefault(risks, []).append(subtype)
    rows = [TermsRow(_scopes(kinds), terms) for terms, kinds in cells.items()]
    return sorted(rows, key=lambda row: -sum(len(scope.kinds) * len(scope.risks) for scope in row.scopes))


def _by_terms(book: Book, kind: str, subtype: str) -> dict[Terms, tuple[str, ...]]:
    found: dict[Terms, tuple[str, ...]] = {}
    for risk in RISKS:
        terms = book.terms(kind, subtype, risk)
        found[terms] = (*found.get(terms, ()), risk)
    return found


def _scopes(kinds: Mapping[str, Mapping[tuple[str, ...], Sequence[str]]]) -> tuple[Scope, ...]:
    """Kinds of the same risks in one scope; a kind of which it is only a part in one of its own."""
    whole: dict[tuple[str, ...], tuple[str, ...]] = {}
    parts = []
    for kind, by_risks in kinds.items():
        for risks, subtypes in by_risks.items():
            if len(subtypes) == len(SUBTYPES[kind]):
                whole[risks] = (*whole.get(risks, ()), kind)
            else:
                parts.append(Scope((kind,), risks, tuple(subtypes)))
    return (*(Scope(named, risks) for risks, named in whole.items()), *parts)


@dataclass(frozen=True)
class AutomaticRow:
    """A rule that may let actions pass: whether it does now, how it has done, and what it passed today."""

    rule: AutomaticRule
    on: bool
    pause: Flag | None
    record: Record
    today: int


def automatic_rows(session: Session, book: Book, now: datetime, zone: str) -> list[AutomaticRow]:
    """Each rule as it stands."""
    return [
        AutomaticRow(
            rule,
            rule.enabled and (rule.until is None or now < rule.until),
            pause_of(session, rule.kind),
            record_of(session, rule),
            passed_today(session, rule.kind, now, zone),
        )
        for rule in book.automatic
    ]


@dataclass(frozen=True)
class VersionRow:
    """One saved version, and the lines that it changed in the one before."""

    row: PolicyVersion
    changed: list[str]


def version_rows(session: Session) -> list[VersionRow]:
    """The newest versions, the newest first, with what each changed."""
    saved = versions(session, _SHOWN_VERSIONS + 1)
    before = [*(book_of(row.document) for row in saved[1:]), *([shipped()] if saved[-1:] else [])]
    rows = [
        VersionRow(row, changes(earlier, book_of(row.document)))
        for row, earlier in zip(saved, before, strict=False)
    ]
    return rows[:_SHOWN_VERSIONS]


def changes(before: Book, after: Book) -> list[str]:
    """The lines of the book's text that differ, marked + and -."""
    lines = unified_diff(text_of(before).splitlines(), text_of(after).splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def running_rules(policies: InForce, session: Session, now: datetime) -> list[AutomaticRule]:
    """The rules that let actions pass at this moment, for the band on every page."""
    return [
        rule
        for rule in policies.book.automatic
        if rule.enabled and (rule.until is None or now < rule.until) and pause_of(session, rule.kind) is None
    ]
