"""Broken data are caught by a check with a name, nothing is published, and what was published stays served."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.quality.report import by_source, read_report
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse import dbt, dbt_project
from growth_pipelines.warehouse.database import Warehouse
from tests.conftest import SandboxShop

from .conftest import NOW, QUIET, SHORT, Cycled

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cycled")]
SHOP = Shop("hot-rod-parts.myshopify.com", "America/Denver", "USD")
DAY = datetime(2026, 10, 20)
PAGE = "https://www.hotrodparts.example/"
# From the shop to the readers, on the shortest way.
SALES = ("raw/orders", "raw/order_lines", "staging/stg_shopify__order_lines", "intermediate/int_order_lines")
SALES += ("marts/fct_order_lines", "published_warehouse")
SEARCH = ("raw/search_page_query_daily", "staging/stg_search_console__page_query_daily")
SEARCH += ("marts/fct_search_query_page_daily", "published_warehouse")


@pytest.fixture
def settings(cycled: Cycled, tmp_path: Path, small_shop: SandboxShop) -> Settings:
    shutil.copytree(cycled.home, tmp_path / "home", symlinks=True)
    return small_shop.settings(tmp_path / "home", **SHORT)


@pytest.fixture
def served(settings: Settings) -> Callable[[], tuple[Path, int, int]]:
    """What readers see: the snapshot, its orders and its clicks."""

    def look() -> tuple[Path, int, int]:
        warehouse = Warehouse.of(settings)
        with warehouse.read() as connection:
            orders = connection.execute("select count(*) from marts.fct_orders").fetchone()[0]
            clicks = connection.execute("select sum(clicks) from marts.fct_search_query_page_daily").fetchone()[0]
        return warehouse.current.resolve(), orders, clicks

    return look


def land(settings: Settings, stream: str, *records: dict[str, Any], window: Window | None = None) -> None:
    """A landing file that the next run loads, as if an interrupted one had left it."""
    extra = {"site_url": settings.search_console.site_url}
    with Landing(settings.home).write(stream, SHOP, NOW, window, extra) as file:
        for record in records:
            file.writer.record(record)


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


def order(quantity: int) -> list[dict[str, Any]]:
    at = "2026-11-21T18:00:00Z"
    whole = {"id": "gid://shopify/Order/1", "name": "#1", "createdAt": at, "processedAt": at, "updatedAt": at}
    whole |= {"currencyCode": "USD", "totalPriceSet": money("10.0"), "displayFinancialStatus": "PAID"}
    line = {"id": "gid://shopify/LineItem/1", "__parentId": whole["id"], "title": "Hose", "quantity": quantity}
    return [whole, line | {"currentQuantity": 0, "originalUnitPriceSet": money("10.0"), "discountAllocations": []}]


def searched(clicks: int, impressions: int) -> dict[str, Any]:
    keys = [f"{DAY:%Y-%m-%d}", PAGE, "hose"]
    return {"keys": keys, "clicks": clicks, "impressions": impressions, "ctr": 1.0, "position": 1.0}


@dataclass(frozen=True)
class Cycle:
    """A run over some assets: whether it succeeded, what it published, and its checks."""

    ok: bool
    published: bool
    checks: Mapping[str, dg.AssetCheckEvaluation]


def cycle(settings: Settings, *assets: str) -> Cycle:
    with open_instance(settings) as instance:
        job = build_defs(settings).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=instance,
            run_config=QUIET,
            asset_selection=[dg.AssetKey(asset.split("/")) for asset in assets],
            raise_on_error=False,
        )
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    checks = {f"{c.asset_key.to_user_string()} {c.check_name}": c for c in result.get_asset_check_evaluations()}
    return Cycle(result.success, dg.AssetKey("published_warehouse") in made, checks)


def test_a_negative_quantity_breaks_the_contract_until_it_is_put_right(
    settings: Settings, served: Callable[[], Any]
) -> None:
    before = served()
    land(settings, "orders", *order(quantity=-2))
    run = cycle(settings, *SALES)
    found = run.checks["raw/order_lines landed_contract"]
    assert (found.passed, found.blocking, found.severity) == (False, True, dg.AssetCheckSeverity.ERROR)
    assert "quantity is at least 0 (1 of" in (found.description or "")
    assert "quantity = -2" in found.metadata["examples"].value
    assert (run.ok, run.published) == (False, False)
    assert served() == before

    # Another hour, nothing new: the row is still there, so it still stops what is built on it.
    again = cycle(settings, *SALES)
    assert not again.checks["raw/order_lines landed_contract"].passed
    assert not again.published
    report = read_report(settings)
    assert report is not None
    shopify = by_source(report, NOW)[0]
    assert (shopify.quality.grade, shopify.quality.blocked) == ("F", True)
    assert {one.expectation for one in shopify.failing if one.blocks} >= {"quantity is at least 0"}

    land(settings, "orders", *order(quantity=2))
    right = cycle(settings, *SALES)
    assert right.checks["raw/order_lines landed_contract"].passed
    assert right.published
    assert served() != before
    report = read_report(settings)
    assert report is not None
    assert not by_source(report, NOW)[0].quality.blocked


def test_more_clicks_than_impressions_break_the_contract(settings: Settings, served: Callable[[], Any]) -> None:
    before = served()
    day = Window(DAY, DAY + timedelta(days=1))
    land(settings, "search_page_query", searched(clicks=5, impressions=3), window=day)
    run = cycle(settings, *SEARCH)
    found = run.checks["raw/search_page_query_daily landed_contract"]
    assert not found.passed
    assert "impressions is at least clicks (1 of" in (found.description or "")
    assert (run.ok, run.published) == (False, False)
    assert served() == before


def test_a_late_duplicate_is_merged_and_one_that_got_in_is_found(
    settings: Settings, served: Callable[[], Any]
) -> None:
    before = served()
    land(settings, "orders", *order(quantity=2))
    land(settings, "orders", *order(quantity=2))
    merged = cycle(settings, *SALES[:2])
    assert merged.checks["raw/orders no_duplicates"].passed, "the same order landed twice"

    with Warehouse.of(settings).write() as connection:
        connection.execute(
            "insert into raw.orders select * from raw.orders where order_id = 'gid://shopify/Order/1'"
        )
    run = cycle(settings, *SALES)
    assert not run.checks["raw/orders no_duplicates"].passed
    assert (run.ok, run.published) == (False, False)
    assert served() == before


def test_a_model_that_breaks_its_contract_is_not_published(
    settings: Settings, served: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served()
    project = tmp_path / "project"
    shutil.copytree(dbt_project.PROJECT, project, ignore=shutil.ignore_patterns("target"))
    model = project / "models" / "marts" / "core" / "fct_order_lines.sql"
    text = model.read_text(encoding="utf-8")
    assert text.count("    quantity,\n") == 1
    model.write_text(text.replace("    quantity,\n", "    cast(quantity as varchar) as quantity,\n"))
    monkeypatch.setattr(dbt_project, "PROJECT", project)
    result = dbt.build(settings, select=["fct_order_lines"])
    [failed] = [node for node in result.failed if node.name == "fct_order_lines"]
    assert "contract" in failed.message
    run = cycle(settings, *SALES[-2:])
    assert (run.ok, run.published) == (False, False)
    assert served() == before
