"""The return by recommender and month of execution: what was promised, what came of it, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from growth_pipelines.outcomes.totals import Total, total

if TYPE_CHECKING:
    from growth_pipelines.actions.returns import ExecutedReturn

# A month counts actions by the day on which they were executed.
_MONTH = "%Y-%m"


@dataclass(frozen=True)
class Return:
    """Of a recommender's actions executed in a month (``YYYY-MM``), or of all (both empty). Money: major units.

    ``promised`` and ``realised`` (with its 95 % interval; None while nothing is measured) are those of the
    ``measured`` actions only, over 28 days; ``waiting`` ones are not over or not complete; ``reasons`` counts why
    the others can't be measured.
    """

    recommender: str
    month: str
    actions: int
    measured: int
    waiting: int
    promised: float
    promised_in_all: float
    realised: Total | None
    classes: Mapping[str, int]
    overlapping: int
    reasons: Mapping[str, int]

    @property
    def not_measurable(self) -> int:
        return sum(self.reasons.values())

    @property
    def share(self) -> float | None:
        """What was realised of what was promised, of the measured ones; None where nothing was promised."""
        return self.realised.effect / self.promised if self.realised and self.promised > 0 else None


def returns(executed: Sequence[ExecutedReturn]) -> list[Return]:
    """One by recommender and month, the newest month first, recommenders by name."""
    groups: dict[tuple[str, str], list[ExecutedReturn]] = {}
    for one in executed:
        groups.setdefault((one.executed_on.strftime(_MONTH), one.recommender), []).append(one)
    by_name = sorted(groups, key=lambda group: group[1])
    ordered = sorted(by_name, key=lambda group: group[0], reverse=True)
    return [return_of(groups[month, name], name, month) for month, name in ordered]


def return_of(executed: Sequence[ExecutedReturn], recommender: str = "", month: str = "") -> Return:
    """That of all these together. The interval of the sum is not the sum of the intervals (see ``total``)."""
    known = [one for one in executed if one.effect is not None]
    unknown = [one for one in executed if one.effect is None]
    return Return(
        recommender=recommender,
        month=month,
        actions=len(executed),
        measured=len(known),
        waiting=sum(not one.reason for one in unknown),
        promised=sum(one.promised for one in known),
        promised_in_all=sum(one.promised for one in executed),
        realised=total([one.effect for one in known if one.effect is not None]),
        classes=Counter(one.outcome_class for one in executed if one.outcome_class),
        overlapping=sum(one.is_overlapping for one in known),
        reasons=Counter(one.reason for one in unknown if one.reason),
    )


def return_document(one: Return) -> dict[str, Any]:
    """A return as programs get it, whichever way they ask; month and recommender are null of all together."""
    names = ("actions", "measured", "waiting", "not_measurable", "promised", "promised_in_all", "share")
    known = one.realised
    return {
        "month": one.month or None,
        "recommender": one.recommender or None,
        **{name: getattr(one, name) for name in names},
        "realised": known.effect if known else None,
        "realised_low": known.low if known else None,
        "realised_high": known.high if known else None,
        "classes": dict(one.classes),
        "not_known": not_known(one),
    }


def not_known(one: Return) -> list[str]:
    """What the figures of ``one`` leave open, in sentences; the most frequent reason first."""
    said = []
    if one.waiting:
        said.append(
            f"{_actions(one.waiting)} can't be told yet: 28 days are not over, their figures not complete, or work"
            " by hand is not marked as done."
        )
    for reason, count in sorted(one.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        said.append(f"{_actions(count)} can't be measured and {_count(count)} in no sum: {reason}")
    if one.realised is not None and one.realised.holds_zero:
        said.append("The interval holds 0: it is not certain that these brought or cost anything.")
    if one.overlapping:
        said.append(
            f"Of {_actions(one.overlapping)} the page or product was changed by something else too: what both did"
            " together may be counted twice."
        )
    return said


def _actions(count: int) -> str:
    return f"{count} action{'' if count == 1 else 's'}"


def _count(count: int) -> str:
    return "counts" if count == 1 else "count"
