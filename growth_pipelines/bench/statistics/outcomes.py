"""Outcomes: actions that do nothing, effects that were planted, sums of effects, and how large one has to be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.page_histories import EXECUTED, HISTORIES, History, page_history
from growth_pipelines.bench.statistics.vital_changes import vital_figures
from growth_pipelines.outcomes import HORIZONS, Effect, classify, measure, total

LIFT = 0.3
_PROMISED = 0.2
# A history and its effects after 7, 14 and 28 days.
Looked = tuple[History, tuple[Effect, ...]]
Measured = Mapping[str, Sequence[Looked]]
# Log clicks a day of the middle page: 28 days bring about 30, 300 and 3,000.
_LEVELS = {30: 0.07, 300: 2.37, 3_000: 4.67}


def figures(runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """All of them; ``runs`` histories of each kind, a fifth of that for each cell of the power table."""
    tell(f"{runs:,} actions without effect on each of {len(HISTORIES)} kinds of history, three looks at each")
    found = without_effect({name: _measured(name, 0.0, runs) for name in HISTORIES})
    tell(f"{runs:,} actions that bring {LIFT:.0%} more")
    changed = {name: _measured(name, LIFT, runs) for name in HISTORIES}
    found += with_effect(changed) + sums(changed)
    tell("how large an effect has to be")
    found += power(max(20, runs // 5))
    tell(f"{runs:,} repairs of web vitals that do nothing, on pages picked in each of four ways")
    return found + vital_figures(runs)


def without_effect(quiet: Measured) -> list[Figure]:
    """A/A: how often an action that does nothing is called something, at its end and at any of the three looks.

    20 % more had been promised. Whatever is classed success, partial or negative is a false call.
    """
    called = {
        name: np.array([[_is_called(effect) for effect in looks] for _, looks in measured])
        for name, measured in quiet.items()
    }
    last = {name: 1 - np.mean(found[:, -1]) for name, found in called.items()}
    return [
        Figure("A/A, all: classed none or inconclusive", 1 - _mean(c[:, -1] for c in called.values()), least=0.95),
        *(Figure(f"A/A, {name}: classed none or inconclusive", float(share)) for name, share in last.items()),
        Figure(
            "A/A, all: classed anything else at any of three looks",
            _mean(found.any(axis=1) for found in called.values()),
            most=0.05,
        ),
        *(
            Figure(
                f"A/A, {name}: at any of three looks",
                float(np.mean(found.any(axis=1))),
                most=round(0.05 + _slack(len(found)), 4),
            )
            for name, found in called.items()
        ),
        *(
            Figure(f"A/A, all: called worse after {days} days", _mean(_worse(quiet, look)))
            for look, days in enumerate(HORIZONS)
        ),
        *_coverage("without effect", quiet),
    ]


def with_effect(changed: Measured) -> list[Figure]:
    """Whether the intervals hold what the action brought: the last one, and all three at once."""
    at_once = [
        [all(_holds(history, effect, days) for effect, days in zip(looks, HORIZONS, strict=True))]
        for measured in changed.values()
        for history, looks in measured
    ]
    return [
        *_coverage(f"{LIFT:.0%} more", changed),
        Figure(f"coverage of all three intervals at once, {LIFT:.0%} more, all", _mean(at_once), least=0.95),
    ]


def sums(changed: Measured, actions: int = 10) -> list[Figure]:
    """Coverage of the interval of ten actions' sum, each in a shop of its own: wider than it has to be then."""
    inside = []
    for measured in changed.values():
        for begin in range(0, len(measured) - actions + 1, actions):
            part = [(history, looks[-1]) for history, looks in measured[begin : begin + actions]]
            summed = total([(e.effect, e.low, e.high, e.shared_error) for _, e in part])
            truth = sum(float(h.extra[:28].sum()) for h, _ in part)
            inside.append(summed is not None and summed.low <= truth <= summed.high)
    least = round(0.95 - _slack(len(inside)), 4)
    return [
        Figure(f"sum of {actions} effects: coverage of its 95 % interval", float(np.mean(inside)), least=least)
    ]


def power(runs: int) -> list[Figure]:
    """Share of effects found, by clicks in 28 days and size, on pages with weeks."""
    return [
        Figure(
            f"power: +{lift:.0%} on about {clicks:,} clicks in 28 days",
            float(
                np.mean([looks[-1].low > 0 for _, looks in _measured("weeks", lift, runs, level, HORIZONS[-1:])])
            ),
        )
        for clicks, level in _LEVELS.items()
        for lift in (0.1, 0.2, 0.5, 1.0)
    ]


def _measured(
    name: str, lift: float, runs: int, level: float = 1.0, looks: Sequence[int] = HORIZONS
) -> list[Looked]:
    """Those that can be measured: a page with traffic like that of no thirty others can't."""
    found = []
    for seed in range(runs):
        one = page_history(name, lift, seed, level)
        effects = [measure(one.panel, one.unit, one.panel.first + EXECUTED, days) for days in looks]
        known = tuple(effect for effect in effects if isinstance(effect, Effect))
        if len(known) == len(looks):
            found.append((one, known))
    return found


def _is_called(effect: Effect) -> bool:
    promised = _PROMISED * max(effect.counterfactual, 1)
    return classify(effect.effect, effect.low, effect.high, promised) not in ("none", "inconclusive")


def _worse(quiet: Measured, look: int) -> list[list[bool]]:
    return [[looks[look].high < 0 for _, looks in measured] for measured in quiet.values()]


def _holds(history: History, effect: Effect, days: int) -> bool:
    return bool(effect.low <= history.extra[:days].sum() <= effect.high)


def _coverage(what: str, measured: Measured) -> list[Figure]:
    """Of the last look: 95 to 97 % of all; of each kind by itself, as exactly as so many histories can tell."""
    covered = {name: [_holds(h, looks[-1], HORIZONS[-1]) for h, looks in one] for name, one in measured.items()}
    found = [
        Figure(
            f"coverage of the intervals after 28 days, {what}, all", _mean(covered.values()), least=0.95, most=0.97
        )
    ]
    for name, inside in covered.items():
        slack = _slack(len(inside))
        least, most = round(0.95 - slack, 4), round(min(1.0, 0.97 + slack), 4)
        found.append(Figure(f"coverage, {what}, {name}", float(np.mean(inside)), least=least, most=most))
    return found


def _slack(cases: int) -> float:
    """How far chance alone takes a share of 5 % from itself in all but one of a thousand such figures."""
    return 3.3 * math.sqrt(0.95 * 0.05 / cases)


def _mean(groups: Iterable[Any]) -> float:
    return float(np.mean(np.concatenate([*groups])))
