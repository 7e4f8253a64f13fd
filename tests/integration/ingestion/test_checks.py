"""What is wrong with loaded rows is found by recounting them, on both warehouses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.checks import Compared, StreamFindings, compare_month, examine
from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import QUICK

Machine = Callable[..., Settings]
COUNTED = ["shop", "products", "collections", "customers", "orders"]


def change(settings: Settings, statement: str) -> None:
    with Warehouse.of(settings).write() as connection:
        connection.execute(statement)


def orders(settings: Settings, results: list[StreamResult]) -> StreamFindings:
    return examine(settings, results)["orders"]


def compared(findings: StreamFindings) -> Compared:
    assert findings.compared is not None, findings.not_compared
    return findings.compared


@pytest.fixture
def read(small_shop: Any, machine: Machine, database: dict[str, str]) -> tuple[Settings, list[StreamResult]]:
    settings = machine(small_shop, **database)
    return settings, ingest(settings, COUNTED)


def test_rows_that_were_read_right_are_found_right(
    read: tuple[Settings, list[StreamResult]], small_shop: Any
) -> None:
    settings, results = read
    findings = examine(settings, results)
    counts = small_shop.truth["counts"]
    for stream in ("products", "collections", "customers", "orders"):
        found = compared(findings[stream])
        assert (found.api, found.loaded, found.agrees) == (counts[stream], counts[stream], True)
    tables = {name: table for one in findings.values() for name, table in one.tables.items()}
    assert tables["order_lines"].rows == counts["lines"]
    assert {table.duplicates.keys for table in tables.values()} == {0}
    assert not [table for table in tables.values() if table.turned_null]
    for manifest in findings["orders"].manifests:
        assert (settings.home / manifest).is_file()


def test_a_row_that_is_there_twice_is_found(read: tuple[Settings, list[StreamResult]]) -> None:
    settings, results = read
    change(settings, "insert into raw.order_lines select * from raw.order_lines where order_id like '%3' limit 2")
    twice = orders(settings, results).tables["order_lines"].duplicates
    assert (twice.keys, twice.extra_rows) == (2, 2)
    assert "gid://shopify/LineItem/" in twice.example


def test_rows_that_are_missing_or_too_many_differ_from_the_api_s_count(
    read: tuple[Settings, list[StreamResult]],
) -> None:
    settings, results = read
    change(
        settings,
        "delete from raw.orders where order_id in (select order_id from raw.orders order by order_id limit 3)",
    )
    missing = compared(orders(settings, results))
    assert (missing.difference, missing.agrees) == (3, False)
    change(settings, "insert into raw.orders select * from raw.orders")
    assert compared(orders(settings, results)).difference < 0


def test_what_arrived_since_is_no_difference(start_sandbox: Callable[..., Any], machine: Machine) -> None:
    shop = start_sandbox("--seed", "3", "--orders", "400", "--products", "60", "--today", "2026-11-22")
    settings = machine(shop)
    results = ingest(settings, COUNTED)
    shop.advance(9)
    found = compared(orders(settings, results))
    assert found.difference > 0
    assert found.moved >= found.difference
    assert found.agrees


def test_without_the_scope_only_the_orders_that_shopify_shows_are_compared(
    start_sandbox: Callable[..., Any], machine: Machine, tmp_path: Path
) -> None:
    options = ("--seed", "7", "--orders", "600", "--products", "60", "--today", "2026-11-22")
    everything, recent = start_sandbox(*options), start_sandbox(*options, "--without-scope", "read_all_orders")
    settings = machine(everything)
    ingest(settings, COUNTED)
    results = ingest(recent.settings(settings.home, **QUICK), COUNTED)
    found = compared(orders(recent.settings(settings.home, **QUICK), results))
    assert found.agrees
    assert 0 < found.loaded < everything.truth["counts"]["orders"] / 2


@pytest.mark.parametrize("column", ["financial_status", "landing_path"])
def test_a_column_that_turned_null_is_named(
    read: tuple[Settings, list[StreamResult]], small_shop: Any, database: dict[str, str], column: str
) -> None:
    settings, results = read
    examine(settings, results)
    later = small_shop.settings(settings.home, **(QUICK | {"GROWTH_NOW": "2026-11-23T12:00:00+00:00"} | database))
    # All rows are loaded anew, so the table itself holds nothing of before.
    again = ingest(later, ["orders"], full=True)
    assert not orders(later, again).tables["orders"].turned_null
    change(later, f"update raw.orders set {column} = null")
    turned = orders(later, again).tables["orders"].turned_null
    # Where customers came from is often unknown, so that it says nothing.
    assert [one.column for one in turned] == [column] * (column == "financial_status")


def test_an_api_that_does_not_answer_is_no_failure(
    read: tuple[Settings, list[StreamResult]], small_shop: Any, database: dict[str, str]
) -> None:
    settings, results = read
    refused = small_shop.settings(settings.home, **(QUICK | database), GROWTH_SHOPIFY__ACCESS_TOKEN="wrong")
    findings = orders(refused, results)
    assert findings.compared is None
    assert "could not be asked" in findings.not_compared
    assert findings.tables["orders"].rows > 0


def test_a_month_is_compared_in_its_own_bounds(read: tuple[Settings, list[StreamResult]]) -> None:
    settings, results = read
    (result,) = [result for result in results if result.stream == "orders"]
    month = (datetime(2026, 6, 1), datetime(2026, 7, 1))
    found = compared(compare_month(settings, result, *month))
    assert found.agrees
    assert 0 < found.api == found.loaded < 100
    change(settings, "delete from raw.orders where updated_at >= '2026-06-01' and updated_at < '2026-07-01'")
    assert compared(compare_month(settings, result, *month)).difference == found.api
