"""Running dbt: what a build tells, what it leaves behind, and shops with hardly any data."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.recommenders.context import RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse import dbt_project
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, brand_terms, build
from growth_pipelines.warehouse.dbt_project import manifest
from growth_pipelines.warehouse.frames import FRAMES, load_frames

from .raw_rows import SHOP, TODAY, Rows, load, settings_for, shop_rows

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("dbt")
MARTS = sorted(path.stem for path in (dbt_project.PROJECT / "models" / "marts").rglob("*.sql"))


def mart(settings: Settings, name: str) -> pd.DataFrame:
    with Warehouse.of(settings).read() as connection:
        return connection.frame(f"select * from marts.{name}")


def built(settings: Settings, rows: Rows) -> BuildResult:
    load(settings, rows)
    result = build(settings)
    assert [(node.name, node.message) for node in result.results if node.status not in ("success", "pass")] == []
    Warehouse.of(settings).publish()
    return result


@pytest.fixture(scope="module")
def shop_alone(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("alone"))
    built(settings, shop_rows())
    return settings


def order(n: int, day: date, **more: object) -> dict[str, object]:
    stamp = datetime(day.year, day.month, day.day, 12, n)
    return {"order_id": f"o{n}", "customer_key": f"c{n % 2}", "local_date": day, "created_at": stamp, **more}


def test_a_shop_without_any_data_has_empty_marts_and_complete_frames(shop_alone: Settings) -> None:
    sizes = {name: len(mart(shop_alone, name)) for name in MARTS}
    assert {name for name, size in sizes.items() if size} == {
        "dim_shops",
        "dim_pages",  # the home page
        "fct_page_performance",
        "fct_ctr_curve",  # the prior
    }
    with Warehouse.of(shop_alone).read() as connection:
        frames = load_frames(connection, FRAMES, TODAY)
    assert len(frames["search"]) == 0
    assert frames["shop"].loc[0, "conversion_basis"] == "clicks_proxy"
    assert pd.isna(frames["shop"].loc[0, "shop_cvr"])
    context = RecommenderContext(TODAY, "Alone", "https://alone.example", "USD")
    for recommender in RECOMMENDERS.values():
        assert recommender.recommend({name: frames[name] for name in recommender.frames}, context) == []


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_nothing_at_all_builds_too_and_the_models_logic_holds_in_unit_tests(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = settings_for(tmp_path, url)
    result = build(settings, unit_tests=True)
    assert sum(node.kind == "unit_test" for node in result.results) >= 8
    assert [(node.name, node.message) for node in result.results if node.status not in ("success", "pass")] == []
    Warehouse.of(settings).publish()
    assert all(mart(settings, name).empty for name in MARTS)


def test_orders_alone_give_cohorts_and_days_in_the_configured_currency(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, GROWTH_SHOP__DOMAIN=SHOP, GROWTH_SHOP__TIMEZONE="Europe/London")
    money = {"gross_amount": 1500.0, "discount_amount": 100.0, "total_amount": 1400.0, "currency": "JPY"}
    days = [date(2026, 8, 3), date(2026, 8, 9), date(2026, 10, 1)]
    lines = [
        {"order_line_id": "l0", "order_id": "o0", "quantity": 1, "gross_amount": 1500.0, "discount_amount": 100.0}
    ]
    rows: Rows = {"orders": [order(n, day, **money) for n, day in enumerate(days)]}
    rows["order_lines"] = [{**lines[0], "order_line_id": f"l{n}", "order_id": f"o{n}"} for n in range(3)]
    built(settings, rows)
    shop = mart(settings, "dim_shops").iloc[0]
    assert shop[["currency", "minor_units", "timezone", "name"]].tolist() == ["JPY", 1, "Europe/London", SHOP]
    assert mart(settings, "fct_orders")["net_cents"].tolist() == [1400] * 3
    cohorts = mart(settings, "fct_cohort_retention").sort_values("period_index")
    assert cohorts[["cohort_size", "active_customers"]].to_numpy().tolist() == [[2, 2], [2, 0], [2, 1], [2, 0]]
    daily = mart(settings, "fct_shop_daily")
    assert len(daily) == (TODAY - days[0]).days
    assert daily["conversion_rate"].isna().all()
    assert mart(settings, "fct_web_vitals").empty


def test_a_row_loaded_twice_is_found_and_stops_what_depends_on_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    load(settings, {**shop_rows(), "orders": [order(1, date(2026, 8, 3), currency="USD")] * 2})
    seen: list[str] = []
    result = build(settings, on_event=seen.append)
    assert not result.ok
    failed = {node.name: node for node in result.failed}
    assert failed["stg_shopify__orders__key"].failures == 1
    skipped = {node.name for node in result.results if node.status == "skipped"}
    assert "fct_shop_daily" in skipped
    assert "stg_shopify__products" not in skipped
    assert len(seen) >= len(result.results) - len(skipped)


def test_a_part_of_the_project_can_be_built(shop_alone: Settings) -> None:
    result = build(shop_alone, select=["fct_refunds", "dim_products"])
    assert {node.name for node in result.results if node.kind == "model"} == {"fct_refunds", "dim_products"}
    assert any(node.kind == "test" for node in result.results)
    assert not any(node.kind == "unit_test" for node in result.results)


def test_nobody_holds_the_database_after_a_build(shop_alone: Settings) -> None:
    build(shop_alone, select=["dim_shops"])
    code = f"import duckdb; duckdb.connect({str(Warehouse.of(shop_alone).file)!r}).execute('select 1')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_brand_terms_are_the_setting_or_the_shops_own_words(shop_alone: Settings, tmp_path: Path) -> None:
    assert brand_terms(shop_alone) == ("hot rod parts", "hotrodparts")
    assert brand_terms(settings_for(tmp_path, GROWTH_SHOP__BRAND_TERMS="HRP Fuel,acme")) == ("hrp fuel", "acme")


def test_the_manifest_is_parsed_once_and_never_opens_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    first = manifest(settings)
    assert not Warehouse.of(settings).file.exists()
    monkeypatch.setattr(dbt_project, "run_dbt", lambda *_: pytest.fail("parsed again"))
    assert manifest(settings) == first
    assert f"model.growth.{MARTS[0]}" in first["nodes"]


def test_nothing_is_written_into_the_project(shop_alone: Settings) -> None:
    manifest(shop_alone)
    strangers = {"logs", "dbt_packages", ".user.yml", "partial_parse.msgpack", "manifest.json"}
    assert not strangers & {path.name for path in dbt_project.PROJECT.rglob("*")}


def test_the_profile_is_readable_by_its_owner_alone(shop_alone: Settings) -> None:
    assert (shop_alone.home / "dbt" / "profiles.yml").stat().st_mode & 0o077 == 0


def test_a_broken_project_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: growth\nprofile: growth\n")
    (project / "models" / "broken.sql").write_text("select * from {{ ref('nowhere') }}")
    monkeypatch.setattr(dbt_project, "PROJECT", project)
    with pytest.raises(GrowthError, match="nowhere") as caught:
        build(settings_for(tmp_path / "home"))
    assert "\n" not in str(caught.value)


def test_the_docs_command_makes_one_file_that_needs_no_network(
    shop_alone: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from growth_pipelines.cli import main

    monkeypatch.setenv("GROWTH_HOME", str(shop_alone.home))
    monkeypatch.setenv("GROWTH_NOW", f"{TODAY}T18:00:00")
    with pytest.raises(SystemExit) as ended:
        main(["docs", "--json"])
    assert ended.value.code == 0
    path = shop_alone.home / "docs" / "dbt.html"
    assert json.loads(capsys.readouterr().out) == {"path": str(path)}
    text = path.read_text(encoding="utf-8")
    assert "What is known about the shop, in three layers" in text
    assert "fct_page_performance" in text
