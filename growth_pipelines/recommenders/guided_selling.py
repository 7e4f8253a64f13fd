"""``guided_selling``: products that are bought together and not shown together, questions that no page answers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.cross_sell import cross_sell_drafts
from growth_pipelines.recommenders.question_cards import question_drafts


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """Drafts of rules and of answers to write, best score first."""
    if frames["shop"].empty:
        return []
    drafts = [*cross_sell_drafts(frames, context, config), *question_drafts(frames, context, config)]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))
