"""The plot of an experiment: the interval of a treatment against control at every look, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from growth_pipelines.console.figures import change
from growth_pipelines.console.plots.plot import Missing, Plot, marks
from growth_pipelines.console.plots.weeks import short
from growth_pipelines.monitoring.marks import Dated

# The first intervals are many times as wide as the last: a plot that held them would show nothing of the others.
_WIDEST = 3.0
# Looks in the table below a plot: the newest.
_TABLED = 14


@dataclass(frozen=True)
class Looked:
    """An arm at one look: its effect and the interval, as shares of control."""

    day: date
    effect: float
    low: float
    high: float


def effect_plot(
    arm: str, metric: str, looks: Sequence[Looked], goal: float, events: Sequence[Dated]
) -> Plot | Missing:
    """``goal`` is the effect that the experiment was planned to find; ``events`` are marked where a look is."""
    title = f"{metric}: {arm} against control"
    if not looks:
        return Missing(title, "no look has told an interval yet.")
    last = looks[-1]
    reach = _WIDEST * max(abs(last.low), abs(last.high), abs(goal))
    marked = marks(events, looks[0].day, last.day)
    told = (
        f"{len(looks)} looks to {short(last.day)}, where the effect reads {change(last.effect)}, "
        f"with {change(last.low)} to {change(last.high)} as its interval."
    ) + marked.told
    cut = any(look.low < -reach or look.high > reach for look in looks)
    return Plot(
        "effects",
        title,
        told,
        ("Day", "Effect", "Interval"),
        [
            (short(one.day), change(one.effect), f"{change(one.low)} to {change(one.high)}")
            for one in looks[-_TABLED:]
        ],
        {
            "looks": [_drawn(look, reach) for look in looks],
            "newest": [_drawn(last, reach)],
            "zero": [{"value": 0}],
            "goal": [{"value": goal}],
            "events": marked.rows,
        },
        "Dashed: the effect it was planned to find." + (" Early intervals reach beyond the plot." if cut else ""),
    )


def _drawn(look: Looked, reach: float) -> dict[str, object]:
    def place(value: float) -> float:
        return round(min(max(value, -reach), reach), 5)

    return {
        "day": look.day.isoformat(),
        "effect": place(look.effect),
        "low": place(look.low),
        "high": place(look.high),
    }
