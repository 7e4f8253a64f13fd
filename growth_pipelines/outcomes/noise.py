"""How far a resource's days stray from what is expected: the variance, its estimate, a scale on which it is 1.

The variance of days expected to bring μ is φ·μ + τ²·μ² + κ²·m²: counting noise, levels that move, and, of a
resource whose last weeks were m above or below the rest, how differently such moves carry over (a random slope).
The last part is what a resource that was picked for its fall has more of than others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from growth_pipelines.outcomes.panel import FloatArray

# A move of more than twice the expectation counts as one of twice: no page's noise grows without end.
_LARGEST_MOVE = 4.0


@dataclass(frozen=True)
class Noise:
    """φ, τ² and κ² of a set of resources; all ≥ 0, the first two above."""

    counting: float
    moving: float
    carrying: float

    def of(self, expected: FloatArray, moves: FloatArray) -> FloatArray:
        """The variance of days that are expected to bring ``expected``, after ``moves``."""
        return self.counting * expected + self.relative(expected, moves) * expected**2

    def relative(self, expected: FloatArray, moves: FloatArray) -> FloatArray:
        """τ² of each resource, that of its move included."""
        return self.moving + self.carrying * _squared(moves, expected)

    def stable(self, values: FloatArray, relative: FloatArray) -> FloatArray:
        """Values on the scale on which their noise has variance 1 (Anscombe 1948): between root and logarithm."""
        scaled: FloatArray = (
            2 / np.sqrt(relative) * np.arcsinh(np.sqrt(np.maximum(values, 0) * relative / self.counting))
        )
        return scaled

    def unstable(self, scaled: float, relative: float) -> float:
        """The value at a place of that scale; below 0 the scale goes on as its mirror image, so that a reach that
        no count can use up is not cut short."""
        root = math.sinh(scaled * math.sqrt(relative) / 2)
        return math.copysign(self.counting / relative * root**2, root)


START = Noise(0.5, 0.5, 0.0)


def estimated(squares: FloatArray, expected: FloatArray, moves: FloatArray, grain: float) -> Noise:
    """The noise that explains squared errors best, its lasting parts raised by their own standard error.

    Counts of things worth ``grain`` vary at least as those of Poisson do, so φ is no less.
    What is not known about the variance counts as variance. Within the range of the controls this changes
    nothing, as their errors are measured with the same noise; a resource larger than most of them, or one that
    moved more, is charged for being beyond what they show.
    """
    from scipy.optimize import nnls

    design = np.column_stack([1 / expected, np.ones_like(expected), _squared(moves, expected)])
    wanted = squares / expected**2
    found, _ = nnls(design, wanted)
    left = wanted - design @ found
    freedom = len(wanted) / (len(wanted) - design.shape[1])
    errors = np.sqrt(((np.linalg.pinv(design) * left) ** 2).sum(axis=1) * freedom)
    counting, moving, carrying = found + np.array([0.0, 1.0, 1.0]) * errors
    return Noise(max(float(counting), grain), max(float(moving), 1e-9), float(carrying))


def _squared(moves: FloatArray, expected: FloatArray) -> FloatArray:
    return np.minimum((moves / expected) ** 2, _LARGEST_MOVE)
