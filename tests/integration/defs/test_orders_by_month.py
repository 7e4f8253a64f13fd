"""Months of orders are read again one by one: in any order, beside each other, and compared with the API."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import dagster as dg

from growth_pipelines.defs.assets.orders_by_month import ORDERS_BY_MONTH, months, orders_by_month
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.machine import Machine
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from tests.conftest import SandboxShop
from tests.integration.ingestion.conftest import raw_rows

from .conftest import NOW, QUIET

FRESH = {
    "GROWTH_NOW": NOW.isoformat(),
    "GROWTH_PRIVACY__PSEUDONYM_KEY": "the same key on every machine of this file",
}
TABLES = ("orders", "order_lines", "order_transactions", "refunds", "refund_lines")


def read_month(settings: Settings, instance: dg.DagsterInstance, month: str) -> dict[str, Any]:
    """Materialize a partition; its metadata and whether the check passed."""
    result = dg.materialize(
        [orders_by_month(settings)],
        partition_key=month,
        instance=instance,
        resources={"machine": Machine(settings)},
        run_config=QUIET,
    )
    (event,) = result.asset_materializations_for_node("orders_by_month")
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in event.metadata.items()} | {"agrees": check.passed}


def test_the_months_are_those_of_the_history_and_need_no_warehouse(
    tmp_path: Path, small_shop: SandboxShop
) -> None:
    settings = small_shop.settings(tmp_path / "home", **FRESH, GROWTH_INGESTION__HISTORY_DAYS="100")
    assert months(settings).get_partition_keys()[:3] == ["2026-08", "2026-09", "2026-10"]
    assert not settings.home.exists()


def test_two_months_in_any_order_leave_the_same_rows(tmp_path: Path, small_shop: SandboxShop) -> None:
    left = []
    for home, order in (("a", ("2026-05", "2026-06")), ("b", ("2026-06", "2026-05"))):
        settings = small_shop.settings(tmp_path / home, **FRESH)
        with open_instance(settings) as instance:
            for month in order:
                said = read_month(settings, instance, month)
                assert said["agrees"]
                assert said["rows"] == said["rows_in_the_warehouse"] == said["api_count"] > 0
                assert said["difference"] == 0
        left.append(raw_rows(settings, *TABLES))
    assert left[0] == left[1]


def test_a_month_mends_what_is_missing_beside_a_whole_history(tmp_path: Path, small_shop: SandboxShop) -> None:
    settings = small_shop.settings(tmp_path / "home", **FRESH, GROWTH_INGESTION__HISTORY_DAYS="100")
    ingest(settings, ["orders"])
    whole = raw_rows(settings, *TABLES)
    with Warehouse.of(settings).write() as connection:
        for table in TABLES:
            connection.execute(f"delete from raw.{table} where _line % 2 = 0")
    with open_instance(settings) as instance:
        for month in reversed(months(settings).get_partition_keys()):
            assert read_month(settings, instance, month)["agrees"], month
    mended = raw_rows(settings, *TABLES)
    for table in TABLES:  # The first month begins before the history does.
        assert set(mended[table]) >= set(whole[table]), table


def read_in_a_process_of_its_own(environment: dict[str, str], month: str) -> dict[str, Any]:
    """As the daemon starts a run."""
    settings = load_settings(environment)
    with open_instance(settings) as instance:
        return read_month(settings, instance, month)


def test_months_are_safe_side_by_side(tmp_path: Path, small_shop: SandboxShop) -> None:
    environment = small_shop.environment(tmp_path / "home", **FRESH)
    asked = ("2026-03", "2026-04", "2026-05")
    with open_instance(load_settings(environment)):
        pass  # Its tables are made by whoever comes first.
    with ProcessPoolExecutor(len(asked), get_context("spawn")) as pool:
        said = list(pool.map(read_in_a_process_of_its_own, [environment] * len(asked), asked))
    assert [one["difference"] for one in said] == [0, 0, 0]
    rows = raw_rows(load_settings(environment), "orders")["orders"]
    assert len(rows) == sum(one["rows_in_the_warehouse"] for one in said) > 0


def test_the_asset_has_a_partition_a_month_and_takes_its_turn(tmp_path: Path, small_shop: SandboxShop) -> None:
    asset = orders_by_month(small_shop.settings(tmp_path / "home", **FRESH))
    assert asset.op.pool == "warehouse"
    assert isinstance(asset.partitions_def, dg.MonthlyPartitionsDefinition)
    assert asset.key == ORDERS_BY_MONTH
