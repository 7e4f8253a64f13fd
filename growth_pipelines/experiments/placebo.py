"""Intervals by placebo: what the same estimate gives had the coins of the pairs fallen otherwise.

Which page of a pair was changed was a coin's choice. If the change multiplied values by e^θ, then taking it back
from the changed pages leaves figures that any other throw would have left too; so the gap that was seen must be
an ordinary one among the gaps of other throws. The interval holds every θ for which it is (Fisher's
randomisation test, inverted; Imbens & Rubin 2015, chapter 5). No assumption on seasons, autocorrelation or
heavy tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# Effects beyond a factor of twenty are not looked for.
_FARTHEST = math.log(20.0)


@dataclass(frozen=True)
class Throws:
    """One entry a throw, the real one first. Sums after the start of what the throw calls treated and of what it
    expects of them, each in two parts: from pages that were not changed and from pages that were."""

    treated_unchanged: FloatArray
    treated_changed: FloatArray
    expected_unchanged: FloatArray
    expected_changed: FloatArray

    def gaps(self, theta: float) -> FloatArray:
        """Log of treated ÷ expected of each throw, with e^θ taken back from the changed pages."""
        back = math.exp(-theta)
        treated = self.treated_unchanged + back * self.treated_changed
        expected = self.expected_unchanged + back * self.expected_changed
        gap: FloatArray = np.log(np.maximum(treated, 1e-9)) - np.log(np.maximum(expected, 1e-9))
        return gap

    def p_value(self, theta: float) -> float:
        """Share of the throws with a gap at least as large as the real one's, the real one included."""
        size = np.abs(self.gaps(theta))
        return float(np.mean(size >= size[0] * (1 - 1e-9)))


def random_throws(pairs: int, draws: int, seed: int) -> NDArray[np.bool_]:
    """Throw × pair: whether the pair's arms are swapped. The first is the real one."""
    swapped = np.random.default_rng([seed, 0x91ACEB0]).random((draws + 1, pairs)) < 0.5
    swapped[0] = False
    return swapped


def interval(throws: Throws, alpha: float) -> tuple[float, float, float]:
    """Estimate θ and the ends of its 1 − α interval; an end that was not found is infinite."""
    estimate = math.log(max(throws.treated_changed[0], 1e-9) / max(throws.expected_unchanged[0], 1e-9))
    low = _edge(lambda far: throws.p_value(estimate - far) > alpha)
    high = _edge(lambda far: throws.p_value(estimate + far) > alpha)
    return estimate, estimate - low, estimate + high


def _edge(ordinary: Callable[[float], bool]) -> float:
    """How far from the estimate the gap stops to be an ordinary one."""
    near, far = 0.0, 0.02
    while ordinary(far):
        near, far = far, 2 * far
        if far > _FARTHEST:
            return math.inf
    while far - near > 1e-5:
        middle = (near + far) / 2
        near, far = (middle, far) if ordinary(middle) else (near, middle)
    return far
