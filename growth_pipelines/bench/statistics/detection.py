"""Change points: false alarms of quiet series under weekly looks, and how soon what changed is told.

The protocol is the product's: every week the series is judged again as far as it is known. An alarm is a change
dated within the last RECENT days that was not told before (none in the same direction within SAME days of it).
Counted are series with at least one alarm; "any change" counts those with any change at all, old ones included.
A shift is found when an alarm in its direction is raised whose date is at most NEAR days from the true one; its
delay runs from the first changed day to the look that told it. Nobody looks on once that is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from growth_pipelines.bench.statistics.cores import processes
from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.low_counts import oracle
from growth_pipelines.bench.statistics.made_up_series import FAMILIES, MadeUp
from growth_pipelines.bench.statistics.unusual_series import UNUSUAL
from growth_pipelines.monitoring.changes import Change, detect_each

RECENT, SAME, NEAR = 84, 42, 21
HISTORY, LOOKS, MANY_LOOKS = 140, 12, 52
_MOST_ALARMS, _LEAST_FOUND, _LONGEST_DELAY, _LONGEST_ROLLING_DELAY = 40, 0.85, 21, 42
# Series that a process judges at a time.
_PART = 250
ALL = {**FAMILIES, **UNUSUAL}
_UNUSUAL_RUNS = 300


@dataclass
class Watch:
    """What weekly looks at one series told: look, days known and change at each alarm; the look of any change."""

    alarms: list[tuple[int, int, Change]] = field(default_factory=list)
    first_change: int | None = None

    def look(self, number: int, known: int, changes: Sequence[Change]) -> None:
        if changes and self.first_change is None:
            self.first_change = number
        fresh = [one for one in changes if one.index >= known - RECENT and not self._told(one)]
        self.alarms += [(number, known, one) for one in fresh]

    @property
    def first_alarm(self) -> int | None:
        return self.alarms[0][0] if self.alarms else None

    def _told(self, change: Change) -> bool:
        return any(
            one.direction == change.direction and abs(one.index - change.index) <= SAME
            for _, _, one in self.alarms
        )


@dataclass(frozen=True)
class Found:
    """One shift that was told: after how many days, and whether the intervals of date and size hold the truth."""

    delay: int
    dated: bool
    sized: bool


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """False alarms and found shifts of each family, over ``runs`` series of each, on all cores; of unusual kinds
    over at most 300 series and 12 looks."""
    found: list[Figure] = []
    rates: list[float] = []
    with processes() as pool:
        for family in ALL:
            number, looks = (runs, MANY_LOOKS) if family in FAMILIES else (min(runs, _UNUSUAL_RUNS), LOOKS)
            parts = [range(start, min(start + _PART, number)) for start in range(0, number, _PART)]
            tell(f"{family}: {number:,} quiet series, {looks} looks; {number:,} that change, {LOOKS} looks")
            still = [pool.submit(quiet, family, part, looks) for part in parts]
            moved = [pool.submit(shifted, family, part) for part in parts]
            found += quiet_figures(family, list(chain.from_iterable(one.result() for one in still)), looks)
            told = list(chain.from_iterable(one.result() for one in moved))
            found += shifted_figures(family, told)
            rates += [_rate(told)] if family in FAMILIES else []
    found.append(Figure("shifts found, mean of all families", float(np.mean(rates)), least=_LEAST_FOUND))
    tell(f"what could be found of low counts, {min(runs, 400)} shifts")
    return [*found, *oracle(min(runs, 400), HISTORY, LOOKS)]


def watch(
    many: Sequence[MadeUp], looks: int, settled: Callable[[int, Watch], bool], history: int = HISTORY
) -> list[Watch]:
    """Weekly looks at each of ``many`` (of one kind) until ``settled`` (of its number and what was told)."""
    watched = [Watch() for _ in many]
    values, dates, kind = np.stack([one.values for one in many]), many[0].dates, many[0].kind
    left = list(range(len(many)))
    for look in range(1, looks + 1):
        known = history + 7 * look
        for number, changes in zip(left, detect_each(values[left, :known], dates[:known], kind), strict=True):
            watched[number].look(look, known, changes)
        left = [number for number in left if not settled(number, watched[number])]
    return watched


def quiet(family: str, runs: Sequence[int], looks: int) -> list[tuple[int | None, int | None]]:
    """The looks of the first alarm and of the first change at all in series (one a run) that never change."""
    flat = np.ones(HISTORY + 7 * looks)
    many = [ALL[family](np.random.default_rng([run, _number(family), 23]), flat) for run in runs]
    watched = watch(many, looks, lambda _, one: one.first_alarm is not None)
    return [(one.first_alarm, one.first_change) for one in watched]


def quiet_figures(
    family: str, told: Sequence[tuple[int | None, int | None]], longest: int = MANY_LOOKS
) -> Iterator[Figure]:
    """Series of 1,000 with an alarm although nothing changed, over the first looks and over all (``longest``)."""
    for looks in dict.fromkeys((LOOKS, longest)):
        most = _MOST_ALARMS if looks == LOOKS else None
        for which, more in ((0, ""), (1, ", any change")):
            alarmed = np.mean([(one[which] or looks + 1) <= looks for one in told])
            name = f"{family}: false alarms per 1,000 series, {looks} looks{more}"
            yield Figure(name, float(1_000 * alarmed), most=most)


def shifted(family: str, runs: Sequence[int]) -> list[Found | None]:
    """Shifts of 15 to 45 % up or down, one a run: what was told of them within the looks; None of those missed."""
    days = HISTORY + 7 * LOOKS
    many, truth = [], []
    for run in runs:
        rng = np.random.default_rng([run, _number(family), 29])
        shift, at = rng.uniform(0.15, 0.45) * rng.choice([-1, 1]), HISTORY + int(rng.integers(7))
        many.append(ALL[family](rng, np.where(np.arange(days) < at, 1.0, 1.0 + shift)))
        truth.append((at, float(shift)))
    watched = watch(many, LOOKS, lambda number, one: _told(one, *truth[number]) is not None)
    return [
        _found(made, _told(one, *true), *true) for made, one, true in zip(many, watched, truth, strict=True)
    ]  # fmt: skip


def _told(watched: Watch, at: int, shift: float) -> tuple[int, Change] | None:
    right = [
        (known, one)
        for _, known, one in watched.alarms
        if abs(one.index - at) <= NEAR and (one.direction == "up") == (shift > 0)
    ]
    return right[0] if right else None


def _found(made: MadeUp, told: tuple[int, Change] | None, at: int, shift: float) -> Found | None:
    if told is None:
        return None
    known, change = told
    true_size = shift * float(np.nanmean(made.values[at - 56 : at]))
    return Found(known - at, change.first <= at <= change.last, change.low <= true_size <= change.high)


def shifted_figures(family: str, told: Sequence[Found | None]) -> list[Figure]:
    """The share found, the median delay, and how often the intervals hold."""
    found = [one for one in told if one is not None]
    longest = _LONGEST_ROLLING_DELAY if family == "rolling28" else _LONGEST_DELAY
    soon = float(np.mean([one is not None and one.delay <= _LONGEST_DELAY for one in told]))
    dated, sized = ([getattr(one, name) for one in found] for name in ("dated", "sized"))
    return [
        Figure(f"{family}: shifts of 15–45 % found", _rate(told), least=_LEAST_FOUND),
        Figure(f"{family}: found within {_LONGEST_DELAY} days", soon),
        Figure(f"{family}: median days to tell", _middle([one.delay for one in found]), most=longest),
        Figure(f"{family}: 95 % date intervals that hold", _mean(dated)),
        Figure(f"{family}: 95 % size intervals that hold", _mean(sized)),
    ]


def _rate(told: Sequence[Found | None]) -> float:
    return float(np.mean([one is not None for one in told]))


def _middle(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _number(family: str) -> int:
    return list(ALL).index(family)
