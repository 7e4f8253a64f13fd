"""How often customers buy again: the BG/NBD family, fitted by maximum likelihood.

While active a customer buys at a rate of their own, λ ~ Gamma(r, α), and leaves for good after any purchase with
a chance of their own, p ~ Beta(a, b). Fader, Hardie & Lee (2005, BG/NBD) let nobody leave at the first purchase;
Batislam, Denizel & Filiztekin (2007, MBG/NBD) do, so that one who bought once long ago is not active for sure.
One gamma distribution pulls the heaviest buyers (wholesale) too far to the middle: where the data say so there
are two classes of customers with rates of their own, a latent-class mixture.

Times are days; x repeat purchases, t_x the time of the last and T the present, both since the first purchase.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.warehouse.lifetime_value.likelihood import minimum

FloatArray = NDArray[np.float64]

# A Gaussian prior on the logarithm of every parameter, around a tenth of the longest age for times: no weight
# beside hundreds of customers, and a finite answer where the likelihood is flat (nobody ever left).
_PRIOR = 0.05
# Beyond so many customers the error of the parameters is far below that of the model.
_FIT_AT_MOST = 30_000
_TINY = 1e-300


@dataclass(frozen=True)
class Records:
    """x, t_x and T of many customers. ``counts`` are the distinct x, of which ``place`` is each customer's:
    the costly functions depend on x alone."""

    x: FloatArray
    t_x: FloatArray
    age: FloatArray
    counts: FloatArray
    place: NDArray[np.intp]

    @classmethod
    def of(cls, x: FloatArray, t_x: FloatArray, age: FloatArray) -> Records:
        counts, place = np.unique(x, return_inverse=True)
        return cls(x, t_x, age, counts, place)

    def in_units(self, days: float) -> Records:
        return Records(self.x, self.t_x / days, self.age / days, self.counts, self.place)

    def by_count(self, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """``function`` of every customer's x, computed once a value."""
        return np.asarray(function(self.counts))[self.place]


@dataclass(frozen=True)
class PurchaseModel:
    """``rates``: (r, α in days) of each class, ``weights`` their shares; ``may_leave_at_first``: MBG/NBD.

    ``log_likelihood`` is that of the ``customers`` it was fitted to.
    """

    rates: tuple[tuple[float, float], ...]
    weights: tuple[float, ...]
    a: float
    b: float
    may_leave_at_first: bool = True
    log_likelihood: float = float("nan")
    customers: int = 0

    @property
    def name(self) -> str:
        family = "MBG/NBD" if self.may_leave_at_first else "BG/NBD"
        return family if len(self.rates) == 1 else f"{family}, {len(self.rates)} classes"

    @property
    def bic(self) -> float:
        """Schwarz' criterion: the lower the better."""
        free = 3 * len(self.rates) + 1
        return free * float(np.log(max(self.customers, 1))) - 2 * self.log_likelihood

    def survived(self, x: FloatArray) -> FloatArray:
        """How many chances to leave a customer who is active has not taken."""
        return x + self.may_leave_at_first

    def state(self, records: Records) -> tuple[FloatArray, FloatArray]:
        """P(class c and still active), classes × customers (its sum over classes is P(active)), and E(λ), the
        purchases a day while active, of each customer."""
        from scipy.special import expit, softmax

        parts = [_terms(r, alpha, self.a, self.b, self.may_leave_at_first, records) for r, alpha in self.rates]
        joint = np.stack([part.log_likelihood for part in parts]) + np.log(self.weights)[:, None]
        members = softmax(joint, axis=0)
        rates = np.stack([(r + records.x) / (alpha + records.age) for r, alpha in self.rates])
        active = members * np.stack([expit(-part.log_odds) for part in parts])
        return np.asarray(active), np.asarray((members * rates).sum(axis=0))

    def expected_by_class(self, x: FloatArray, age: FloatArray, horizon: float) -> FloatArray:
        """E(purchases in the next ``horizon`` days | class c, active), classes × customers.

        Fader, Hardie & Lee (2005), eq. 10, after Pfaff's transformation of the hypergeometric function.
        """
        from scipy.special import hyp2f1

        # The formula has a removable singularity at a = 1.
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        top = a + self.b + self.survived(x) - 1
        return np.stack(
            [top / (a - 1) * (1 - hyp2f1(r + x, a - 1, top, -horizon / (alpha + age))) for r, alpha in self.rates]
        )


