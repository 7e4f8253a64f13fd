"""``reorder``: products that run out before an order placed today arrives, with how much to order.

One task card a product, with a line for each variant that is short. What is out of stock but was never wanted is
left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, Priority, Target
from growth_pipelines.recommenders.cells import text
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.money import WINDOW_DAYS, day
from growth_pipelines.recommenders.phrases import Chance, phrases
from growth_pipelines.recommenders.proposals import (
    EvidenceDesk,
    Finding,
    Gain,
    drafted,
    last_window,
    most_worth,
    resting,
    task,
)
from growth_pipelines.recommenders.stock import order_step, reorder_point
from growth_pipelines.recommenders.stock_outlook import StockOutlook

SOURCE = "merch_playbook@1"
HISTORY_DAYS = 84
_URGENCIES: tuple[Priority, ...] = ("critical", "high", "medium")
# A product that runs out, or is out and will be asked for, with less probability than this is not offered.
LEAST_SURE = 0.5
# The ends of the 90 % interval.
_LOW, _HIGH = 0.05, 0.95


def reorders(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> list[ActionDraft]:
    """Drafts for the products that :func:`find_reorders` names."""
    found = find_reorders(outlook, context, config)
    waits = resting(frames["past_actions"], "merch_playbook", "reorder", context.lead_time_days, context.as_of)
    found = most_worth(found[~found["product_id"].isin(waits)], "product_id", config.max_drafts)
    return [_draft(rows, context, config) for _, rows in found.groupby("product_id", sort=True)]


def find_reorders(outlook: StockOutlook, context: RecommenderContext, config: MerchPlaybookConfig) -> pd.DataFrame:
    """The variants to order, a row each: those of ``stock`` with daily, daily_sd, cover, urgency, reorder_point,
    stockout (probability to run out before delivery; of what is out: to be asked for before the 28 days after
    delivery end), quantity, lost units (of the 28 days after delivery, if nothing
    is ordered) with lost_variance, and price in major units."""
    demand, first = outlook.demand, context.as_of.weekday()
    arriving, later = (
        demand.over(first, context.lead_time_days),
        demand.over(first, context.lead_time_days + WINDOW_DAYS),
    )
    rows = outlook.rows.copy()
    position = (rows["available"] + rows["incoming"]).clip(lower=0).to_numpy(float)
    z = _normal_quantile(config.service_level)
    rows["reorder_point"] = reorder_point(demand.rate, context.lead_time_days, z, demand.daily_sd)
    rows["stockout"] = np.where(position > 0, arriving.above(position), later.above(0.0 * position))
    rows["lost"] = later.excess(position) - arriving.excess(position)
    share = rows["lost"] / np.maximum(later.mean - arriving.mean, 1e-9)
    rows["lost_variance"] = share * (later.variance - arriving.variance)
    short = (position <= rows["reorder_point"]) & rows["urgency"].isin(_URGENCIES) & (rows["units"] > 0)
    # Sales on so many days are needed of the product, not of each variant.
    enough = rows.groupby("product_id")["sale_days"].transform("sum") >= config.min_sale_days
    chosen = short & enough & rows["is_counted"]
    found = rows[chosen].copy()
    wanted = demand.over(first, context.lead_time_days + config.cover_days)
    level = wanted.mean[chosen] + z * np.sqrt(wanted.variance[chosen])
    found["quantity"] = order_step(np.ceil(level) - position[chosen])
    sure = 1 - (1 - found["stockout"]).groupby(found["product_id"]).transform("prod")
    found["sure"], found["worth"] = sure, found["lost"] * found["price"] * sure
    return _with_interval(found[sure >= LEAST_SURE])


def _with_interval(found: pd.DataFrame) -> pd.DataFrame:
    """The product's lost units, all variants together, with their 90 % interval: that of a negative binomial."""
    from scipy.stats import nbinom

    whole = found.groupby("product_id")[["lost", "lost_variance"]].transform("sum")
    mean = whole["lost"].clip(lower=1e-9)
    variance = np.maximum(whole["lost_variance"], mean * 1.0001)
    size, chance = mean**2 / (variance - mean), mean / variance
    ends = {name: nbinom.ppf(share, size, chance) for name, share in (("lost_low", _LOW), ("lost_high", _HIGH))}
    return found.assign(product_lost=mean, **ends)


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def _draft(rows: pd.DataFrame, context: RecommenderContext, config: MerchPlaybookConfig) -> ActionDraft:
    copy = phrases("merch_playbook")["reorder"]
    first = rows.iloc[0]
    lines = rows[["variant_id", "sku", "variant_title", "quantity"]].to_dict("records")
    worst = next(name for name in _URGENCIES if (rows["urgency"] == name).any())
    gain = _gain(rows)
    on_hand, daily = float(rows["available"].clip(lower=0).sum()), float(rows["daily"].sum())
    facts: dict[str, Any] = {
        "name": first["product_title"],
        "on_hand": on_hand,
        "incoming": float(rows["incoming"].sum()),
        "daily": daily,
        "cover": on_hand / daily if daily > 0 else 0.0,
        "lead": context.lead_time_days,
        "horizon": context.lead_time_days + WINDOW_DAYS,
        "sure": Chance(rows["sure"].iloc[0]),
        "quantity": int(rows["quantity"].sum()),
        "lost": gain.units,
        "abc": first["abc"],
        "lines": "; ".join(_line(row, copy) for row in lines),
    }
    draft, diff = task(copy["task"], facts)
    draft["lines"] = [
        {"variant_gid": row["variant_id"], "sku": text(row["sku"]), "quantity": int(row["quantity"])}
        for row in lines
    ]
    state = "out" if on_hand <= 0 else "low"
    finding = Finding(
        subtype="reorder",
        target=Target(
            type="product",
            gid=str(first["product_id"]),
            url=context.url_of(str(first["page_key"])),
            handle=str(first["handle"]),
        ),
        copy={**copy, "rationale": copy["rationale"][state], "why_now": copy["why_now"][state]},
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=_evidence(rows, facts, context, config),
        checks=_checks(rows, facts, config),
        gain=gain,
        certainty=float(facts["sure"]),
        priority=worst,
        factors={"stockout_probability": round(facts["sure"], 4)},
        labels=(worst, "manual", f"class {first['abc']}"),
    )
    return drafted("merch_playbook", SOURCE, finding, context)


