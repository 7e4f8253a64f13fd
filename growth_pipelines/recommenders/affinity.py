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
    """The rules "who buys A also buys B" that hold: a row each, with q_value, confidence, lift and its 90 % interval.

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
    from scipy import stats

    # The smaller first, so that both directions of a pair come out the same to the last digit.
    sizes = np.sort(pairs[["orders_product", "orders_paired"]].to_numpy(float), axis=1)
    p_values = stats.hypergeom.sf(
        pairs["buyers_both"].to_numpy() - 1, pairs["orders_total"].to_numpy(), sizes[:, 0], sizes[:, 1]
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
