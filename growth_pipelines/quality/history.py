"""A day against the weeks before it: was it as busy, and were its figures as large, as such days are?

Counts are put on a scale on which chance is equally wide everywhere, y = 2·√(x + 3/8) (Anscombe 1948), compared
with the median of their weekday and moved by what the last two weeks were above or below it, so that a shop that
grows is not unusual every day. The width is the median absolute deviation of the past, never less than that of
Poisson counts. Medians and deviations because past outages and sales days must not hide the next one.
What is called unusual is a reason to look, never a proof: see the rates of false alarms in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

WEEKS = 8
# Fewer days of history say nothing of weekdays.
ENOUGH_DAYS = 5 * 7
RECENT_DAYS = 14
# Deviations of the past's width beyond which a day is unusual.
UNUSUAL = 3.5
# Days with fewer rows have no figure that chance leaves alone.
ENOUGH_ROWS = 30
# Daily figures that hardly ever move are not unusual for moving by a fiftieth.
STILL = 0.02
# Share of its rows that a table may lose between two looks, and how often it may be as long as before.
LOST, GROWN = 0.2, 2.0
FEW = 5
_TO_DEVIATION = 1.4826  # of a median absolute deviation, for a normal distribution


@dataclass(frozen=True)
class Usual:
    """What was seen, and between which values it would have been usual."""

    seen: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        return self.low <= self.seen <= self.high


def usual_count(counts: Mapping[date, int], day: date) -> Usual | None:
    """The rows of ``day`` against those of the eight weeks before; None where too little is known of them.

    Days between the first one and ``day`` that ``counts`` lacks had no rows.
    """
    first = max(min(counts, default=day), day - timedelta(weeks=WEEKS))
    past = [first + timedelta(days=n) for n in range((day - first).days)]
    if len(past) < ENOUGH_DAYS:
        return None
    scaled = {one: _scaled(counts.get(one, 0)) for one in past}
    weekdays = {n: median(y for one, y in scaled.items() if one.weekday() == n) for n in range(7)}
    apart = {one: y - weekdays[one.weekday()] for one, y in scaled.items()}
    recent = median(apart[one] for one in past[-RECENT_DAYS:])
    width = max(1.0, _width(list(apart.values()))) * _of_a_forecast(len(past) / 7)
    middle = weekdays[day.weekday()] + recent
    low, high = middle - UNUSUAL * width, middle + UNUSUAL * width
    return Usual(counts.get(day, 0), _unscaled(low), _unscaled(high))


def usual_figure(figures: Mapping[date, tuple[int, float]], day: date, step: float = 0.0) -> Usual | None:
    """A figure of ``day`` (such as its median order) against the same of the eight weeks before.

    ``figures`` are ``(rows, figure)`` by day; ``step`` is how far apart two of their values are at least: 1 for
    whole numbers, whose median stays the same for weeks and then moves by one. None where too few days have enough
    rows, or this one has not.
    """
    first = day - timedelta(weeks=WEEKS)
    past = [figure for one, (rows, figure) in figures.items() if first <= one < day and rows >= ENOUGH_ROWS]
    rows, seen = figures.get(day, (0, 0.0))
    if rows < ENOUGH_ROWS or len(past) < ENOUGH_DAYS:
        return None
    # Prices and counts spread by shares of themselves.
    by_share = min([*past, seen]) > 0
    values = [math.log(value) for value in past] if by_share else past
    middle = median(values)
    still = STILL if by_share else STILL * abs(middle)
    reach = UNUSUAL * max(still, _width(values) * _of_a_forecast(len(past)))
    low, high = middle - reach, middle + reach
    if by_share:
        low, high = math.exp(low), math.exp(high)
    return Usual(seen, low - step, high + step)


def usual_total(total: int, before: Sequence[int]) -> Usual | None:
    """A table's rows against those at its last looks; None at the first."""
    if not before:
        return None
    middle = median(before)
    return Usual(total, min(middle - FEW, middle * (1 - LOST)), max(middle + FEW, middle * GROWN))


def _scaled(count: float) -> float:
    return 2 * math.sqrt(count + 0.375)


def _unscaled(value: float) -> float:
    return max(0.0, (max(value, 0.0) / 2) ** 2 - 0.375)


def _width(values: Sequence[float]) -> float:
    middle = median(values)
    return _TO_DEVIATION * median(abs(value - middle) for value in values)


def _of_a_forecast(values: float) -> float:
    """How much wider a forecast is than its past: the median of ``values`` values is itself uncertain (its
    variance is π/2 of the mean's), and they lie closer to it than to the truth."""
    return math.sqrt((1 + math.pi / 2 / values) / (1 - 1 / values))
