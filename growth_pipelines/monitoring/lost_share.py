"""Does counting fail on more days than before? Where the share of lost days stepped, by Fisher's exact test.

Lost days that come alike all along are spread like draws without replacement: how many of them lie since a date
is hypergeometric. Days lost in a row that chance does not put there (a closed week) are fewer failures than days:
numbers are divided by how much longer runs are than chance makes them. The p-value is for the best of all dates:
a rise is clearest at a lost day, a fall right after one, so that the expected number of such days at which chance
shows as much bounds it (Markov's inequality).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DATE_LEVEL = 0.95
_Z95 = 1.959964


@dataclass(frozen=True)
class ShareStep:
    """``index``, ``first``, ``last``: days; ``share``: of days lost, new − old, with its 95 % interval."""

    index: int
    first: int
    last: int
    share: float
    low: float
    high: float
    p_value: float


def lost_share_step(lost: NDArray[np.bool_], shortest: int) -> ShareStep | None:
    """The clearest step of the share of ``lost`` days, at least ``shortest`` days from both ends; None without."""
    from scipy.stats import hypergeom

    days = lost.size
    candidates = np.arange(shortest, days - shortest + 1)
    clustered = _clustering(lost)
    failures = round(int(lost.sum()) / clustered)
    if failures < 2 or not candidates.size:
        return None
    later = days - candidates
    since = np.clip(np.rint((lost.sum() - np.cumsum(lost)[candidates - 1]) / clustered).astype(int), 0, failures)
    # With one of the failures at the date, or right before it.
    rise = hypergeom.sf(since - 2, days - 1, failures - 1, later - 1)
    fall = hypergeom.cdf(since, days - 1, failures - 1, later)
    chance = np.minimum(rise, fall)
    best = int(chance.argmin())
    first, last = _date_interval(since, failures - since, later, candidates)
    at = int(candidates[best])
    share, reach = _difference(int(lost[:at].sum()), at, int(lost[at:].sum()), days - at)
    p_value = min(1.0, 2 * failures * float(chance[best]))
    return ShareStep(at, min(first, at), max(last, at), share, share - reach, share + reach, p_value)


def _clustering(lost: NDArray[np.bool_]) -> float:
    """Mean length of the runs of lost days ÷ what it is where each day is lost by itself; at least 1."""
    number = int(lost.sum())
    runs = int((lost & ~np.concatenate([[False], lost[:-1]])).sum())
    return max(1.0, number / max(runs, 1) * (1 - number / lost.size))


def _date_interval(
    since: NDArray[np.intp], before: NDArray[np.intp], later: NDArray[np.intp], candidates: NDArray[np.intp]
) -> tuple[int, int]:
    """Days between which the step lies with 95 % probability, by the binomial likelihood of two shares."""
    likelihood = _log_likelihood(since, later) + _log_likelihood(before, candidates)
    weight = np.exp(likelihood - likelihood.max())
    below = np.cumsum(weight) / weight.sum()
    ends = np.searchsorted(below, [(1 - _DATE_LEVEL) / 2, (1 + _DATE_LEVEL) / 2])
    first, last = candidates[np.minimum(ends, candidates.size - 1)]
    return int(first), int(last)


def _log_likelihood(number: NDArray[np.intp], of: NDArray[np.intp]) -> NDArray[np.float64]:
    from scipy.special import xlogy

    found: NDArray[np.float64] = xlogy(number, number / of) + xlogy(of - number, 1 - number / of)
    return found


def _difference(before: int, days_before: int, since: int, days_since: int) -> tuple[float, float]:
    """Share since − share before, and the reach of its 95 % interval (Agresti & Caffo 2000)."""
    old, new = (before + 1) / (days_before + 2), (since + 1) / (days_since + 2)
    variance = old * (1 - old) / (days_before + 2) + new * (1 - new) / (days_since + 2)
    return since / days_since - before / days_before, _Z95 * float(np.sqrt(variance))
