"""Texts as they are typed, judged before anybody approves them: score, length, claims, terms, and the word diff.

What is known of the page comes from the published data and from the action's own evidence. What isn't known is
not judged, and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from growth_pipelines.canonical import digest
from growth_pipelines.console.entries import ENTRY_KINDS, entry_texts
from growth_pipelines.console.figures import percent
from growth_pipelines.console.labels import label
from growth_pipelines.console.plots.series import Series
from growth_pipelines.console.snippet import pixels
from growth_pipelines.console.words import Piece, change_in_words, compare_words
from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS, score
from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.content.terms import check_terms
from growth_pipelines.content.word_index import OtherTexts, Texts
from growth_pipelines.drafts.edits import FIELDS
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Action

_QUERY = re.compile(r"(?:CTR|Impressions) of “(.+)”")
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


@dataclass(frozen=True)
class Facts:
    """What texts of a page are judged by; ``page`` is None where the page is not published."""

    url: str
    page: Mapping[str, Any] | None
    shop: str
    locale: str
    queries: list[tuple[str, float]]
    known: list[str]
    others: Mapping[str, OtherTexts]


def facts_of(settings: Settings, action: Action, shop_name: str) -> Facts:
    """What is known of the action's page, from the published data and the action itself."""
    series = Series.of(settings)
    rows = series.rows("page_facts", action.resource_gid) if action.resource_gid else None
    names = ("title", "product_type", "vendor", "tags", "description", "effective_title", "effective_description")
    page = dict(zip(names, rows[0], strict=True)) if rows else None
    locale = series.rows("locale")
    others: dict[str, OtherTexts] = {}
    if page is not None:
        for kind in ("title", "description"):
            texts = _texts_of(series, kind)
            if texts is not None:
                others[kind] = texts.without(str(page[f"effective_{kind}"] or ""))
    return Facts(
        action.target["url"],
        page,
        shop_name,
        str(locale[0][0] or "en") if locale else "en",
        _queries(action),
        _own_words(action),
        others,
    )


def _queries(action: Action) -> list[tuple[str, float]]:
    """What people typed, from the evidence, most important first and weighted so."""
    found = [match[1] for row in action.evidence if (match := _QUERY.fullmatch(row["name"]))]
    return [(query, 1 / place) for place, query in enumerate(found, start=1)]


def _own_words(action: Action) -> list[str]:
    """What the draft says already has been checked: saying it again is no new claim."""
    texts = [text for text in action.draft.values() if isinstance(text, str)]
    texts += [text for entry in action.draft.get("entries", []) for text in entry["fields"].values()]
    return [*texts, *(change["before"] for change in action.diff)]


@lru_cache(maxsize=4)
def _texts_of(series: Series, kind: str) -> Texts | None:
    rows = series.rows("page_texts")
    if rows is None:
        return None
    place = ("title", "description").index(kind)
    return Texts(str(row[place]) for row in rows if row[place])


def judge(action: Action, parts: Mapping[str, Any], facts: Facts) -> list[Judged]:
    """Every edited text that shoppers read; ``parts`` as :func:`edited` takes them.

    Steps of a task are not judged. Questions and specifications are not scored: their claims and terms are
    looked at.
    """
    texts = {name: (name, str(parts[name])) for name in FIELDS if name in parts}
    texts |= {
        name: (ENTRY_KINDS.get(kind, ""), text)
        for name, (kind, text) in entry_texts(parts.get("entries", [])).items()
    }
    shown = _shown_now(action)
    return [_judged(name, kind, text, shown.get(name, ""), facts) for name, (kind, text) in texts.items()]


def _shown_now(action: Action) -> dict[str, str]:
    """What stands in the shop now for each part, and for entries what is drafted."""
    before = {change["field"]: change["before"] for change in action.diff}
    now = {part: before.get(field, "") for part, field in FIELDS.items()}
    drafted = entry_texts(action.draft.get("entries", []))
    return {**now, **{name: text for name, (_, text) in drafted.items()}}


def _judged(name: str, kind: str, text: str, now: str, facts: Facts) -> Judged:
    found = score(text, kind, _context(kind, facts)) if kind else None
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


def _context(kind: str, facts: Facts) -> dict[str, Any]:
    context: dict[str, Any] = {"evidence": _known(facts), "locale": facts.locale}
    if kind in {"title", "description"}:
        if facts.queries:
            context["queries"] = facts.queries
        if facts.page is not None:
            context["subject"] = facts.page["title"]
        if kind in facts.others:
            context["others"] = facts.others[kind]
    elif facts.queries and kind in _WIDTHS:
        context["queries"] = facts.queries
    if kind == "faq":
        # An answer stands on the product's own page, which is its source.
        context["citations"] = [facts.url]
    return context


def _known(facts: Facts) -> list[Any]:
    page = evidence_of(facts.page, facts.shop) if facts.page is not None else {"shop": facts.shop}
    return [page, facts.known]


def unbacked(text: str, facts: Facts) -> list[str]:
    """Claims of ``text`` that neither the page's facts nor the checked draft says."""
    return check_claims(text, _known(facts))


def confirmation(problems: list[str]) -> str:
    """What stands for having read exactly these problems."""
    return digest(sorted(problems))[:16] if problems else ""
