"""Search Console's searchAnalytics.query: the rows of some days, page by page until there are no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from urllib.parse import quote

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.ingestion.google.client import GoogleClient
from growth_pipelines.settings import Settings

ROW_LIMIT = 25_000
PER_MINUTE = 1200
# A page of a round number of rows may have been cut by a limit below ours, so it is not taken for the last.
ROUND = 500


def site_url(settings: Settings) -> str:
    """The property that the settings name; the shop's own address when none is."""
    if settings.search_console.site_url:
        return settings.search_console.site_url
    if not settings.shop.domain:
        raise SettingsError(
            "GROWTH_SEARCH_CONSOLE__SITE_URL is not set.", "Set it to your property, e.g. sc-domain:example.com."
        )
    return f"https://{settings.shop.domain}/"


def query_days(
    client: GoogleClient, site: str, first: date, last: date, dimensions: Sequence[str], aggregation: str
) -> Iterator[tuple[int, bytes]]:
    """(row count, answer as one line of JSON) for the final data of the days from ``first`` to ``last``."""
    path = f"/webmasters/v3/sites/{quote(site, safe='')}/searchAnalytics/query"
    start = 0
    while True:
        answer = client.call(
            "POST",
            path,
            json={
                "startDate": first.isoformat(),
                "endDate": last.isoformat(),
                "dimensions": list(dimensions),
                "type": "web",
                "aggregationType": aggregation,
                "dataState": "final",
                "rowLimit": ROW_LIMIT,
                "startRow": start,
            },
        )
        assert answer is not None
        content, body = answer
        rows = body.get("rows") or []
        if not isinstance(rows, list):
            raise GrowthError("Search Console answered rows that are not a list.", "The API may have changed.")
        if rows or start == 0:
            yield len(rows), _one_line(content)
        start += len(rows)
        if len(rows) == 0 or (len(rows) < ROW_LIMIT and len(rows) % ROUND):
            return


def _one_line(content: bytes) -> bytes:
    """JSON text on one line. Line breaks inside JSON texts are always escaped, so raw ones are layout."""
    return content.replace(b"\n", b"").replace(b"\r", b"")
