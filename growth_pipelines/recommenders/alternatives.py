"""Which products are a better choice than another: the same thing, dearer, earning more, and bought as readily.

What a product is and fits is known from its words alone, so those must agree (likeness.py); everything else is
arithmetic over all pairs of versions at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from growth_pipelines.actions.recommended_products import products_of
from growth_pipelines.recommenders.context import GuidedSellingConfig
from growth_pipelines.recommenders.conversions import chance_above, with_posterior
from growth_pipelines.recommenders.economics import PROXY
from growth_pipelines.recommenders.likeness import makeup
from growth_pipelines.recommenders.offered import Prices, for_sale, prices_of, visible

# For each draft that a run may make, so many products are looked at for better ones, those that earn most first.
_LOOKED_AT = 5
Indices = npt.NDArray[np.intp]


def find_alternatives(frames: Mapping[str, pd.DataFrame], config: GuidedSellingConfig) -> pd.DataFrame:
    """A row for each product (product_id) and each better one (paired_product_id) that its page does not show yet,
    the best first, with ``chance`` that it is bought as readily per visit, ``more`` that it earns (major units),
    and of both, as ``a_…`` and ``b_…``: title, price, margin, earned, is_known, visits, orders, rate, available.

    Empty where visits can't be read: clicks of searchers say nothing of how many have seen a page.
    """
    goods = _goods(frames, config)
    pairs = _dearer(goods, config) if len(goods) else pd.DataFrame(columns=["product_id"])
    if pairs.empty:
        return pairs
    pairs = pairs[~_bought_together(pairs, frames["affinity"], config)]
    pairs = pairs.assign(expected=pairs["more"] * pairs["chance"]).sort_values(
        ["product_id", "expected", "paired_product_id"], ascending=[True, False, True], kind="stable"
    )
    kept = []
    for product_id, group in groupby(pairs.to_dict("records"), key=lambda row: str(row["product_id"])):
        shown = {*goods.at[product_id, "shown"], *goods.at[product_id, "companions"]}
        room = config.max_alternatives - len(goods.at[product_id, "shown"])
        kept += [row for row in group if row["paired_product_id"] not in shown][: max(0, room)]
    return pd.DataFrame(kept, columns=pairs.columns)


def _goods(frames: Mapping[str, pd.DataFrame], config: GuidedSellingConfig) -> pd.DataFrame:
    """Products with a type, a price and enough visits and orders, by id; ``is_offered``: for sale."""
    products = frames["products"].drop_duplicates("product_id").set_index("product_id", drop=False)
    shop = frames["shop"]
    if products.empty or str(shop.iloc[0].get("conversion_basis") or PROXY) == PROXY:
        return products.iloc[:0]
    prices: Prices = prices_of(products, shop, config)
    sold = with_posterior(frames["sell_through"]).drop_duplicates("product_id").set_index("product_id")
    goods = products.assign(
        is_offered=for_sale(products, frames["product_orders"], config),
        price=products["price_min_cents"].astype(float) / prices.minor,
        is_known=products["margin_rate"].notna(),
        margin=products["margin_rate"].astype(float).fillna(prices.margin),
    ).join(sold[["visits", "orders", "alpha", "beta", "rate"]])
    goods["earned"] = goods["price"] * goods["margin"]
    goods = goods[
        visible(products, frames["pages"])
        & goods["product_type"].fillna("").ne("")
        & (goods["price"] > 0)
        & (goods["visits"] >= config.upsell_visits)
        & (goods["orders"] >= config.upsell_orders)
        & goods["rate"].notna()
    ].sort_index()
    grades = frozenset(word.lower() for word in config.upsell_grades)
    return goods.assign(
        makeup=[makeup(str(title), grades) for title in goods["title"]],
        shown=[products_of(text) for text in goods["related_products"]],
        companions=[products_of(text) for text in goods["complementary_products"]],
    )


def _dearer(goods: pd.DataFrame, config: GuidedSellingConfig) -> pd.DataFrame:
    """All pairs of versions of one thing, in the band of prices, where the dearer one is no smaller, earns more
    and is bought as readily, as far as that is known."""
    least = goods["is_offered"] & (goods["margin"] >= config.min_margin)
    worth = (goods["earned"] * goods["orders"]).to_numpy(float)
    looked_at = np.zeros(len(goods), bool)
    looked_at[np.argsort(-worth, kind="stable")[: _LOOKED_AT * config.max_drafts]] = True
    price = goods["price"].to_numpy(float)
    a, b = [np.empty(0, int)], [np.empty(0, int)]
    places: dict[tuple[str, Any], list[int]] = {}
    for place, (kind, one) in enumerate(zip(goods["product_type"], goods["makeup"], strict=True)):
        places.setdefault((str(kind), one.kind), []).append(place)
    for members in places.values():
        if len(members) > 1:
            all_of = np.array(members)
            ones = all_of[looked_at[all_of]]
            others = all_of[least.to_numpy()[all_of]]
            for found, of in zip(_in_band(ones, others, price, config), (a, b), strict=True):
                of.append(found)
    return _sold_as_readily(goods, np.concatenate(a), np.concatenate(b), config)


def _in_band(
    ones: Indices, others: Indices, price: npt.NDArray[np.float64], config: GuidedSellingConfig
) -> tuple[Indices, Indices]:
    """The pairs of ``ones`` with those of the ``others`` whose price is in the band above theirs."""
    others = others[np.argsort(price[others], kind="stable")]
    # A cent is not missed for a rounding error.
    first = np.searchsorted(price[others], price[ones] * (1 + config.upsell_from) - 1e-9, "left")
    last = np.searchsorted(price[others], price[ones] * (1 + config.upsell_to) + 1e-9, "right")
    count = np.maximum(last - first, 0)
    start = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    return np.repeat(ones, count), others[start + np.arange(count.sum())]


def _sold_as_readily(goods: pd.DataFrame, a: Indices, b: Indices, config: GuidedSellingConfig) -> pd.DataFrame:
    earned, alpha, beta = (goods[name].to_numpy(float) for name in ("earned", "alpha", "beta"))
    more = earned[b] - earned[a]
    earns_more = (more > 0) & (earned[b] >= (1 + config.upsell_gain) * earned[a])
    rates, spreads = alpha / beta, alpha / beta**2
    chance = chance_above((rates[b], spreads[b]), (rates[a], spreads[a]), 1.0)
    sizes = goods["makeup"].to_numpy()
    kept = earns_more & (chance >= config.upsell_chance)
    kept[kept] = [sizes[other].is_no_less_than(sizes[one]) for one, other in zip(a[kept], b[kept], strict=True)]
    a, b = a[kept], b[kept]
    told = ["title", "price", "margin", "earned", "is_known", "visits", "orders", "rate", "available"]
    ids = goods.index.to_numpy()
    return pd.DataFrame(
        {
            "product_id": ids[a],
            "paired_product_id": ids[b],
            "chance": chance[kept],
            "more": more[kept],
            **{f"a_{name}": goods[name].to_numpy()[a] for name in told},
            **{f"b_{name}": goods[name].to_numpy()[b] for name in told},
        }
    )


def _bought_together(
    pairs: pd.DataFrame, affinity: pd.DataFrame, config: GuidedSellingConfig
) -> npt.NDArray[np.bool_]:
    """Which pairs buyers take both of, oftener than by chance: companions, and no choice between them."""
    both = affinity["orders_both"].astype(float)
    chance = affinity["orders_product"].astype(float) * affinity["orders_paired"] / affinity["orders_total"]
    often = affinity[(both > config.min_orders_both) & (both >= config.min_lift * chance)]
    known = pd.MultiIndex.from_frame(often[["product_id", "paired_product_id"]])
    return pd.MultiIndex.from_frame(pairs[["product_id", "paired_product_id"]]).isin(known)
