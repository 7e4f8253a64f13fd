"""What a change of pages brought: difference-in-differences and synthetic control over matched pairs.

Both compare what the changed pages got with what they would have got, told from the unchanged ones; both are
relative (0.08 = +8 %), and their intervals are by placebo (``placebo``). They differ in what they expect: the
first that both arms grow alike since their own weekday levels before; the second that a mix of groups of unchanged
pages, fitted to the days before, goes on to mirror the changed ones: better where groups of pages move apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.page_panel import FloatArray, PagePanel, page_panel
from growth_pipelines.experiments.placebo import Throws, interval, random_throws

if TYPE_CHECKING:
    import pandas as pd

_DRAWS = 999
# Donors of a synthetic control: few enough for the days before to tell them apart; no fit is taken to be closer
# than this share of a day, as days that are all alike would leave the donors' weights without an answer.
_GROUPS, _CLOSEST = 8, 1e-3


@dataclass(frozen=True, eq=False)
class PageEffect:
    """``effect`` is relative, with its 1 − α interval; ``per_day`` in values a day of all changed pages.

    ``actual`` and ``expected`` are the changed pages' totals on ``dates``, for a chart.
    """

    effect: float
    ci_low: float
    ci_high: float
    p_value: float
    per_day: float
    pairs: int
    dates: NDArray[np.datetime64]
    actual: FloatArray
    expected: FloatArray


def difference_in_differences(
    daily: pd.DataFrame,
    pairs: pd.DataFrame,
    start: object,
    *,
    seed: int,
    value: str = "clicks",
    settle_days: int = 0,
    alpha: float = 0.05,
) -> PageEffect:
    """Growth of the changed pages ÷ growth of their partners − 1, each against its own weekday levels before.

    ``daily``: page, date and ``value`` (a day without a row counts as 0, as in Search Console); ``pairs``: page,
    pair and arm from ``match_pages``; ``settle_days`` after ``start`` are left out (a search engine has to see the
    change first). Sums, not means of ratios: a page counts by its traffic. Raises UnusableSample (a ValueError)
    for too few pairs, days or values.
    """
    _check_alpha(alpha)
    panel = _measured(daily, pairs, start, value, settle_days)
    foretold = _weekday_levels(panel)
    trend = foretold[:, 1].sum(axis=0) / np.maximum(foretold[:, 0].sum(axis=0), 1e-9)
    return _described(_grown(panel, foretold, seed), panel, panel.after[:, 0].sum(axis=0) * trend, alpha)


def placebo_throws(
    daily: pd.DataFrame, pairs: pd.DataFrame, start: object, *, seed: int, value: str, settle_days: int
) -> Throws:
    """The throws that ``difference_in_differences`` compares; arguments and errors are the same."""
    panel = _measured(daily, pairs, start, value, settle_days)
    return _grown(panel, _weekday_levels(panel), seed)


def _grown(panel: PagePanel, foretold: FloatArray, seed: int) -> Throws:
    """Every throw's treated pages, and what they would have if both arms grew alike."""
    after = panel.after.sum(axis=2)
    swapped = random_throws(len(after), _DRAWS, seed)
    base = _by_throw(foretold.sum(axis=2), swapped)
    treated_base, control_base = base[0] + base[1], base[2] + base[3]
    _check_values(treated_base, control_base, after)
    growth = treated_base / control_base
    parts = _by_throw(after, swapped)
    return Throws(parts[0], parts[1], parts[2] * growth, parts[3] * growth)


def synthetic_control(
    daily: pd.DataFrame,
    pairs: pd.DataFrame,
    start: object,
    *,
    seed: int,
    value: str = "clicks",
    settle_days: int = 0,
    alpha: float = 0.05,
) -> PageEffect:
    """Changed pages ÷ their synthetic control − 1; arguments, result and errors as ``difference_in_differences``.

    Weekday patterns are taken out of every series. Donors are groups of unchanged pages, alike in traffic;
    their weights are ≥ 0 and fitted to the days before (Abadie, Diamond & Hainmueller 2010), drawn towards the
    groups' own shares by as much as the days before leave them uncertain. Every placebo throw fits its own.
    """
    _check_alpha(alpha)
    panel = _measured(daily, pairs, start, value, settle_days)
    swapped = random_throws(len(panel.after), _DRAWS, seed)
    _check_values(panel.before[:, 1].sum(), panel.before[:, 0].sum(), panel.after.sum(axis=2))
    unchanged, changed = _synthetic(panel, _groups(panel, pairs), swapped)
    parts = _by_throw(panel.after.sum(axis=2), swapped)
    return _described(
        Throws(parts[0], parts[1], unchanged.sum(axis=1), changed.sum(axis=1)), panel, unchanged[0], alpha
    )


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise UnusableSample(f"alpha {alpha:g}.", "0 < alpha < 1 is needed: 0.05 for a 95 % interval.")


def _measured(daily: pd.DataFrame, pairs: pd.DataFrame, start: object, value: str, settle_days: int) -> PagePanel:
    panel = page_panel(daily, pairs, start, value, settle_days)
    if panel.after.shape[2] == 0:
        raise UnusableSample(f"No day since {settle_days} days after {start}.", "Wait until days were read.")
    return panel


