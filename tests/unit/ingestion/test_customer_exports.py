"""A customer export becomes keys, counts and countries, and nothing that names anybody."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.imports.customers import read_customers
from growth_pipelines.ingestion.imports.kinds import Context, Piece
from growth_pipelines.ingestion.imports.known import Known
from growth_pipelines.ingestion.landing import Shop
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import load_settings
from tests.unit.ingestion.test_exports import sheets_of, text_of

HEADER = """Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,\
Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,\
Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,\
Total Orders,Note,Tax Exempt,Tags"""
HEADER_BEFORE_2022 = """First Name,Last Name,Email,Company,Address1,Address2,City,Province,Province Code,Country,\
Country Code,Zip,Phone,Accepts Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt"""
COLUMNS, BEFORE_2022 = HEADER.split(","), HEADER_BEFORE_2022.split(",")
KEY = "k" * 32
PSEUDONYMS = Pseudonyms(KEY.encode())
JO = {
    "Customer ID": "'7210448301122",
    "First Name": "Jo",
    "Last Name": "Doe",
    "Email": " Jo@Example.org",
    "Default Address City": "Springfield",
    "Default Address Country Code": "US",
    "Phone": "'+15550100",
    "Total Spent": "79.80",
    "Total Orders": "2",
    "Note": "likes hoses",
    "Tags": "vip",
}
PHONE_ONLY = {"Customer ID": "'5", "Phone": "'+15550101", "Total Orders": "1"}


def read(folder: Path, *rows: dict[str, str], columns: list[str] = COLUMNS, known: Known | None = None) -> Piece:
    settings = load_settings({"GROWTH_HOME": str(folder), "GROWTH_PRIVACY__PSEUDONYM_KEY": KEY})
    context = Context(settings, Shop("a.example"), ZoneInfo("UTC"), known or Known())
    (piece,) = read_customers(sheets_of(folder, text_of(*rows, columns=columns), "customers.csv"), context)
    return piece


def test_a_customer_is_the_hash_of_the_address_as_in_an_order_export(tmp_path: Path) -> None:
    piece = read(tmp_path, JO)
    assert piece.records == [
        {"customer_key": PSEUDONYMS.email("jo@example.org"), "orders_count": 2, "country": "US"}
    ]
    assert piece.notes == ()


def test_one_without_address_is_the_hash_of_the_id_as_the_api_would_have_it(tmp_path: Path) -> None:
    (record,) = read(tmp_path, PHONE_ONLY).records
    assert record == {"customer_key": PSEUDONYMS.customer_id("5"), "orders_count": 1, "country": None}


def test_an_export_from_before_2022_is_read_too(tmp_path: Path) -> None:
    row = {"First Name": "Jo", "Last Name": "Doe", "Email": "jo@example.org", "Country Code": "DE"}
    piece = read(tmp_path, row, columns=BEFORE_2022)
    assert piece.records == [
        {"customer_key": PSEUDONYMS.email("jo@example.org"), "orders_count": None, "country": "DE"}
    ]
    assert piece.notes == ()


def test_a_customer_counts_once_as_at_the_last_place(tmp_path: Path) -> None:
    moved = JO | {"Email": "doe@example.org", "Total Orders": "3"}
    assert [record["orders_count"] for record in read(tmp_path, JO, moved).records] == [3]
    again = JO | {"Customer ID": "", "Email": "JO@EXAMPLE.ORG", "Total Orders": "4"}
    assert [record["orders_count"] for record in read(tmp_path, JO, again).records] == [4]


def test_who_the_api_told_is_left_as_the_api_told_it(tmp_path: Path) -> None:
    known = Known(read_customers=frozenset({PSEUDONYMS.customer_id("7210448301122")}))
    piece = read(tmp_path, JO, PHONE_ONLY, known=known)
    assert [record["customer_key"] for record in piece.records] == [PSEUDONYMS.customer_id("5")]
    assert piece.notes == ("1 known from the shop's API: left as they are",)


def test_who_cannot_be_told_from_others_is_counted_and_not_loaded(tmp_path: Path) -> None:
    piece = read(tmp_path, JO, {"First Name": "Nobody"})
    assert len(piece.records) == 1
    assert piece.notes == ("1 without e-mail address and Customer ID: not loaded",)


def test_columns_that_are_not_shopifys_are_counted(tmp_path: Path) -> None:
    more = [f"Field {number}" for number in range(8)]
    (note,) = read(tmp_path, JO, columns=COLUMNS + more).notes
    assert note == ("8 columns are not read: Field 0, Field 1, Field 2, Field 3, Field 4, Field 5 and 2 more")


@pytest.mark.parametrize(
    ("row", "message", "secret"),
    [
        ({"Customer ID": "x77"}, "line 2, column 'Customer ID': the cell is not a customer's number", "x77"),
        ({"Email": "Jo Doe"}, "line 2, column 'Email': the cell is not an e-mail address", "Jo Doe"),
        ({"Total Orders": "many"}, "line 2, column 'Total Orders': 'many' is not a whole number", "vip"),
    ],
)
def test_a_bad_cell_is_named_and_a_personal_one_not_repeated(
    tmp_path: Path, row: dict[str, str], message: str, secret: str
) -> None:
    with pytest.raises(GrowthError, match=message) as caught:
        read(tmp_path, JO | row)
    assert secret not in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match=r"customers\.csv, line 1: column 'Email' is missing"):
        read(tmp_path, {}, columns=["Customer ID"])
