"""Landed JSON becomes typed rows: exact money, the shop's days, thin periods, removed tax, one row a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.warehouse.raw_tables import BY_NAME
from tests.parsing import parsed_tables

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = Shop("a.myshopify.com", "America/Denver", "USD", "https://a.example")
Rows = Callable[..., dict[str, list[dict[str, Any]]]]


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Parse records as a stream lands them: ``rows("orders", record, …)["orders"]``."""

    def parsed(stream: str, *records: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        with Landing(tmp_path).write(stream, SHOP, NOW, extra={"site_url": "sc-domain:a.example"}) as file:
            for record in records:
                file.writer.record(record)
        tables = parsed_tables(file.result, STREAMS[stream].folder, STREAMS[stream].parts, NOW)
        return {name: table.to_pylist() for name, table in tables.items()}

    return parsed


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


def order(**over: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Order/1",
        "name": "#1",
        "customer": {"id": "customer:abc"},
        "createdAt": "2026-03-02T02:00:00Z",
        "processedAt": "2026-03-02T02:00:00Z",
        "updatedAt": "2026-03-05T00:00:00Z",
        "cancelledAt": None,
        "test": False,
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "currencyCode": "USD",
        "taxesIncluded": False,
        "totalTaxSet": money("1.9"),
        "totalShippingPriceSet": money("5.0"),
        "totalPriceSet": money("34.9"),
        "totalRefundedSet": money("10.0"),
        "customerJourneySummary": {"lastVisit": {"landingPage": "https://a.example"}},
        "refunds": [
            {
                "id": "gid://shopify/Refund/9",
                "createdAt": "2026-03-04T05:00:00Z",
                "totalRefundedSet": money("10.0"),
            }
        ],
        **over,
    }


def line(number: int, price: str, quantity: int, discount: str = "", tax: str = "") -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": "AN-6",
        "sku": None,
        "quantity": quantity,
        "currentQuantity": quantity,
        "product": None,
        "variant": None,
        "originalUnitPriceSet": money(price),
        "discountAllocations": [{"allocatedAmountSet": money(discount)}] if discount else [],
        "taxLines": [{"priceSet": money(tax)}] if tax else [],
        "__parentId": "gid://shopify/Order/1",
    }


def test_an_order_has_exact_money_and_the_shops_own_day(rows: Rows) -> None:
    found = rows("orders", order(), line(1, "9.95", 3, discount="1.85", tax="1.9"), line(2, "0.1", 1))
    (one,) = found["orders"]
    assert one["gross_amount"] == Decimal("29.9500")
    assert one["discount_amount"] == Decimal("1.8500")
    assert (one["tax_amount"], one["shipping_amount"]) == (Decimal("1.9"), Decimal("5"))
    assert one["local_date"] == date(2026, 3, 1)  # 19:00 the evening before, in Denver
    assert one["created_at"] == datetime(2026, 3, 2, 2)
    assert (one["customer_key"], one["landing_path"]) == ("abc", "/")
    assert one["financial_status"] == "partially_refunded"
    assert found["refunds"][0]["local_date"] == date(2026, 3, 3)


def test_tax_that_prices_include_is_not_revenue(rows: Rows) -> None:
    found = rows("orders", order(taxesIncluded=True), line(1, "11.90", 2, discount="1.0", tax="3.80"))
    assert found["orders"][0]["gross_amount"] == Decimal("20.0000")
    assert found["order_lines"][0]["unit_price"] == Decimal("11.9000")


def test_lines_need_not_follow_their_order(rows: Rows) -> None:
    other = order(id="gid://shopify/Order/2", refunds=[])
    found = rows("orders", line(1, "10.0", 1), other, order(), line(2, "5.0", 1))
    assert {row["order_id"]: row["gross_amount"] for row in found["orders"]} == {
        "gid://shopify/Order/1": Decimal(15),
        "gid://shopify/Order/2": Decimal(0),
    }


def test_a_record_seen_twice_counts_as_it_was_last_seen(rows: Rows) -> None:
    found = rows("orders", order(name="old"), line(1, "1.0", 1), order(name="new"), line(1, "1.0", 2))
    assert [row["name"] for row in found["orders"]] == ["new"]
    assert [row["quantity"] for row in found["order_lines"]] == [2]


def test_a_guest_a_test_order_and_an_unknown_visit_are_told_as_such(rows: Rows) -> None:
    (one,) = rows("orders", order(customer=None, test=True, customerJourneySummary=None, refunds=[]))["orders"]
    assert one["customer_key"] is None
    assert one["is_test"] is True
    assert one["landing_path"] is None


def test_times_with_another_offset_become_utc(rows: Rows) -> None:
    (one,) = rows("orders", order(createdAt="2026-03-02T02:00:00-05:00"))["orders"]
    assert one["created_at"] == datetime(2026, 3, 2, 7)


