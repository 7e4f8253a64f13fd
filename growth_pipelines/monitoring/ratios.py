"""A ratio of two daily numbers on stretches long enough to be judged.

On a day without a refund the share of refunds is nothing, and its logarithm says more about the calendar than
about the shop. Where that is so on more than a tenth of the days, days are added up to stretches until it is rare:
at Poisson's chances a stretch holds two or three of them. A shop with too few even for four weeks isn't judged.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# Days of a stretch; above a week, whole weeks.
_STRETCHES = (1, 2, 3, 4, 5, 6, 7, 14, 28)
_SELDOM = 0.1


def judged_ratio(numerator: pd.Series, denominator: pd.Series) -> tuple[pd.Series, int] | None:
    """Sums of ``numerator`` ÷ sums of ``denominator`` by stretch, and its days; None where both are too thin.

    Both are daily, without holes, NaN = not known. The ratio is indexed by the first day of its stretch; the last
    one ends on the last day, and days before the first whole one are left out. At most 1, NaN where not known.
    """
    return next((one for one in _by_length(numerator, denominator) if _is_dense(one[0])), None)


def _by_length(numerator: pd.Series, denominator: pd.Series) -> Iterator[tuple[pd.Series, int]]:
    known = (numerator.notna() & denominator.notna()).to_numpy()
    above, below = (np.where(known, one.to_numpy(float), np.nan) for one in (numerator, denominator))
    for length in _STRETCHES:
        whole = above.size // length * length
        if whole == 0:
            return
        total, base = (_sums(one[above.size - whole :], length) for one in (above, below))
        ratio = np.divide(total, base, out=np.full(total.size, np.nan), where=base > 0)
        yield pd.Series(np.minimum(ratio, 1.0), index=numerator.index[above.size - whole :: length]), length


def _sums(values: FloatArray, length: int) -> FloatArray:
    """By stretch; NaN where no day is known."""
    parts = values.reshape(-1, length)
    return np.where(np.isfinite(parts).any(axis=1), np.nansum(parts, axis=1), np.nan)


def _is_dense(ratio: pd.Series) -> bool:
    """Whether nothing is rare among the stretches that are known."""
    known = ratio.dropna()
    return len(known) > 0 and float((known == 0).mean()) <= _SELDOM
