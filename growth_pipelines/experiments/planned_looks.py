"""When an experiment on drawn units is read: at whole weeks fixed before the start, each with its share of α.

Pages, customers and slices of time are all there from the first day on; it is their outcomes that grow, so the
always-valid interval (for units that keep arriving) does not hold for them. Instead the weeks are fixed: those
before the planned end can only find harm, and share 1 of the 5 %; the end has the other 4. The shares add up, so
the chance to call something that is nothing is 5 % at most over all looks, however they depend on each other
(Bonferroni's bound). Between two looks a reading stays that of the last one, so asking more often costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HARM_ALPHA, END_ALPHA = 0.01, 0.04
_LEAST_WEEKS = 2
# Of 999 placebo throws none is rarer than one in a thousand, so no look may have less than that.
_MOST_LOOKS_BEFORE = 8


@dataclass(frozen=True)
class Look:
    """After ``week`` of ``weeks`` whole weeks; intervals there are 1 − ``alpha`` wide."""

    week: int
    weeks: int
    alpha: float

    @property
    def days(self) -> int:
        """Days of outcomes that it reads."""
        return 7 * self.week

    @property
    def is_last(self) -> bool:
        return self.week == self.weeks


def planned_looks(planned_days: int) -> tuple[Look, ...]:
    """The looks of a plan, in order; days are rounded up to whole weeks."""
    weeks = max(_LEAST_WEEKS, math.ceil(planned_days / 7))
    apart = math.ceil(weeks / (_MOST_LOOKS_BEFORE + 1))
    before = range(apart, weeks, apart)
    return (*(Look(week, weeks, HARM_ALPHA / len(before)) for week in before), Look(weeks, weeks, END_ALPHA))


def newest_look(planned_days: int, days: int) -> Look | None:
    """The look that ``days`` whole days of outcomes allow; None before the first."""
    possible = [look for look in planned_looks(planned_days) if look.days <= days]
    return possible[-1] if possible else None


def next_look(planned_days: int, days: int) -> Look | None:
    """The look that comes next; None after the last."""
    return next((look for look in planned_looks(planned_days) if look.days > days), None)
