"""Which products need answers, specifications or a how-to and have none."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from growth_pipelines.content.how_to import how_to
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.phrases import phrases

_PRODUCT = r"gid://shopify/Product/\d+"


def bare_products(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MetaobjectGenConfig,
    minor: float,
) -> pd.DataFrame:
    """Active, published products with a gap: one row each, page columns with product columns beside.

    Added columns: price (major units), technical, needs_faq, needs_specifications and needs_how_to (what is
    missing and wanted), how_to (the steps that the description tells, as (name, step) pairs). ``minor`` is the
    number of minor units in a major one.
    """
    products, pages, metaobjects = frames["products"], frames["pages"], frames["metaobjects"]
    facts = products.drop(columns=["title", "handle", "vendor", "product_type", "tags"], errors="ignore")
    shown = pages[pages["page_type"] == "product"].drop_duplicates("resource_gid")
    if "is_published" in shown:
        shown = shown[shown["is_published"].fillna(True).astype(bool)]
    found = shown.drop(columns=["price"], errors="ignore").merge(
        facts[facts["status"] == "active"][["product_id", "variants", "price_min_cents"]],
        left_on="resource_gid",
        right_on="product_id",
    )
    copy = phrases("metaobject_gen")
    found["price"] = found["price_min_cents"].astype(float).fillna(0.0) / minor
    title, tags, text = (found[name].fillna("").astype(str) for name in ("title", "tags", "description"))
    found["technical"] = tags.str.contains(copy["technical"]["tags"], case=False, regex=True) | title.str.contains(
        copy["technical"]["title"], regex=True
    )
    found["how_to"] = _how_tos(found, frames["bodies"], context)
    wanted = {
        "faq": found["technical"] | (found["price"] > config.faq_price),
        "specifications": found["variants"] > config.specification_variants,
        "how_to": found["how_to"].astype(bool),
    }
    for part, needed in wanted.items():
        rule = copy["said"][part]
        said = found["product_id"].isin(_spoken_of(metaobjects, rule["types"]))
        if "description" in rule:
            said |= text.str.contains(rule["description"], case=False, regex=True)
        found[f"needs_{part}"] = needed & ~said
    return found[found[[f"needs_{part}" for part in wanted]].any(axis=1)].reset_index(drop=True)


def _how_tos(products: pd.DataFrame, bodies: pd.DataFrame, context: RecommenderContext) -> pd.Series:
    """The how-to of each product as a list of (name, step) pairs, empty where its description tells none."""
    texts = bodies["body_html"].fillna("").astype(str)
    listed = texts.str.contains("<ol", case=False, regex=False)
    body_of = dict(zip(bodies["page_key"][listed].astype(str), texts[listed], strict=True))
    told = [
        how_to(row, body_of[key], shop_name=context.shop_name, locale=context.locale) if key in body_of else []
        for key, row in zip(products["page_key"].astype(str), products.to_dict("records"), strict=True)
    ]
    return pd.Series(told, index=products.index, dtype=object)


def _spoken_of(metaobjects: pd.DataFrame, types: str) -> set[str]:
    """The products that entries of these types refer to."""
    of_type = metaobjects[metaobjects["type"].astype(str).str.contains(types, case=False, regex=True)]
    gids = of_type["fields"].fillna("").astype(str).str.findall(_PRODUCT).explode().dropna()
    return set(gids)
