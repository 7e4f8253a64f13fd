"""Days summed to whole weeks, counted back from the last complete day, so that no week looks short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from growth_pipelines.console.figures import number

WEEKS = 16


def by_week(days: Iterable[Sequence], end: date) -> list[tuple[date, list[float]]]:
    """(day, values …) → (last day of the week, sums …), from the first week that has data on; gaps are zero."""
    sums: dict[int, list[float]] = {}
    for day, *values in days:
        ago = (end - day).days // 7
        if 0 <= ago < WEEKS:
            known = sums.setdefault(ago, [0.0] * len(values))
            for place, value in enumerate(values):
                known[place] += float(value or 0)
    width = len(next(iter(sums.values()))) if sums else 0
    return [
        (end - timedelta(days=7 * ago), sums.get(ago, [0.0] * width))
        for ago in range(max(sums, default=-1), -1, -1)
    ]


def course(values: Sequence[float]) -> str:
    """How a series went: from its first week to its last, and between which it moved."""
    first, last = number(values[0]), number(values[-1])
    return (
        f"{first} in the first week, {last} in the last, between {number(min(values))} and {number(max(values))}"
    )


def short(day: date) -> str:
    return f"{day.day} {day:%b}"
