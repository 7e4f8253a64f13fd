"""``guided_selling``: products that are bought together and not shown together, better ones to show beside one,
kits, and questions that no page answers.

Each part is a module of its own that finds and drafts; here they are put together.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.cross_sell import cross_sell_drafts
from growth_pipelines.recommenders.kit_cards import kit_drafts
from growth_pipelines.recommenders.question_cards import question_drafts
from growth_pipelines.recommenders.upsell import upsell_drafts

PARTS = (cross_sell_drafts, upsell_drafts, kit_drafts, question_drafts)


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """The drafts of all parts, best score first."""
    if frames["shop"].empty:
        return []
    drafts = [draft for part in PARTS for draft in part(frames, context, config)]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url, draft.subtype))
