"""Which product is bought with which, beyond chance and popularity: pure statistics over counts of orders.

The family of tests is every pair of products with enough orders, bought together or not (``pairs_tested``): pairs
that the mart leaves out, being together in hardly any order, enter with p = 1.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from growth_pipelines.recommenders.context import GuidedSellingConfig

_COUNTS = ("orders_product", "orders_paired", "orders_both", "buyers_both", "orders_total", "pairs_tested")
# Both ends of a 90 % interval.
TAILS = (0.05, 0.95)


def directed_rules(affinity: pd.DataFrame, config: GuidedSellingConfig) -> pd.DataFrame:
    """The rules "who buys A also buys B" that hold, a row each.

    ``affinity`` has both directions of each pair: product_id (A), paired_product_id (B), orders_product,
    orders_paired, orders_both, buyers_both, orders_total, pairs_tested. Columns added: confidence = P(B|A),
    confidence_low and confidence_high (Jeffreys), reverse = P(A|B), base = P(B), lift, p_value, q_value.
    """
    from scipy import stats

    found = affinity.astype(dict.fromkeys(_COUNTS, float))
    found["q_value"] = _q_values(found)
    found["confidence"] = found["orders_both"] / found["orders_product"]
    found["reverse"] = found["orders_both"] / found["orders_paired"]
    found["base"] = found["orders_paired"] / found["orders_total"]
    found["lift"] = found["confidence"] / found["base"]
    found = found[
        (found["q_value"] <= config.fdr)
        & (found["orders_both"] > config.min_orders_both)
        & (found["confidence"] > config.min_confidence)
        & (found["lift"] >= config.min_lift)
        # Hardly ever sold one without the other: a set that is sold as one, or a shop that adds it by itself.
        & ~((found["confidence"] >= config.sold_as_one) & (found["reverse"] >= config.sold_as_one))
    ].copy()
    both, without = found["orders_both"] + 0.5, found["orders_product"] - found["orders_both"] + 0.5
    for name, tail in zip(("confidence_low", "confidence_high"), TAILS, strict=True):
        found[name] = stats.beta.ppf(tail, both, without)
    return found.reset_index(drop=True)


def _q_values(pairs: pd.DataFrame) -> np.ndarray:
    """One-sided Fisher tests (hypergeometric), corrected after Benjamini and Hochberg over all pairs tested.

    What one buyer does again is no further evidence, so each buyer of both counts once: fewer than there are
    orders, which errs on the safe side. A pair is one test, in whichever direction it is read.
    """
    # The smaller first, so that both directions of a pair come out the same to the last digit.
    sizes = np.sort(pairs[["orders_product", "orders_paired"]].to_numpy(float), axis=1)
    p_values = at_least(
        pairs["buyers_both"].to_numpy(float), pairs["orders_total"].to_numpy(float), sizes[:, 0], sizes[:, 1]
    )
    once = (pairs["product_id"] < pairs["paired_product_id"]).to_numpy()
    tested = pairs["pairs_tested"].to_numpy()
    order = np.sort(p_values[once])
    if not len(order):
        return np.ones(len(pairs))
    family = max(float(tested.max()), float(len(order)))
    scaled = order * family / np.arange(1, len(order) + 1)
    corrected = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(1.0, corrected[np.searchsorted(order, p_values)])


def at_least(both: np.ndarray, total: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """P(at least ``both`` of ``total`` orders hold two products that ``one`` and ``other`` orders hold) by chance.

    The upper tail of the hypergeometric distribution, for all pairs at once: scipy's own goes pair by pair and
    takes a minute for as many as a large shop has. The first term comes from log-gamma, each further one from the
    one before; beyond the mode they shrink faster than geometrically, so few are needed.
    """
    from scipy.special import gammaln

    def chosen(n: np.ndarray, k: np.ndarray) -> np.ndarray:
        found: np.ndarray = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return found

    tail = np.ones(len(both))
    # At or under what chance brings, the tail is no small probability: 1 errs on the safe side.
    live = np.flatnonzero(both * total > one * other)
    k, n, a, b = (values[live].astype(float) for values in (both, total, one, other))
    term = np.exp(chosen(a, k) + chosen(n - a, b - k) - chosen(n, b))
    found = term.copy()
    going = np.arange(len(live))
    while len(going):
        x = k[going]
        term[going] *= (a[going] - x) * (b[going] - x) / ((x + 1) * (n[going] - a[going] - b[going] + x + 1))
        found[going] += term[going]
        k[going] += 1
        going = going[term[going] > found[going] * np.finfo(float).eps]
    tail[live] = np.minimum(1.0, found)
    return tail
