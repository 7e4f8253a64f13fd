"""How many units, how many days, and what could be found: settled before the start, asked again on the way.

Two-sided z; a proportion with the pooled variance under no effect and the arms' own under the effect (Fleiss,
Levin & Paik 2003, eq. 4.14 without continuity correction); a mean with one variance for both arms. With
``sequential`` the always-valid interval must have left 0 by the end: an upper bound of what is needed, as it may
leave earlier.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from growth_pipelines.experiments.arms import UnusableSample

# Two whole weeks: weekdays differ, and the first days are those of the curious and of the regulars.
LEAST_DAYS = 14
_MOST_UNITS = 1e12


@dataclass(frozen=True)
class Plan:
    """``units`` an arm, control's first; ``days`` in whole weeks at the traffic given."""

    units: tuple[int, ...]
    days: int


def sample_size(
    baseline: float,
    effect: float,
    *,
    variance: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    treatment_per_control: float = 1.0,
    sequential: bool = False,
    tuning: float = 5000,
) -> int:
    """Units of control that find a relative ``effect`` (0.1 = +10 %) on ``baseline`` with probability ``power``.

    Without ``variance`` the baseline is a proportion; with it a mean whose units have that variance (for a ratio
    the linearised one, for CUPED the one that is left). The treatment needs ``treatment_per_control`` times
    as many. Raises UnusableSample (a ValueError) for what no experiment can be planned for.
    """
    found = _Alternative.of(baseline, effect, variance, treatment_per_control)
    _check_chances(alpha, power, tuning)
    if not sequential:
        return math.ceil(_closed_form(found, alpha, power))
    enough = _smallest(lambda n: found.power_at(n, alpha, tuning) >= power, _MOST_UNITS)
    return math.ceil(enough)


def power(
    n: float,
    baseline: float,
    effect: float,
    *,
    variance: float | None = None,
    alpha: float = 0.05,
    treatment_per_control: float = 1.0,
    sequential: bool = False,
    tuning: float = 5000,
) -> float:
    """Probability that ``n`` units of control (with their share of treatment) show the relative ``effect``.

    Raises UnusableSample (a ValueError) for fewer than 2 units, and for what no experiment can be planned for.
    """
    _check_chances(alpha, 0.5, tuning)
    _check_units(n)
    found = _Alternative.of(baseline, effect, variance, treatment_per_control)
    return found.power_at(n, alpha, tuning if sequential else None)


def minimum_detectable_effect(
    n: float,
    baseline: float,
    *,
    variance: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    treatment_per_control: float = 1.0,
    sequential: bool = False,
    tuning: float = 5000,
) -> float:
    """The least relative rise that ``n`` units of control show with probability ``power``; inf where none is.

    A proportion cannot rise beyond 1: with few units no rise may be large enough.
    """
    _check_chances(alpha, power, tuning)
    _check_units(n)
    _Alternative.of(baseline, 1e-9, variance, treatment_per_control)
    most = (1 - 1e-9) / baseline - 1 if variance is None else 1e6

    def shown(effect: float) -> bool:
        found = _Alternative.of(baseline, effect, variance, treatment_per_control)
        return found.power_at(n, alpha, tuning if sequential else None) >= power

    return _smallest(shown, most) if shown(most) else math.inf


def plan(
    baseline: float,
    effect: float,
    daily_units: float,
    weights: Sequence[float] = (1, 1),
    coverage: float = 1.0,
    *,
    variance: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    sequential: bool = False,
    tuning: float = 5000,
) -> Plan:
    """Units an arm and days for an experiment of ``daily_units`` new units a day, of which ``coverage`` take part.

    With several treatments each is compared with control at α ÷ their number. Days are whole weeks, two at
    least.
    """
    shares = _shares(weights)
    comparisons = sum(share > 0 for share in shares[1:])
    needed = [0] * len(shares)
    for arm, share in enumerate(shares[1:], start=1):
        if share > 0:
            control = sample_size(
                baseline,
                effect,
                variance=variance,
                alpha=alpha / comparisons,
                power=power,
                treatment_per_control=share / shares[0],
                sequential=sequential,
                tuning=tuning,
            )
            needed[0] = max(needed[0], control)
            needed[arm] = math.ceil(control * share / shares[0])
    return Plan(tuple(needed), days_left(needed, [0] * len(needed), daily_units, weights, coverage))


