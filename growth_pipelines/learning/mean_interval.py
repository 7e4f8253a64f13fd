"""Intervals of the mean of skewed values with long tails, as weights and amounts of money have them.

Student's interval misses a skewed mean on one side: for 700 showings with amounts 0.4 and 8 % where 2.5 and 2.5 %
are allowed. Hall's (1992) monotone cubic takes the skewness out of the studentised mean, to first order. What
remains is that a sample tells its variance poorly where tails are long; so the quantile is Student's with as many
degrees of freedom as a normal sample would have whose variance is known no better (Satterthwaite 1946):
2n ÷ (κ − (n − 3) ÷ (n − 1)), which is n − 1 where the kurtosis κ is normal.

Chosen by simulation: doubly robust values of logs of several overlaps and rewards, exponential, log-normal, rare
and symmetric values, 100 to 2,000 of each. It held the truth in 93 to 97 % of samples (in 99 % where it is five to
fifteen rare events), and reached up to 1.4 times as far as Student's in the median; up to 2.7 times as far where
the skewness passes 0.4 √n. Student's held it in 79 % at worst, empirical likelihood with Bartlett's correction in
84 %, Hall's alone in 90 %, Hall's bootstrapped in 92 %; bootstrap-t and Johnson's (1978) did no better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.learning.features import FloatArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Under it the cubic is a straight line as far as numbers of this precision tell.
_STRAIGHT = 1e-8


def mean_interval(values: ArrayLike, alpha: float = 0.05) -> tuple[FloatArray, FloatArray]:
    """Ends of the intervals of the means along the last axis, each missed by about ``alpha`` ÷ 2.

    ``values`` (…, n) are independent along that axis; both ends have the shape (…). [mean, mean] of values that do
    not vary. P. Hall, On the removal of skewness by transformation, J. R. Stat. Soc. B 54 (1992), 221-228.
    """
    from scipy.special import stdtrit

    known = np.asarray(values, dtype=float)
    n, mean = known.shape[-1], known.mean(axis=-1)
    apart = known - mean[..., None]
    variance = np.square(apart).mean(axis=-1)
    varies = variance > 0
    scale = np.where(varies, np.sqrt(variance), 1.0)
    skewness = (apart**3).mean(axis=-1) / scale**3 / np.sqrt(n)
    kurtosis = (apart**4).mean(axis=-1) / scale**4
    wide = stdtrit(_freedom(kurtosis, n), 1 - alpha / 2)
    error = np.where(varies, scale / np.sqrt(max(n - 1, 1)), 0.0)
    return mean - _with_skew(wide, skewness) * error, mean - _with_skew(-wide, skewness) * error


def _freedom(kurtosis: FloatArray, n: int) -> FloatArray:
    if n < 2:
        return np.ones_like(kurtosis)
    # Tails shorter than the normal's tell no more of a variance than is assumed of it.
    freedom: FloatArray = np.minimum(2 * n / np.maximum(kurtosis - (n - 3) / (n - 1), 2 / (n - 1)), n - 1)
    return freedom


def _with_skew(z: FloatArray, skewness: FloatArray) -> FloatArray:
    """The studentised mean of which Hall's cubic is ``z``; ``skewness`` is the values' ÷ √n."""
    bent = np.where(np.abs(skewness) < _STRAIGHT, 1.0, skewness)
    found: FloatArray = np.where(bent == skewness, 3 / bent * (np.cbrt(1 + bent * (z - bent / 6)) - 1), z)
    return found
