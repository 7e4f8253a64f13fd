"""Search Console's searchAnalytics.query: the rows of some days, page by page until there are no more."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.ingestion.budgets import BudgetFile, CountBudget, scope_name
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.google.client import Answer, GoogleClient
from growth_pipelines.ingestion.google.credentials import search_console_credentials
from growth_pipelines.settings import Settings

ROW_LIMIT = 25_000
# A page of a round number of rows may have been cut by a limit below ours, so it is not taken for the last.
ROUND = 500
_BETWEEN_ROWS = re.compile(rb"\}\s*,\s*\{")


class IncompleteDays(GrowthError):
    """Days that were asked for can still change, from ``first`` on."""

    def __init__(self, first: date) -> None:
        super().__init__(f"Search Console's figures from {first} on can still change.", "A later run reads them.")
        self.first = first


def site_url(settings: Settings) -> str:
    """The property that the settings name; the shop's own address when none is."""
    if settings.search_console.site_url:
        return settings.search_console.site_url
    if not settings.shop.domain:
        raise SettingsError(
            "GROWTH_SEARCH_CONSOLE__SITE_URL is not set.", "Set it to your property, e.g. sc-domain:example.com."
        )
    return f"https://{settings.shop.domain}/"


def search_console_client(
    settings: Settings, meter: Meter, sleep: Callable[[float], None] = time.sleep
) -> GoogleClient:
    """The caller of Search Console; raises SettingsError when no credential or property is set."""
    given = settings.search_console
    # Google counts by property (and by account and project, whose limits are far above).
    scope = scope_name("search_console", given.base_url, shown=site_url(settings))
    return GoogleClient(
        given.base_url,
        search_console_credentials(settings),
        CountBudget(BudgetFile.of(settings), scope, "Search Console", given.per_minute, zone=settings.zone),
        meter,
        deadline=settings.ingestion.deadline_seconds,
        load_pause=given.load_quota_pause_seconds,
        sleep=sleep,
    )


def query_days(
    client: GoogleClient,
    site: str,
    first: date,
    last: date,
    dimensions: Sequence[str],
    aggregation: str,
    data_state: str = "final",
) -> Iterator[bytes]:
    """The rows of the days from ``first`` to ``last``, each page as JSON lines, one row a line.

    Only web search is read: images, videos, news and Discover are other types, counted apart. Raises
    IncompleteDays when Search Console says of ``final`` data that they are not.
    """
    question = {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "dimensions": list(dimensions),
        "type": "web",
        "aggregationType": aggregation,
        "dataState": data_state,
        "rowLimit": ROW_LIMIT,
    }
    start = 0
    while True:
        content, body = _answer(client, site, question | {"startRow": start})
        rows = body.get("rows") or []
        if not isinstance(rows, list):
            raise GrowthError("Search Console answered rows that are not a list.", "The API may have changed.")
        incomplete = _incomplete_from(body)
        if data_state == "final" and incomplete is not None and incomplete <= last:
            raise IncompleteDays(incomplete)
        yield row_lines(content, rows)
        start += len(rows)
        if len(rows) == 0 or (len(rows) < ROW_LIMIT and len(rows) % ROUND):
            return


def first_incomplete(client: GoogleClient, site: str, first: date, last: date) -> date | None:
    """The first day from ``first`` to ``last`` whose figures can still change; None when all are final.

    Google tells only who asks for ``all`` data by date. Of ``final`` data it leaves such a day out without a word,
    as it does a day on which nobody searched.
    """
    question = {
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "dimensions": ["date"],
        "type": "web",
        "dataState": "all",
        "rowLimit": ROW_LIMIT,
    }
    return _incomplete_from(_answer(client, site, question)[1])


def _answer(client: GoogleClient, site: str, question: dict[str, Any]) -> Answer:
    path = f"/webmasters/v3/sites/{quote(site, safe='')}/searchAnalytics/query"
    answer = client.call("POST", path, json=question, needs=("rows", "responseAggregationType"))
    assert answer is not None
    return answer


def _incomplete_from(body: dict[str, Any]) -> date | None:
    """The first day whose data can still change; Google spells the field in two ways."""
    metadata = body.get("metadata") or {}
    told = metadata.get("firstIncompleteDate") or metadata.get("first_incomplete_date")
    return date.fromisoformat(told) if told else None


def row_lines(content: bytes, rows: list[dict[str, Any]]) -> bytes:
    """``rows`` as JSON lines, cut out of the ``content`` they were parsed from where that is possible.

    Cutting is ten times as fast as writing them anew. It relies on rows having no objects inside, and is checked
    by its count: a query text that looks like the end of a row makes one line too many.
    """
    if not rows:
        return b""
    array = content.index(b"[", content.index(b'"rows"')) + 1
    text = content[array : content.rindex(b"]")].strip()
    # Line breaks inside JSON texts are always escaped, so raw ones are layout.
    lines = _BETWEEN_ROWS.sub(b"}\0{", text).replace(b"\n", b"").replace(b"\r", b"").replace(b"\0", b"\n")
    return lines if lines.count(b"\n") == len(rows) - 1 else _dumped(rows)


def _dumped(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row, separators=(",", ":")) for row in rows).encode()
