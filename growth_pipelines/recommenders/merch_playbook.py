"""``merch_playbook``: what to order, to clear, and to show first.

Each part is a module of its own that finds and drafts; here they are put together. No part changes a price.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.bundles import bundles
from growth_pipelines.recommenders.collection_orders import collection_orders
from growth_pipelines.recommenders.context import MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.features import features
from growth_pipelines.recommenders.reorders import reorders
from growth_pipelines.recommenders.returns_to_stock import back_in_stock
from growth_pipelines.recommenders.slow_movers import clearances
from growth_pipelines.recommenders.stock_outlook import stock_outlook

PARTS = (reorders, clearances, collection_orders, features, back_in_stock, bundles)


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: MerchPlaybookConfig
) -> list[ActionDraft]:
    """The drafts of all parts, best score first."""
    outlook = stock_outlook(frames, context, config)
    drafts = [draft for part in PARTS for draft in part(frames, context, config, outlook)]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url, draft.subtype))
