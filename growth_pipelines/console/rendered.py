"""A draft as it would look: questions with answers, a table of specifications, a page's outline, an order, a rule.

Pure: what the draft and its diff say, arranged for a reader. The word by word comparison stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from growth_pipelines.actions.body_html import LINKS, links_of
from growth_pipelines.actions.executors.collection_order import ORDER
from growth_pipelines.actions.recommended_products import LISTS
from growth_pipelines.console.snippet import Snippet, snippet
from growth_pipelines.store.tables import Action

FAQ, SPECIFICATION, HOW_TO, PAGE = (
    "growth_faq",
    "growth_specification",
    "growth_how_to",
    "growth_landing_page",
)
FIRST_PLACES = 12


@dataclass(frozen=True)
class Outline:
    """A new page: its search result, its heading, its text in paragraphs and what it links to."""

    result: Snippet
    slug: str
    heading: str
    paragraphs: list[str]
    sections: list[tuple[str, list[str]]]
    products: int
    hidden: bool


@dataclass(frozen=True)
class Move:
    """A product in its proposed place; ``was`` is 0 where it was not there."""

    place: int
    name: str
    was: int

    @property
    def step(self) -> int:
        """How many places it moves up."""
        return self.was - self.place if self.was else 0


@dataclass(frozen=True)
class Shown:
    """Products that a page shows, in their order; ``new`` are those that the action adds."""

    field: str
    products: list[tuple[str, bool]]


@dataclass(frozen=True)
class Link:
    """A link of a page; ``change`` is added, removed or same."""

    anchor: str
    url: str
    change: str


@dataclass(frozen=True)
class Rendered:
    """What of a draft can be shown as it would look; empty parts are left out."""

    questions: list[tuple[str, str]] = field(default_factory=list)
    specifications: list[tuple[str, str]] = field(default_factory=list)
    how_to: tuple[str, list[str]] | None = None
    outline: Outline | None = None
    moves: list[Move] = field(default_factory=list)
    places: int = 0
    moved: int = 0
    shown: Shown | None = None
    lines: list[tuple[str, int]] = field(default_factory=list)
    links: list[tuple[str, list[Link]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(
            (self.questions, self.specifications, self.how_to, self.outline, self.moves, self.shown, self.lines)
        ) or bool(self.links)


def rendered(action: Action, names: Sequence[str]) -> Rendered:
    """The draft as it would look; ``names`` are the order's products after the change, as a person calls them."""
    entries: dict[str, list[Mapping[str, str]]] = {}
    for entry in action.draft.get("entries", []):
        entries.setdefault(entry["type"], []).append(entry["fields"])
    moves = _moves(action, names)
    steps = entries.get(HOW_TO, [])
    return Rendered(
        questions=[(one["question"], one["answer"]) for one in entries.get(FAQ, [])],
        specifications=[(one["name"], one["value"]) for one in entries.get(SPECIFICATION, [])],
        how_to=(steps[0]["how_to"], [one["step"] for one in steps]) if steps else None,
        outline=_outline(action, entries[PAGE][0]) if PAGE in entries else None,
        moves=moves[:FIRST_PLACES],
        places=len(moves),
        moved=sum(move.was != move.place for move in moves),
        shown=_shown(action.draft),
        lines=[(line["sku"], int(line["quantity"])) for line in action.draft.get("lines", []) if line.get("sku")],
        links=_links(action),
    )


def _outline(action: Action, fields: Mapping[str, str]) -> Outline:
    sections: dict[str, list[str]] = {}
    for link in _listed(fields.get("links", "")):
        sections.setdefault(str(link.get("section", "")), []).append(str(link.get("anchor", "")))
    return Outline(
        snippet(action.target["url"], fields.get("title", ""), fields.get("meta_description", "")),
        fields.get("slug", ""),
        fields.get("h1", ""),
        [part for part in fields.get("intro", "").split("\n") if part.strip()],
        list(sections.items()),
        len(_listed(fields.get("products", ""))),
        "noindex" in fields.get("robots", ""),
    )


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _moves(action: Action, names: Sequence[str]) -> list[Move]:
    order = next((change for change in action.diff if change["field"] == ORDER), None)
    if order is None:
        return []
    stood = {handle: place for place, handle in enumerate(order["before"].split(), start=1)}
    handles = order["after"].split()
    return [
        Move(place, name, stood.get(handle, 0))
        for place, (handle, name) in enumerate(zip(handles, names, strict=True), start=1)
    ]


def _links(action: Action) -> list[tuple[str, list[Link]]]:
    """The related links by section, those that stay and come first, those that go last."""
    change = next((change for change in action.diff if change["field"] == LINKS), None)
    if change is None:
        return []
    try:
        before, after = links_of(change["before"]), links_of(change["after"])
    except ValueError:
        return []
    sections: dict[str, list[Link]] = {}
    for link in after:
        kind = "same" if link in before else "added"
        sections.setdefault(link["section"], []).append(Link(link["anchor"], link["url"], kind))
    for link in before:
        if link not in after:
            sections.setdefault(link["section"], []).append(Link(link["anchor"], link["url"], "removed"))
    return list(sections.items())


def _shown(draft: Mapping[str, Any]) -> Shown | None:
    kept_in = LISTS.get(str(draft.get("metafield", "")))
    if kept_in is None:
        return None
    products = [(str(one["title"]), False) for one in draft.get("kept", [])]
    return Shown(kept_in.field, [*products, *((str(one["title"]), True) for one in draft.get(kept_in.part, []))])
