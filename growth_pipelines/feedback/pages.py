"""What is known of the pages that drafts are about, and what the ranking in force makes of it.

It is added here, alike for every recommender: what each knows of its pages is in figures of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.actions.scoring import EXPECTED

if TYPE_CHECKING:
    import pandas as pd

    from growth_pipelines.learning import Corrections


def with_pages(drafts: Sequence[ActionDraft], pages: pd.DataFrame, learnt: Corrections) -> list[ActionDraft]:
    """The drafts with their pages' visits and position, and their scores with what is expected of these.

    ``pages``: page_key, visits (28 days), avg_position. A page that isn't there yet has neither.
    """
    import pandas as pd

    if not drafts:
        return []
    named = pages.drop_duplicates("page_key").set_index("page_key")[["visits", "avg_position"]].astype(float)
    standing = named.reindex([urlsplit(draft.target.url).path for draft in drafts])
    known = pd.DataFrame(
        {
            "recommender": [draft.kind for draft in drafts],
            "subtype": [draft.subtype for draft in drafts],
            "revenue": [draft.impact.revenue_28d for draft in drafts],
            "confidence": [draft.confidence for draft in drafts],
            "ease": [draft.ease for draft in drafts],
            "page_visits": standing["visits"].to_numpy(),
            "page_position": standing["avg_position"].to_numpy(),
            "score": [draft.score for draft in drafts],
        }
    )
    factors = learnt.expected.factors(known)
    rows = zip(drafts, known["page_visits"], known["page_position"], factors.tolist(), strict=True)
    return [_on_page(*row) for row in rows]


def _on_page(draft: ActionDraft, visits: float, position: float, factor: float) -> ActionDraft:
    learnt = {EXPECTED: factor} if factor != 1 else {}
    changes = {
        "page_visits": None if math.isnan(visits) else visits,
        "page_position": None if math.isnan(position) else position,
        "score": draft.score * factor,
        "factors": {**draft.factors, **learnt},
    }
    return draft.model_copy(update=changes)
