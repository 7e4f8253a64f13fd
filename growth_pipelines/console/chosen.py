"""Lists of a draft that the operator may shorten, and some of them put in order, before approving.

A form names each item by the item itself, so that what was typed on an older page is never taken for another item.
A place that two items ask for goes to the one that was moved there, as it does when a card is pushed into a pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growth_pipelines.actions.body_html import LINKS
from growth_pipelines.canonical import digest
from growth_pipelines.console.labels import label
from growth_pipelines.drafts.edits import LINK_LIST, SHOWN, BadEdit
from growth_pipelines.store.tables import Action

OUT = "out"


@dataclass(frozen=True)
class Item:
    """One item as it stands in the form; ``chosen`` is its place, or OUT."""

    name: str
    text: str
    note: str
    chosen: str


@dataclass(frozen=True)
class Choice:
    """A list: its items can be left out, and moved where ``ordered``."""

    name: str
    label: str
    ordered: bool
    items: list[Item]


def choices_of(action: Action, typed: Mapping[str, str] | None = None) -> list[Choice]:
    """The lists of an action's draft; ``typed`` is what the operator had already chosen, by ``list.item``.

    A list whose only item is all that the action is about is none: leaving that out is a rejection.
    """
    typed = typed or {}
    return [
        Choice(
            name, label("fields", name), name in SHOWN, (_places if name in SHOWN else _ticks)(name, items, typed)
        )
        for name, items in _lists(action).items()
        if len(items) > 1 or (name == LINK_LIST and action.fields != [LINKS])
    ]


def chosen_lists(action: Action, typed: Mapping[str, str]) -> dict[str, list[Any]]:
    """The lists as they were chosen in a form, those that are not in it left out. Raises BadEdit."""
    return {
        name: _chosen(name, items, typed)
        for name, items in _lists(action).items()
        if any(entry.startswith(f"{name}.") for entry in typed)
    }


def _lists(action: Action) -> dict[str, list[Mapping[str, str]]]:
    """Links count only where the action writes them."""
    written = {**dict.fromkeys(SHOWN, True), LINK_LIST: LINKS in action.fields}
    return {
        name: action.draft[name] for name, is_written in written.items() if is_written and name in action.draft
    }


def _places(name: str, items: list[Mapping[str, str]], typed: Mapping[str, str]) -> list[Item]:
    """In the order that was typed, what is left out last; as drafted where what was typed is no order."""
    try:
        chosen = _chosen(name, items, typed)
    except BadEdit:
        chosen = list(items)
    out = [item for item in items if item not in chosen]
    return [
        *(_item(name, item, str(place)) for place, item in enumerate(chosen, start=1)),
        *(_item(name, item, OUT) for item in out),
    ]


def _ticks(name: str, items: list[Mapping[str, str]], typed: Mapping[str, str]) -> list[Item]:
    return [
        _item(name, item, typed.get(_name(name, item), str(place))) for place, item in enumerate(items, start=1)
    ]


def _item(name: str, item: Mapping[str, str], chosen: str) -> Item:
    return Item(_name(name, item), item.get("title") or item["anchor"], item.get("section", ""), chosen)


def _chosen(name: str, items: list[Mapping[str, str]], typed: Mapping[str, str]) -> list[Mapping[str, str]]:
    placed = []
    for own, item in enumerate(items, start=1):
        wanted = typed.get(_name(name, item), str(own))
        if wanted == OUT:
            continue
        if not wanted.isdecimal() or not 1 <= int(wanted) <= len(items):
            raise BadEdit(f"{wanted!r} is no place among {len(items)}.", "Choose one from the list.")
        moved = (int(wanted) > own) - (int(wanted) < own)
        placed.append((int(wanted), moved, own, item))
    return [item for *_, item in sorted(placed, key=lambda row: row[:3])]


def _name(name: str, item: Mapping[str, str]) -> str:
    return f"{name}.{digest(dict(item))[:12]}"
