"""What a purchase is worth: the Gamma-Gamma model (Fader & Hardie 2013), which may depend on how often one buys.

A customer's purchases scatter as Gamma(p, ν) around a mean of their own, and ν ~ Gamma(q, γ) over customers. The
plain model takes spending and frequency for unrelated; in shops with wholesale customers they are not. Here γ
grows with the customer's purchase rate to the power β; β = 0 is the plain model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.warehouse.lifetime_value.likelihood import minimum

FloatArray = NDArray[np.float64]

_PRIOR = 0.05
# Zero means "depends on nothing", which the data must argue against.
_PRIOR_POWER = 5.0
_FIT_AT_MOST = 50_000


@dataclass(frozen=True)
class SpendModel:
    """``rate``: the purchase rate (a day) at which γ holds; p, q without unit, gamma in the unit of amounts."""

    p: float
    q: float
    gamma: float
    power: float
    rate: float

    def scale(self, rate: FloatArray, total: FloatArray) -> FloatArray:
        """γ of each customer's own rate plus what they have spent: future spending is proportional to it."""
        return np.asarray(self.gamma * (rate / self.rate) ** self.power + total)

    def mean(self, scale: FloatArray, purchases: FloatArray) -> FloatArray:
        """Expected value of one further purchase, from ``purchases`` so far and their :meth:`scale`."""
        return np.asarray(self.p * scale / (self.p * purchases + self.q - 1))


@dataclass(frozen=True)
class Spendings:
    """Of each customer: how many purchases, the sum of their amounts and of the amounts' logarithms, and the
    purchase rate (a day). All that the likelihood of the single amounts needs."""

    purchases: FloatArray
    total: FloatArray
    logs: FloatArray
    rate: FloatArray


def fit_spend(spendings: Spendings) -> SpendModel:
    """By maximum likelihood of every single amount: means alone, as usual, do not tell scatter within customers
    from differences between them where all buy equally often. Customers without a purchase are left out."""
    known = np.flatnonzero(spendings.purchases > 0)
    if not known.size:
        return SpendModel(p=1.0, q=2.0, gamma=0.0, power=0.0, rate=1.0)
    known = known[:: -(-known.size // _FIT_AT_MOST)]
    n, total, logs, rate = (
        values[known] for values in (spendings.purchases, spendings.total, spendings.logs, spendings.rate)
    )
    unit, usual = float(np.median(total / n)), float(np.exp(np.log(rate).mean()))
    scaled = Spendings(n, total / unit, logs - n * np.log(unit), np.log(rate / usual))
    # Purchases that scatter much, and little; γ so that the mean of all is the median.
    starts = [np.array([log_p, 1.0, 1.0 - log_p, 0.0]) for log_p in (0.5, 3.0)]
    theta = minimum(lambda at: penalised(at, scaled), starts, float(n.sum()))
    p, q_less, gamma = np.exp(theta[:3])
    return SpendModel(float(p), 1 + float(q_less), float(gamma) * unit, float(theta[3]), usual)


def penalised(theta: FloatArray, spendings: Spendings) -> tuple[float, FloatArray]:
    """Minus the penalised log likelihood of amounts and its gradient by log p, log(q − 1), log γ and β.

    ``spendings.rate`` holds the logarithm of each rate against the usual one. q > 1, as the expected value of a
    purchase must exist.
    """
    from scipy.special import digamma, gammaln

    p, q_less, gamma = np.exp(theta[:3])
    q, power = 1 + q_less, theta[3]
    n, logs, log_rate = spendings.purchases, spendings.logs, spendings.rate
    log_own = np.log(gamma) + power * log_rate
    own = np.exp(log_own)
    spent = own + spendings.total
    log_spent = np.log(spent)
    likelihood = (p - 1) * logs - n * gammaln(p) + gammaln(p * n + q) - gammaln(q) + q * log_own
    likelihood = likelihood - (p * n + q) * log_spent
    by_p = logs - n * digamma(p) + n * (digamma(p * n + q) - log_spent)
    by_q = digamma(p * n + q) - digamma(q) + log_own - log_spent
    by_log_own = q - (p * n + q) * own / spent
    gradient = np.array([by_p.sum() * p, by_q.sum() * q_less, by_log_own.sum(), (by_log_own * log_rate).sum()])
    strength = np.array([_PRIOR, _PRIOR, _PRIOR, _PRIOR_POWER])
    return float(-likelihood.sum() + strength @ theta**2), -gradient + 2 * strength * theta