def _gain(rows: pd.DataFrame) -> Gain:
    """Sales that would be lost, all variants together, at their mean price."""
    mean, low, high = (float(rows[name].iloc[0]) for name in ("product_lost", "lost_low", "lost_high"))
    price = float((rows["lost"] * rows["price"]).sum()) / mean
    return Gain("units", "units in 28 days", mean, low, high, price)


def _line(row: Mapping[Any, Any], copy: Mapping[str, Any]) -> str:
    which = text(row["sku"]) or text(row["variant_title"])
    return str(copy["line"]).format(which=which, quantity=int(row["quantity"]))


def _evidence(
    rows: pd.DataFrame, facts: Mapping[str, Any], context: RecommenderContext, config: MerchPlaybookConfig
) -> tuple[Evidence, ...]:
    names = phrases("merch_playbook")["reorder"]["evidence"]
    sales = EvidenceDesk("marts.fct_order_lines", *last_window(context, HISTORY_DAYS))
    stock = EvidenceDesk("marts.dim_product_variants", context.as_of, context.as_of)
    sigma = float(np.sqrt((rows["daily_sd"] ** 2).sum()))
    state = "out" if facts["on_hand"] <= 0 else "low"
    return (
        stock.row(names["available"], facts["on_hand"], "units", note=names["available_note"].format(**facts)),
        stock.row(
            names["cover"], facts["cover"], "days", baseline=context.lead_time_days, note=names["cover_note"]
        ),
        sales.row(names["daily"], facts["daily"], "units a day", note=names["daily_note"].format(sigma=sigma)),
        sales.row(names["point"], float(rows["reorder_point"].sum()), "units", note=names["point_note"]),
        sales.row(
            names["sold"],
            float(rows["units"].sum()),
            "units",
            note=names["sold_note"].format(abc=rows["abc"].iloc[0]),
        ),
        sales.row(names[state], float(facts["sure"]), "ratio", note=names[f"{state}_note"].format(**facts)),
    )


def _checks(rows: pd.DataFrame, facts: Mapping[str, Any], config: MerchPlaybookConfig) -> tuple[CheckRun, ...]:
    notes = phrases("merch_playbook")["reorder"]["checks"]
    days_out = float(rows["days_out"].sum())
    oldest = pd.to_datetime(rows["stock_read_on"]).min()
    read = notes["read"].format(day=day(oldest.date())) if not pd.isna(oldest) else notes["unread"]
    return (
        CheckRun(name="enough sales", passed=True, note=notes["sales"].format(least=config.min_sale_days)),
        CheckRun(name="days without stock left out", passed=True, note=notes["censored"].format(days=days_out)),
        CheckRun(name="stock is known", passed=not pd.isna(oldest), note=read),
    )
