"""Switchback: the whole shop changes back and forth over time, where units would influence each other.

For what cannot be given to some visitors only: shared stock, prices of a marketplace, the order of a collection.
Blocks of time come in pairs of neighbours, one of each arm in random order, so slow trends cancel within a
pair; the pair is the unit of the statistics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class SwitchbackEffect:
    """``diff`` is treatment − control of a slice's value, or as a share of control; Student's interval over
    ``pairs`` of blocks."""

    diff: float
    se: float
    p_value: float
    ci_low: float
    ci_high: float
    control_mean: float
    pairs: int


def switchback_schedule(slices: int, block: int, seed: int) -> NDArray[Any]:
    """The arm (0 or 1) of each of ``slices`` equal slices of time: blocks of ``block`` slices, in random pairs.

    Slices at the end that fill no pair of blocks belong to control. Choose blocks so that the two of a pair are
    alike: whole days rather than mornings against evenings.
    """
    slices, block = _whole(slices), _whole(block)
    if block < 1 or slices < 4 * block:
        raise UnusableSample(f"{slices} slices in blocks of {block}.", "At least two pairs of blocks are needed.")
    pairs = slices // (2 * block)
    first = np.random.default_rng(seed).integers(0, 2, pairs)
    arms = np.zeros(slices, dtype=int)
    arms[: 2 * block * pairs] = np.repeat(np.column_stack([first, 1 - first]).ravel(), block)
    return arms


def switchback_effect(
    values: ArrayLike,
    arms: ArrayLike,
    block: int,
    carry_over: int = 0,
    alpha: float = 0.05,
    relative: bool = False,
) -> SwitchbackEffect:
    """Treatment − control from a value a slice (NaN = missing) and the schedule that ``switchback_schedule`` gave.

    The first ``carry_over`` slices after each switch are left out: they still feel the other arm (before the
    first block is control). Pairs without a value on both sides do not count. Student's t over the pairs'
    differences; ``relative`` by the linearised ratio of means, as for a ratio (``arms``). Raises UnusableSample
    (a ValueError) for fewer than 2 pairs, a schedule that is none, or a share of a control that is not above 0.
    """
    series, drawn = np.asarray(values, dtype=float), np.asarray(arms, dtype=float)
    if not 0 < alpha < 1 or np.isinf(series).any() or not np.isin(drawn, (0, 1)).all():
        raise UnusableSample(
            f"alpha {alpha:g}; or a value is infinite, or an arm neither 0 nor 1.",
            "0 < alpha < 1, NaN for a missing value, and the arms of switchback_schedule are needed.",
        )
    schedule = drawn.astype(int)
    if series.shape != schedule.shape or series.ndim != 1:
        raise UnusableSample(f"{series.size} values and {schedule.size} arms.", "Give one of each a slice.")
    block, carry_over = _whole(block), _whole(carry_over)
    if block < 1 or not 0 <= carry_over < block:
        raise UnusableSample(f"Blocks of {block}, of which {carry_over} are left out.", "Some must be left.")
    used = 2 * block * (series.size // (2 * block))
    grid, blocks = series[:used].reshape(-1, block).copy(), schedule[:used].reshape(-1, block)
    if (blocks != blocks[:, :1]).any() or (blocks[::2, 0] + blocks[1::2, 0] != 1).any():
        raise UnusableSample("The arms are not pairs of blocks, one of each arm.", "Is the block's length right?")
    arm = blocks[:, 0]
    switched = np.flatnonzero(np.diff(arm, prepend=0))
    grid[switched, :carry_over] = np.nan
    known = ~np.isnan(grid)
    seen = known.sum(axis=1)
    means = np.where(seen > 0, np.where(known, grid, 0.0).sum(axis=1) / np.maximum(seen, 1), np.nan)
    pairs = means.reshape(-1, 2)
    treated_first = arm[::2] == 1
    treatment = np.where(treated_first, pairs[:, 0], pairs[:, 1])
    control = np.where(treated_first, pairs[:, 1], pairs[:, 0])
    whole = ~np.isnan(treatment - control)
    return _student(treatment[whole], control[whole], alpha, relative)


def _whole(number: float) -> int:
    if not float(number).is_integer():
        raise UnusableSample(f"{number:g} slices.", "Give a whole number.")
    return int(number)


def _student(treatment: NDArray[Any], control: NDArray[Any], alpha: float, relative: bool) -> SwitchbackEffect:
    from scipy.special import stdtr, stdtrit

    differences = treatment - control
    pairs = differences.size
    if relative and pairs:
        if not control.mean() > 0:
            raise UnusableSample("Control's blocks are worth nothing.", "Compare with relative=False.")
        ratio = treatment.mean() / control.mean()
        differences = ratio - 1 + (treatment - ratio * control) / control.mean()
    if pairs < 2 or np.ptp(differences) == 0:
        raise UnusableSample(f"{pairs} pairs of blocks that differ.", "Run for longer: some 20 pairs.")
    diff, se = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(pairs)
    width = float(stdtrit(pairs - 1, 1 - alpha / 2)) * se
    p_value = 2 * float(stdtr(pairs - 1, -abs(diff / se)))
    return SwitchbackEffect(diff, se, p_value, diff - width, diff + width, float(control.mean()), pairs)
