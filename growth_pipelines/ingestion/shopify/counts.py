"""How many records the API has, exactly, beside the rows that were loaded of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from growth_pipelines.ingestion.shopify.client import ShopifyClient

COUNTED = ("ordersCount", "productsCount", "customersCount", "collectionsCount")


@dataclass(frozen=True)
class Bounds:
    """Which records are counted: changed in [``start``, ``end``) and made since ``made_from``. Naive UTC, whole
    seconds; None is no bound."""

    start: datetime | None = None
    end: datetime | None = None
    made_from: datetime | None = None

    @property
    def terms(self) -> list[tuple[str, str, datetime]]:
        """Each bound as field, comparison and moment. The API and the raw tables call the fields the same."""
        found = [
            ("updated_at", ">=", self.start),
            ("updated_at", "<", self.end),
            ("created_at", ">=", self.made_from),
        ]
        return [(field, sign, moment) for field, sign, moment in found if moment is not None]

    @property
    def filter(self) -> str:
        """As a search filter of the API. Times must be quoted: Shopify cuts an unquoted one to midnight."""
        return " AND ".join(f"{field}:{sign}'{moment:%Y-%m-%dT%H:%M:%SZ}'" for field, sign, moment in self.terms)

    def since(self, moment: datetime) -> Bounds:
        """The same records, as far as they changed since ``moment``, before ``end`` or after."""
        return Bounds(start=moment, made_from=self.made_from)


def api_counts(client: ShopifyClient, bounds: Mapping[str, Bounds]) -> dict[str, int]:
    """The API's counts by field of counts.graphql, in one request; only what ``bounds`` names is asked for.

    Raises GrowthError when the API refuses, or does not answer in the client's time.
    """
    variables: dict[str, object] = {}
    for field in COUNTED:
        name = field.removesuffix("Count")
        variables[f"with{name.capitalize()}"] = field in bounds
        variables[name] = bounds[field].filter or None if field in bounds else None
    answer = client.execute("counts", variables)
    return {field: int(answer[field]["count"]) for field in bounds}
