"""``metaobject_gen``: structured content that products lack, and pages for topics that none serves.

Texts come from templates over the catalogue's own words; every claim is checked, and what repeats another text is
refused. What was made once is recognised by its entries in the shop and not offered again.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.content.duplicates import near_duplicates
from growth_pipelines.recommenders.content_gaps import bare_products
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.economics import PageEconomics, economics_by_page, minor_units
from growth_pipelines.recommenders.landing_pages import landing_drafts
from growth_pipelines.recommenders.product_content import product_draft, written_for


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: MetaobjectGenConfig
) -> list[ActionDraft]:
    """Drafts for products and topics, best score first."""
    if frames["shop"].empty:
        return []
    economics = economics_by_page(frames["performance"], frames["shop"])
    drafts = [
        *_product_drafts(frames, context, config, economics),
        *landing_drafts(frames, context, config, economics),
    ]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))


def _product_drafts(
    frames: Mapping[str, pd.DataFrame],
    context: RecommenderContext,
    config: MetaobjectGenConfig,
    economics: Mapping[str, PageEconomics],
) -> list[ActionDraft]:
    minor = minor_units(frames["shop"])
    bare = bare_products(frames, context, config, minor)
    rows = {str(row["page_key"]): row for row in bare.to_dict("records")}
    # Only the most visited are written for: the rest waits until these are decided.
    first = sorted(rows, key=lambda key: (-_visited(economics, key), key))[: config.max_drafts]
    written = {key: written_for(rows[key], context) for key in first}
    texts = {key: one.text for key, one in written.items() if one.text}
    repeated = near_duplicates(texts)
    return [
        product_draft(rows[key], written[key], context, config, economics.get(key, economics[""]))
        for key in first
        if key not in repeated
    ]


def _visited(economics: Mapping[str, PageEconomics], key: str) -> float:
    known = economics.get(key)
    return (known.sessions or 0.0) * known.conversion * known.order_value if known else 0.0
