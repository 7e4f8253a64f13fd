"""The rules that the dbt project keeps, read from its manifest: layers, keys, contracts, words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.warehouse import dbt_project
from growth_pipelines.warehouse.customer_values import COLUMNS, TABLE
from growth_pipelines.warehouse.frames import FRAMES
from growth_pipelines.warehouse.named_queries import query as named_query
from growth_pipelines.warehouse.operations_tables import TABLES as OPERATIONS
from growth_pipelines.warehouse.profile import write_profile
from growth_pipelines.warehouse.raw_tables import TABLES, all_tables

from .raw_rows import settings_for

PACKAGE = dbt_project.PROJECT.parent / "growth_pipelines"
PERSONAL = {"name_first", "first_name", "last_name", "email", "phone", "address", "city", "zip", "ip", "birthday"}
GRANULARITIES = {"day", "week", "month", "quarter", "year", "date"}
MAX_JOINS, MAX_VIEW_CHAIN = 7, 4
# Made to be read by many: what every mart needs of the shop, and grains that marts of several areas start from.
HUBS = {"int_shops", "int_windows", "int_orders", "int_page_days", "int_pages"}
MAX_LEAVES = 3
# Whose rows are those of a mart, where their key is tested: of the same grain, or summed into it.
KEY_TESTED_IN = {
    "int_orders": "fct_orders",
    "int_order_lines": "fct_order_lines",
    "int_page_days": "fct_page_daily",
    "int_web_vitals": "fct_web_vitals",
    "int_calendar": "fct_shop_daily",
    "int_sessions_daily": "fct_shop_daily",
    "int_rum_sessions_daily": "fct_shop_daily",
    "int_action_windows": "fct_action_windows",
    "int_order_products": "fct_product_daily",
    "int_page_versions": "fct_page_content_changes",
    "int_search_rivals": "fct_search_cannibalisation",
}
# Nobody's data, or not late for being quiet: what builds and ingestion write, deletions, redirects, beacons.
NEVER_LATE = {
    "_build",
    "_brand_terms",
    "_streams",
    "_inventory_days",
    "_variant_changes",
    "_page_versions",
    "_ingest_cursor",
    "_ingest_run",
    "deletions",
    "metaobjects",
    "redirects",
    "web_vitals_beacons",
}
Nodes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dbt_project.manifest(settings_for(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> Nodes:
    return {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def layer(node: dict[str, Any]) -> str:
    return str(node["fqn"][1])


def parents(node: dict[str, Any]) -> list[str]:
    return list(node["depends_on"]["nodes"])


def test_every_raw_table_of_the_core_is_a_source(manifest: dict[str, Any]) -> None:
    """Tables that a stream's own file declares (redirects, discounts, …) need not be: any stream can be added."""
    declared = {source["name"] for source in manifest["sources"].values() if source["source_name"] == "raw"}
    written_by_builds = {"_build", "_brand_terms", "_streams", "_inventory_days", "_variant_changes"}
    written_by_builds |= {"_page_versions"}
    kept_by_ingestion = {"_ingest_cursor", "_ingest_run"}
    by_streams = {table.name for table in all_tables()} - {table.name for table in (*TABLES, *OPERATIONS)}
    assert {
        table.name for table in (*TABLES, *OPERATIONS)
    } | written_by_builds | kept_by_ingestion == declared - by_streams
    assert all(source["description"] for source in manifest["sources"].values())


def test_columns_that_sources_describe_are_there(manifest: dict[str, Any]) -> None:
    tables = {table.name: {column.name for column in table.all_columns} for table in all_tables()}
    for source in manifest["sources"].values():
        described = {name for name, column in source["columns"].items() if column["description"]}
        assert described == set(source["columns"]), source["name"]
        assert described <= tables.get(source["name"], described), source["name"]


def test_every_source_is_read_by_one_staging_model_of_its_own(models: Nodes, manifest: dict[str, Any]) -> None:
    raw = [uid for uid, source in manifest["sources"].items() if source["source_name"] == "raw"]
    readers: dict[str, list[str]] = {uid: [] for uid in raw}
    for node in models.values():
        for parent in parents(node):
            if parent in readers:
                assert layer(node) == "staging", f"{node['name']} reads a source"
                readers[parent].append(node["name"])
    # Deletions are obeyed when they are loaded.
    unread = {uid.rsplit(".", 1)[1] for uid, names in readers.items() if not names}
    assert unread == {"deletions"}
    assert all(len(names) <= 1 for names in readers.values())


