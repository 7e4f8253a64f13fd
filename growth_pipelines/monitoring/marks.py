"""What was done, as marks on a chart of days: a line for each day, and names that don't stand over each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import Any, Protocol

# Pixels: what a letter of a chart's type takes, the gap to the line, and where a name is cut. The specs cut there.
_LETTER, _GAP, NAME_LIMIT = 6, 8, 110


class Dated(Protocol):
    """Anything that is marked: on which day, and by what name."""

    @property
    def day(self) -> date: ...

    @property
    def what(self) -> str: ...


@dataclass(frozen=True)
class Event:
    """A mark of a name of its own."""

    day: date
    what: str


@dataclass(frozen=True)
class _Label:
    days: list[date]
    names: list[str]
    from_: float
    to: float
    side: str


def within(events: Iterable[Dated], first: date, last: date) -> list[Dated]:
    """Those that fall into the days, both included, the oldest first."""
    return sorted((one for one in events if first <= one.day <= last), key=lambda one: one.day)


def marked(events: Iterable[Dated], first: date, last: date, width: int) -> list[dict[str, Any]]:
    """A row for each day (``day``, ``what``, ``side`` of the line on which the name stands) of a chart that shows
    ``first`` to ``last`` on ``width`` pixels.

    Events whose names would overprint share one, "3 events", at the first of them; the others' ``what`` is empty.
    """
    days = [
        (day, [one.what for one in of]) for day, of in groupby(within(events, first, last), lambda one: one.day)
    ]
    pixels = width / max(1, (last - first).days)
    labels = [_label([day], names, first, pixels) for day, names in days]
    while (near := _closest(labels)) is not None:
        one, other = labels[near : near + 2]
        labels[near : near + 2] = [_label(one.days + other.days, one.names + other.names, first, pixels)]
    return [
        {"day": day.isoformat(), "what": _name(label.names) if day == label.days[0] else "", "side": label.side}
        for label in labels
        for day in label.days
    ]


def _closest(labels: Sequence[_Label]) -> int | None:
    """Of neighbours that stand over each other the place of those whose days are closest. Two long names that
    become one take less room, so that those after them may stand as they are."""
    over = [place for place, (one, other) in enumerate(pairwise(labels)) if other.from_ < one.to]
    return min(over, key=lambda place: labels[place + 1].days[0] - labels[place].days[-1], default=None)


def _label(days: list[date], names: list[str], first: date, pixels_a_day: float) -> _Label:
    """At its first line, left of it as long as there is room, so that it does not stand over what came after."""
    at = (days[0] - first).days * pixels_a_day
    wide = min(NAME_LIMIT, len(_name(names)) * _LETTER) + _GAP
    if at >= wide:
        return _Label(days, names, at - wide, at, "right")
    return _Label(days, names, at, at + wide, "left")


def _name(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} events"


def told(events: Iterable[Dated]) -> str:
    """All of them in words, with a space before; empty where there are none."""
    said = "; ".join(f"{one.what} on {one.day.day} {one.day:%b}" for one in events)
    return f" Marked: {said}." if said else ""
