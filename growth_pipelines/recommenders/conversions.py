"""How readily visitors buy each product, and how sure that is: orders a visit with a Gamma posterior.

Orders of a product are Poisson with rate (orders a visit to its page) × visits. Rates have a Gamma prior that the
shop's own products give (empirical Bayes), so that a product with few visits is taken for an ordinary one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
Moments = tuple[FloatArray, FloatArray]
# The prior counts as so many orders, whatever the data say.
_LEAST_SHAPE, _MOST_SHAPE = 0.5, 50.0


def with_posterior(products: pd.DataFrame) -> pd.DataFrame:
    """``products`` with numeric ``orders`` and ``visits``, and Gamma(``alpha``, ``beta``) as the posterior of
    orders a visit, its mean as ``rate``. NaN where the shop has no visits or no orders."""
    rows = products.copy()
    orders, visits = (pd.to_numeric(rows[name]).to_numpy(float) for name in ("orders", "visits"))
    mean = orders.sum() / visits.sum() if visits.sum() > 0 else 0.0
    if mean <= 0:
        return rows.assign(orders=orders, visits=visits, alpha=np.nan, beta=np.nan, rate=np.nan)
    shape = prior_shape(orders, visits, mean)
    alpha, beta = shape + orders, shape / mean + visits
    return rows.assign(orders=orders, visits=visits, alpha=alpha, beta=beta, rate=alpha / beta)


def prior_shape(orders: FloatArray, visits: FloatArray, mean: float) -> float:
    """The Gamma prior's shape by the method of moments: 1 ÷ squared variation of the products' true rates."""
    expected = visits * mean
    excess = float(((orders - expected) ** 2 - expected).sum())
    if excess <= 0:
        return _MOST_SHAPE
    return float(np.clip((expected**2).sum() / excess, _LEAST_SHAPE, _MOST_SHAPE))


def chance_above(a: Moments, b: Moments, ratio: float) -> FloatArray:
    """P(a > ratio × b) of independent positive quantities, taken for log-normal; each is (means, variances)."""
    from scipy.special import ndtr

    (mean, spread), (other, other_spread) = (
        (np.log(means) - np.log1p(variances / means**2) / 2, np.log1p(variances / means**2))
        for means, variances in (a, b)
    )
    deviation = np.maximum(np.sqrt(spread + other_spread), 1e-9)
    return np.asarray(ndtr((mean - other - np.log(ratio)) / deviation), float)