def days_left(
    needed: Sequence[float],
    counts: Sequence[float],
    daily_units: float,
    weights: Sequence[float],
    coverage: float = 1.0,
    days_run: int = 0,
) -> int:
    """Days until every arm has its units and whole weeks are full, after ``days_run`` days with ``counts`` so far.

    Takes as many *new* units a day for granted; returning visitors are counted once, so that daily traffic falls
    over the weeks: give the newest figure.
    """
    shares = _shares(weights)
    if not daily_units * coverage > 0:
        raise UnusableSample(f"{daily_units:g} units a day at coverage {coverage:g}.", "Both must be above 0.")
    missing = [
        (need - seen) / (share * daily_units * coverage)
        for need, seen, share in zip(needed, counts, shares, strict=True)
        if share > 0
    ]
    days = max(LEAST_DAYS, days_run + max(0, math.ceil(max(missing))))
    return math.ceil(days / 7) * 7 - days_run


@dataclass(frozen=True)
class _Alternative:
    """The effect to be found, and n × the variance of the difference: if there is none, and if there is."""

    difference: float
    under_none: float
    under_effect: float
    treatment_per_control: float

    @classmethod
    def of(cls, baseline: float, effect: float, variance: float | None, ratio: float) -> _Alternative:
        changed = baseline * (1 + effect)
        if not (effect and ratio > 0 and math.isfinite(changed) and math.isfinite(ratio)):
            raise UnusableSample(f"effect {effect:g}, ratio {ratio:g}.", "Both are numbers other than 0.")
        if variance is not None:
            if not (variance > 0 and baseline):
                raise UnusableSample(f"mean {baseline:g}, variance {variance:g}.", "Give a mean and its variance.")
            spread = variance * (1 + 1 / ratio)
            return cls(abs(changed - baseline), spread, spread, ratio)
        if not (0 < baseline < 1 and 0 < changed < 1):
            raise UnusableSample(
                f"A proportion of {baseline:g} that becomes {changed:g}.", "Both lie between 0 and 1."
            )
        pooled = (baseline + ratio * changed) / (1 + ratio)
        under_none = pooled * (1 - pooled) * (1 + 1 / ratio)
        under_effect = baseline * (1 - baseline) + changed * (1 - changed) / ratio
        return cls(abs(changed - baseline), under_none, under_effect, ratio)

    def power_at(self, n: float, alpha: float, tuning: float | None) -> float:
        from scipy.special import ndtr, ndtri

        from growth_pipelines.experiments.sequences import standard_errors_wide

        if tuning is None:
            bar = float(-ndtri(alpha / 2)) * math.sqrt(self.under_none)
        else:
            units = n * (1 + self.treatment_per_control)
            bar = standard_errors_wide(units, alpha, tuning) * math.sqrt(self.under_effect)
        return float(ndtr((self.difference * math.sqrt(n) - bar) / math.sqrt(self.under_effect)))


def _closed_form(found: _Alternative, alpha: float, power: float) -> float:
    from scipy.special import ndtri

    bar = -float(ndtri(alpha / 2)) * math.sqrt(found.under_none)
    return ((bar + float(ndtri(power)) * math.sqrt(found.under_effect)) / found.difference) ** 2


def _smallest(enough: Callable[[float], bool], most: float) -> float:
    """The least x in (0, most] for which ``enough`` holds, where it holds from some x on."""
    low, high = 0.0, min(1.0, most)
    while not enough(high):
        if high >= most:
            raise UnusableSample("No number of units is enough.", "Look for a larger effect.")
        low, high = high, min(2 * high, most)
    while high - low > 1e-9 * max(high, 1e-6):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_chances(alpha: float, power: float, tuning: float) -> None:
    if not 0 < alpha < 1 or not alpha / 2 < power < 1:
        raise UnusableSample(f"alpha {alpha:g}, power {power:g}.", "0 < alpha < 1 and alpha ÷ 2 < power < 1.")
    if not 0 < tuning < math.inf:
        raise UnusableSample(f"tuning {tuning:g}.", "It is a number of units above 0.")


def _check_units(n: float) -> None:
    if not 2 <= n < math.inf:
        raise UnusableSample(f"{n:g} units.", "At least 2 of control are needed.")


def _shares(weights: Sequence[float]) -> list[float]:
    if len(weights) < 2 or not all(weight >= 0 for weight in weights) or not weights[0] or not any(weights[1:]):
        raise UnusableSample(f"Weights {list(weights)}.", "Control and one treatment at least are above 0.")
    return [weight / math.fsum(weights) for weight in weights]
