"""A plot before it is drawn: its data, the sentence that says what it shows, and the same as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from growth_pipelines.monitoring.marks import Dated, marked, told, within

Rows = list[dict[str, Any]]
# Pixels, in every spec with days on its axis.
WIDTH = 330


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
class Marks:
    """Events of a plot: a row for each day's line, and all of them in words, with a space before."""

    rows: Rows
    told: str


def marks(events: Iterable[Dated], first: date, last: date, drawn_to: date | None = None) -> Marks:
    """The events within the days, on a plot that is drawn up to ``drawn_to``, or to ``last``."""
    found = within(events, first, last)
    return Marks(marked(found, first, drawn_to or last, WIDTH), told(found))


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
    events: list[Dated] = field(default_factory=list)

    def row(self, name: str) -> Mapping[str, Any] | None:
        """The evidence of this name, if the action has it with a value."""
        return next((row for row in self.evidence if row["name"] == name and row["value"] is not None), None)

    def marks(self, first: date, end: date) -> Marks:
        """The events since ``first`` for a plot of series that end on ``end``; what was done after that too."""
        return marks(self.events, first, max([end, *(event.day for event in self.events)]))
