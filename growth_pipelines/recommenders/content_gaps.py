"""Which products need answers or specifications and have none."""

from __future__ import annotations

import pandas as pd

from growth_pipelines.recommenders.context import MetaobjectGenConfig
from growth_pipelines.recommenders.phrases import phrases

_PRODUCT = r"gid://shopify/Product/\d+"


def bare_products(
    products: pd.DataFrame,
    pages: pd.DataFrame,
    metaobjects: pd.DataFrame,
    config: MetaobjectGenConfig,
    minor: float,
) -> pd.DataFrame:
    """Active, published products with a gap: one row each, page columns with product columns beside.

    Added columns: price (major units), technical, needs_faq and needs_specifications (what is missing and wanted).
    ``minor`` is the number of minor units in a major one.
    """
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
    wanted = {
        "faq": found["technical"] | (found["price"] > config.faq_price),
        "specifications": found["variants"] > config.specification_variants,
    }
    for part, needed in wanted.items():
        rule = copy["said"][part]
        said = found["product_id"].isin(_spoken_of(metaobjects, rule["types"]))
        said |= text.str.contains(rule["description"], case=False, regex=True)
        found[f"needs_{part}"] = needed & ~said
    return found[found["needs_faq"] | found["needs_specifications"]].reset_index(drop=True)


def _spoken_of(metaobjects: pd.DataFrame, types: str) -> set[str]:
    """The products that entries of these types refer to."""
    of_type = metaobjects[metaobjects["type"].astype(str).str.contains(types, case=False, regex=True)]
    gids = of_type["fields"].fillna("").astype(str).str.findall(_PRODUCT).explode().dropna()
    return set(gids)
