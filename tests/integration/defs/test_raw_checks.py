"""The checks on raw tables as Dagster sees them: green on what was read right, and each red for its own reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.conftest import SandboxShop

from .conftest import NOW, QUIET

FRESH = {"GROWTH_NOW": NOW.isoformat()}
ORDERS = dg.AssetKey(["raw", "orders"])
STAGED = dg.AssetKey(["staging", "stg_shopify__orders"])


class Reader:
    """Runs parts of the machine in Dagster."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance

    def read(self, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
        job = build_defs(self.settings).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance, run_config=QUIET, asset_selection=list(keys), raise_on_error=False
        )

    def change(self, statement: str) -> None:
        with Warehouse.of(self.settings).write() as connection:
            connection.execute(statement)


@pytest.fixture
def reader(tmp_path: Path, small_shop: SandboxShop) -> Iterator[Reader]:
    settings = small_shop.settings(tmp_path / "home", **FRESH)
    with open_instance(settings) as instance:
        yield Reader(settings, instance)


def checks(result: dg.ExecuteInProcessResult, table: str) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        check.check_name: check
        for check in result.get_asset_check_evaluations()
        if check.asset_key == dg.AssetKey(["raw", table])
    }


def values(metadata: Any) -> dict[str, Any]:
    return {name: entry.value for name, entry in metadata.items()}


def test_what_was_read_right_is_green_and_says_what_it_has(reader: Reader, small_shop: SandboxShop) -> None:
    result = reader.read(ORDERS)
    assert result.success
    found = checks(result, "orders")
    assert set(found) == {
        "arrived_in_time",
        "agrees_with_the_api",
        "no_duplicates",
        "null_rates",
        "schema_drift",
        "landed_contract",
        "as_usual",
    }
    assert all(check.passed for check in found.values())
    orders = small_shop.truth["counts"]["orders"]
    counted = values(found["agrees_with_the_api"].metadata)
    assert (counted["api_count"], counted["rows"], counted["difference"]) == (orders, orders, 0)
    event = reader.instance.get_latest_materialization_event(ORDERS)
    assert event is not None
    assert event.asset_materialization is not None
    shown = values(event.asset_materialization.metadata)
    assert (shown["rows"], shown["dagster/row_count"]) == (orders, orders)
    assert shown["lag"] == "0 min of 26 h"
    assert shown["requests"] > 0
    assert (reader.settings.home / shown["landed"].strip("`")).is_file()
    assert "history" not in shown


def test_models_are_not_built_on_a_table_with_a_key_twice(reader: Reader) -> None:
    assert reader.read(ORDERS, STAGED).success
    reader.change("insert into raw.orders select * from raw.orders order by updated_at limit 1")
    result = reader.read(ORDERS, STAGED)
    assert not result.success
    found = checks(result, "orders")["no_duplicates"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert values(found.metadata)["extra_rows"] == 1
    built = {event.asset_key for event in result.get_asset_materialization_events()}
    assert ORDERS in built
    assert STAGED not in built


def test_rows_that_the_api_counts_and_the_table_lacks_warn_with_both_numbers(
    reader: Reader, small_shop: SandboxShop
) -> None:
    reader.read(ORDERS)
    reader.change(
        "delete from raw.orders where order_id in (select order_id from raw.orders order by updated_at limit 3)"
    )
    result = reader.read(ORDERS)
    assert result.success, "it only warns"
    found = checks(result, "orders")["agrees_with_the_api"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    orders = small_shop.truth["counts"]["orders"]
    shown = values(found.metadata)
    assert (shown["api_count"], shown["rows"], shown["difference"]) == (orders, orders - 3, 3)
    assert "3 more" in (found.description or "")


def test_a_field_that_nobody_reads_warns_by_name(reader: Reader) -> None:
    reader.read(dg.AssetKey(["raw", "shops"]))
    # What an interrupted run had landed is loaded by the next.
    shop = Shop("hot-rod-parts.myshopify.com")
    with Landing(reader.settings.home).write("redirects", shop, NOW, whole=True) as file:
        file.writer.record({"id": "gid://shopify/UrlRedirect/1", "path": "/a", "target": "/b", "locale": "de"})
    found = checks(reader.read(dg.AssetKey(["raw", "redirects"])), "redirects")["schema_drift"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == "Sent and read by nobody: locale."


def test_a_stream_without_its_scope_is_left_out_and_the_log_says_why(
    tmp_path: Path, start_sandbox: Callable[..., SandboxShop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = start_sandbox(
        *("--orders", "300", "--products", "60", "--today", "2026-11-22"),
        *("--without-scope", "read_discounts", "--without-scope", "read_all_orders"),
    )
    settings = shop.settings(tmp_path / "home", **FRESH)
    with open_instance(settings) as instance:
        discounts = dg.AssetKey(["raw", "discounts"])
        result = Reader(settings, instance).read(ORDERS, discounts)
        assert result.success
        assert discounts not in {event.asset_key for event in result.get_asset_materialization_events()}
        said = [event.message for event in instance.all_logs(result.run_id) if event.message]
        assert "discounts is not read: no read_discounts scope: discounts can't be read" in said
        event = instance.get_latest_materialization_event(ORDERS)
        assert event is not None
        assert event.asset_materialization is not None
        history = values(event.asset_materialization.metadata)["history"]
        assert history == "history starts on 2026-09-23: only the last 60 days of orders can be read"
        assert checks(result, "orders")["agrees_with_the_api"].passed
