"""A made-up shop of any size with realistic skew, as zstd Parquet files; the same seed gives the same rows.

The skew that matters to queries: most customers order once (about 28 % come back, with a heavy tail), acquisition
grows and has weekly and November seasons, products follow a Zipf-like law, queries × pages × days are a long tail,
click-through falls with position, refunds come days after the order, 4 % of orders are guests'. Money is whole
minor units, times are UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LAST_DAY = np.datetime64("2026-10-31")
DAYS = 1096
FIRST_DAY = LAST_DAY - np.timedelta64(DAYS - 1, "D")
_EPOCH = int(FIRST_DAY.astype("datetime64[s]").view("int64"))
_DEVICES = np.array(["mobile", "desktop"])


@dataclass(frozen=True)
class _Sales:
    """Orders and their lines as columns; ``line_order`` is the index of each line's order."""

    ts: Any
    per_order: Any
    line_order: Any
    unit: Any
    quantity: Any
    discount: Any
    order_id: Any


def generate(folder: Path, lines: int, seed: int = 7) -> dict[str, int]:
    """Write the tables of a shop with about ``lines`` order lines into ``folder``; returns rows by table.

    A folder that has them already is left as it is.
    """
    done = folder / "rows.json"
    if done.exists():
        return dict(json.loads(done.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    products = int(min(20_000, 400 + 2.2 * np.sqrt(lines)))
    weight = 1.0 / (np.arange(products) + 3.0) ** 1.02
    weight /= weight.sum()
    page_weight = np.concatenate((weight * 0.70, np.full(60, 0.20 / 60), np.full(180, 0.10 / 180)))
    first_day, customers, ts = _orders(rng, int(lines / 2.1))
    rows: dict[str, int] = {}
    sales = _sales(folder, rows, rng, ts, customers, weight, page_weight, first_day)
    _refunds(folder, rows, rng, sales)
    _search(folder, rows, rng, lines // 2, page_weight)
    _sessions(folder, rows, rng, page_weight, sales.ts.size / DAYS)
    _vitals(folder, rows, rng, page_weight)
    done.write_text(json.dumps(rows), encoding="utf-8")
    return rows


def _write(folder: Path, rows: dict[str, int], name: str, columns: dict[str, Any]) -> None:
    table = pa.table(columns)
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd", row_group_size=262_144)
    rows[name] = table.num_rows


def _times(seconds: Any, mask: Any = None) -> pa.Array:
    return pa.array(seconds.astype("datetime64[s]").astype("datetime64[us]"), mask=mask)


def _orders(rng: Any, wanted: int) -> tuple[Any, Any, Any]:
    """First days of the customers, and of each order its customer's index and its time, in order of time."""
    d = np.arange(DAYS)
    dates = FIRST_DAY + d.astype("timedelta64[D]")
    weekday = (dates.astype("datetime64[D]").view("int64") - 4) % 7
    month = dates.astype("datetime64[M]").view("int64") % 12 + 1
    day_of_month = (dates.astype("datetime64[D]") - dates.astype("datetime64[M]")).astype(int) + 1
    w = np.exp(0.9 * d / DAYS) * np.where(weekday >= 5, 0.82, 1.0) * np.where(np.isin(month, (11, 12)), 1.5, 1.0)
    w = np.where((month == 11) & (day_of_month >= 24), w * 3.0, w)
    w /= w.sum()
    customers = int(wanted / 1.87)
    first_day = np.sort(rng.choice(DAYS, customers, p=w))
    repeats = rng.poisson(rng.gamma(0.30, 1 / 0.30, customers) * 1.15)
    total = int(repeats.sum())
    who = np.repeat(np.arange(customers), repeats)
    passed = np.cumsum(rng.lognormal(np.log(38), 1.05, total))
    starts = np.concatenate(([0], np.cumsum(repeats)[:-1]))
    base = np.where(starts > 0, passed[np.maximum(starts - 1, 0)], 0.0)
    later = np.repeat(first_day, repeats) + passed - np.repeat(base, repeats)
    keep = later < DAYS
    day = np.floor(np.concatenate((first_day.astype(float), later[keep]))).astype(np.int64)
    customer = np.concatenate((np.arange(customers), who[keep]))
    second = (rng.beta(3.2, 2.2, day.size) * 86_399).astype(np.int64)
    ts = _EPOCH + day * 86_400 + second
    order = np.argsort(ts, kind="stable")
    return first_day, customer[order], ts[order]


def _sales(
    folder: Path,
    rows: dict[str, int],
    rng: Any,
    ts: Any,
    customer: Any,
    weight: Any,
    page_weight: Any,
    first_day: Any,
) -> _Sales:
    n = ts.size
    order_id = 5_000_000_000_000 + np.arange(n, dtype=np.int64) * 3
    guest = rng.random(n) < 0.04
    per_order = 1 + rng.poisson(1.1, n)
    line_order = np.repeat(np.arange(n), per_order)
    lines = line_order.size
    product = rng.choice(weight.size, lines, p=weight).astype(np.int64)
    price = np.round(np.exp(rng.normal(np.log(3200), 0.75, weight.size)) / 100).astype(np.int64) * 100 - 5
    price = np.clip(price, 495, 250_000)
    quantity = 1 + (rng.random(lines) < 0.15).astype(np.int64) + (rng.random(lines) < 0.03)
    unit = price[product]
    discounted = rng.random(n) < 0.18
    percent = np.where(discounted, rng.choice([5, 10, 15, 20, 30], n, p=[0.1, 0.45, 0.2, 0.2, 0.05]), 0)
    discount = (unit * quantity * percent[line_order]) // 100
    sales = _Sales(ts, per_order, line_order, unit, quantity, discount, order_id)
    cancelled = rng.random(n) < 0.012
    landing = rng.choice(page_weight.size, n, p=page_weight).astype(np.int64)
    _customers(folder, rows, rng, first_day)
    _catalogue(folder, rows, price, page_weight.size)
    gross = np.bincount(line_order, unit * quantity, n).astype(np.int64)
    off = np.bincount(line_order, discount, n).astype(np.int64)
    shipping = np.where(gross > 7500, 0, 595).astype(np.int64)
    tax = ((gross - off) * 8) // 100
    columns = {
        "order_id": order_id,
        "customer_id": pa.array(7_000_000_000_000 + customer.astype(np.int64) * 5, pa.int64(), mask=guest),
        "created_at": _times(ts),
        "cancelled_at": _times(ts + 7200, ~cancelled),
        "currency": np.full(n, "USD"),
        "subtotal_cents": gross,
        "discount_cents": off,
        "shipping_cents": shipping,
        "tax_cents": tax,
        "total_cents": gross - off + shipping + tax,
        "discount_code": pa.array(np.char.add("CODE", percent.astype(str)), mask=~discounted),
        "landing_page_id": landing + 1,
        "channel": rng.choice(
            ["organic", "paid", "email", "direct", "social"], n, p=[0.36, 0.24, 0.16, 0.17, 0.07]
        ),
    }
    _write(folder, rows, "orders", columns)
    columns = {
        "order_line_id": 9_000_000_000_000 + np.arange(lines, dtype=np.int64),
        "order_id": order_id[line_order],
        "product_id": 8_000_000_000 + product,
        "quantity": quantity.astype(np.int32),
        "unit_price_cents": unit,
        "discount_cents": discount,
    }
    _write(folder, rows, "order_lines", columns)
    return sales


def _customers(folder: Path, rows: dict[str, int], rng: Any, first_day: Any) -> None:
    countries = ["US", "GB", "DE", "CA", "FR", "AU", "NL"]
    columns = {
        "customer_id": 7_000_000_000_000 + np.arange(first_day.size, dtype=np.int64) * 5,
        "created_at": _times(_EPOCH + first_day * 86_400),
        "country": rng.choice(countries, first_day.size, p=[0.55, 0.13, 0.1, 0.09, 0.05, 0.05, 0.03]),
        "accepts_marketing": rng.random(first_day.size) < 0.42,
    }
    _write(folder, rows, "customers", columns)


def _catalogue(folder: Path, rows: dict[str, int], price: Any, pages: int) -> None:
    """Products, and the pages: one a product, 60 collections, 180 articles."""
    n = price.size
    kinds = np.array(["product"] * n + ["collection"] * 60 + ["article"] * 180)
    columns = {
        "product_id": 8_000_000_000 + np.arange(n, dtype=np.int64),
        "title": [f"Product {i}" for i in range(n)],
        "product_type": [f"type-{i % 23}" for i in range(n)],
        "price_cents": price,
    }
    _write(folder, rows, "products", columns)
    columns = {
        "page_id": np.arange(1, pages + 1, dtype=np.int64),
        "path": [f"/{kind}s/{kind}-{i}" for i, kind in enumerate(kinds)],
        "page_type": kinds,
        "product_id": pa.array([8_000_000_000 + i if i < n else None for i in range(pages)], pa.int64()),
    }
    _write(folder, rows, "pages", columns)


def _refunds(folder: Path, rows: dict[str, int], rng: Any, sales: _Sales) -> None:
    """The first line of 6 % of the orders, twelve days later on average."""
    first_line = np.concatenate(([0], np.cumsum(sales.per_order)[:-1]))
    order = np.flatnonzero(rng.random(sales.ts.size) < 0.06)
    at = sales.ts[order] + (rng.exponential(12, order.size) * 86_400).astype(np.int64) + 3600
    known = at < int(LAST_DAY.astype("datetime64[s]").view("int64")) + 86_400
    order, at = order[known], at[known]
    line = first_line[order]
    columns = {
        "refund_id": 6_000_000_000_000 + np.arange(order.size, dtype=np.int64),
        "order_id": sales.order_id[order],
        "order_line_id": 9_000_000_000_000 + line.astype(np.int64),
        "created_at": _times(at),
        "quantity": sales.quantity[line].astype(np.int32),
        "amount_cents": sales.unit[line] * sales.quantity[line] - sales.discount[line],
    }
    _write(folder, rows, "refunds", columns)


def _search(folder: Path, rows: dict[str, int], rng: Any, n: int, page_weight: Any) -> None:
    """Day × page × query × device over the last 480 days: a long tail."""
    pages = page_weight.size
    day = LAST_DAY - (480 * rng.beta(1.0, 1.15, n)).astype(np.int64).astype("timedelta64[D]")
    page = rng.choice(pages, n, p=page_weight).astype(np.int64)
    query = page * 40 + (rng.pareto(0.9, n) * 2).astype(np.int64) % 40
    device = rng.choice([0, 1], n, p=[0.63, 0.37])
    usual = 1.2 + (query * 2654435761 % 4294967296) / 4294967296 * 22
    position = np.clip(usual + rng.normal(0, 1.6, n), 1.0, 90.0)
    impressions = 1 + rng.poisson(rng.pareto(1.15, n) * 6).clip(0, 60_000)
    ctr = 0.31 * position**-1.12 * np.exp(rng.normal(0, 0.25, n))
    clicks = rng.binomial(impressions, np.clip(ctr, 0, 0.6))
    key = ((day - FIRST_DAY).astype(np.int64) * (pages * 40) + query) * 2 + device
    _, first = np.unique(key, return_index=True)
    columns = {
        "day": pa.array(day[first].astype("datetime64[D]")),
        "page_id": page[first] + 1,
        "query_id": query[first],
        "device": _DEVICES[device[first]],
        "clicks": clicks[first].astype(np.int32),
        "impressions": impressions[first].astype(np.int32),
        "position": np.round(position[first], 2),
    }
    _write(folder, rows, "search_performance", columns)


def _sessions(folder: Path, rows: dict[str, int], rng: Any, page_weight: Any, orders_a_day: float) -> None:
    """Page × device × day over the last 365 days, where there was any visit."""
    days, pages = 365, page_weight.size
    day = np.repeat(np.arange(days), pages * 2)
    page = np.tile(np.repeat(np.arange(pages), 2), days)
    device = np.tile([0, 1], days * pages)
    sessions = rng.poisson(page_weight[page] * orders_a_day * 45 * np.where(device == 0, 0.66, 0.34))
    seen = sessions > 0
    day, page, device, sessions = day[seen], page[seen], device[seen], sessions[seen]
    carts = rng.binomial(sessions, 0.065)
    checkouts = rng.binomial(carts, 0.52)
    purchases = rng.binomial(checkouts, 0.55)
    columns = {
        "day": pa.array((LAST_DAY - (days - 1 - day).astype("timedelta64[D]")).astype("datetime64[D]")),
        "page_id": page.astype(np.int64) + 1,
        "device": _DEVICES[device],
        "sessions": sessions.astype(np.int32),
        "engaged_sessions": rng.binomial(sessions, 0.57).astype(np.int32),
        "add_to_carts": carts.astype(np.int32),
        "checkouts": checkouts.astype(np.int32),
        "purchases": purchases.astype(np.int32),
    }
    _write(folder, rows, "page_sessions", columns)


def _vitals(folder: Path, rows: dict[str, int], rng: Any, page_weight: Any) -> None:
    """Page × device × week, 60 weeks; pages with little traffic are often missing."""
    weeks, pages = 60, page_weight.size
    page = np.repeat(np.arange(pages), weeks * 2)
    week = np.tile(np.repeat(np.arange(weeks), 2), pages)
    device = np.tile([0, 1], pages * weeks)
    seen = rng.random(page.size) < np.clip(page_weight[page] * pages * 1.5, 0.05, 1.0)
    page, week, device = page[seen], week[seen], device[seen]
    lcp = 1500 + 900 * rng.random(pages)[page] + np.where(device == 0, 800, 0) + rng.normal(0, 120, page.size)
    columns = {
        "period_start": pa.array(
            (LAST_DAY - ((weeks - week) * 7).astype("timedelta64[D]")).astype("datetime64[D]")
        ),
        "page_id": page.astype(np.int64) + 1,
        "device": _DEVICES[device],
        "lcp_ms": np.round(lcp, 0),
        "inp_ms": np.round(120 + 130 * rng.random(page.size), 0),
        "cls": np.round(rng.gamma(1.2, 0.05, page.size), 3),
    }
    _write(folder, rows, "web_vitals", columns)
