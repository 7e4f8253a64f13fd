"""Return by recommender and month: what was promised, what came of it, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from growth_pipelines.outcomes.totals import Total, total


@dataclass(frozen=True)
class Done:
    """One executed action: its month (YYYY-MM), the revenue it promised for 28 days, its class by the promised
    metric and its revenue after 28 days (effect, low, high, shared error), both None where that is not known.

    ``why_not`` is a reason for good; without one, an unknown revenue is a matter of time.
    """

    recommender: str
    month: str
    promised: float
    outcome_class: str | None
    revenue: tuple[float, float, float, float] | None
    why_not: str
    hours_to_decide: float | None


@dataclass(frozen=True)
class Line:
    """One recommender in one month. ``realised`` is of the ``measured`` only, to be compared with
    ``promised_by_measured``; ``promised`` is of all."""

    recommender: str
    month: str
    actions: int
    measured: int
    awaited: int
    not_measurable: int
    promised: float
    promised_by_measured: float
    realised: Total | None
    classes: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    median_hours_to_decide: float | None = None

    @property
    def share_realised(self) -> float | None:
        """Realised ÷ promised, of the measured ones; None where nothing was promised or measured."""
        if self.realised is None or self.promised_by_measured <= 0:
            return None
        return self.realised.effect / self.promised_by_measured


def return_report(done: Iterable[Done]) -> list[Line]:
    """A line a recommender and month, the newest month first."""
    groups: dict[tuple[str, str], list[Done]] = {}
    for one in done:
        groups.setdefault((one.month, one.recommender), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: item[0][1])
    return [_line(*key, group) for key, group in sorted(ordered, key=lambda item: item[0][0], reverse=True)]


def _line(month: str, recommender: str, group: list[Done]) -> Line:
    known = [one for one in group if one.revenue is not None]
    for_good = [one for one in group if one.revenue is None and one.why_not]
    hours = [one.hours_to_decide for one in group if one.hours_to_decide is not None]
    return Line(
        recommender=recommender,
        month=month,
        actions=len(group),
        measured=len(known),
        awaited=len(group) - len(known) - len(for_good),
        not_measurable=len(for_good),
        promised=sum(one.promised for one in group),
        promised_by_measured=sum(one.promised for one in known),
        realised=total([one.revenue for one in known if one.revenue is not None]),
        classes=dict(Counter(one.outcome_class for one in group if one.outcome_class)),
        reasons=dict(Counter(one.why_not for one in for_good)),
        median_hours_to_decide=median(hours) if hours else None,
    )