@dataclass(frozen=True)
class _Terms:
    """Of one class: log likelihood, log odds of having left, log((α + T) / (α + t_x)); each one a customer."""

    log_likelihood: FloatArray
    log_odds: FloatArray
    log_ratio: FloatArray


def _terms(r: float, alpha: float, a: float, b: float, may_leave_at_first: bool, records: Records) -> _Terms:
    from scipy.special import betaln, gammaln

    x, log_now = records.x, np.log(alpha + records.age)
    log_ratio = log_now - np.log(alpha + records.t_x)

    def leaving(n: FloatArray) -> FloatArray:
        """log of the odds to leave at the last chance, given that none before was taken."""
        k = n + may_leave_at_first
        return np.where(k > 0, np.log(a / np.maximum(b + k - 1, _TINY)), -np.inf)

    def counted(n: FloatArray) -> FloatArray:
        return gammaln(r + n) - gammaln(r) + betaln(a, b + n + may_leave_at_first) - betaln(a, b)

    log_odds = records.by_count(leaving) + (r + x) * log_ratio
    log_likelihood = (
        records.by_count(counted) + r * np.log(alpha) - (r + x) * log_now + np.logaddexp(0.0, log_odds)
    )
    return _Terms(log_likelihood, log_odds, log_ratio)


def _slopes(
    r: float, alpha: float, a: float, b: float, may_leave_at_first: bool, records: Records
) -> tuple[_Terms, list[FloatArray]]:
    """The terms of one class, and the derivatives of its log likelihood by log r, log α, log a, log b."""
    from scipy.special import digamma, expit

    terms = _terms(r, alpha, a, b, may_leave_at_first, records)
    x, now, then = records.x, alpha + records.age, alpha + records.t_x
    left = expit(terms.log_odds)

    def by_b(n: FloatArray) -> FloatArray:
        return digamma(b + n) - digamma(b) + digamma(a + b) - digamma(a + b + n)

    def last_chance(n: FloatArray) -> FloatArray:
        k = n + may_leave_at_first
        return np.where(k > 0, 1 / np.maximum(b + k - 1, _TINY), 0.0)

    by_r = records.by_count(lambda n: digamma(r + n) - digamma(r) + np.log(alpha)) - np.log(now)
    by_alpha = r / alpha - (r + x) / now + left * (r + x) * (1 / now - 1 / then)
    by_a = records.by_count(lambda n: digamma(a + b) - digamma(a + b + n + may_leave_at_first)) + left / a
    slopes_b = records.by_count(lambda n: by_b(n + may_leave_at_first)) - left * records.by_count(last_chance)
    return terms, [(by_r + left * terms.log_ratio) * r, by_alpha * alpha, by_a * a, slopes_b * b]


def penalised(
    theta: FloatArray, records: Records, weight: FloatArray, may_leave_at_first: bool
) -> tuple[float, FloatArray]:
    """Minus the penalised log likelihood and its gradient. ``theta``: log r and log α of each class, log a,
    log b, then the log share of each class but the last against the last. ``weight``: customers a record."""
    from scipy.special import log_softmax, logsumexp

    classes = len(theta) // 3
    shares = log_softmax(np.append(theta[2 * classes + 2 :], 0.0))
    a, b = np.exp(theta[2 * classes : 2 * classes + 2])
    parts = [
        _slopes(r, alpha, a, b, may_leave_at_first, records)
        for r, alpha in np.exp(theta[: 2 * classes]).reshape(classes, 2)
    ]
    joint = np.stack([terms.log_likelihood for terms, _ in parts]) + shares[:, None]
    total = logsumexp(joint, axis=0)
    gradient = np.zeros_like(theta)
    for c, (_, slopes) in enumerate(parts):
        members = np.exp(joint[c] - total) * weight
        places = [2 * c, 2 * c + 1, 2 * classes, 2 * classes + 1]
        # Sums, as BLAS would start threads for each of these short products.
        gradient[places] += [float((members * slope).sum()) for slope in slopes]
        if c < classes - 1:
            gradient[2 * classes + 2 + c] = members.sum() - weight.sum() * np.exp(shares[c])
    value = float((weight * total).sum()) - _PRIOR * float(theta @ theta)
    return -value, -(gradient - 2 * _PRIOR * theta)


