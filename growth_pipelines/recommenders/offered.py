"""Which products a page may show beside its own, and what one of them earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import FieldChange
from growth_pipelines.actions.recommended_products import ProductList, products_text
from growth_pipelines.recommenders.context import GuidedSellingConfig
from growth_pipelines.recommenders.economics import minor_units

# Days that the orders of a product are counted over (queries/frames/product_orders.sql).
SALES_DAYS = 84


@dataclass(frozen=True)
class Prices:
    """``minor`` units in a major one; ``margin`` stands in for unknown ones, ``known``: whether it was seen."""

    minor: float
    margin: float
    known: bool


def prices_of(products: pd.DataFrame, shop: pd.DataFrame, config: GuidedSellingConfig) -> Prices:
    """The shop's median margin, or the assumed one where it knows no cost at all."""
    known = products["margin_rate"].dropna()
    return Prices(
        minor_units(shop),
        float(known.median()) if len(known) else config.assumed_margin,
        bool(len(known)),
    )


def visible(products: pd.DataFrame, pages: pd.DataFrame) -> pd.Series:
    """Active, with a page in the online store; ``products`` by their id."""
    hidden = pages.loc[~pages["is_published"].fillna(True).astype(bool), "resource_gid"]
    return (products["status"] == "active") & products["page_key"].notna() & ~products.index.isin(set(hidden))


def for_sale(products: pd.DataFrame, product_orders: pd.DataFrame, config: GuidedSellingConfig) -> pd.Series:
    """Of a price, with a variant to sell, and enough of it to be shown: its stock lasts for some days at the
    present pace. Stock that is not counted always does."""
    stocked = products["variants_out"].fillna(0) < products["variants"]
    units = product_orders.set_index("product_id")["units"].astype(float)
    needed = products.index.to_series().map(units).fillna(0.0) / SALES_DAYS * config.min_cover_days
    available = products["available"].astype(float)
    lasts = available.isna() | (available <= 0) | (available >= needed)
    return stocked & lasts & (products["price_min_cents"].fillna(0) > 0)


def put_behind(
    kept_in: ProductList, kept: Sequence[str], added: Sequence[str], titles: Mapping[str, str]
) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    """The draft, and its diff, that puts the products ``added`` behind the ``kept`` ones of a list. Products are
    ids; one without a title in ``titles`` is called by its id."""

    def named(products: Sequence[str]) -> list[dict[str, str]]:
        return [{"product": gid, "title": titles.get(gid, gid)} for gid in products]

    before, after = products_text(kept), products_text([*kept, *added])
    shown = (
        (kept_in.definition, kept_in.defined if before else "", kept_in.defined),
        (kept_in.field, before, after),
    )
    diff = tuple(
        FieldChange(field=name, before=old, after=new, change_type="change" if before else "add")
        for name, old, new in shown
    )
    return {"metafield": kept_in.defined, kept_in.part: named(added), "kept": named(kept)}, diff