def test_marts_that_no_sql_makes_are_documented_like_the_others(manifest: dict[str, Any]) -> None:
    made = {uid: source for uid, source in manifest["sources"].items() if source["source_name"] != "raw"}
    assert {source["name"]: list(source["columns"]) for source in made.values()} == {TABLE: list(COLUMNS)}
    for source in made.values():
        assert source["schema"] == "marts"
        for word in ("Grain:", "Key: `shop_id`", "Questions:"):
            assert word in source["description"], word
        for name, column in source["columns"].items():
            assert column["data_type"] == COLUMNS[name], name
            assert len(column["description"]) > 5, name


def test_staging_is_one_source_renamed_and_nothing_else(models: Nodes) -> None:
    """Joins, unions and groups come later: rows here are the source's, whose keys ingestion checks."""
    for node in models.values():
        if layer(node) == "staging":
            assert [parent.split(".")[0] for parent in parents(node)] == ["source"], node["name"]
            assert node["config"]["materialized"] == "view", node["name"]
            logic = re.findall(r"\b(?:join|union|group by|distinct|over)\b", without_comments(node["raw_code"]))
            assert not logic, f"{node['name']} has {logic}"


def without_comments(sql: str) -> str:
    return re.sub(r"\{#.*?#\}", "", re.sub(r"--.*", "", sql), flags=re.DOTALL)


def test_nothing_is_read_by_its_place_instead_of_by_reference(models: Nodes) -> None:
    for node in models.values():
        found = re.findall(r"\b(?:from|join)\s+(?:raw|staging|intermediate|marts)\.\w+", node["raw_code"])
        assert not found, f"{node['name']} reads {found}"


def test_every_source_says_when_it_is_late(manifest: dict[str, Any]) -> None:
    silent = set()
    for source in manifest["sources"].values():
        after = (source.get("freshness") or {}).get("warn_after") or {}
        if not after.get("count"):
            silent.add(source["name"])
        else:
            assert source["loaded_at_field"] == "_loaded_at", source["name"]
    # The machine's own tables and the one mart of a model are as new as the build that writes them.
    assert silent == NEVER_LATE | {table.name for table in OPERATIONS} | {TABLE}


def test_every_model_has_a_tested_key(models: Nodes, manifest: dict[str, Any]) -> None:
    """Staging passes on the rows of one raw table, whose key ingestion checks (`no_duplicates`, which blocks)."""
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "key"
    }
    without = {node["name"] for uid, node in models.items() if uid not in keyed and layer(node) != "staging"}
    assert without <= set(KEY_TESTED_IN), without - set(KEY_TESTED_IN)
    for name, mart in KEY_TESTED_IN.items():
        assert f"model.growth.{mart}" in keyed
        assert f"model.growth.{name}" in ancestors(f"model.growth.{mart}", models), f"{mart} is not made of {name}"


def ancestors(uid: str, models: Nodes) -> set[str]:
    found: set[str] = set()
    waiting = [uid]
    while waiting:
        for parent in parents(models[waiting.pop()]):
            if parent in models and parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def test_no_model_fans_out_into_more_ends_than_people_can_follow(models: Nodes) -> None:
    """At most three models that nothing else is made of read the same one; hubs are named."""
    children: dict[str, set[str]] = {uid: set() for uid in models}
    for uid, node in models.items():
        for parent in parents(node):
            if parent in children:
                children[parent].add(uid)
    for uid, read_by in children.items():
        ends = sorted(models[child]["name"] for child in read_by if not children[child])
        assert len(ends) <= MAX_LEAVES or models[uid]["name"] in HUBS, f"{models[uid]['name']} → {ends}"


def test_layers_run_one_way(models: Nodes) -> None:
    allowed = {"staging": set(), "intermediate": {"staging", "intermediate"}}
    allowed["marts"] = {"staging", "intermediate", "marts"}
    for node in models.values():
        above = {layer(models[parent]) for parent in parents(node) if parent in models}
        assert above <= allowed[layer(node)], f"{node['name']} reads {above}"


def test_models_are_named_and_stored_as_their_layer(models: Nodes) -> None:
    prefixes = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("fct_", "dim_")}
    for node in models.values():
        assert node["name"].startswith(prefixes[layer(node)])
        assert node["schema"] == layer(node)
        assert len(node["name"]) <= 63


