"""``clearance``: goods of which much lies in stock and nothing is sold.

One task card a product: a better place, and a lower price only where the cost is known and the margin stays above
the floor. What is only out of season, new, or thinly sold but thinly stocked is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, Target
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.economics import minor_units
from growth_pipelines.recommenders.money import WINDOW_DAYS, money
from growth_pipelines.recommenders.phrases import Chance, phrases
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
from growth_pipelines.recommenders.reorders import SOURCE
from growth_pipelines.recommenders.stock import floor_price, turnover_band
from growth_pipelines.recommenders.stock_outlook import HISTORY_DAYS, StockOutlook

_RESTING_DAYS = 84
_YEAR = 364
# A belief, until outcomes correct it: how near to an ordinary product's sales a slow one comes when shown well.
_REACHED_LOW, _REACHED, _REACHED_HIGH = 0.05, 0.4, 1.5


def clearances(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> list[ActionDraft]:
    """Drafts for the products that :func:`find_slow_movers` names."""
    found = find_slow_movers(frames, context, config, outlook)
    waits = resting(frames["past_actions"], "merch_playbook", "clearance", _RESTING_DAYS, context.as_of)
    found = most_worth(found[~found["product_id"].isin(waits)], "product_id", config.max_drafts)
    minor = minor_units(frames["shop"])
    return [_draft(rows, context, config, minor) for _, rows in found.groupby("product_id", sort=True)]


def find_slow_movers(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> pd.DataFrame:
    """The variants of slow products, a row each: those of ``stock`` with stock_left (the product's), expected
    (units in the next ``slow_cover_days``), chance (that those do not use the stock up), usual (what an ordinary
    product of the shop sells in 28 days), floor_cents (the lowest price; NaN: cost unknown) and worth."""
    rows, demand = outlook.rows.copy(), outlook.demand
    ahead = demand.over(context.as_of.weekday(), config.slow_cover_days)
    rows["expected"], rows["expected_variance"] = ahead.mean, ahead.variance
    sums = rows.groupby("product_id")[["expected", "expected_variance", "daily"]].transform("sum")
    counted = rows["available"].clip(lower=0).where(rows["is_counted"], 0.0)
    rows["stock_left"] = counted.groupby(rows["product_id"]).transform("sum")
    age = frames["stock_age"].set_index("product_id")
    facts = age.reindex(rows["product_id"])
    old = pd.to_datetime(facts["published_on"]).to_numpy() <= np.datetime64(
        context.as_of - timedelta(days=HISTORY_DAYS)
    )
    unsold = pd.to_numeric(facts["units_28d"]).to_numpy(float) == 0
    # What a whole year took, in season and out of it, the next may take again.
    year = pd.to_numeric(facts["units_year"]).to_numpy(float) / _YEAR
    out_of_season = year * config.slow_cover_days >= rows["stock_left"].to_numpy(float)
    rows["chance"] = _not_used_up(sums, rows["stock_left"].to_numpy(float))
    rows["product_daily"] = sums["daily"]
    rows["usual"] = _usual(rows)
    rows["floor_cents"] = floor_price(rows["cost_cents"], config.margin_floor)
    rows["worth"] = counted * rows["price"]
    slow = unsold & old & ~out_of_season & (rows["stock_left"] > config.slow_units).to_numpy()
    certain = (rows["chance"] >= config.slow_chance).to_numpy()
    # Shown well it would sell no more than it is expected to anyway: nothing is won.
    gains = (rows["usual"] * _REACHED > rows["product_daily"] * WINDOW_DAYS).to_numpy()
    return rows[slow & certain & gains & rows["is_counted"] & (counted > 0)].copy()


def _usual(rows: pd.DataFrame) -> pd.Series:
    """Units in 28 days of an ordinary product at each row's price: the mean's pieces, and no more money."""
    money = (rows["daily"] * rows["price"]).groupby(rows["product_id"]).sum().mean() * WINDOW_DAYS
    pieces = rows.groupby("product_id")["daily"].sum().mean() * WINDOW_DAYS
    return (money / rows["price"].where(rows["price"] > 0)).clip(upper=pieces).astype(float).fillna(0.0)


def _not_used_up(sums: pd.DataFrame, stock: np.ndarray) -> np.ndarray:
    """P(demand of the product, all variants together, stays under its stock)."""
    from growth_pipelines.recommenders.demand import Outlook

    whole = Outlook(sums["expected"].to_numpy(float), sums["expected_variance"].to_numpy(float))
    return np.asarray(1.0 - whole.above(stock - 1.0), float)


def _draft(
    rows: pd.DataFrame, context: RecommenderContext, config: MerchPlaybookConfig, minor: float
) -> ActionDraft:
    copy = phrases("merch_playbook")["clearance"]
    first = rows.iloc[0]
    floors = rows["floor_cents"].to_numpy(float) / minor
    lowest = np.minimum(floors, rows["price"].to_numpy(float))
    # A price that is at the floor already can't be lowered.
    priced = bool(np.isfinite(floors).all() and (lowest < rows["price"]).all())
    left = float(rows["stock_left"].iloc[0])
    facts = {
        "name": first["product_title"],
        "left": left,
        "value": money(float((rows["available"] * rows["price"]).sum()), context.currency),
        "days": config.slow_cover_days,
        "expected": float(rows["expected"].sum()),
        "chance": Chance(first["chance"]),
        "margin": config.margin_floor,
        "prices": _prices(rows, lowest, copy, context) if priced else "",
        "usual": float(first["usual"]),
    }
    why_not = (
        "" if priced else copy["unknown_cost" if not np.isfinite(floors).all() else "at_floor"].format(**facts)
    )
    steps = [*copy["task"]["steps"], *(copy["task"]["priced"] if priced else copy["task"]["unpriced"])]
    draft, diff = task({**copy["task"], "steps": steps}, {**facts, "why_not": why_not})
    if priced:
        draft["floor_prices"] = [
            {"variant_gid": str(gid), "price": round(float(price), 2)}
            for gid, price in zip(rows["variant_id"], lowest, strict=True)
        ]
    finding = Finding(
        subtype="clearance",
        target=Target(
            type="product",
            gid=str(first["product_id"]),
            url=context.url_of(str(first["page_key"])),
            handle=str(first["handle"]),
        ),
        copy=copy,
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=_evidence(rows, facts, why_not, context),
        checks=_checks(facts, why_not),
        gain=_gain(rows, lowest if priced else rows["price"].to_numpy(float), left),
        certainty=float(first["chance"]),
        promise=UNPROVEN,
        priority="low",
        # A price is a promise: it is never lowered without a person.
        risk_tier="medium" if priced else "low",
        labels=("manual", "discount" if priced else "placement"),
    )
    return drafted("merch_playbook", SOURCE, finding, context)


def _gain(rows: pd.DataFrame, prices: np.ndarray, left: float) -> Gain:
    """Units more than now when the product comes near to what an ordinary one sells, at most what is there."""
    usual = float(rows["usual"].iloc[0])
    now = float(rows["product_daily"].iloc[0]) * WINDOW_DAYS
    low, mean, high = (min(max(usual * part - now, 0.0), left) for part in (_REACHED_LOW, _REACHED, _REACHED_HIGH))
    return Gain("units", "units in 28 days", mean, low, high, float(np.average(prices, weights=rows["available"])))


def _prices(rows: pd.DataFrame, lowest: np.ndarray, copy: Mapping[str, Any], context: RecommenderContext) -> str:
    named = zip(rows["sku"].fillna(rows["variant_title"]), lowest, strict=True)
    return "; ".join(
        copy["price"].format(which=which, price=f"{context.currency} {price:,.2f}") for which, price in named
    )


def _evidence(
    rows: pd.DataFrame, facts: Mapping[str, Any], why_not: str, context: RecommenderContext
) -> tuple[Evidence, ...]:
    names = phrases("merch_playbook")["clearance"]["evidence"]
    stock = EvidenceDesk("marts.dim_product_variants", context.as_of, context.as_of)
    sold = EvidenceDesk("marts.fct_product_daily", *last_window(context))
    past = EvidenceDesk("marts.fct_order_lines", *last_window(context, HISTORY_DAYS))
    cost = float(rows["cost_cents"].mean()) if rows["cost_cents"].notna().all() else None
    price = float(rows["price_cents"].mean())
    return (
        stock.row(names["left"], facts["left"], "units", note=names["left_note"].format(**facts)),
        sold.row(names["sold"], 0, "units"),
        past.row(names["expected"], facts["expected"], "units", note=names["expected_note"].format(**facts)),
        past.row(names["turnover"], float(rows["turnover"].iloc[0]), "times a year", note=_band(rows, names)),
        past.row(names["usual"], facts["usual"], "units", note=names["usual_note"]),
        stock.row(names["margin"], None if cost is None else 1 - cost / price, "ratio", facts["margin"], why_not),
    )


def _band(rows: pd.DataFrame, names: Mapping[str, str]) -> str:
    band, abc = str(turnover_band(rows["turnover"].iloc[0])), str(rows["abc"].iloc[0])
    return names["turnover_note"].format(band=band, abc=abc)


def _checks(facts: Mapping[str, Any], why_not: str) -> tuple[CheckRun, ...]:
    notes = phrases("merch_playbook")["clearance"]["checks"]
    return (
        CheckRun(name="not out of season", passed=True, note=notes["season"].format(**facts)),
        CheckRun(name="stock outlasts demand", passed=True, note=notes["chance"].format(**facts)),
        CheckRun(name="margin floor", passed=True, note=why_not or notes["floor"].format(**facts)),
    )
