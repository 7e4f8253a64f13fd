"""``back_in_stock``: what was sold out, is wanted, and has come back: tell those who waited, at most weekly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Target
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.money import WINDOW_DAYS
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
from growth_pipelines.recommenders.reorders import SOURCE
from growth_pipelines.recommenders.stock_outlook import HISTORY_DAYS, StockOutlook

# Nobody waits longer than this for what came back.
NEWS_DAYS = 7
LEAST_DAYS_OUT = 3
# A belief, until outcomes correct it: which share of those who found it sold out comes back when told.
_BACK_LOW, _BACK, _BACK_HIGH = 0.05, 0.2, 0.5


def back_in_stock(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> list[ActionDraft]:
    """Drafts for the products that :func:`find_returned` names."""
    found = find_returned(frames, context, config, outlook)
    waits = resting(
        frames["past_actions"], "merch_playbook", "back_in_stock", config.pulse_rest_days, context.as_of
    )
    found = most_worth(found[~found["product_id"].isin(waits)], "product_id", config.max_drafts)
    return [_draft(row, context) for _, row in found.iterrows()]


def find_returned(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> pd.DataFrame:
    """Products, a row each, that were out on all variants and are not now: product_id, page_key, handle,
    product_title, days_out (of the last 28), last_out, available, daily, missed units, price and worth."""
    rows = outlook.rows
    rows = rows[rows["is_counted"]]
    product = rows.groupby("product_id", sort=True)
    found = product[["page_key", "handle", "product_title"]].first()
    found["variants"] = product.size()
    found[["available", "daily", "sale_days"]] = product[["available", "daily", "sale_days"]].sum()
    found["price"] = product["price"].mean()
    out = frames["days_out"].merge(rows[["variant_id", "product_id"]], on="variant_id")
    out["date_day"] = pd.to_datetime(out["date_day"])
    out = out[out["date_day"] >= pd.Timestamp(context.as_of - timedelta(days=28))]
    days = out.groupby(["product_id", "date_day"]).size().rename("variants_out").reset_index()
    days = days.join(found["variants"], on="product_id")
    days = days[days["variants_out"] >= days["variants"]]
    found = found.join(days.groupby("product_id")["date_day"].agg(days_out="count", last_out="max"), how="inner")
    found["missed"] = found["daily"] * found["days_out"]
    found["worth"] = found["missed"] * found["price"]
    news = pd.to_datetime(found["last_out"]) >= pd.Timestamp(context.as_of - timedelta(days=NEWS_DAYS))
    wanted = (found["sale_days"] >= config.min_sale_days) & (found["days_out"] >= LEAST_DAYS_OUT)
    # What lasts only days more is no news to spread: it would be sold out again before it is read.
    lasting = found["available"] >= np.maximum(found["daily"] * config.medium_days, 1.0)
    return found[news & wanted & lasting].reset_index()


def _draft(row: pd.Series, context: RecommenderContext) -> ActionDraft:
    copy = phrases("merch_playbook")["back_in_stock"]
    facts = {
        "name": row["product_title"],
        "days_out": int(row["days_out"]),
        "available": float(row["available"]),
        "missed": float(row["missed"]),
        "daily": float(row["daily"]),
        "url": context.url_of(str(row["page_key"])),
    }
    draft, diff = task(copy["task"], facts)
    names = copy["evidence"]
    stock = EvidenceDesk("marts.fct_inventory_daily", *last_window(context))
    sold = EvidenceDesk("marts.fct_order_lines", *last_window(context, HISTORY_DAYS))
    low, mean, high = (min(facts["missed"] * part, facts["available"]) for part in (_BACK_LOW, _BACK, _BACK_HIGH))
    finding = Finding(
        subtype="back_in_stock",
        target=Target(type="product", gid=str(row["product_id"]), url=facts["url"], handle=str(row["handle"])),
        copy=copy,
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=(
            stock.row(names["out"], facts["days_out"], "days"),
            stock.row(names["available"], facts["available"], "units"),
            sold.row(names["daily"], facts["daily"], "units a day", note=names["daily_note"]),
        ),
        checks=(
            CheckRun(name="lasts", passed=True, note=copy["checks"]["lasts"]),
            CheckRun(name="at most weekly", passed=True, note=copy["checks"]["weekly"]),
        ),
        gain=Gain("units", "units in 28 days", mean, low, high, float(row["price"])),
        # That anybody wants it in the next 28 days.
        certainty=1 - math.exp(-facts["daily"] * WINDOW_DAYS),
        promise=UNPROVEN,
        labels=("manual",),
    )
    return drafted("merch_playbook", SOURCE, finding, context)
