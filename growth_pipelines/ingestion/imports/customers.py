"""Shopify's customer export (Customers → Export): one row a customer, of which only a key, a count and a country
are kept.

Who a customer is: the e-mail address where there is one, since orders exported from Shopify know nothing else, so
that the customer of an order and of this export are one; the Customer ID where there is none (people with a phone
only). A customer whose id the shop's API told stays as the API told it, under the key that the API's orders have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece, unread_columns
from growth_pipelines.ingestion.imports.sheets import Cells, Sheet
from growth_pipelines.ingestion.loading import Part

PARTS = (Part("customers"),)
COUNTRIES = ("Default Address Country Code", "Country Code")
READ = frozenset({"Customer ID", "Email", "Total Orders", *COUNTRIES})
# Shopify's other columns, of today and of before 2022: personal, or of no use here.
NOT_READ = frozenset(
    {
        "First Name",
        "Last Name",
        "Company",
        "Address1",
        "Address2",
        "City",
        "Province",
        "Province Code",
        "Country",
        "Zip",
        "Phone",
        "Accepts Marketing",
        "Accepts Email Marketing",
        "Accepts SMS Marketing",
        "Default Address Company",
        "Default Address Address1",
        "Default Address Address2",
        "Default Address City",
        "Default Address Province",
        "Default Address Province Code",
        "Default Address Country",
        "Default Address Zip",
        "Default Address Phone",
        "Total Spent",
        "Note",
        "Tags",
        "Tax Exempt",
        "Tax Exemptions",
        "Language",
    }
)
_NUMBER = re.compile(r"'?([0-9]{1,20})")


def is_customer_export(sheet: Sheet) -> bool:
    """True for a sheet that means to be a customer export, complete or not."""
    return "Customer ID" in sheet.columns or {"First Name", "Last Name"} <= set(sheet.columns)


def read_customers(sheets: Sequence[Sheet], context: Context) -> list[Piece]:
    """One piece. A customer that is there twice counts as at the last place. Raises BadSheet."""
    pseudonyms = context.pseudonyms()
    customers: dict[str, dict[str, Any]] = {}
    keys: dict[str, str] = {}
    nameless, read_before = 0, set()
    for cells in _rows(sheets):
        record = _record(cells)
        number, email = _number(cells), _email(cells)
        by_number = pseudonyms.customer_id(number) if number else ""
        if not number and not email:
            nameless += 1
        elif by_number in context.known.read_customers:
            read_before.add(by_number)
        else:
            key = pseudonyms.email(email) if email else by_number
            # Somebody whose address changed between two of the files is one customer still.
            customers.pop(keys.get(by_number, ""), None)
            if by_number:
                keys[by_number] = key
            customers[key] = {"customer_key": key, **record}
    notes = unread_columns(sheets, lambda name: name in READ or name in NOT_READ)
    if nameless:
        notes += (f"{nameless} without e-mail address and Customer ID: not loaded",)
    if read_before:
        notes += (f"{len(read_before)} known from the shop's API: left as they are",)
    return [Piece("customer_export", "customer_export", PARTS, list(customers.values()), notes=notes)]


def _rows(sheets: Sequence[Sheet]) -> Iterator[Cells]:
    for sheet in sheets:
        sheet.require(("Email",))
        yield from sheet.cells()


def _record(cells: Cells) -> dict[str, Any]:
    country = next((text for column in COUNTRIES if (text := cells.text(column))), None)
    return {
        "orders_count": cells.whole("Total Orders") if cells.text("Total Orders") else None,
        "country": country,
    }


def _number(cells: Cells) -> str:
    """The Customer ID; Shopify writes it with an apostrophe, so that spreadsheets leave its digits alone."""
    text = cells.text("Customer ID")
    found = _NUMBER.fullmatch(text)
    if text and not found:
        raise cells.bad("Customer ID", "a customer's number", shown=False)
    return found[1] if found else ""


def _email(cells: Cells) -> str:
    email = cells.text("Email")
    if email and "@" not in email:
        raise cells.bad("Email", "an e-mail address", shown=False)
    return email


CUSTOMERS = Kind(
    name="Shopify customer export",
    signs="'Customer ID' or 'First Name' and 'Last Name'",
    recognises=is_customer_export,
    read=read_customers,
)
