"""What became known of executed actions in the time of a digest: each one once, when its 28 days are measured.

Of earlier looks only harm is told, and that at once (``at_once``): they are wide, and the last one decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.outcomes import FINAL_DAYS
from growth_pipelines.store.tables import Action, ActionOutcome

# Lines of the list; the counts say how many there are in all.
LISTED = 10
# What calls for something first, then what worked, then what is open.
_ORDER = ("negative", "success", "partial", "none", "inconclusive")


@dataclass(frozen=True)
class OutcomeLine:
    """What an action did to the metric that it promised in 28 days, with its 95 % interval.

    ``is_overlapping``: something else was changed there too, so the effect is that of both.
    """

    ref: str
    title: str
    metric: str
    outcome_class: str
    effect: float
    low: float
    high: float
    is_overlapping: bool


@dataclass(frozen=True)
class KnownOutcomes:
    """The first lines, how many there are of each class, and how many actions turned out not to be measurable."""

    classes: dict[str, int]
    lines: tuple[OutcomeLine, ...]
    not_measurable: int

    @property
    def count(self) -> int:
        """Actions that are measured."""
        return sum(self.classes.values())

    @property
    def is_empty(self) -> bool:
        return not self.count and not self.not_measurable


def known_outcomes(session: Session, begins: datetime, ends: datetime) -> KnownOutcomes:
    """What was promised for 28 days and became known after ``begins`` and until ``ends``."""
    rows = session.execute(
        select(Action, ActionOutcome)
        .join(ActionOutcome, ActionOutcome.action_id == Action.id)
        .where(
            ActionOutcome.is_promised,
            ActionOutcome.horizon_days == FINAL_DAYS,
            ActionOutcome.measured_at > begins,
            ActionOutcome.measured_at <= ends,
        )
        .order_by(ActionOutcome.measured_at.desc(), Action.ref)
    ).all()
    lines = [line for action, outcome in rows if (line := _line(action, outcome)) is not None]
    found = Counter(line.outcome_class for line in lines)
    ordered = sorted(lines, key=lambda line: _ORDER.index(line.outcome_class))
    return KnownOutcomes(
        classes={name: found[name] for name in _ORDER if found[name]},
        lines=tuple(ordered[:LISTED]),
        not_measurable=sum(outcome.effect is None for _, outcome in rows),
    )


def _line(action: Action, outcome: ActionOutcome) -> OutcomeLine | None:
    """None for what can't be measured, or promised nothing that could be kept."""
    effect, low, high = outcome.effect, outcome.effect_low, outcome.effect_high
    if effect is None or low is None or high is None or outcome.outcome_class is None:
        return None
    return OutcomeLine(
        ref=action.ref,
        title=action.title,
        metric=outcome.metric,
        outcome_class=outcome.outcome_class,
        effect=effect,
        low=low,
        high=high,
        is_overlapping=outcome.is_overlapping,
    )
