"""What is known of a draft's page: from the published data, and from the action's own evidence and texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Action
from growth_pipelines.warehouse.series import Series

_QUERIES = Path(__file__).parent / "queries"
_QUERY = re.compile(r"(?:CTR|Impressions) of “(.+)”")
_PAGE = ("title", "product_type", "vendor", "tags", "description", "effective_title", "effective_description")


@dataclass(frozen=True)
class Facts:
    """What texts of a page are judged by; ``page`` is None where the page is not published.

    ``queries`` are what people typed, the most important first and weighted so; ``known`` are the texts that the
    draft and the page say already.
    """

    url: str
    page: Mapping[str, Any] | None
    shop: str
    locale: str
    queries: list[tuple[str, float]]
    known: list[str]

    def evidence(self) -> list[Any]:
        """All that a claim may rest on, as :func:`growth_pipelines.content.claims.check_claims` takes it."""
        page = evidence_of(self.page, self.shop) if self.page is not None else {"shop": self.shop}
        return [page, self.known]


def facts_of(settings: Settings, action: Action) -> Facts:
    """What is known of the action's page; settings fill what no run has published yet."""
    series = Series.of(settings, _QUERIES)
    rows = series.rows("page_facts", action.resource_gid) if action.resource_gid else None
    shop = series.rows("shop_facts")
    name, locale = shop[0] if shop else ("", "")
    return Facts(
        action.target["url"],
        dict(zip(_PAGE, rows[0], strict=True)) if rows else None,
        name or settings.shop.domain,
        str(locale or "en"),
        _queries(action),
        _own_words(action),
    )


def _queries(action: Action) -> list[tuple[str, float]]:
    found = [match[1] for row in action.evidence if (match := _QUERY.fullmatch(row["name"]))]
    return [(query, 1 / place) for place, query in enumerate(found, start=1)]


def _own_words(action: Action) -> list[str]:
    """What the draft says already has been checked: saying it again is no new claim."""
    texts = [text for text in action.draft.values() if isinstance(text, str)]
    texts += [text for entry in action.draft.get("entries", []) for text in entry["fields"].values()]
    return [*texts, *(change["before"] for change in action.diff)]
