"""Exports are read to the cent, and a bad one is named by file, line and column."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.imports.orders import _spread, order_records
from growth_pipelines.ingestion.imports.search import read_search_export
from growth_pipelines.ingestion.imports.sheets import Sheet, read_sheets
from growth_pipelines.ingestion.pseudonyms import Pseudonyms

HEADER = """Name,Email,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Cancelled at,Payment Method,\
Refunded Amount,Id,Lineitem discount"""
COLUMNS = HEADER.split(",")
FIRST = {
    "Name": "#1001",
    "Email": "Jo@Example.org",
    "Financial Status": "paid",
    "Currency": "EUR",
    "Subtotal": "27.00",
    "Shipping": "5.00",
    "Taxes": "0.00",
    "Total": "32.00",
    "Created at": "2024-03-01 23:30:00 -0500",
    "Lineitem quantity": "2",
    "Lineitem name": "Hose",
    "Lineitem price": "10.00",
    "Billing Name": "Jo Doe",
    "Id": "77",
}
SECOND = {"Name": "#1001", "Lineitem quantity": "1", "Lineitem name": "Clamp", "Lineitem price": "10.00"}


def text_of(*rows: dict[str, str], columns: list[str] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def sheets_of(folder: Path, text: str | bytes, name: str = "orders.csv") -> list[Sheet]:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_sheets([folder / name])


def records(sheets: list[Sheet]) -> list[dict[str, Any]]:
    return list(order_records(sheets, ZoneInfo("Europe/Berlin"), "EUR", Pseudonyms(b"k" * 32)))


def test_an_order_spans_its_lines_and_its_discount_is_spread_over_them(tmp_path: Path) -> None:
    (order,) = records(sheets_of(tmp_path, text_of(FIRST, SECOND)))
    assert order["order_id"] == "gid://shopify/Order/77"
    assert order["created_at"] == "2024-03-02T04:30:00"
    assert (Decimal(order["gross_amount"]), Decimal(order["discount_amount"])) == (30, 3)
    assert [Decimal(line["discount_amount"]) for line in order["lines"]] == [2, 1]


def test_prices_that_include_tax_are_taken_without_it(tmp_path: Path) -> None:
    row = FIRST | {"Subtotal": "20.00", "Taxes": "3.20", "Total": "25.00"}
    (order,) = records(sheets_of(tmp_path, text_of(row)))
    assert Decimal(order["gross_amount"]) == Decimal("16.80")
    assert Decimal(order["discount_amount"]) == 0


def test_no_name_and_no_address_is_kept_and_the_mail_address_only_as_a_hash(tmp_path: Path) -> None:
    (order,) = records(sheets_of(tmp_path, text_of(FIRST)))
    assert "jo" not in str(order).lower().replace("json", "")
    assert order["customer_key"] == Pseudonyms(b"k" * 32).email("jo@example.org")


def test_a_test_gateway_makes_a_test_order_and_a_time_without_zone_is_the_shops(tmp_path: Path) -> None:
    row = FIRST | {"Payment Method": "Bogus Gateway", "Created at": "2024-07-01 10:00:00"}
    (order,) = records(sheets_of(tmp_path, text_of(row)))
    assert order["is_test"]
    assert order["created_at"] == "2024-07-01T08:00:00"


def test_an_order_in_two_files_counts_as_in_the_last(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text_of(FIRST, SECOND))
    (tmp_path / "b.csv").write_text(text_of(FIRST | {"Financial Status": "refunded"}))
    (order,) = records(read_sheets([tmp_path]))
    assert order["financial_status"] == "refunded"
    assert len(order["lines"]) == 1


@given(
    amount=st.decimals("0", "999", places=2),
    weights=st.lists(st.decimals("0", "500", places=2), min_size=1, max_size=9),
)
def test_a_spread_amount_adds_up_exactly(amount: Decimal, weights: list[Decimal]) -> None:
    parts = _spread(amount, weights)
    assert sum(parts) == amount
    assert len(parts) == len(weights)
    assert all(part == round(part, 2) for part in parts), "lines must add up to their order in whole cents"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([FIRST, SECOND | {"Lineitem price": "ten"}], "line 3, column 'Lineitem price': 'ten' is not an amount"),
        ([FIRST | {"Created at": "01/03/2024"}], "line 2, column 'Created at': '01/03/2024' is not a date"),
        ([FIRST | {"Created at": ""}], "line 2, column 'Created at'"),
        ([FIRST | {"Lineitem quantity": "2.5"}], "line 2, column 'Lineitem quantity'.*whole number"),
        ([FIRST | {"Total": "NaN"}], "column 'Total'"),
        ([FIRST | {"Total": "1e30"}], "line 2, column 'Total': '1e30' is not an amount"),
        ([FIRST | {"Lineitem quantity": "1_000"}], "line 2, column 'Lineitem quantity'.*whole number"),
        ([FIRST | {"Lineitem quantity": "9" * 30}], "line 2, column 'Lineitem quantity'.*whole number"),
        ([FIRST | {"Created at": "9999-12-31 23:30:00 -0500"}], "line 2, column 'Created at'.*is not a date"),
        ([FIRST | {"Name": ""}], "column 'Name'"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, rows: list[dict[str, str]], message: str) -> None:
    with pytest.raises(GrowthError, match=message):
        records(sheets_of(tmp_path, text_of(*rows)))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match=r"orders\.csv, line 1: column 'Lineitem price' is missing"):
        records(sheets_of(tmp_path, text_of(FIRST).replace("Lineitem price", "Price")))


def test_a_wrong_encoding_is_named_by_line_and_column(tmp_path: Path) -> None:
    text = text_of(FIRST, SECOND | {"Lineitem name": "Schläuche"}).encode("latin-1")
    with pytest.raises(GrowthError, match=r"orders\.csv, line 3, column 'Lineitem name': the text is not UTF-8"):
        sheets_of(tmp_path, text)


def test_a_byte_order_mark_and_line_breaks_in_cells_are_fine(tmp_path: Path) -> None:
    text = "\ufeff" + text_of(FIRST | {"Lineitem name": "two\nlines"}, SECOND | {"Lineitem price": "x"})
    with pytest.raises(GrowthError, match="line 4, column 'Lineitem price'"):
        records(sheets_of(tmp_path, text))


def test_a_row_that_is_too_short_is_named(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match=r"line 3: 2 cells under 20 columns"):
        sheets_of(tmp_path, text_of(FIRST) + "#1002,x\n")


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.zip"])
def test_a_damaged_archive_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(GrowthError, match=rf"{name}: the archive is damaged"):
        sheets_of(tmp_path, b"not an archive", name)


def test_an_archive_with_a_password_is_named(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.csv", text_of(FIRST))
    encrypted = bytearray(packed.getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(signature) + flags] |= 1
    with pytest.raises(GrowthError, match=r"orders\.zip: the archive can't be read .*encrypted"):
        sheets_of(tmp_path, bytes(encrypted), "orders.zip")


def test_packed_files_are_read_as_plain_ones(tmp_path: Path) -> None:
    text = text_of(FIRST)
    plain = records(sheets_of(tmp_path, text))
    assert records(sheets_of(tmp_path, gzip.compress(text.encode()), "orders.csv.gz")) == plain
    with zipfile.ZipFile(tmp_path / "o.zip", "w") as archive:
        archive.writestr("orders_export_1.csv", text)
    assert records(read_sheets([tmp_path / "o.zip"])) == plain


@pytest.mark.parametrize("name", ["missing.csv", "notes.txt"])
def test_what_is_no_export_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(GrowthError, match=name):
        read_sheets([tmp_path / name])


CHART = "Date,Clicks,Impressions,CTR,Position\n2024-03-01,5,100,5%,7.4\n2024-03-02,0,3,0%,11\n"
PAGES = "Top pages,Clicks,Impressions,CTR,Position\nhttps://a.example/x,5,90,5.6%,7.1\n"


def test_daily_totals_are_loaded_and_totals_of_a_whole_period_are_not(tmp_path: Path) -> None:
    (tmp_path / "Chart.csv").write_text(CHART)
    (tmp_path / "Pages.csv").write_text(PAGES)
    (tmp_path / "Queries.csv").write_text(PAGES.replace("Top pages", "Top queries"))
    found = read_search_export(read_sheets([tmp_path]))
    assert found.days[0] == {"date": "2024-03-01", "clicks": 5, "impressions": 100, "position": 7.4}
    assert found.pages == []
    assert len(found.notes) == 2


def test_pages_of_a_single_day_are_that_days(tmp_path: Path) -> None:
    (tmp_path / "Dates.csv").write_text(CHART.rsplit("\n", 2)[0])
    (tmp_path / "Pages.csv").write_text(PAGES)
    (page,) = read_search_export(read_sheets([tmp_path])).pages
    assert (page["date"], page["page"], page["impressions"]) == ("2024-03-01", "https://a.example/x", 90)
