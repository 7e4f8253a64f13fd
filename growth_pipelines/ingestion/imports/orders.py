"""Shopify's order export (Orders → Export → Plain CSV): one row a line item, the order's own columns on its first.

What the export does not say is not made up, but two things have to be placed: a refund has no date of its own, so
it is dated on the cancellation or else on the order; and line items have no ids, so they are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece
from growth_pipelines.ingestion.imports.sheets import Cells, Sheet
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.windows import Window

PARTS = (
    Part("order_lines", scope="parent", parent="orders"),
    Part("orders"),
    Part("refunds", scope="parent", parent="orders"),
    Part("refund_lines", scope="parent", parent="orders"),
    Part("customers"),
)
UNDATED_REFUNDS = "the export does not date refunds: they count on the day of the cancellation or of the order"
REQUIRED = ("Name", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price")
ROUNDING = Decimal("0.01")
ZERO = Decimal(0)


def is_order_export(sheet: Sheet) -> bool:
    """True for a sheet that means to be an order export, complete or not."""
    return any(column.startswith("Lineitem ") for column in sheet.columns)


@dataclass
class _Order:
    """The rows of one order: the first holds its own columns."""

    first: Cells
    lines: list[Cells] = field(default_factory=list)


def order_records(
    sheets: Iterable[Sheet], zone: ZoneInfo, currency: str, pseudonyms: Pseudonyms
) -> Iterator[dict[str, Any]]:
    """One record an order with its lines, as ``parse/order_export`` reads them.

    An order that is in several files counts as in the last one. Raises BadSheet at the first bad cell.
    """
    orders: dict[str, _Order] = {}
    for sheet in sheets:
        sheet.require(REQUIRED)
        in_this_sheet: dict[str, _Order] = {}
        for cells in sheet.cells():
            name = cells.text("Name")
            if not name:
                raise cells.bad("Name", "an order's name")
            order = in_this_sheet.get(name)
            if order is None:
                order = in_this_sheet[name] = _Order(cells)
            else:
                cells.moment("Created at", zone)  # Repeated on each row by some exports; a bad one is told.
            order.lines.append(cells)
        orders.update(in_this_sheet)
    for order in orders.values():
        yield _record(order, zone, currency, pseudonyms)


def read_orders(sheets: Sequence[Sheet], context: Context) -> list[Piece]:
    """One piece. Customers that a customer export told stay as it told them. Raises BadSheet."""
    records = list(order_records(sheets, context.zone, context.shop.currency, context.pseudonyms()))
    refunded = any(record["refunded_amount"] not in ("0", "0.00") for record in records)
    return [
        Piece(
            "order_export",
            "order_export",
            PARTS,
            records,
            _window(records),
            notes=(UNDATED_REFUNDS,) if refunded else (),
            kept={"customers": context.known.exported_customers},
        )
    ]


def _window(records: list[dict[str, Any]]) -> Window | None:
    days = [datetime.fromisoformat(record["created_at"]) for record in records]
    return Window(min(days), max(days)) if days else None


def _record(order: _Order, zone: ZoneInfo, currency: str, pseudonyms: Pseudonyms) -> dict[str, Any]:
    first = order.first
    created = first.moment("Created at", zone)
    if created is None:
        raise first.bad("Created at", "a date and time like 2024-03-01 10:00:00 -0500")
    cancelled = first.moment("Cancelled at", zone)
    times = [created, first.moment("Paid at", zone), first.moment("Fulfilled at", zone), cancelled]
    number, email = first.text("Id"), first.text("Email")
    if number and not number.isdigit():
        raise first.bad("Id", "an order's number")
    order_id = f"gid://shopify/Order/{number}" if number else f"export:{first.text('Name')}"
    amounts = _Amounts(order)
    return {
        "order_id": order_id,
        "name": first.text("Name"),
        "customer_key": pseudonyms.email(email) if email else None,
        "country": first.text("Billing Country") or first.text("Shipping Country") or None,
        "created_at": _stamp(created),
        "updated_at": _stamp(max(moment for moment in times if moment is not None)),
        "cancelled_at": _stamp(cancelled),
        "is_test": "bogus" in first.text("Payment Method").lower(),
        "financial_status": first.text("Financial Status").lower() or None,
        "currency": first.text("Currency") or currency,
        "gross_amount": str(sum(amounts.gross, ZERO)),
        "discount_amount": str(sum(amounts.discounts, ZERO)),
        "tax_amount": str(amounts.taxes),
        "shipping_amount": str(amounts.shipping),
        "total_amount": str(amounts.total),
        "refunded_amount": str(first.money("Refunded Amount") or ZERO),
        "source_name": first.text("Source") or None,
        "lines": [
            {
                "order_line_id": f"{order_id}/line/{position}",
                "title": cells.text("Lineitem name"),
                "sku": cells.text("Lineitem sku") or None,
                "quantity": cells.whole("Lineitem quantity"),
                "unit_price": str(cells.money("Lineitem price")),
                "gross_amount": str(gross),
                "discount_amount": str(discount),
            }
            for position, (cells, gross, discount) in enumerate(
                zip(order.lines, amounts.gross, amounts.discounts, strict=True), start=1
            )
        ],
    }


class _Amounts:
    """The order's money: gross without tax, discounts spread over the lines, so that gross − discount is net."""

    def __init__(self, order: _Order) -> None:
        first = order.first
        priced = [_price(cells) * cells.whole("Lineitem quantity") for cells in order.lines]
        listed = sum(priced, ZERO)
        self.taxes = first.money("Taxes") or ZERO
        self.shipping = first.money("Shipping") or ZERO
        subtotal, total = first.money("Subtotal"), first.money("Total")
        if subtotal is None:
            subtotal = listed - (first.money("Discount Amount") or ZERO)
        self.total = total if total is not None else subtotal + self.shipping + self.taxes
        # Prices include tax when the total is reached without adding it.
        included = self.taxes if abs(self.total - subtotal - self.shipping) < ROUNDING else ZERO
        own = [cells.money("Lineitem discount") or ZERO for cells in order.lines]
        discount = max(ZERO, listed - subtotal)
        shared = _spread(max(ZERO, discount - sum(own, ZERO)), priced)
        taxes = _spread(included, priced)
        if sum(own, ZERO) > discount:  # The lines' discounts are gone from the subtotal (an edited order).
            own = _spread(discount, priced)
        self.gross = [price - tax for price, tax in zip(priced, taxes, strict=True)]
        self.discounts = [mine + part for mine, part in zip(own, shared, strict=True)]


def _price(cells: Cells) -> Decimal:
    price = cells.money("Lineitem price")
    if price is None:
        raise cells.bad("Lineitem price", "an amount")
    return price


def _spread(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """``amount`` in parts proportional to ``weights``; the parts add up to it exactly.

    Parts have as many decimals as what is given: whole cents stay whole, so lines add up to their order in cents.
    """
    whole = sum(weights, ZERO)
    if not amount or not whole:
        return [amount] + [ZERO] * (len(weights) - 1)
    finest = whole + amount  # A sum has the decimals of its finest term.
    parts = [(amount * weight / whole).quantize(finest) for weight in weights]
    parts[-1] += amount - sum(parts, ZERO)
    return parts


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


ORDERS = Kind(
    name="Shopify order export",
    signs="'Name' and 'Lineitem …'",
    recognises=is_order_export,
    read=read_orders,
)
