"""Whatever is in a CSV file: it is read into rows that the raw tables take, or refused with its place named."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece
from growth_pipelines.ingestion.imports.known import Known
from growth_pipelines.ingestion.imports.run import KINDS
from growth_pipelines.ingestion.imports.sheets import BadSheet, read_sheets
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.settings import load_settings
from tests.parsing import parsed_tables
from tests.unit.ingestion.test_customer_exports import COLUMNS as CUSTOMER_COLUMNS
from tests.unit.ingestion.test_exports import COLUMNS as ORDER_COLUMNS
from tests.unit.ingestion.test_product_exports import NEWER, OLDER

SHOP = Shop("a.example", "America/Denver", "USD", "https://a.example")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
# What cells hold: rightly, wrongly, and at the edges of what their columns take.
SEEN = [
    *("10.00", "7", "-3", "'-3", "0", "1e12", "1e-30", "1e13", "NaN", "sNaN", "Infinity", "1_0", "1,5", "٣", "²"),
    *("TRUE", "false", "active", "draft", "hose", "Hose", "Default Title", "'=1+1", '"', "US", "'77", "77"),
    *("2024-03-01 10:00:00 -0500", "9999-12-31 23:59:59 -1200", "0001-01-01", "jo@example.org"),
]
CELLS = st.one_of(st.sampled_from(["", "", *SEEN]), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
HEADERS = {"Shopify order export": [ORDER_COLUMNS], "Shopify product export": [OLDER, NEWER]} | {
    "Shopify customer export": [CUSTOMER_COLUMNS],
    "Search Console export": [["Date", "Clicks", "Impressions", "CTR", "Position"]],
}


# What a column rightly holds, by words in its name; anything where none of them is.
RIGHT = {
    "created at": st.just("2024-03-01 10:00:00 -0500"),
    " at": st.sampled_from(["", "2024-03-02 10:00:00 -0500"]),
    "status": st.sampled_from(["", "active", "Draft", "archived"]),
    "published": st.sampled_from(["", "TRUE", "false"]),
    "position": st.integers(1, 3).map(str),
    "quantity": st.integers(-2, 9).map(str),
    "qty": st.sampled_from(["", "'-3", "7"]),
    "orders": st.integers(0, 9).map(str),
    "clicks": st.integers(0, 9).map(str),
    "impressions": st.integers(0, 9).map(str),
    "lineitem price": st.decimals(0, 99, places=2).map(str),
    "email": st.sampled_from(["", "jo@example.org", "'+al@example.org"]),
    "customer id": st.sampled_from(["", "'77", "78"]),
    "id": st.sampled_from(["", "77", "78"]),
    "handle": st.sampled_from(["hose", "Hose", "schläuche"]),
    "date": st.dates().map(str),
} | {
    word: st.sampled_from(["", "0", "10.00", "1e3", "'-3.999999"])
    for word in ("price", "cost", "total", "shipping", "taxes", "discount", "amount")
}


def cells_of(column: str) -> st.SearchStrategy[str]:
    return next((right for word, right in RIGHT.items() if word in column.lower()), CELLS)


@st.composite
def exports(draw: st.DrawFn, kind: Kind) -> str:
    """A CSV file of a kind: mostly with its columns and what they hold, sometimes with anything."""
    columns = list(draw(st.sampled_from(HEADERS[kind.name])))
    wrong = draw(st.sampled_from(["nothing", "nothing", "columns", "cells"]))
    if wrong == "columns":
        columns = draw(st.permutations(columns))[draw(st.integers(0, 3)) :] + draw(st.lists(CELLS, max_size=2))
    rows = [[draw(cells_of(column)) for column in columns] for _ in range(draw(st.integers(0, 3)))]
    if wrong == "cells":
        for row in rows:
            row[draw(st.integers(0, len(row) - 1))] = draw(CELLS)
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue()


def pieces_of(kind: Kind, content: bytes, home: Path) -> list[Piece]:
    """What ``kind`` reads of a file; nothing where it is refused as it should be."""
    (home / "any.csv").write_bytes(content)
    context = Context(
        load_settings({"GROWTH_HOME": str(home), "GROWTH_PRIVACY__PSEUDONYM_KEY": "k" * 32}),
        SHOP,
        ZoneInfo(SHOP.timezone),
        Known(),
    )
    try:
        return kind.read(read_sheets([home / "any.csv"]), context)
    except BadSheet as error:
        refused = error
    assert "any.csv" in refused.message
    assert refused.hint
    return []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_file_is_read_into_rows_or_refused(kind: Kind, data: st.DataObject) -> None:
    content = data.draw(exports(kind)).encode()
    with tempfile.TemporaryDirectory() as folder:
        for piece in pieces_of(kind, content, Path(folder)):
            with Landing(Path(folder)).write(piece.stream, SHOP, NOW, piece.window) as file:
                for record in piece.records:
                    file.writer.record(record)
            parsed_tables(file.result, piece.folder, piece.parts, NOW)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(kind: Kind, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pieces_of(kind, content, Path(folder))
