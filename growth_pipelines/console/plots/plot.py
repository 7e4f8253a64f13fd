"""A plot before it is drawn: its data, the sentence that says what it shows, and the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Plot:
    """``spec`` names the drawing, ``told`` is its text for who does not see it; ``table`` is columns and rows."""

    spec: str
    title: str
    told: str
    columns: tuple[str, ...]
    table: Sequence[tuple[str, ...]]
    datasets: Mapping[str, Rows]
    note: str = ""


@dataclass(frozen=True)
class Missing:
    """A plot that can't be drawn, and why not."""

    title: str
    why: str


@dataclass(frozen=True)
class Event:
    """Something that was done to the same resource, to be marked on its series."""

    day: date
    what: str


@dataclass(frozen=True)
class Subject:
    """What the plots of an action are made from: its own evidence by name, and what was done to its resource."""

    kind: str
    subtype: str
    evidence: list[Mapping[str, Any]]
    page_key: str
    gid: str
    sales_end: date
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def row(self, name: str) -> Mapping[str, Any] | None:
        """The evidence of this name, if the action has it with a value."""
        return next((row for row in self.evidence if row["name"] == name and row["value"] is not None), None)

    def marked(self) -> Rows:
        """The events as data of a plot."""
        return [{"day": event.day.isoformat(), "what": event.what} for event in self.events]

    def event_rows(self) -> str:
        """The events in words, with a space before."""
        said = "; ".join(f"{event.what} on {event.day.day} {event.day:%b}" for event in self.events)
        return f" Marked: {said}." if said else ""