def _weekday_levels(panel: PagePanel) -> FloatArray:
    """Pair × arm × day after: the mean of that weekday before the start."""
    levels = np.stack([panel.before[:, :, panel.weekdays_before == day].mean(axis=2) for day in range(7)], axis=2)
    return levels[:, :, panel.weekdays_after]


def _by_throw(
    sums: FloatArray, swapped: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Per throw, of pair × arm ``sums``: treated from unchanged pages and from changed; control from each."""
    swap, keep = swapped.astype(float), (~swapped).astype(float)
    unchanged, changed = sums[:, 0], sums[:, 1]
    return swap @ unchanged, keep @ changed, keep @ unchanged, swap @ changed


def _groups(panel: PagePanel, pairs: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Pairs a group: neighbours in template (if known) and traffic before."""
    keys = [-panel.before.sum(axis=(1, 2))]
    if "template" in pairs:
        keys.append(pairs.sort_values(["pair", "arm"], kind="stable")["template"].astype(str).to_numpy()[::2])
    order = np.lexsort(keys)
    return np.array_split(order, min(_GROUPS, len(order) // 2))


def _synthetic(
    panel: PagePanel, groups: list[NDArray[np.intp]], swapped: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Throw × day after: what each throw expects of its treated pages, from unchanged and from changed donors."""
    swap = swapped.astype(float)
    unchanged, changed = (np.stack([panel.before[one, arm].sum(axis=0) for one in groups]) for arm in (0, 1))
    moved = np.stack([swap[:, one] @ (panel.before[one, 1] - panel.before[one, 0]) for one in groups], axis=1)
    donors, by_group = unchanged + moved, changed - moved
    treated = by_group.sum(axis=1)
    of_treated = _weekday_factors(treated, panel.weekdays_before)
    of_donors = _weekday_factors(donors, panel.weekdays_before)
    weights = _weights(
        treated / of_treated[..., panel.weekdays_before],
        donors / of_donors[..., panel.weekdays_before],
        by_group.mean(axis=2),
    )
    scale = weights[..., None] * (of_treated[:, None] / of_donors)[..., panel.weekdays_after]
    after = [
        np.stack([part[:, one] @ panel.after[one, arm] for one in groups], axis=1)
        for arm, part in ((0, 1 - swap), (1, swap))
    ]
    return (scale * after[0]).sum(axis=1), (scale * after[1]).sum(axis=1)


def _weekday_factors(series: FloatArray, weekdays: NDArray[np.int64]) -> FloatArray:
    """… × weekday: the mean on the weekday ÷ the mean of … × day; 1 where there is nothing."""
    means = np.stack([series[..., weekdays == day].mean(axis=-1) for day in range(7)], axis=-1)
    level = series.mean(axis=-1)[..., None]
    return np.where(means > 0, means / np.maximum(level, 1e-12), 1.0)


def _weights(treated: FloatArray, donors: FloatArray, level: FloatArray) -> FloatArray:
    """Throw × group: least squares with a prior of each group's own share, as wide as that; never below 0."""
    from scipy.optimize import nnls

    own = level / np.maximum(donors.mean(axis=2), 1e-12)
    fitted = donors * own[..., None]
    closest = np.maximum(_CLOSEST * treated.mean(axis=1), 1e-9)
    noise = np.maximum((treated - fitted.sum(axis=1)).std(axis=1), closest)
    # In units of the own share: weight = share × u with u ~ N(1, 1).
    design, target = fitted / noise[:, None, None], treated / noise[:, None]
    normal = design @ design.swapaxes(1, 2) + np.eye(own.shape[1])
    u = np.linalg.solve(normal, (design @ target[..., None]) + 1)[..., 0]
    for throw in np.flatnonzero((u < 0).any(axis=1)):
        rows = np.vstack([design[throw].T, np.eye(own.shape[1])])
        u[throw] = nnls(rows, np.concatenate([target[throw], np.ones(own.shape[1])]))[0]
    weights: FloatArray = own * u
    return weights


def _check_values(treated_base: FloatArray, control_base: FloatArray, after: FloatArray) -> None:
    """``after``: pair × arm, the sums of all days; a single day on which nothing came is no obstacle."""
    if not (np.all(treated_base > 0) and np.all(control_base > 0) and (after.sum(axis=0) > 0).all()):
        raise UnusableSample(
            "One arm has no value at all, before the start or after.", "Take pages that have traffic."
        )


def _described(throws: Throws, panel: PagePanel, expected: FloatArray, alpha: float) -> PageEffect:
    theta, low, high = interval(throws, alpha)
    actual = panel.after[:, 1].sum(axis=0)
    return PageEffect(
        effect=math.expm1(theta),
        ci_low=math.expm1(low),
        ci_high=math.expm1(high),
        p_value=throws.p_value(0.0),
        per_day=float((actual - expected).sum()) / actual.size,
        pairs=len(panel.after),
        dates=panel.dates_after,
        actual=actual,
        expected=expected,
    )
