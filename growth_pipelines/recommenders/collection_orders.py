"""``collection_order``: collections whose last products are bought more readily than their first.

Compared are the ten products at either end that can be bought. An order is proposed only when the difference is
credible; it moves what is credibly better or worse and leaves the rest as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, FieldChange, Target
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.conversions import chance_above, with_posterior
from growth_pipelines.recommenders.economics import PageEconomics, economics_by_page
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
)
from growth_pipelines.recommenders.reorders import HISTORY_DAYS, SOURCE
from growth_pipelines.recommenders.stock_outlook import StockOutlook

ENDS = 10
MANUAL = "MANUAL"
# Rates within a step of each other are taken for equal, so that a day's orders more or less move nothing.
_STEP = np.log(1.5)
# Beliefs, until outcomes correct them, each somewhere in its range: how fast attention falls with the place, as a
# power of it, and which share of the better mix turns into orders that would not have been placed otherwise.
_ATTENTION, _CARRIED = (0.2, 0.8), (0.25, 0.75)
_DRAWS, _SEED = 500, 5
_LOW, _HIGH = 0.05, 0.95


def collection_orders(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
    _: StockOutlook,
) -> list[ActionDraft]:
    """Drafts for the collections that :func:`find_misplaced` names, those with most visits first."""
    members = members_of(frames)
    found = find_misplaced(members, config)
    waits = resting(frames["past_actions"], "merch_playbook", "collection_order", WINDOW_DAYS, context.as_of)
    economics = economics_of_collections(frames)
    found = found[~found.index.isin(waits)]
    found = found.assign(visits=[_visits(economics, key) for key in found["page_key"]])
    found = found[found["visits"] > 0].sort_values("visits", ascending=False, kind="stable")
    found = found.head(config.max_drafts)
    groups = dict(list(members[members["collection_id"].isin(found.index)].groupby("collection_id", sort=False)))
    drafts = (_draft(row, groups[row["collection_id"]], economics, context, config) for row in _records(found))
    return [draft for draft in drafts if draft is not None]


def members_of(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of ``collection_products`` in their order with orders, visits, alpha, beta and rate of the product,
    its title and whether it ``is_offered``: for sale, and in stock as far as that is known."""
    sold = with_posterior(frames["sell_through"])
    available = pd.to_numeric(sold["available"], errors="coerce")
    sold = sold.assign(is_offered=(available.isna() | (available > 0)) & sold["rate"].notna())
    wanted = ["product_id", "title", "margin_rate", "orders", "visits", "alpha", "beta", "rate", "is_offered"]
    rows = frames["collection_products"].merge(sold[wanted], on="product_id", how="left")
    rows["is_offered"] = rows["is_offered"].astype("boolean").fillna(False).astype(bool)
    return rows.sort_values(["collection_id", "product_position"], kind="stable").reset_index(drop=True)


def economics_of_collections(frames: Mapping[str, pd.DataFrame]) -> dict[str, PageEconomics]:
    """Economics by page_key, of collections only."""
    pages = frames["performance"]
    pages = pages[pages["page_key"].isin(frames["collection_products"]["page_key"])]
    return economics_by_page(pages, frames["shop"])


def find_misplaced(members: pd.DataFrame, config: MerchPlaybookConfig) -> pd.DataFrame:
    """Collections whose last products convert more than ``order_ratio`` × the first: a row each, by collection_id,
    with the means and variances of both ends, orders and visits of them, ratio and chance."""
    offered = members[members["is_offered"]]
    offered = offered.assign(variance=offered["alpha"] / offered["beta"] ** 2)
    group = offered.groupby("collection_id", sort=True)
    place, size = group.cumcount(), group["product_id"].transform("size")
    large = size >= 2 * ENDS
    columns = ["rate", "variance", "orders", "visits"]
    ends = {
        name: offered[large & part].groupby("collection_id")[columns].sum().add_prefix(f"{name}_")
        for name, part in (("first", place < ENDS), ("last", place >= size - ENDS))
    }
    facts = members.groupby("collection_id")[
        ["page_key", "collection_handle", "collection_title", "sort_order", "products"]
    ].first()
    known = members.groupby("collection_id").size()
    found = facts.join(ends["first"], how="inner").join(ends["last"])
    # An order is written whole: all that the collection holds must be known.
    found = found[known.reindex(found.index) == found["products"]]
    for name in ("first", "last"):
        found[f"{name}_rate"] /= ENDS
        found[f"{name}_variance"] /= ENDS**2
    found["ratio"] = found["last_rate"] / found["first_rate"]
    last, first = (
        (found[f"{name}_rate"].to_numpy(float), found[f"{name}_variance"].to_numpy(float))
        for name in ("last", "first")
    )
    found["chance"] = chance_above(last, first, config.order_ratio)
    return found[(found["ratio"] > config.order_ratio) & (found["chance"] >= config.order_chance)]