def test_every_mart_has_an_enforced_contract_a_group_and_public_access(models: Nodes) -> None:
    for node in models.values():
        if layer(node) == "marts":
            assert node["config"]["contract"]["enforced"], node["name"]
            assert node["config"]["access"] == "public"
            assert node["config"]["group"]
            assert node["config"]["materialized"] in ("table", "incremental")


def test_every_column_of_a_mart_is_described_and_typed(models: Nodes) -> None:
    for node in models.values():
        if layer(node) == "marts":
            for name, column in node["columns"].items():
                assert column["data_type"], f"{node['name']}.{name}"
                assert len(column["description"]) > 5, f"{node['name']}.{name}"


def test_every_mart_says_its_grain_its_key_and_what_it_answers(models: Nodes) -> None:
    for node in models.values():
        assert node["description"], node["name"]
        if layer(node) == "marts":
            for word in ("Grain:", "Key: `shop_id`", "Questions:"):
                assert word in node["description"], f"{node['name']} does not say {word}"


def test_the_key_that_a_mart_names_is_the_one_that_is_tested(models: Nodes, manifest: dict[str, Any]) -> None:
    tested = {
        node["attached_node"]: node["test_metadata"]["kwargs"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "key"
    }
    for uid, node in models.items():
        if layer(node) == "marts":
            named = re.findall(r"`(\w+)`", re.search(r"Key: ([^.]*)\.", node["description"])[1])  # type: ignore[index]
            assert set(named) <= set(tested[uid]["columns"]), node["name"]
            assert set(tested[uid]["columns"]) - set(named) <= {"scope"}, node["name"]


def test_every_row_belongs_to_a_shop(models: Nodes) -> None:
    for node in models.values():
        if layer(node) == "marts":
            assert next(iter(node["columns"])) == "shop_id", node["name"]


def test_money_is_whole_minor_units_with_its_currency(models: Nodes) -> None:
    ratios = {"aov_cents", "ltv_cents", "net_cents_mean_7d", "net_cents_mean_28d", "net_cents_per_session"}
    for node in models.values():
        cents = {name: c for name, c in node["columns"].items() if "_cents" in name}
        if layer(node) != "marts" or not cents:
            continue
        for name, column in cents.items():
            assert column["data_type"] == ("double precision" if name in ratios else "bigint"), (
                f"{node['name']}.{name}"
            )
        money = ("dim_", "fct_order", "fct_refund", "fct_shop", "fct_cohort", "fct_growth", "fct_action")
        if node["name"].startswith(money):
            assert "currency" in node["columns"], node["name"]


def test_no_column_identifies_a_person_or_is_named_like_a_granularity(models: Nodes) -> None:
    for node in models.values():
        assert not set(node["columns"]) & (PERSONAL | GRANULARITIES), node["name"]


def test_no_model_joins_more_than_people_can_follow(models: Nodes) -> None:
    for node in models.values():
        joins = len(re.findall(r"\bjoin\b", node["raw_code"]))
        assert joins <= MAX_JOINS, f"{node['name']} has {joins} joins"


def test_chains_of_views_stay_short(models: Nodes) -> None:
    def depth(uid: str) -> int:
        node = models.get(uid)
        if node is None or node["config"]["materialized"] != "view":
            return 0
        return 1 + max((depth(parent) for parent in parents(node)), default=0)

    assert max(depth(uid) for uid in models) < MAX_VIEW_CHAIN


def test_every_model_below_the_marts_is_used(models: Nodes) -> None:
    children = dict.fromkeys(models, 0)
    for node in models.values():
        for parent in parents(node):
            children[parent] = children.get(parent, 0) + 1
    unused = {models[uid]["name"] for uid in models if layer(models[uid]) != "marts" and not children[uid]}
    assert not unused


def test_search_days_are_labelled_as_pacific(models: Nodes) -> None:
    days = {
        name: node["columns"]["date_day"]["meta"].get("timezone")
        for name, node in ((node["name"], node) for node in models.values())
        if name.startswith(("stg_search_console__", "fct_search_")) and "date_day" in node["columns"]
    }
    assert len(days) >= 10
    assert set(days.values()) == {"America/Los_Angeles"}
    opportunities = models["model.growth.fct_search_opportunities"]["columns"]
    for name in ("window_start", "window_end"):
        assert opportunities[name]["meta"].get("timezone") == "America/Los_Angeles"
    # Where they stand beside figures of the shop's own days, the columns say so.
    for name in ("fct_page_daily", "fct_shop_daily"):
        columns = models[f"model.growth.{name}"]["columns"]
        found = {column["meta"].get("timezone") for key, column in columns.items() if key.startswith("search_")}
        assert found == {"America/Los_Angeles"}, name
        assert "timezone" not in columns["date_day"]["meta"]


def test_exposures_rest_on_public_marts_only(models: Nodes, manifest: dict[str, Any]) -> None:
    assert manifest["exposures"]
    for exposure in manifest["exposures"].values():
        assert exposure["description"]
        for uid in exposure["depends_on"]["nodes"]:
            config = models[uid]["config"]
            assert layer(models[uid]) == "marts", f"{exposure['name']} rests on {uid}"
            assert config["materialized"] in ("table", "incremental"), uid
            assert config["access"] == "public", uid


def marts_in(*texts: str) -> set[str]:
    return {name for text in texts for name in re.findall(r"\bmarts\.(\w+)", text)}


def test_exposures_name_the_marts_that_their_consumers_read(manifest: dict[str, Any]) -> None:
    """Each exposure against the SQL that its consumer runs."""
    frames = {name: named_query(f"frames/{name}") for name in FRAMES}
    console = {path.stem: path.read_text() for path in (PACKAGE / "console" / "queries").glob("*.sql")}
    plots = [path.read_text() for path in (PACKAGE / "console" / "plots" / "queries").glob("*.sql")]
    every_page = [console["shop"], console["newest"], named_query("history_notes")]
    dagster = {path.stem: path.read_text() for path in (PACKAGE / "defs" / "queries").glob("*.sql")}
    read = {
        **{name: [frames[frame] for frame in recommender.frames] for name, recommender in RECOMMENDERS.items()},
        "search_regressions": [frames["page_daily"]],
        "vitals_regressions": [frames["vitals"]],
        "monitoring": [frames[name] for name in ("shop_days", "stock", "variant_days", "days_out", "shop")],
        "published_warehouse": [dagster["shop"], dagster["shop_trend"], named_query("history_notes")],
        "lifetime_value": [named_query("customer_purchases"), named_query("orders_known_to")],
        **dict.fromkeys(("console_today", "console_actions", "console_audit"), every_page),
        "console_action_detail": [*every_page, *plots],
        "api": [
            *every_page,
            console["product_by_name"],
            console["sold_products"],
            *(text for name, text in console.items() if name.startswith("growth_")),
        ],
    }
    named = {
        exposure["name"]: {uid.rsplit(".", 1)[1] for uid in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert named == {name: marts_in(*texts) for name, texts in read.items()}
    assert all(exposure["url"] and exposure["owner"]["name"] for exposure in manifest["exposures"].values())


def test_nothing_is_imported_from_a_package_hub(manifest: dict[str, Any]) -> None:
    assert not (dbt_project.PROJECT / "packages.yml").exists()
    packages = {node["package_name"] for node in manifest["nodes"].values()}
    assert packages == {"growth"}


def test_parsing_warns_of_nothing(tmp_path: Path) -> None:
    from dbt.cli.main import dbtRunner

    write_profile(settings_for(tmp_path), tmp_path)
    said: list[str] = []
    runner = dbtRunner(
        callbacks=[lambda event: said.append(event.info.msg) if event.info.level == "warn" else None]
    )
    folders = {
        "--project-dir": dbt_project.PROJECT,
        "--profiles-dir": tmp_path,
        "--target-path": tmp_path,
        "--log-path": tmp_path,
    }
    options = [str(part) for option in folders.items() for part in option]
    runner.invoke(["--log-level", "none", "--log-level-file", "none", "parse", "--no-partial-parse", *options])
    assert said == []


@pytest.mark.parametrize(
    "word",
    [
        r"regexp_\w+",
        r"::",
        r"not materialized",
        r"interval '",
        r"generate_series",
        r"\bqualify\b",
        r"\bilike\b",
        r"filter \(",
        r"distinct on",
        r"\basof\b",
        r"\bextract\(epoch",
    ],
)
def test_models_say_only_what_every_engine_understands(word: str) -> None:
    """Macros say the rest, a version an engine."""
    texts = {
        path.name: re.sub(r"--[^\n]*|\{#.*?#\}|'https?:", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for folder in ("models", "tests")
        for path in (dbt_project.PROJECT / folder).rglob("*.sql")
    }
    assert [name for name, text in texts.items() if re.search(word, text, re.IGNORECASE)] == []
