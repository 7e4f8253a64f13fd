"""Alarms when decisions or outcomes depart from what was expected of them, with a stated rate of false ones.

An e-detector (Shin, Ramdas & Rinaldo 2022): Shiryaev-Roberts sums of betting factors 1 + λ(x − p), each of which
has mean 1 while the expectation p holds, whatever p is. Their average over several λ reaches ``1 ÷ rate`` on
average no sooner than after ``1 ÷ rate`` observations, however often one looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FALSE_ALARM_RATE = 0.001
_BETS = np.array([-0.8, -0.4, -0.2, 0.2, 0.4, 0.8])


@dataclass(frozen=True)
class Drift:
    """``alarm_at``: index of the first observation at which the alarm went (None: it did not).

    ``evidence`` is the detector's last value as a share of its limit; ``observed`` and ``expected`` are the means
    since ``since``, from which on the departure shows most.
    """

    alarm_at: int | None
    evidence: float
    since: int
    observed: float
    expected: float
    n: int

    @property
    def alarmed(self) -> bool:
        return self.alarm_at is not None


def drift(happened: ArrayLike, expected: ArrayLike, rate: float = FALSE_ALARM_RATE) -> Drift:
    """``happened`` (n,): 0 or 1 in order of time; ``expected`` (n,): the probability that was given before.

    On average at most ``rate`` false alarms an observation.
    """
    x, p = np.asarray(happened, dtype=float), np.asarray(expected, dtype=float)
    if not x.size:
        return Drift(None, 0.0, 0, float("nan"), float("nan"), 0)
    gains = np.log1p(np.outer(x - p, _BETS)).cumsum(axis=0)
    before = np.vstack([np.zeros(_BETS.size), gains[:-1]])
    # Σ_j Π_{i≥j} = exp(gain) × Σ_j exp(−gain before j), in logarithms.
    sums = np.logaddexp.accumulate(-before, axis=0) + gains
    level = np.logaddexp.reduce(sums, axis=1) - np.log(_BETS.size) + np.log(rate)
    crossed = np.flatnonzero(level >= 0)
    bet = int(sums[-1].argmax())
    since = int(before[:, bet].argmin())
    return Drift(
        alarm_at=int(crossed[0]) if crossed.size else None,
        evidence=float(np.exp(min(level[-1], 700.0))),
        since=since,
        observed=float(x[since:].mean()),
        expected=float(p[since:].mean()),
        n=int(x.size),
    )