def proposed_order(members: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Positions of one collection's rows in the order to be: what sells best first, equals as they stand, and last
    what can't be bought now."""
    offered = members["is_offered"].to_numpy(bool)
    rate = members["rate"].to_numpy(float)
    usual = np.median(rate[offered])
    steps = np.zeros(len(rate))
    steps[offered] = np.round(np.log(rate[offered] / usual) / _STEP)
    return np.lexsort((np.arange(len(rate)), -steps, ~offered))


def expected_lift(members: pd.DataFrame, order: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Mean, low and high of the relative gain in a collection's orders: rates drawn from their posteriors, the
    fall of attention and the share that is carried over from the beliefs."""
    rng = np.random.default_rng(_SEED)
    offered = members["is_offered"].to_numpy(bool)
    alpha, beta = (np.where(offered, members[name], 1.0) for name in ("alpha", "beta"))
    rates = rng.gamma(alpha, 1 / beta, (_DRAWS, len(alpha))) * offered
    falls = -rng.uniform(*_ATTENTION, (_DRAWS, 1))
    attention = np.arange(1, len(alpha) + 1) ** falls
    now, then = (attention * rates).sum(axis=1), (attention * rates[:, order]).sum(axis=1)
    lift = (then / now - 1) * rng.uniform(*_CARRIED, _DRAWS)
    return np.maximum([lift.mean(), *np.quantile(lift, (_LOW, _HIGH))], 0.0)


def _visits(economics: Mapping[str, PageEconomics], key: str) -> float:
    known = economics.get(key)
    return (known.sessions or 0.0) if known else 0.0


def _records(found: pd.DataFrame) -> list[dict[Any, Any]]:
    return found.reset_index().to_dict("records")


def _draft(
    row: Mapping[Any, Any],
    members: pd.DataFrame,
    economics: Mapping[str, PageEconomics],
    context: RecommenderContext,
    config: MerchPlaybookConfig,
) -> ActionDraft | None:
    order = proposed_order(members)
    if (order == np.arange(len(order))).all():
        return None
    value = economics[str(row["page_key"])]
    lift, low, high = expected_lift(members, order)
    orders = value.conversion * row["visits"]
    gain = Gain("orders", "orders in 28 days", orders * lift, orders * low, orders * high, value.order_value)
    facts = {
        "name": row["collection_title"],
        "ratio": row["ratio"],
        "first": row["first_rate"],
        "last": row["last_rate"],
        "moved": int((order != np.arange(len(order))).sum()),
        "products": len(order),
        "visits": row["visits"],
        "lift": lift,
        "sort_order": str(row["sort_order"]).lower().replace("_", " "),
        "leading": ", ".join(f"“{name}”" for name in members["title"].to_numpy()[order[:3]]),
        "threshold": config.order_ratio,
        "chance": Chance(row["chance"]),
        **{name: row[name] for name in ("first_orders", "last_orders", "first_visits", "last_visits")},
    }
    copy = phrases("merch_playbook")["collection_order"]
    draft, diff = _content(str(row["sort_order"]), members, order)
    finding = Finding(
        subtype="collection_order",
        target=Target(
            type="collection",
            gid=str(row["collection_id"]),
            url=context.url_of(str(row["page_key"])),
            handle=str(row["collection_handle"]),
        ),
        copy=copy,
        facts=facts,
        draft=draft,
        diff=diff,
        evidence=_evidence(facts, economics[str(row["page_key"])], context),
        checks=_checks(facts),
        gain=gain,
        promise=UNPROVEN,
        certainty=float(row["chance"]) * value.basis_factor,
        ease="setting",
    )
    return drafted("merch_playbook", SOURCE, finding, context)


def _content(
    sort_order: str, members: pd.DataFrame, order: npt.NDArray[np.int64]
) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    """The draft {order, sort_order where it isn't by hand yet}, and its diff."""
    wanted, change = placed(members, order)
    draft: dict[str, Any] = {"order": wanted}
    changes = [change]
    if sort_order != MANUAL:
        draft["sort_order"] = MANUAL
        changes = [FieldChange(field="collection.sort_order", before=sort_order, after=MANUAL), *changes]
    return draft, tuple(changes)


def placed(members: pd.DataFrame, order: npt.NDArray[np.int64]) -> tuple[list[str], FieldChange]:
    """A collection's handles in ``order`` (positions of its rows), and the change with the products' titles."""
    before = [str(handle) for handle in members["handle"]]
    after = [before[place] for place in order]
    known = members[members["title"].notna()]
    names = {str(handle): str(title) for handle, title in zip(known["handle"], known["title"], strict=True)}
    return after, FieldChange(
        field="collection.order", before="\n".join(before), after="\n".join(after), names=names
    )


def _evidence(facts: Mapping[str, Any], value: PageEconomics, context: RecommenderContext) -> tuple[Evidence, ...]:
    names = phrases("merch_playbook")["collection_order"]["evidence"]
    sold = EvidenceDesk("marts.fct_product_daily", *last_window(context, HISTORY_DAYS))
    page = EvidenceDesk("marts.fct_page_performance", *last_window(context))
    return (
        sold.row(names["last"], facts["last"], "orders per visit", facts["first"], names["last_note"]),
        sold.row(names["orders"], facts["last_orders"], "orders", facts["first_orders"], names["orders_note"]),
        sold.row(names["seen"], facts["last_visits"], "visits", facts["first_visits"], names["orders_note"]),
        sold.row(names["chance"], float(facts["chance"]), "ratio", note=names["chance_note"].format(**facts)),
        page.row(names["visits"], facts["visits"], "sessions", note=value.basis),
        page.row(names["conversion"], value.conversion, "orders per visit"),
        page.row(names["value"], value.order_value, context.currency),
    )


def _checks(facts: Mapping[str, Any]) -> tuple[CheckRun, ...]:
    notes = phrases("merch_playbook")["collection_order"]["checks"]
    return (
        CheckRun(name="more than chance", passed=True, note=notes["chance"].format(**facts)),
        CheckRun(name="thin products are taken for ordinary ones", passed=True, note=notes["thin"]),
        CheckRun(name="nothing that is sold out leads", passed=True, note=notes["stock"]),
    )
