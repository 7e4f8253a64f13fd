"""Change points: false alarms of quiet series under weekly looks, and how soon what changed is told.

The protocol is the product's: every week the series is judged again as far as it is known. An alarm is a change
dated within the last RECENT days that was not told before (none in the same direction within SAME days of it).
Counted are series with at least one alarm; "any change" counts those with any change at all, old ones included.
A shift is found when an alarm in its direction is raised whose date is at most NEAR days from the true one; its
delay runs from the first changed day to the look that told it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_series import FAMILIES, MadeUp
from growth_pipelines.monitoring import Change, detect_changes

RECENT, SAME, NEAR = 84, 42, 21
HISTORY, LOOKS, MANY_LOOKS = 140, 12, 52
_MOST_ALARMS, _LEAST_FOUND, _LONGEST_DELAY, _LONGEST_ROLLING_DELAY = 40, 0.85, 21, 42
# What a family holds too little of to show a shift of 15 % in three months: told beside it, held to nothing.
_THIN = ("low counts",)


@dataclass
class Watch:
    """What weekly looks at one series told: the days known and the change, at each alarm."""

    alarms: list[tuple[int, Change]] = field(default_factory=list)
    any_change: bool = False

    def look(self, made: MadeUp, known: int) -> None:
        changes = detect_changes(made.values[:known], made.dates[:known], made.kind)
        self.any_change = self.any_change or bool(changes)
        fresh = [one for one in changes if one.index >= known - RECENT and not self._told(one)]
        self.alarms += [(known, one) for one in fresh]

    def _told(self, change: Change) -> bool:
        return any(
            one.direction == change.direction and abs(one.index - change.index) <= SAME for _, one in self.alarms
        )


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """False alarms and found shifts of each family, over ``runs`` ÷ 5 series of each."""
    series = max(20, runs // 5)
    found: list[Figure] = []
    rates: dict[str, float] = {}
    for number, family in enumerate(FAMILIES):
        tell(f"{family}: {series:,} quiet series, {LOOKS} looks at each; as many that change")
        found += quiet(family, number, series, LOOKS)
        figures_of_it, rates[family] = shifted(family, number, series)
        found += figures_of_it
    whole = float(np.mean([rate for family, rate in rates.items() if family not in _THIN]))
    found.append(Figure("shifts found, all families but low counts", whole, least=_LEAST_FOUND))
    for number, family in enumerate(FAMILIES):
        tell(f"{family}: {MANY_LOOKS} looks")
        found += quiet(family, number, max(20, series // 5), MANY_LOOKS)
    return found


def watch(many: Sequence[MadeUp], looks: int, history: int = HISTORY) -> list[Watch]:
    """Weekly looks at each of ``many``, all of them in the same week before the next."""
    watched = [Watch() for _ in many]
    for look in range(1, looks + 1):
        for one, made in zip(watched, many, strict=True):
            one.look(made, history + 7 * look)
    return watched


def quiet(family: str, number: int, series: int, looks: int) -> list[Figure]:
    """Series of 1,000 with an alarm although nothing changed."""
    flat = np.ones(HISTORY + 7 * looks)
    many = [FAMILIES[family](np.random.default_rng([run, number, 23]), flat) for run in range(series)]
    watched = watch(many, looks)
    alarmed = sum(bool(one.alarms) for one in watched)
    any_change = sum(one.any_change for one in watched)
    most = _MOST_ALARMS if looks == LOOKS else None
    name = f"{family}: false alarms per 1,000 series, {looks} looks"
    return [
        Figure(name, 1_000 * alarmed / series, most=most),
        Figure(f"{name}, any change", 1_000 * any_change / series, most=most),
    ]


def shifted(family: str, number: int, series: int) -> tuple[list[Figure], float]:
    """Shifts of 15 to 45 % up or down: the share found within 12 looks, the median delay, and the intervals."""
    days = HISTORY + 7 * LOOKS
    many, truth = [], []
    for run in range(series):
        rng = np.random.default_rng([run, number, 29])
        shift, at = rng.uniform(0.15, 0.45) * rng.choice([-1, 1]), HISTORY + int(rng.integers(7))
        many.append(FAMILIES[family](rng, np.where(np.arange(days) < at, 1.0, 1.0 + shift)))
        truth.append((at, float(shift)))
    delays, dated, sized = [], [], []
    for made, (at, shift), watched in zip(many, truth, watch(many, LOOKS), strict=True):
        right = [(known, one) for known, one in watched.alarms if _is_it(one, at, shift)]
        if right:
            known, change = right[0]
            delays.append(known - at)
            dated.append(change.first <= at <= change.last)
            before = float(np.nanmean(made.values[at - 56 : at]))
            sized.append(change.low <= shift * before <= change.high)
    rate = len(delays) / series
    thin = family in _THIN
    longest = _LONGEST_ROLLING_DELAY if family == "rolling28" else _LONGEST_DELAY
    return [
        Figure(f"{family}: shifts of 15–45 % found", rate, least=None if thin else _LEAST_FOUND),
        Figure(
            f"{family}: median days to tell",
            float(np.median(delays)) if delays else np.nan,
            most=None if thin else longest,
        ),
        Figure(f"{family}: 95 % date intervals that hold", float(np.mean(dated)) if dated else np.nan),
        Figure(f"{family}: 95 % size intervals that hold", float(np.mean(sized)) if sized else np.nan),
    ], rate


def _is_it(change: Change, at: int, shift: float) -> bool:
    return abs(change.index - at) <= NEAR and (change.direction == "up") == (shift > 0)
