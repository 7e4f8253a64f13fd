"""Outcomes: actions that do nothing, effects that were planted, sums of effects, and how large one has to be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.page_histories import EXECUTED, HISTORIES, History, page_history
from growth_pipelines.outcomes import Effect, classify, measure, total

LIFT = 0.3
_PROMISED = 0.2
Measured = Mapping[str, Sequence[tuple[History, Effect]]]
# Log clicks a day of the middle page: 28 days bring about 30, 300 and 3,000.
_LEVELS = {30: 0.07, 300: 2.37, 3_000: 4.67}


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """All of them; ``runs`` histories of each kind, a fifth of that for each cell of the power table."""
    tell(f"{runs:,} actions without effect on each of {len(HISTORIES)} kinds of history")
    found = without_effect(runs)
    tell(f"{runs:,} actions that bring {LIFT:.0%} more")
    changed = {name: _measured(name, LIFT, runs) for name in HISTORIES}
    found += with_effect(changed) + sums(changed)
    tell("how large an effect has to be")
    return found + power(max(20, runs // 5))


def without_effect(runs: int) -> list[Figure]:
    """A/A: by kind of history the share classed none or inconclusive, and of all; 20 % more had been promised."""
    quiet: dict[str, list[bool]] = {}
    covered: dict[str, list[bool]] = {}
    for name in HISTORIES:
        effects = [effect for _, effect in _measured(name, 0.0, runs)]
        classes = [classify(e.effect, e.low, e.high, _PROMISED * max(e.counterfactual, 1)) for e in effects]
        quiet[name] = [one in ("none", "inconclusive") for one in classes]
        covered[name] = [e.low <= 0 <= e.high for e in effects]
    return [
        Figure("A/A, all: classed none or inconclusive", _mean(quiet.values()), least=0.95),
        *(Figure(f"A/A, {name}: classed none or inconclusive", float(np.mean(quiet[name]))) for name in HISTORIES),
        *_coverage("without effect", covered),
    ]


def with_effect(changed: Measured) -> list[Figure]:
    """Whether the 95 % interval holds what the action brought."""
    covered = {
        name: [e.low <= h.extra[:28].sum() <= e.high for h, e in measured] for name, measured in changed.items()
    }
    return _coverage(f"{LIFT:.0%} more", covered)


def sums(changed: Measured, actions: int = 10) -> list[Figure]:
    """Coverage of the interval of ten actions' sum, each in a shop of its own: wider than it has to be then."""
    inside = []
    for measured in changed.values():
        for begin in range(0, len(measured) - actions + 1, actions):
            part = measured[begin : begin + actions]
            summed = total([(e.effect, e.low, e.high, e.shared_error) for _, e in part])
            truth = sum(float(h.extra[:28].sum()) for h, _ in part)
            inside.append(summed is not None and summed.low <= truth <= summed.high)
    least = round(0.95 - 3.3 * math.sqrt(0.95 * 0.05 / len(inside)), 4)
    return [
        Figure(f"sum of {actions} effects: coverage of its 95 % interval", float(np.mean(inside)), least=least)
    ]


def power(runs: int) -> list[Figure]:
    """Share of effects found, by clicks in 28 days and size, on pages with weeks."""
    return [
        Figure(
            f"power: +{lift:.0%} on about {clicks:,} clicks in 28 days",
            float(np.mean([e.low > 0 for _, e in _measured("weeks", lift, runs, level)])),
        )
        for clicks, level in _LEVELS.items()
        for lift in (0.1, 0.2, 0.5, 1.0)
    ]


def _measured(name: str, lift: float, runs: int, level: float = 1.0) -> list[tuple[History, Effect]]:
    """Those that can be measured: a page with traffic like that of no thirty others can't."""
    histories = [page_history(name, lift, seed, level) for seed in range(runs)]
    effects = [measure(one.panel, one.unit, one.panel.first + EXECUTED, 28) for one in histories]
    return [(h, e) for h, e in zip(histories, effects, strict=True) if isinstance(e, Effect)]


def _coverage(what: str, covered: dict[str, list[bool]]) -> list[Figure]:
    """93 to 97 % of all; of each kind by itself, as exactly as so many histories can tell."""
    found = [Figure(f"coverage of 95 % intervals, {what}, all", _mean(covered.values()), least=0.93, most=0.97)]
    for name, inside in covered.items():
        slack = 3.3 * math.sqrt(0.95 * 0.05 / len(inside))
        least, most = round(0.93 - slack, 4), round(min(1.0, 0.97 + slack), 4)
        found.append(Figure(f"coverage, {what}, {name}", float(np.mean(inside)), least=least, most=most))
    return found


def _mean(groups: Iterable[Sequence[bool]]) -> float:
    return float(np.mean([one for group in groups for one in group]))
