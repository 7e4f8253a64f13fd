"""Texts as they are typed, judged before anybody approves them: score, length, claims, terms, and the word diff.

What is known of the page comes from the published data and from the action's own evidence. What isn't known is
not judged, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from growth_pipelines.console.figures import percent
from growth_pipelines.console.labels import label
from growth_pipelines.console.plots.series import series_of
from growth_pipelines.console.snippet import pixels
from growth_pipelines.console.words import Piece, change_in_words, compare_words
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS, score
from growth_pipelines.content.terms import check_terms
from growth_pipelines.content.word_index import OtherTexts, Texts
from growth_pipelines.drafts.backing import edited_texts, unbacked
from growth_pipelines.drafts.edits import FIELDS
from growth_pipelines.drafts.entries import entry_texts
from growth_pipelines.drafts.page_facts import Facts
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Action
from growth_pipelines.warehouse.series import Series

# Font size in a search result, and how much of it is shown.
_WIDTHS = {"title": (20, 600), "description": (14, 1180), "page_title": (20, 600), "page_meta": (14, 1180)}
# Parts that need something besides the text: without it they are left out, and that is said.
_NEEDS = ("query_coverage", "uniqueness", "completeness")


@dataclass(frozen=True)
class Part:
    """One part of a score."""

    name: str
    label: str
    share: float

    @property
    def told(self) -> str:
        return percent(self.share)


@dataclass(frozen=True)
class Judged:
    """One text: how good it is and what is wrong with it. ``unbacked`` are claims that nothing here backs."""

    name: str
    label: str
    total: float | None
    tier: str
    needs_review: bool
    parts: list[Part]
    left_out: list[str]
    unbacked: list[str]
    terms: list[str]
    length: str
    too_long: bool
    pieces: list[Piece]
    change: str

    @property
    def told(self) -> str:
        return percent(self.total or 0.0)

    @property
    def changed(self) -> bool:
        return any(piece.kind != "same" for piece in self.pieces)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to tell: a score, a problem or a change."""
        return self.total is not None or self.changed or bool(self.unbacked or self.terms)


def other_texts(settings: Settings, action: Action) -> dict[str, OtherTexts]:
    """The titles and descriptions of the shop's other pages, where they and the action's page are published."""
    series = series_of(settings)
    rows = series.rows("shown_texts", action.resource_gid) if action.resource_gid else None
    others: dict[str, OtherTexts] = {}
    for place, kind in enumerate(("title", "description")):
        texts = _texts_of(series, kind) if rows else None
        if rows and texts is not None:
            others[kind] = texts.without(str(rows[0][place] or ""))
    return others


@lru_cache(maxsize=4)
def _texts_of(series: Series, kind: str) -> Texts | None:
    rows = series.rows("page_texts")
    if rows is None:
        return None
    place = ("title", "description").index(kind)
    return Texts(str(row[place]) for row in rows if row[place])


def judge(
    action: Action, parts: Mapping[str, Any], facts: Facts, others: Mapping[str, OtherTexts]
) -> list[Judged]:
    """Every edited text that shoppers read; ``parts`` as :func:`edited` takes them.

    Steps of a task are not judged. Questions and specifications are not scored: their claims and terms are
    looked at.
    """
    shown = _shown_now(action)
    return [
        _judged(name, kind, text, shown.get(name, ""), facts, others)
        for name, (kind, text) in edited_texts(parts).items()
    ]


def _shown_now(action: Action) -> dict[str, str]:
    """What stands in the shop now for each part, and for entries what is drafted."""
    before = {change["field"]: change["before"] for change in action.diff}
    now = {part: before.get(field, "") for part, field in FIELDS.items()}
    drafted = entry_texts(action.draft.get("entries", []))
    return {**now, **{name: text for name, (_, text) in drafted.items()}}


def _judged(name: str, kind: str, text: str, now: str, facts: Facts, others: Mapping[str, OtherTexts]) -> Judged:
    found = score(text, kind, _context(kind, facts, others)) if kind else None
    length, too_long = _length(text, kind)
    return Judged(
        name,
        label("fields", name.rsplit(".", 1)[-1]),
        found.total if found else None,
        found.tier if found else "",
        bool(found and found.needs_review),
        [Part(part, label("score_parts", part), share) for part, share in (found.parts if found else {}).items()],
        [label("score_parts", part) for part in _NEEDS if found and kind in FIELDS and part not in found.parts],
        unbacked(text, facts),
        check_terms(text),
        length,
        too_long,
        compare_words(now, text),
        change_in_words(now, text) if now else "",
    )


def _length(text: str, kind: str) -> tuple[str, bool]:
    """How long the text is, in characters and where it is cut by width in pixels, and whether that is too much."""
    size = characters(text)
    if not kind:
        return f"{size} characters", False
    limit = LENGTHS[kind][2]
    told, too_long = f"{size} of {limit} characters", size > limit
    if kind in _WIDTHS:
        font, width = _WIDTHS[kind]
        wide = round(pixels(text, font))
        told, too_long = f"{told}, about {wide} of {width} pixels", too_long or wide > width
    return told, too_long


def _context(kind: str, facts: Facts, others: Mapping[str, OtherTexts]) -> dict[str, Any]:
    context: dict[str, Any] = {"evidence": facts.evidence(), "locale": facts.locale}
    if kind in {"title", "description"}:
        if facts.queries:
            context["queries"] = facts.queries
        if facts.page is not None:
            context["subject"] = facts.page["title"]
        if kind in others:
            context["others"] = others[kind]
    elif facts.queries and kind in _WIDTHS:
        context["queries"] = facts.queries
    if kind == "faq":
        # An answer stands on the product's own page, which is its source.
        context["citations"] = [facts.url]
    return context
