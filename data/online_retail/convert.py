"""Write Online Retail II (Excel sheet "Year 2009-2010" as Parquet) as Shopify order exports, one file a month.

    python data/online_retail/convert.py PATH/TO/or2_2009_2010.parquet [--from 2009-12] [--months 7]

What the source does not hold is not invented, with four exceptions that the format needs: the currency (GBP) and
the zone (Europe/London) of a shop in the United Kingdom, an address at the reserved domain `example` made from the
customer's number, and "paid" and "fulfilled" as the state of an order. ATTRIBUTION.md says what was left out.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

HERE = Path(__file__).parent
ZONE = ZoneInfo("Europe/London")
# The columns of Shopify's "Plain CSV" order export, in its order.
COLUMNS = """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,\
Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,\
Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,\
Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,Shipping Address1,\
Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,\
Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,\
Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,\
Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,\
Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,\
Payment References""".split(",")
# Stock codes of goods: five digits with letters behind, gift sets and gift vouchers. Others are fees and notes.
GOODS = re.compile(r"(?i)^(\d{5}[a-z]*|dcgs\w*|gift_\w+)$")
CARRIAGE = {"POST", "DOT", "C2", "C3"}
COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Bermuda": "BM", "Brazil": "BR",
    "Canada": "CA", "Channel Islands": "JE", "Cyprus": "CY", "Denmark": "DK", "EIRE": "IE", "Finland": "FI",
    "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL",
    "Italy": "IT", "Japan": "JP", "Korea": "KR", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT",
    "Netherlands": "NL", "Nigeria": "NG", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA",
    "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "Thailand": "TH", "USA": "US",
    "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip


@dataclass
class Order:
    """One invoice: its goods, its carriage, and what of it came back later."""

    number: str
    customer: str
    country: str
    created: pd.Timestamp
    lines: list[tuple[str, str, int, Decimal]] = field(default_factory=list)
    carriage: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def subtotal(self) -> Decimal:
        return sum((quantity * price for _, _, quantity, price in self.lines), Decimal(0))


def read_orders(rows: pd.DataFrame, dropped: Counter[str]) -> tuple[dict[str, Order], list[tuple]]:
    """Orders by invoice number, and the cancelled lines in the order of time."""
    orders: dict[str, Order] = {}
    cancelled = []
    for row in rows.itertuples(index=False):
        code, price = row.StockCode.strip().upper(), Decimal(str(row.Price))
        customer = "" if pd.isna(row.customer) else str(int(row.customer))
        if row.Invoice.startswith("C"):
            cancelled.append((customer, code, -row.Quantity, price))
            continue
        goods = bool(GOODS.match(code))
        if row.Quantity <= 0 or price <= 0 or not (goods or code in CARRIAGE) or not row.Invoice.isdigit():
            dropped["free, negative or no goods"] += 1
            continue
        order = orders.setdefault(row.Invoice, Order(row.Invoice, customer, row.Country, row.created))
        if goods:
            title = re.sub(r"\s+", " ", row.Description or code).strip()
            order.lines.append((code, title, int(row.Quantity), price))
            order.left[code] += int(row.Quantity)
        else:
            order.carriage += row.Quantity * price
    return {number: order for number, order in orders.items() if order.lines}, cancelled


def apply_cancellations(orders: dict[str, Order], cancelled: list[tuple], dropped: Counter[str]) -> None:
    """Take each cancelled line from the customer's newest order that still holds so many of it."""
    by_customer = defaultdict(list)
    for order in orders.values():
        if order.customer:
            by_customer[order.customer].append(order)
    for customer, code, quantity, _ in cancelled:
        for order in reversed(by_customer.get(customer, [])):
            if quantity > 0 and order.left[code] >= quantity:
                paid = next(price for sku, _, _, price in order.lines if sku == code)
                order.left[code] -= quantity
                order.refunded += min(paid * quantity, order.subtotal - order.refunded)
                break
        else:
            dropped["cancellation of an order outside of the slice, or of no goods"] += 1


def export_rows(order: Order) -> list[dict[str, str]]:
    created = f"{order.created:%Y-%m-%d %H:%M:%S %z}"
    total = order.subtotal + order.carriage
    status = "paid" if not order.refunded else "refunded" if order.refunded >= order.subtotal else "partially_refunded"
    first = {
        "Financial Status": status,
        "Paid at": created,
        "Fulfillment Status": "fulfilled",
        "Fulfilled at": created,
        "Accepts Marketing": "no",
        "Currency": "GBP",
        "Subtotal": f"{order.subtotal:.2f}",
        "Shipping": f"{order.carriage:.2f}",
        "Taxes": "0.00",
        "Total": f"{total:.2f}",
        "Discount Amount": "0.00",
        "Billing Country": COUNTRIES.get(order.country, ""),
        "Refunded Amount": f"{order.refunded:.2f}",
        "Outstanding Balance": "0.00",
        "Id": order.number,
        "Risk Level": "Low",
        "Source": "web",
    }
    rows = []
    for sku, title, quantity, price in order.lines:
        rows.append(
            {
                "Name": f"#{order.number}",
                "Email": f"customer-{order.customer}@customers.example" if order.customer else "",
                **(first if not rows else {}),
                "Created at": created,
                "Lineitem quantity": str(quantity),
                "Lineitem name": title,
                "Lineitem price": f"{price:.2f}",
                "Lineitem sku": sku,
                "Lineitem requires shipping": "true",
                "Lineitem taxable": "false",
                "Lineitem fulfillment status": "fulfilled",
                "Lineitem discount": "0.00",
            }
        )
    return rows


def write_month(path: Path, orders: list[Order]) -> int:
    """One export, the same bytes each time; returns its rows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    rows = [row for order in sorted(orders, key=lambda o: (o.created, o.number)) for row in export_rows(order)]
    writer.writerows(rows)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    return len(rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parquet", type=Path)
    options.add_argument("--from", dest="first", default="2009-12")
    options.add_argument("--months", type=int, default=7)
    given = options.parse_args()
    rows = pd.read_parquet(given.parquet).rename(columns={"Customer ID": "customer"})
    local = pd.to_datetime(rows.InvoiceDate)
    first = pd.Timestamp(given.first)
    inside = (local >= first) & (local < first + pd.DateOffset(months=given.months))
    rows = rows[inside].assign(created=local[inside].dt.tz_localize(ZONE)).sort_values("created", kind="stable")
    dropped: Counter[str] = Counter()
    orders, cancelled = read_orders(rows, dropped)
    apply_cancellations(orders, cancelled, dropped)
    months = defaultdict(list)
    for order in orders.values():
        months[f"{order.created:%Y-%m}"].append(order)
    for old in HERE.glob("orders_export_*.csv.gz"):
        old.unlink()
    for month, found in sorted(months.items()):
        path = HERE / f"orders_export_{month}.csv.gz"
        written = write_month(path, found)
        print(f"{path.name}: {len(found):,} orders, {written:,} rows, {path.stat().st_size / 1e6:.2f} MB")
    total = sum(path.stat().st_size for path in HERE.glob("orders_export_*.csv.gz"))
    print(f"{len(orders):,} orders, {total / 1e6:.2f} MB; left out: {dict(dropped)}")


if __name__ == "__main__":
    main()