def fit_purchases(x: FloatArray, t_x: FloatArray, age: FloatArray) -> PurchaseModel:
    """The member of the family that describes these customers best by Schwarz' criterion."""
    records, weight = _counted(x, t_x, age)
    fitted = []
    for may_leave_at_first in (True, False):
        one = _fit(records, weight, 1, may_leave_at_first)
        fitted += [one, _fit(records, weight, 2, may_leave_at_first, near=one)]
    return min(fitted, key=lambda model: model.bic)


def fit_family(
    x: FloatArray, t_x: FloatArray, age: FloatArray, *, classes: int, may_leave_at_first: bool
) -> PurchaseModel:
    """One given member of the family."""
    records, weight = _counted(x, t_x, age)
    one = _fit(records, weight, 1, may_leave_at_first)
    return one if classes == 1 else _fit(records, weight, classes, may_leave_at_first, near=one)


def _counted(x: FloatArray, t_x: FloatArray, age: FloatArray) -> tuple[Records, FloatArray]:
    """The distinct records and how many customers have each; of very many customers every n-th."""
    order = np.lexsort([x, t_x, age])
    rows = np.column_stack([x, t_x, age])[order[:: -(-len(x) // _FIT_AT_MOST)]]
    new = np.append(True, (np.diff(rows, axis=0) != 0).any(axis=1))
    starts = np.flatnonzero(new)
    weight = np.diff(np.append(starts, len(rows))).astype(float)
    return Records.of(*(np.ascontiguousarray(column) for column in rows[starts].T)), weight


def _fit(
    records: Records,
    weight: FloatArray,
    classes: int,
    may_leave_at_first: bool,
    near: PurchaseModel | None = None,
) -> PurchaseModel:
    """Maximum of the penalised likelihood. Times are scaled, so that the prior knows no unit."""
    unit = max(float(records.age.max()), 1.0) / 10
    objective = partial(
        penalised, records=records.in_units(unit), weight=weight, may_leave_at_first=may_leave_at_first
    )
    theta = minimum(objective, _starts(classes, near, unit), float(weight.sum()))
    value, _ = objective(theta)
    shares = np.exp(np.append(theta[2 * classes + 2 :], 0.0))
    rates = np.exp(theta[: 2 * classes]).reshape(classes, 2) * [1.0, unit]
    a, b = np.exp(theta[2 * classes : 2 * classes + 2])
    # x waiting times are densities: a day more or less as the unit changes their likelihood.
    in_days = -value + _PRIOR * float(theta @ theta) - float(weight @ records.x) * float(np.log(unit))
    return PurchaseModel(
        rates=tuple((float(r), float(alpha)) for r, alpha in rates),
        weights=tuple(float(share) for share in shares / shares.sum()),
        a=float(a),
        b=float(b),
        may_leave_at_first=may_leave_at_first,
        log_likelihood=in_days,
        customers=int(weight.sum()),
    )


def _starts(classes: int, near: PurchaseModel | None, unit: float) -> list[FloatArray]:
    if near is None:
        return [np.array([-0.5, 0.0, -0.5, 0.5])]
    (r, alpha), leaving = near.rates[0], [np.log(near.a), np.log(near.b)]
    usual = [np.log(r), np.log(alpha / unit)]
    # A small class that buys several times as often, more or less alike among itself than all are.
    others = classes - 1
    return [
        np.array([*usual, *[usual[0] + more, usual[1] - faster] * others, *leaving, *[1.5] * others])
        for more, faster in ((0.5, 0.75), (1.0, 0.0))
    ]
