"""Search Console's performance export: a zip or folder of Chart.csv (or Dates.csv), Pages.csv, Queries.csv …

Only its daily totals have days. Pages and queries are totals of the whole period: to put such a total on one of
its days would be wrong by a factor of ninety, so pages are loaded only when the export covers a single day, and
queries, which name no page, never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece
from growth_pipelines.ingestion.imports.sheets import BadSheet, Cells, Sheet
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.windows import Window, midnight

DAY_PARTS = (Part("search_property_daily", "rows"),)
PAGE_PARTS = (Part("search_page_daily", "rows"),)
MEASURES = ("Clicks", "Impressions", "Position")
DAYS = ("Date",)
PAGES = ("Top pages", "Page")
# The other sheets of the export, each with its first column; read to recognise the export, not loaded.
OTHERS = ("Top queries", "Query", "Country", "Device", "Search Appearance", "Filter")


def is_search_export(sheet: Sheet) -> bool:
    first = sheet.columns[0]
    return first in OTHERS or (first in (*DAYS, *PAGES) and any(name in sheet.columns for name in MEASURES))


@dataclass
class SearchExport:
    """What can be loaded from the sheets of an export, and what was left out."""

    days: list[dict[str, Any]] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def window(self) -> tuple[date, date]:
        known = [date.fromisoformat(row["date"]) for row in self.days]
        return min(known), max(known)


def read_search_export(sheets: Iterable[Sheet]) -> SearchExport:
    """Raises BadSheet at the first bad cell."""
    found = SearchExport()
    pages: list[Sheet] = []
    for sheet in sheets:
        first = sheet.columns[0]
        if first in DAYS:
            sheet.require(MEASURES)
            found.days += [{"date": cells.day("Date").isoformat(), **_measures(cells)} for cells in sheet.cells()]
        elif first in PAGES:
            sheet.require(MEASURES)
            pages.append(sheet)
        elif sheet.rows and first != "Filter":
            found.notes.append(f"{sheet.label} was not loaded: its totals have neither days nor pages")
    single = {row["date"] for row in found.days}
    for sheet in pages:
        if len(single) == 1:
            found.pages += list(_pages(sheet, next(iter(single))))
        else:
            found.notes.append(f"{sheet.label} was not loaded: its totals are of the whole period, not of a day")
    return found


def read_search(sheets: Sequence[Sheet], _context: Context) -> list[Piece]:
    """The daily totals, and the pages where the export is of one day. Raises BadSheet."""
    export = read_search_export(sheets)
    if not export.days:
        raise BadSheet(
            f"{sheets[0].label}: the export has no Chart.csv or Dates.csv, so none of it has a day.",
            "Export the whole performance report as CSV and import the zip file.",
        )
    first, last = export.window
    window = Window(midnight(first), midnight(last) + timedelta(days=1))
    notes = tuple(export.notes)
    pieces = [Piece("search_export", "search_export", DAY_PARTS, export.days, window, notes)]
    if export.pages:
        pieces.append(Piece("search_export", "search_export", PAGE_PARTS, export.pages, window))
    return pieces


def _pages(sheet: Sheet, day: str) -> Iterator[dict[str, Any]]:
    for cells in sheet.cells():
        yield {"date": day, "page": cells.text(sheet.columns[0]), **_measures(cells)}


def _measures(cells: Cells) -> dict[str, Any]:
    return {
        "clicks": cells.whole("Clicks"),
        "impressions": cells.whole("Impressions"),
        "position": cells.number("Position"),
    }


SEARCH = Kind(
    name="Search Console export",
    signs="English names like 'Date' and 'Clicks'",
    recognises=is_search_export,
    read=read_search,
)
