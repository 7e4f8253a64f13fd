"""Always-valid inference: an interval that may be looked at every day.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas ("Time-uniform central limit
theory and asymptotic confidence sequences", arXiv 2103.06476v7), a normal mixture: it covers the truth at *all*
looks together with probability 1 − α. ``tuning`` is the number of units at which it is tightest.
"""

from __future__ import annotations

import math


def standard_errors_wide(units: float, alpha: float, tuning: float) -> float:
    """Half the width of the interval after ``units`` of both arms, in standard errors (eq. 9)."""
    growth = units * _mixture(alpha, tuning) + 1
    return math.sqrt(2 * growth / (growth - 1) * math.log(math.sqrt(growth) / alpha))


def always_valid_p_value(z: float, units: float, alpha: float, tuning: float) -> float:
    """The α at which the interval would just touch 0, for an estimate ``z`` standard errors away (eq. 155)."""
    growth = units * _mixture(alpha, tuning) + 1
    return min(1.0, math.sqrt(growth) * math.exp(-0.5 * z * z * (growth - 1) / growth))


def _mixture(alpha: float, tuning: float) -> float:
    """Variance ρ² of the mixture that makes the interval tightest at ``tuning`` units (eq. 161)."""
    doubt = -2 * math.log(alpha)
    return (doubt + math.log(doubt + 1)) / tuning