def test_a_value_of_another_type_is_an_error_that_names_the_file(rows: Rows) -> None:
    with pytest.raises(GrowthError, match=r"orders.*does not have the expected shape"):
        rows("orders", order(createdAt="yesterday"))


def test_an_unpublished_page_has_no_address(rows: Rows) -> None:
    page = {"id": "gid://shopify/Page/1", "handle": "faq", "title": "FAQ", "body": "", "isPublished": True}
    article = page | {"id": "gid://shopify/Article/1", "blog": {"handle": "news"}, "seoTitle": {"value": "T"}}
    hidden = page | {"id": "gid://shopify/Page/2", "isPublished": False}
    found = {row["page_id"][-9:]: row for row in rows("pages", page, article, hidden)["pages"]}
    assert [row["url"] for row in found.values()] == [
        "https://a.example/pages/faq",
        "https://a.example/blogs/news/faq",
        None,
    ]
    assert found["Article/1"]["seo_title"] == "T"


def test_landing_paths_that_differ_by_their_query_are_one(rows: Rows) -> None:
    day = {"day": "2026-03-01", "sessions": "3"}
    found = rows("sessions", *({**day, "landing_page_path": path} for path in ("/a?x=1", "/a", "/a#t", "")))
    assert {row["landing_path"]: row["sessions"] for row in found["sessions_daily"]} == {"/a": 9, "/": 3}


def period(day: int) -> dict[str, Any]:
    last = {"year": 2026, "month": 11, "day": day}
    return {"firstDate": {"year": 2026, "month": 10, "day": day}, "lastDate": last}


def crux(answer: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "scope": "page",
        "target": "https://a.example/x",
        "form_factor": "phone",
        "found": answer is not None,
        "fetched_at": NOW.isoformat(),
        "answer": answer,
    }


def test_a_crux_record_reads_texts_and_numbers_and_an_absent_page_stays_known(rows: Rows) -> None:
    metrics = {
        "largest_contentful_paint": {
            "histogram": [{"density": 0.7}, {"density": 0.2}, {"density": 0.1}],
            "percentiles": {"p75": 2612},
        },
        "cumulative_layout_shift": {"histogram": [{"density": "NaN"}], "percentiles": {"p75": "0.05"}},
        "round_trip_time": {"percentiles": {"p75": 100}},
    }
    found = rows("crux_records", crux({"record": {"metrics": metrics, "collectionPeriod": period(21)}}))
    by_metric = {row["metric"]: row for row in found["crux_records"]}
    assert set(by_metric) == {"lcp", "cls"}
    assert by_metric["lcp"]["p75"] == 2612
    assert (by_metric["lcp"]["good"], by_metric["lcp"]["poor"]) == (0.7, 0.1)
    assert (by_metric["cls"]["p75"], by_metric["cls"]["good"]) == (0.05, None)
    assert by_metric["lcp"]["period_end"] == date(2026, 11, 21)
    (absent,) = rows("crux_records", crux(None))["crux_records"]
    assert (absent["found"], absent["metric"]) == (False, None)


def test_thin_weeks_of_crux_history_are_nulls_and_not_zeros(rows: Rows) -> None:
    series = {
        "histogramTimeseries": [
            {"densities": [0.9, "NaN"]},
            {"densities": [0.06, "NaN"]},
            {"densities": [0.04, "NaN"]},
        ],
        "percentilesTimeseries": {"p75s": ["0.10", None]},
    }
    record = {"metrics": {"cumulative_layout_shift": series}, "collectionPeriods": [period(14), period(21)]}
    first, second = sorted(
        rows("crux_history", crux({"record": record}))["crux_history"], key=lambda row: row["period_end"]
    )
    assert (first["p75"], first["poor"]) == (0.1, 0.04)
    assert (second["p75"], second["good"], second["period_end"]) == (None, None, date(2026, 11, 21))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_every_table_of_a_stream_has_all_its_columns_also_when_nothing_came(stream: Any, tmp_path: Path) -> None:
    with Landing(tmp_path).write(stream.name, SHOP, NOW) as file:
        pass
    for name, table in parsed_tables(file.result, stream.folder, stream.parts, NOW).items():
        assert table.column_names == [column.name for column in BY_NAME[name].all_columns]
        assert table.num_rows == 0


def test_search_rows_keep_odd_queries(rows: Rows) -> None:
    query = 'an6 "fuel" \\ },{ 日本'
    record = {
        "keys": ["2026-03-01", "https://a.example/x", query],
        "clicks": 2,
        "impressions": 9,
        "position": 3.25,
    }
    (found,) = rows("search_page_query", json.loads(json.dumps(record)))["search_page_query_daily"]
    assert (found["query"], found["impressions"], found["position"]) == (query, 9, 3.25)
    assert found["site_url"] == "sc-domain:a.example"
