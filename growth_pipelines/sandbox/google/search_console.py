"""Search Console's ``searchAnalytics.query``: rows by its five dimensions, with what it hides and when.

Answers are built as text: a day has thousands of rows, and their JSON is the same four numbers around two strings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.demand import SearchDay
from growth_pipelines.sandbox.google.breakdown import CELLS, COUNTRIES, DEVICES, counted_once, split
from growth_pipelines.sandbox.google.errors import GoogleError, invalid

DEFAULT_ROWS = 1_000
MAX_ROWS = 25_000
DIMENSIONS = ("date", "page", "query", "country", "device")
KEPT_DAYS = 487  # sixteen months
RECENT = 8  # answers that are kept for their next page
ONCE = 0.93  # of the impressions of pages, what a property counts
INCOMPLETE_KEYS = ("firstIncompleteDate", "first_incomplete_date")  # the API's spelling and its guide's


class SearchConsole:
    """The API of one property."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self._urls = [json.dumps(options.PRIMARY_URL + path) for path in shop.demand.paths]
        self._texts = [json.dumps(text) for text in shop.demand.texts]
        self._same_text: np.ndarray | None = None
        self._recent: dict[Any, list[str]] = {}
        self._countries = [json.dumps(name) for name in COUNTRIES for _ in DEVICES]
        self._devices = [json.dumps(name) for _ in COUNTRIES for name in DEVICES]
        self._country_device = [f"{c},{d}" for c, d in zip(self._countries, self._devices, strict=True)]
        self.incomplete_key = INCOMPLETE_KEYS[0]
        self._page_query = [
            f"{self._urls[page]},{text}" for page, text in zip(shop.demand.page_of, self._texts, strict=True)
        ]

    def sites(self) -> dict[str, Any]:
        return {"siteEntry": [{"siteUrl": options.SITE_URL, "permissionLevel": "siteFullUser"}]}

    def query(self, site: str, body: Mapping[str, Any]) -> str:
        """The answer as JSON text. Raises GoogleError for what Search Console refuses."""
        if site != options.SITE_URL:
            message = f"User does not have sufficient permission for site '{site}'."
            raise GoogleError(403, message, "PERMISSION_DENIED", "forbidden")
        since, until = _date(body, "startDate"), _date(body, "endDate")
        if since > until:
            raise invalid("startDate must be on or before endDate.")
        dimensions = _dimensions(body)
        aggregation = _aggregation(body, dimensions)
        limit, start = int(body.get("rowLimit", DEFAULT_ROWS)), int(body.get("startRow", 0))
        if not 1 <= limit <= MAX_ROWS:
            raise invalid(f"rowLimit must be between 1 and {MAX_ROWS}.")
        state = str(body.get("dataState", "final")).lower()
        if state not in ("final", "all"):
            raise invalid(f"dataState '{state}' is not answered here.")
        if str(body.get("type", body.get("searchType", "web"))).lower() != "web":
            return self._answer([], aggregation, None)
        if body.get("dimensionFilterGroups"):
            raise invalid("dimensionFilterGroups are not answered here.")
        days = self._days(since, until, state)
        rows = self._paged(days, dimensions, aggregation)[start : start + limit]
        incomplete = self.shop.search_complete_until + timedelta(days=1)
        return self._answer(rows, aggregation, incomplete if state == "all" and until >= incomplete else None)

    def _days(self, since: date, until: date, state: str) -> list[date]:
        last = self.shop.search_complete_until if state == "final" else self.shop.today - timedelta(days=1)
        days: list[date] = self.shop.days(
            max(since, self.shop.today - timedelta(days=KEPT_DAYS)), min(until, last)
        )
        return days

    def spell(self, key: str) -> None:
        """Name the first incomplete day ``key`` in metadata from now on: one of INCOMPLETE_KEYS."""
        if key not in INCOMPLETE_KEYS:
            raise ValueError(f"incomplete_key must be one of {', '.join(INCOMPLETE_KEYS)}")
        self.incomplete_key = key

    def _answer(self, rows: list[str], aggregation: str, incomplete: date | None) -> str:
        parts = [f'"rows":[{",".join(rows)}]'] if rows else []
        parts.append(f'"responseAggregationType":"{aggregation}"')
        if incomplete:
            parts.append(f'"metadata":{{"{self.incomplete_key}":"{incomplete.isoformat()}"}}')
        return "{" + ",".join(parts) + "}"

    def _paged(self, days: list[date], dimensions: list[str], aggregation: str) -> list[str]:
        """All rows; kept for a while, since clients come back for the next page until there is none."""
        asked = (
            *days[:1],
            *days[-1:],
            *dimensions,
            aggregation,
            self.shop.today,
            self.shop.demand.effects.version,
        )
        if asked not in self._recent:
            if len(self._recent) >= RECENT:
                self._recent.pop(next(iter(self._recent)))
            self._recent[asked] = self._rows(days, dimensions, aggregation)
        return self._recent[asked]

    def _rows(self, days: list[date], dimensions: list[str], aggregation: str) -> list[str]:
        """All rows as JSON texts: by clicks, most first; by date where that is the only dimension."""
        if len(days) == 1 and dimensions == ["date", "page", "query"]:
            return self._page_query_rows(days[0])
        if len(days) == 1 and dimensions == list(DIMENSIONS):
            return self._finest_rows(days[0])
        groups: list[tuple[int, int, float, int, str]] = []
        for day in days:
            rows = self._kept(day, dimensions)
            for order, (keys, clicks, impressions, weighted) in enumerate(
                self._grouped(day, rows, dimensions, aggregation)
            ):
                groups.append((clicks, impressions, weighted, order, keys))
        if "date" not in dimensions:
            groups = _merged(groups)
        if dimensions != ["date"]:
            groups.sort(key=lambda group: (-group[0], -group[1], group[4]))
        return [_row(*group[:3], group[4]) for group in groups]

    def _page_query_rows(self, day: date) -> list[str]:
        """The one question whose answer is large, quickly: a page's query is one row already."""
        rows = self._kept(day, ["page", "query"])
        order = np.lexsort((rows.query, -rows.impressions, -rows.clicks))
        names, moment = self._page_query, day.isoformat()
        ctr = rows.clicks[order] / rows.impressions[order]
        columns = (rows.query[order], rows.clicks[order], rows.impressions[order], ctr, rows.position[order])
        return [
            f'{{"keys":["{moment}",{names[query]}],"clicks":{clicks},"impressions":{impressions},'
            f'"ctr":{ctr:.6g},"position":{position:.6g}}}'
            for query, clicks, impressions, ctr, position in zip(*(c.tolist() for c in columns), strict=True)
        ]

    def _finest_rows(self, day: date) -> list[str]:
        """The same for all five dimensions, several times as many rows."""
        rows = self._kept(day, ["page", "query"])
        parts = split(day, rows)
        query = rows.query[parts.row]
        order = np.lexsort((parts.cell, query, -parts.impressions, -parts.clicks))
        names, places, moment = self._page_query, self._country_device, day.isoformat()
        clicks, impressions = parts.clicks[order], parts.impressions[order]
        numbers = (clicks, impressions, clicks / impressions, rows.position[parts.row][order])
        columns = (query[order], parts.cell[order], *numbers)
        return [
            f'{{"keys":["{moment}",{names[query]},{places[cell]}],"clicks":{clicks},"impressions":{impressions},'
            f'"ctr":{ctr:.6g},"position":{position:.6g}}}'
            for query, cell, clicks, impressions, ctr, position in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def _kept(self, day: date, dimensions: list[str]) -> SearchDay:
        """A day's rows; anonymised queries vanish as soon as queries are asked for; late days are partial."""
        rows: SearchDay = self.shop.demand.day(day)
        if day > self.shop.search_complete_until:
            late = (day - self.shop.search_complete_until).days
            share = max(0.2, 0.8 - 0.3 * (late - 1))
            impressions = np.maximum(1, (rows.impressions * share).astype(int))
            clicks = np.minimum(impressions, (rows.clicks * share).astype(int))
            rows = SearchDay(rows.page, rows.query, impressions, clicks, rows.position)
        if "query" in dimensions:
            kept = self.shop.demand.visible[rows.query]
            rows = SearchDay(
                rows.page[kept], rows.query[kept], rows.impressions[kept], rows.clicks[kept], rows.position[kept]
            )
        return rows

    def _grouped(
        self, day: date, rows: SearchDay, dimensions: list[str], aggregation: str
    ) -> list[tuple[str, int, int, float]]:
        """(keys as JSON, clicks, impressions, Σ position·impressions) of one day."""
        if not len(rows.page):
            return []
        row, cell, clicks, impressions = self._parts(day, rows, dimensions)
        group = np.zeros(len(rows.page), dtype=np.int64)
        if "query" in dimensions:
            group = self._text_ids()[rows.query]
        if "page" in dimensions:
            group = group * len(self._urls) + rows.page
        found, first, inverse = np.unique(group[row] * CELLS + cell, return_index=True, return_inverse=True)
        weighted = np.bincount(inverse, rows.position[row] * impressions)
        clicks = np.bincount(inverse, clicks).astype(np.int64)
        impressions = np.bincount(inverse, impressions).astype(np.int64)
        if aggregation == "byProperty":
            shown = counted_once(found // CELLS, clicks, impressions, ONCE)
            weighted, impressions = weighted / impressions * shown * 0.97, shown
        seen = np.flatnonzero(impressions)
        first = first[seen]
        keys = self._keys(day, rows, row[first], cell[first], dimensions)
        numbers = (clicks[seen].tolist(), impressions[seen].tolist(), weighted[seen].tolist())
        return list(zip(keys, *numbers, strict=True))

    @staticmethod
    def _parts(
        day: date, rows: SearchDay, dimensions: list[str]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(row, cell, clicks, impressions); the cell tells apart only what is asked for."""
        by_country, by_device = "country" in dimensions, "device" in dimensions
        if not by_country and not by_device:
            whole = np.arange(len(rows.page))
            return whole, np.zeros_like(whole), rows.clicks, rows.impressions
        parts = split(day, rows)
        country, device = np.divmod(parts.cell, len(DEVICES))
        return parts.row, by_country * country * len(DEVICES) + by_device * device, parts.clicks, parts.impressions

    def _keys(
        self, day: date, rows: SearchDay, row: np.ndarray, cell: np.ndarray, dimensions: list[str]
    ) -> list[str]:
        """The keys of each group as JSON, from one of its rows."""
        if not dimensions:
            return [""] * len(row)
        columns: dict[str, Callable[[], list[str]]] = {
            "date": lambda: [f'"{day.isoformat()}"'] * len(row),
            "page": lambda: [self._urls[page] for page in rows.page[row].tolist()],
            "query": lambda: [self._texts[query] for query in rows.query[row].tolist()],
            "country": lambda: [self._countries[place] for place in cell.tolist()],
            "device": lambda: [self._devices[place] for place in cell.tolist()],
        }
        return [",".join(keys) for keys in zip(*(columns[name]() for name in dimensions), strict=True)]

    def _text_ids(self) -> np.ndarray:
        """Queries of the same text on different pages are one query."""
        if self._same_text is None:
            known: dict[str, int] = {}
            self._same_text = np.array([known.setdefault(text, len(known)) for text in self._texts])
        return self._same_text


def _merged(groups: list[tuple[int, int, float, int, str]]) -> list[tuple[int, int, float, int, str]]:
    """Days added up where the date is not a dimension."""
    totals: dict[str, list[float]] = {}
    for clicks, impressions, weighted, _, keys in groups:
        total = totals.setdefault(keys, [0, 0, 0.0])
        total[0] += clicks
        total[1] += impressions
        total[2] += weighted
    return [(int(c), int(i), w, order, keys) for order, (keys, (c, i, w)) in enumerate(totals.items())]


def _row(clicks: int, impressions: int, weighted: float, keys: str) -> str:
    return (
        f'{{"keys":[{keys}],"clicks":{clicks},"impressions":{impressions},'
        f'"ctr":{clicks / impressions if impressions else 0:.6g},"position":{weighted / max(impressions, 1):.6g}}}'
    )


def _date(body: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(str(body[name]))
    except KeyError as error:
        raise invalid(f"{name} is required.") from error
    except ValueError as error:
        raise invalid(f"'{body[name]}' is not a valid date for {name}.") from error


def _dimensions(body: Mapping[str, Any]) -> list[str]:
    names = [str(name).lower() for name in body.get("dimensions", [])]
    if len(set(names)) != len(names):
        raise invalid("Dimensions must not be repeated.")
    for name in names:
        if name not in DIMENSIONS:
            raise invalid(f"Dimension '{name}' is not answered here; known: {', '.join(DIMENSIONS)}.")
    return names


def _aggregation(body: Mapping[str, Any], dimensions: list[str]) -> str:
    wanted = str(body.get("aggregationType", "auto"))
    kind = {"auto": "", "bypage": "byPage", "byproperty": "byProperty"}.get(wanted.lower().replace("_", ""))
    if kind is None:
        raise invalid(f"aggregationType '{wanted}' is not known.")
    if kind == "byProperty" and "page" in dimensions:
        raise invalid("'byProperty' is not a valid aggregation type when grouping or filtering by page.")
    return kind or ("byPage" if "page" in dimensions else "byProperty")
