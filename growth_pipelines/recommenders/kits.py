"""Kits: three or more products each two of which are bought together far oftener than by chance.

Kits are groups in which every pair is linked (cliques of the graph of strong pairs). Finding the best ones is hard
in general, so each is grown from the strongest pair that is left, by the part whose weakest link is strongest; a
product is in one kit at most. Pairs and links are limited, so the time is too, however dense the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from growth_pipelines.recommenders.context import GuidedSellingConfig
from growth_pipelines.recommenders.likeness import SAME_WORDS, likeness
from growth_pipelines.recommenders.offered import SALES_DAYS
from growth_pipelines.recommenders.proposals import resting
from growth_pipelines.recommenders.stock import days_of_cover, floor_price

LEAST_PARTS = 3
_RESTING_DAYS = 84
# The strongest pairs that are looked at, and the strongest links of a product.
_MOST_PAIRS, _MOST_LINKS = 5_000, 12
Kit = tuple[str, ...]
Pair = tuple[str, str]


def goods_of(
    frames: Mapping[str, pd.DataFrame], wanted: Iterable[str], config: GuidedSellingConfig
) -> pd.DataFrame:
    """Which of the ``wanted`` products can be a part of a kit, by product_id: one variant of it with price_cents,
    cost_cents, floor_cents, is_counted and available (inf where it isn't). Left out is what has too little stock,
    does not last or earns little.

    The variant is the first of those with half of the best one's stock or more, so that it is the same tomorrow.
    """
    stock, sold = frames["stock"], frames["product_orders"]
    rows = stock[stock["product_id"].isin(set(wanted))].drop_duplicates("variant_id").copy()
    for name in ("available", "price_cents", "cost_cents"):
        rows[name] = pd.to_numeric(rows[name], errors="coerce").astype(float)
    rows["is_counted"] = rows["is_tracked"].astype("boolean").fillna(True).astype(bool) & rows["available"].notna()
    # What isn't counted is there as long as it is sold.
    rows["available"] = rows["available"].clip(lower=0).where(rows["is_counted"], np.inf)
    product = rows.groupby("product_id")["available"]
    total, most = product.sum(), product.transform("max")
    rows = rows[rows["available"] >= most / 2].sort_values("variant_id", kind="stable")
    best = rows.drop_duplicates("product_id").set_index("product_id", drop=False)
    best["floor_cents"] = floor_price(best["cost_cents"], config.kit_margin)
    units = sold[sold["product_id"].isin(best.index)].set_index("product_id")["units"].astype(float)
    daily = units.reindex(best.index).fillna(0.0).to_numpy() / SALES_DAYS
    lasts = days_of_cover(total.reindex(best.index).to_numpy(), daily) >= config.min_cover_days
    earns = best["floor_cents"].isna() | (best["floor_cents"] <= best["price_cents"])
    return best[lasts & earns & (best["price_cents"] > 0) & (best["available"] >= config.kit_stock)]


def strong_pairs(pairs: pd.DataFrame, config: GuidedSellingConfig) -> pd.DataFrame:
    """The rows of ``bundle_pairs`` that may be links of a kit, with ``strength`` = √(P(A|B)·P(B|A)), which
    popularity alone does not raise."""
    both = pairs["orders_both"].to_numpy(float)
    confidence, reverse = (both / pairs[name].to_numpy(float) for name in ("orders_product", "orders_paired"))
    strong = (
        (both > config.kit_orders)
        & (pairs["buyers_both"].to_numpy(float) > config.kit_orders)
        & (pairs["lift"].to_numpy(float) >= config.kit_lift)
        & (confidence > config.kit_confidence)
        & (reverse >= config.kit_reverse)
        # Hardly ever sold one without the other: a set already.
        & ~((confidence >= config.sold_as_one) & (reverse >= config.sold_as_one))
    )
    return pairs[strong].assign(strength=np.sqrt(confidence * reverse)[strong])


def links_of(pairs: pd.DataFrame, goods: pd.DataFrame) -> pd.DataFrame:
    """The strongest of the strong ``pairs`` of which both are ``goods`` and no versions of each other."""
    found = pairs[pairs["product_id"].isin(goods.index) & pairs["paired_product_id"].isin(goods.index)]
    found = found.sort_values(
        ["strength", "product_id", "paired_product_id"], ascending=[False, True, True], kind="stable"
    )
    found = found.drop_duplicates(["product_id", "paired_product_id"]).head(_MOST_PAIRS)
    titles = goods["product_title"].to_dict()
    apart = [
        likeness(str(titles[one]), str(titles[other])) < SAME_WORDS
        for one, other in zip(found["product_id"], found["paired_product_id"], strict=True)
    ]
    return found[np.array(apart, bool)]


def cliques(pairs: Iterable[tuple[str, str, float]], most: int) -> list[Kit]:
    """Groups of three to ``most`` products with a link between each two, none in two groups, strongest first.

    ``pairs`` are (one, other, strength), the strongest first.
    """
    near: dict[str, dict[str, float]] = {}
    links: list[Pair] = []
    for one, other, strength in pairs:
        if min(len(near.get(one, ())), len(near.get(other, ()))) >= _MOST_LINKS:
            continue
        near.setdefault(one, {})[other] = near.setdefault(other, {})[one] = strength
        links.append((one, other))
    taken: set[str] = set()
    found = []
    for one, other in links:
        if one in taken or other in taken:
            continue
        members = [one, other]
        common = (near[one].keys() & near[other].keys()) - taken
        while common and len(members) < most:
            best = min(common, key=lambda part: (-min(near[part][member] for member in members), part))
            members.append(best)
            common &= near[best].keys()
        if len(members) >= LEAST_PARTS:
            taken |= set(members)
            found.append(tuple(members))
    return found


def find_kits(frames: Mapping[str, pd.DataFrame], config: GuidedSellingConfig) -> list[Kit]:
    """The kits that could be offered, whatever was done before."""
    if frames["bundle_pairs"].empty:
        return []
    pairs = strong_pairs(frames["bundle_pairs"], config)
    links = links_of(pairs, goods_of(frames, {*pairs["product_id"], *pairs["paired_product_id"]}, config))
    named = zip(links["product_id"], links["paired_product_id"], links["strength"], strict=True)
    return cliques(named, config.kit_parts)


def open_kits(kits: list[Kit], past: pd.DataFrame, as_of: date) -> list[Kit]:
    """Those without a part that a kit or a bundle, done or turned down lately, was known by.

    Past actions hold one product each: of a kit the part with the least id, of a bundle its rarer part. The others
    may come in another kit.
    """
    waits = resting(past, "guided_selling", "kit_rule", _RESTING_DAYS, as_of)
    waits |= resting(past, "merch_playbook", "bundle", _RESTING_DAYS, as_of)
    return [kit for kit in kits if waits.isdisjoint(kit)]


def pairs_in_kits(frames: Mapping[str, pd.DataFrame], config: GuidedSellingConfig, as_of: date) -> set[Pair]:
    """The pairs, in both directions, that no bundle should repeat: those of all kits that the frames give, but for
    kits that rest and were not made.

    Whether a card was drafted for a kit (limits and caps may hold it back) makes no difference.
    """
    past = frames["past_actions"]
    kits = find_kits(frames, config)
    made = resting(past[past["state"] != "rejected"], "guided_selling", "kit_rule", _RESTING_DAYS, as_of)
    covering = {*open_kits(kits, past, as_of), *(kit for kit in kits if not made.isdisjoint(kit))}
    return {(one, other) for kit in covering for one in kit for other in kit if one != other}
