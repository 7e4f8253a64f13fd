"""``feature``: products that visitors buy far more readily than their neighbours, and no collection shows early.

They go to the front of the collection with most visits, where its products are placed by hand; elsewhere a person
is asked to. A collection that is to be ordered as a whole is left to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, FieldChange, Target
from growth_pipelines.recommenders.collection_orders import (
    MANUAL,
    economics_of_collections,
    expected_lift,
    find_misplaced,
    members_of,
    placed,
)
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.conversions import chance_above
from growth_pipelines.recommenders.economics import PageEconomics
from growth_pipelines.recommenders.money import WINDOW_DAYS
from growth_pipelines.recommenders.phrases import Chance, phrases
from growth_pipelines.recommenders.proposals import (
    UNPROVEN,
    EvidenceDesk,
    Finding,
    Gain,
    drafted,
    last_window,
    resting,
    task,
)
from growth_pipelines.recommenders.reorders import HISTORY_DAYS, SOURCE
from growth_pipelines.recommenders.stock_outlook import StockOutlook

# Themes show about so many products on a collection's first page.
FIRST_PAGE = 24
_MOST_TOGETHER = 3


def features(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    outlook: StockOutlook,
) -> list[ActionDraft]:
    """One draft a collection, with the products that :func:`find_hidden_sellers` names for it."""
    members = members_of(frames)
    economics = economics_of_collections(frames)
    found = find_hidden_sellers(members, config, economics, outlook)
    waits = resting(frames["past_actions"], "merch_playbook", "feature", WINDOW_DAYS, context.as_of)
    found = found[~found["collection_id"].isin(waits)]
    visited = found.drop_duplicates("collection_id").nlargest(config.max_drafts, "page_visits")["collection_id"]
    groups = dict(list(members[members["collection_id"].isin(visited)].groupby("collection_id", sort=False)))
    return [
        _draft(rows.nlargest(_MOST_TOGETHER, "rate"), groups[name], economics, context, config)
        for name, rows in found[found["collection_id"].isin(visited)].groupby("collection_id", sort=True)
    ]


def find_hidden_sellers(
    members: pd.DataFrame,
    config: MerchPlaybookConfig,
    economics: Mapping[str, PageEconomics],
    outlook: StockOutlook,
) -> pd.DataFrame:
    """Rows of ``members`` to feature, each product once, in the collection with most visits: with mean (the
    collection's rate), ratio, chance, mean_margin and page_visits."""
    rows = members.copy()
    offered = rows["is_offered"]
    group = rows["collection_id"]
    place = rows.groupby("collection_id").cumcount()
    early = rows.loc[offered & (place < FIRST_PAGE), "product_id"].unique()
    whole = rows[offered].groupby("collection_id")[["orders", "visits"]].sum()
    rows["mean"] = _of_group(group, whole["orders"] / whole["visits"].where(whole["visits"] > 0))
    rows["margin_rate"] = pd.to_numeric(rows["margin_rate"], errors="coerce").astype(float)
    margins = rows[offered].groupby("collection_id")["margin_rate"].mean()
    rows["mean_margin"] = _of_group(group, margins)
    rows["ratio"] = rows["rate"] / rows["mean"]
    sold = (rows["rate"].to_numpy(float), (rows["alpha"] / rows["beta"] ** 2).to_numpy(float))
    usual = (rows["mean"].to_numpy(float), np.zeros(len(rows)))
    with np.errstate(invalid="ignore", divide="ignore"):
        rows["chance"] = chance_above(sold, usual, config.feature_ratio)
    pages = rows.drop_duplicates("collection_id").set_index("collection_id")["page_key"]
    visits = [(economics[key].sessions or 0.0) if key in economics else 0.0 for key in pages]
    rows["page_visits"] = _of_group(group, pd.Series(visits, index=pages.index, dtype=float))
    complete = _of_group(group, rows.groupby("collection_id").size()) == rows["products"]
    chosen = (
        offered
        & ~rows["product_id"].isin(early)
        & (rows["ratio"] > config.feature_ratio)
        & (rows["chance"] >= config.order_chance)
        & (rows["margin_rate"] > rows["mean_margin"])
        & (rows["page_visits"] > 0)
        & complete
        & ~group.isin(find_misplaced(members, config).index)
        & ~rows["product_id"].isin(_short(outlook.rows))
    )
    best = rows[chosen].sort_values("page_visits", ascending=False, kind="stable")
    return best.drop_duplicates("product_id")


def _of_group(group: pd.Series, values: pd.Series) -> pd.Series:
    """The value of each row's group; of no rows too, which pandas takes for text."""
    return group.map(values).astype(float)


def _short(rows: pd.DataFrame) -> pd.Series:
    """What would be sold out soon is not put in front."""
    return rows.loc[rows["is_counted"] & (rows["urgency"] != "low"), "product_id"]


def _draft(
    found: pd.DataFrame,
    members: pd.DataFrame,
    economics: Mapping[str, PageEconomics],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
) -> ActionDraft:
    copy = phrases("merch_playbook")["feature"]
    first = found.iloc[0]
    ahead = members["product_id"].isin(found["product_id"]).to_numpy()
    order = np.lexsort((np.arange(len(ahead)), -members["rate"].fillna(0).to_numpy() * ahead, ~ahead))
    value = economics[str(first["page_key"])]
    orders = value.conversion * float(first["page_visits"])
    lift, low, high = expected_lift(members, order)
    facts = {
        "name": first["collection_title"],
        "products": ", ".join(f"“{title}”" for title in found["title"]),
        "ratio": float(first["ratio"]),
        "threshold": config.feature_ratio,
        "chance": Chance(found["chance"].min()),
        "first_page": FIRST_PAGE,
        "visits": float(first["page_visits"]),
        "margin": float(first["margin_rate"]),
        "mean_margin": float(first["mean_margin"]),
    }
    by_hand = first["sort_order"] == MANUAL
    draft: dict[str, Any]
    if by_hand:
        wanted, change = placed(members, order)
        draft = {"order": wanted}
        diff: tuple[FieldChange, ...] = (change,)
    else:
        draft, diff = task(copy["task"], facts)
    finding = Finding(
        subtype="feature",
        target=Target(
            type="collection",
            gid=str(first["collection_id"]),
            url=context.url_of(str(first["page_key"])),
            handle=str(first["collection_handle"]),
        ),
        copy={**copy, "rollback": copy["rollback"] if by_hand else copy["task"]["rollback"]},
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=_evidence(first, facts, value, context),
        checks=_checks(facts),
        gain=Gain("orders", "orders in 28 days", orders * lift, orders * low, orders * high, value.order_value),
        promise=UNPROVEN,
        certainty=float(found["chance"].min()) * value.basis_factor,
        ease="setting" if by_hand else "task_card",
        priority="low",
    )
    return drafted("merch_playbook", SOURCE, finding, context)


def _evidence(
    first: pd.Series, facts: Mapping[str, Any], value: PageEconomics, context: RecommenderContext
) -> tuple[Evidence, ...]:
    names = phrases("merch_playbook")["feature"]["evidence"]
    sold = EvidenceDesk("marts.fct_product_daily", *last_window(context, HISTORY_DAYS))
    goods = EvidenceDesk("marts.dim_products", context.as_of, context.as_of)
    page = EvidenceDesk("marts.fct_page_performance", *last_window(context))
    return (
        sold.row(names["rate"], first["rate"], "orders per visit", first["mean"], names["rate_note"]),
        sold.row(names["orders"], first["orders"], "orders"),
        goods.row(names["margin"], facts["margin"], "ratio", facts["mean_margin"], names["rate_note"]),
        page.row(names["visits"], facts["visits"], "sessions", note=value.basis),
    )


def _checks(facts: Mapping[str, Any]) -> tuple[CheckRun, ...]:
    notes = phrases("merch_playbook")["feature"]["checks"]
    return (
        CheckRun(name="more than chance", passed=True, note=notes["chance"].format(**facts)),
        CheckRun(name="not shown early yet", passed=True, note=notes["early"].format(**facts)),
        CheckRun(name="enough in stock", passed=True, note=notes["stock"]),
    )
