"""``bundle``: products that are bought together far more often than by chance, offered as one.

A bundle has no stock of its own: it can be sold as often as its scarcest part lasts. A lower price for it is named
only where both costs are known and the margin stays above the floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, Target
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.economics import minor_units
from growth_pipelines.recommenders.kits import pairs_in_kits
from growth_pipelines.recommenders.money import WINDOW_DAYS, money
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.proposals import (
    UNPROVEN,
    EvidenceDesk,
    Finding,
    Gain,
    drafted,
    last_window,
    most_worth,
    resting,
    task,
)
from growth_pipelines.recommenders.reorders import HISTORY_DAYS, SOURCE
from growth_pipelines.recommenders.stock import bundle_stock, floor_price
from growth_pipelines.recommenders.stock_outlook import StockOutlook

LEAST_STOCK = 5
_RESTING_DAYS = 84
# A belief, until outcomes correct it: how many of those who buy one part alone now take the bundle.
_TAKEN_LOW, _TAKEN, _TAKEN_HIGH = 0.01, 0.05, 0.15


def bundles(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> list[ActionDraft]:
    """Drafts for the pairs that :func:`find_bundles` names."""
    found = find_bundles(frames, context, config, outlook)
    waits = resting(frames["past_actions"], "merch_playbook", "bundle", _RESTING_DAYS, context.as_of)
    found = most_worth(found[~found["product_id"].isin(waits)], "product_id", config.max_drafts)
    return [_draft(row, context, config) for _, row in found.iterrows()]


def find_bundles(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> pd.DataFrame:
    """Rows of ``bundle_pairs`` to offer, a product's best one: with stock (bundles that can be sold), price,
    floor (major units; NaN where a cost is unknown), alone (units expected in 28 days without the other) and
    worth."""
    goods = _goods(frames, config, outlook)
    pairs = frames["bundle_pairs"]
    a, b = (goods.reindex(pairs[name]) for name in ("product_id", "paired_product_id"))
    parts = np.stack([a["available"].fillna(0).to_numpy(), b["available"].fillna(0).to_numpy()], axis=-1)
    found = pairs.assign(
        stock=bundle_stock(parts, np.ones(2)),
        price=a["price"].to_numpy() + b["price"].to_numpy(),
        paired_price=b["price"].to_numpy(),
        floor=a["floor"].to_numpy() + b["floor"].to_numpy(),
        alone=a["daily"].to_numpy() * WINDOW_DAYS * (1 - pairs["confidence"].to_numpy(float)),
        is_lasting=a["is_lasting"].eq(True).to_numpy() & b["is_lasting"].eq(True).to_numpy(),
    )
    found["worth"] = found["alone"] * found["paired_price"]
    # What is offered as a kit of three or more is not offered as two as well.
    kits = pairs_in_kits(frames, context.guided_selling, context.as_of)
    named = zip(found["product_id"], found["paired_product_id"], strict=True)
    in_kit = np.array([pair in kits for pair in named], bool)
    chosen = (
        (found["confidence"] > config.bundle_confidence)
        & (found["orders_both"] > config.bundle_orders)
        & (found["lift"] >= config.bundle_lift)
        & (found["stock"] >= LEAST_STOCK)
        & found["is_lasting"]
        & (found["worth"] > 0)
        & ~in_kit
    )
    best = found[chosen].sort_values(["worth", "paired_product_id"], ascending=[False, True], kind="stable")
    return best.drop_duplicates("product_id")


def _goods(frames: Mapping[str, pd.DataFrame], config: MerchPlaybookConfig, outlook: StockOutlook) -> pd.DataFrame:
    """By product: what its best-stocked variant has, the lowest price, the floor, daily units, if it lasts."""
    rows = outlook.rows.copy()
    # What isn't counted is there as long as it is sold.
    rows["available"] = rows["available"].clip(lower=0).where(rows["is_counted"], np.inf)
    rows["floor"] = floor_price(rows["cost_cents"], config.margin_floor) / minor_units(frames["shop"])
    rows["floor"] = rows["floor"].fillna(np.inf)
    product = rows.groupby("product_id")
    found = product.agg(
        available=("available", "max"),
        total=("available", "sum"),
        price=("price", "min"),
        floor=("floor", "max"),
        daily=("daily", "sum"),
    )
    found["floor"] = found["floor"].where(np.isfinite(found["floor"]))
    found["is_lasting"] = found["total"] >= found["daily"] * config.medium_days
    return found


def _draft(row: pd.Series, context: RecommenderContext, config: MerchPlaybookConfig) -> ActionDraft:
    copy = phrases("merch_playbook")["bundle"]
    known = not pd.isna(row["floor"])
    lower = known and float(row["floor"]) < float(row["price"])
    counted = math.isfinite(row["stock"])
    facts: dict[str, Any] = {
        "name": row["title"],
        "paired": row["paired_title"],
        "confidence": float(row["confidence"]),
        "lift": float(row["lift"]),
        "both": int(row["orders_both"]),
        "stock": float(row["stock"]),
        "stock_told": copy["stock_counted" if counted else "stock_free"].format(stock=row["stock"]),
        "q_value": float(row["q_value"]),
        # Affinity counts orders from the first one on.
        "since": min(pd.Timestamp(row["since"]).date(), last_window(context)[1]),
        "price": f"{context.currency} {float(row['price']):,.2f}",
        "floor": f"{context.currency} {float(row['floor']):,.2f}" if lower else "",
        "margin": config.margin_floor,
        "alone": float(row["alone"]),
        "paired_price": money(float(row["paired_price"]), context.currency),
    }
    which = "lower" if lower else "at_floor" if known else "unknown_cost"
    steps = [*copy["task"]["steps"], copy["task"][which]]
    draft, diff = task({**copy["task"], "steps": steps}, facts)
    draft["parts"] = [
        {"product_gid": str(row[name]), "quantity": 1} for name in ("product_id", "paired_product_id")
    ]
    low, mean, high = (min(facts["alone"] * part, facts["stock"]) for part in (_TAKEN_LOW, _TAKEN, _TAKEN_HIGH))
    finding = Finding(
        subtype="bundle",
        target=Target(
            type="product",
            gid=str(row["product_id"]),
            url=context.url_of(str(row["page_key"])),
            handle=str(row["handle"]),
        ),
        copy=copy,
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=_evidence(facts, copy["task"][which].format(**facts), context),
        checks=(
            CheckRun(name="more than chance", passed=True, note=copy["checks"]["chance"].format(**facts)),
            CheckRun(name="never oversold", passed=True, note=copy["checks"]["stock"].format(**facts)),
        ),
        gain=Gain("units", "units in 28 days", mean, low, high, float(row["paired_price"])),
        certainty=1 - float(row["q_value"]),
        promise=UNPROVEN,
        priority="low",
        risk_tier="medium" if lower else "low",
        labels=("manual",),
    )
    return drafted("merch_playbook", SOURCE, finding, context)


def _evidence(facts: Mapping[str, Any], price_note: str, context: RecommenderContext) -> tuple[Evidence, ...]:
    names = phrases("merch_playbook")["bundle"]["evidence"]
    pairs = EvidenceDesk("marts.fct_product_affinity", facts["since"], last_window(context)[1])
    sold = EvidenceDesk("marts.fct_order_lines", *last_window(context, HISTORY_DAYS))
    stock = EvidenceDesk("marts.dim_product_variants", context.as_of, context.as_of)
    return (
        pairs.row(
            names["confidence"], facts["confidence"], "ratio", note=names["confidence_note"].format(**facts)
        ),
        pairs.row(names["lift"], facts["lift"], "times", 1.0, names["lift_note"]),
        pairs.row(names["both"], facts["both"], "orders"),
        sold.row(names["alone"], facts["alone"], "units"),
        stock.row(
            names["stock"],
            facts["stock"] if math.isfinite(facts["stock"]) else None,
            "bundles",
            note=f"{names['stock_note' if math.isfinite(facts['stock']) else 'free_note']} {price_note}",
        ),
    )
