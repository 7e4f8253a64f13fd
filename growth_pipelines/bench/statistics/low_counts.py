"""What can be found of shifts in low counts at all: likelihood-ratio tests that know what no watcher knows.

Both know each series' weekdays and dispersion, and are held to the false alarms that are allowed over all looks,
series by series. The oracle knows the level, the date and the size of the shift as well: on any one day no test
finds more (Neyman & Pearson 1933). The other takes the likeliest level, date and size (generalised likelihood
ratio): about what is left to a method that watches for a step and is sure that nothing drifts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_series import low_count_model, negative_binomial

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
ALLOWED, SOON = 0.04, 21
# Simulated histories of each series, quiet and shifted.
_QUIET, _SHIFTED = 500, 50
_SHORTEST, _RECENT = 7, 84


def oracle(series: int, history: int, looks: int) -> list[Figure]:
    """The share of shifts of 15 to 45 % that either finds within the weekly ``looks``, and within 21 days."""
    shares = np.mean([_shares(run, history, looks) for run in range(series)], axis=0)
    names = ("knowing level, date and size", "knowing none of these")
    return [
        Figure(f"low counts: of shifts a likelihood-ratio test {name} finds{within}", float(share))
        for name, pair in zip(names, shares.reshape(2, 2), strict=True)
        for within, share in zip((f", {looks} looks", f" within {SOON} days"), pair, strict=True)
    ]


def _shares(run: int, history: int, looks: int) -> FloatArray:
    rng = np.random.default_rng([run, 31])
    shift, at = rng.uniform(0.15, 0.45) * rng.choice([-1, 1]), history + int(rng.integers(7))
    usual, size = low_count_model(rng, history + 7 * looks)
    known = history + 7 * np.arange(1, looks + 1)
    level = np.where(np.arange(usual.size) < at, 1.0, 1.0 + shift)
    quiet = negative_binomial(rng, np.tile(usual, (_QUIET, 1)), size)
    moved = negative_binomial(rng, np.tile(usual * level, (_SHIFTED, 1)), size)
    found = []
    for one, other in zip(_both(quiet, usual, size, shift, at, known), _both(moved, usual, size, shift, at, known),
                          strict=True):  # fmt: skip
        told = other > np.quantile(one.max(axis=1), 1 - ALLOWED)
        found += [told.any(axis=1).mean(), told[:, known - at <= SOON].any(axis=1).mean()]
    return np.array(found)


def _both(
    values: FloatArray, usual: FloatArray, size: float, shift: float, at: int, known: IndexArray
) -> tuple[FloatArray, FloatArray]:
    """Twice the log likelihood ratio of either test at each look: histories × looks."""
    return _of_the_shift(values, usual, size, shift, at, known), _of_any(values, usual, size, known)


def _of_the_shift(
    values: FloatArray, usual: FloatArray, size: float, shift: float, at: int, known: IndexArray
) -> FloatArray:
    shifted = usual * (1 + shift)
    daily = values * np.log(1 + shift) - (values + size) * np.log((size + shifted) / (size + usual))
    found: FloatArray = 2 * daily[:, at:].cumsum(axis=1)[:, np.maximum(known - at - 1, 0)]
    return np.where(known > at, found, -np.inf)


def _of_any(values: FloatArray, usual: FloatArray, size: float, known: IndexArray) -> FloatArray:
    """Counts weighted by 1 ÷ (1 + mean ÷ size) have a variance equal to their mean: the deviance is Poisson's."""
    weight = 1 / (1 + usual / size)
    counted = np.pad((values * weight).cumsum(axis=1), ((0, 0), (1, 0)))
    expected = np.pad((usual * weight).cumsum(), (1, 0))
    found = []
    for end in known:
        begin = np.arange(end - _RECENT, end - _SHORTEST + 1)
        parts = ((counted[:, begin], expected[begin]),
                 (counted[:, end, None] - counted[:, begin], expected[end] - expected[begin]),)  # fmt: skip
        whole = counted[:, end] * np.log(np.maximum(counted[:, end], 1e-9) / expected[end])
        apart = sum(seen * np.log(np.maximum(seen, 1e-9) / mean) for seen, mean in parts)
        found.append(2 * (apart - whole[:, None]).max(axis=1))
    return np.stack(found, axis=1)
