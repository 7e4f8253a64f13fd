"""dbt's manifest as assets and checks."""

from __future__ import annotations

from typing import Any

from dagster import AssetCheckKey, AssetKey

from growth_pipelines.defs.dbt_graph import translate


def _model(name: str, schema: str, *parents: str, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "schema": schema,
        "alias": name,
        "name": name,
        "description": f"about {name}",
        "config": {"materialized": "table", "enabled": True},
        "columns": {},
        "depends_on": {"nodes": list(parents)},
        **more,
    }


def _test(name: str, *about: str, attached: str | None = None, severity: str = "ERROR") -> dict[str, Any]:
    return {
        "resource_type": "test",
        "name": name,
        "attached_node": attached,
        "config": {"severity": severity, "enabled": True},
        "depends_on": {"nodes": list(about)},
    }


ORDERS, STG, FCT = "source.g.raw.orders", "model.g.stg_orders", "model.g.fct_orders"
UNIQUE = AssetCheckKey(AssetKey(["marts", "fct_orders"]), "unique_fct_orders")


def _manifest(**tests: dict[str, Any]) -> dict[str, Any]:
    return {
        "nodes": {
            STG: _model("stg_orders", "staging", ORDERS, "source.g.raw._build"),
            FCT: _model(
                "fct_orders",
                "marts",
                STG,
                columns={"net_cents": {"data_type": "bigint", "description": "Net."}},
            ),
            **{f"test.g.{name}.a1": node for name, node in tests.items()},
        },
        "sources": {
            ORDERS: {"schema": "raw", "identifier": "orders"},
            "source.g.raw._build": {"schema": "raw", "identifier": "_build"},
            "source.g.models.fct_values": {
                "schema": "marts",
                "identifier": "fct_values",
                "description": "What they are worth.",
                "columns": {"value_cents": {"data_type": "bigint", "description": "Value."}},
            },
        },
        "unit_tests": {
            "unit_test.g.fct_orders.refunds_are_apart": {
                "name": "refunds_are_apart",
                "config": {},
                "depends_on": {"nodes": [FCT]},
            }
        },
    }


def test_models_are_assets_named_by_schema_and_depend_on_their_parents() -> None:
    specs = {spec.key: spec for spec in translate(_manifest(), "duckdb").specs}
    fct = specs[AssetKey(["marts", "fct_orders"])]
    assert [dep.asset_key for dep in fct.deps] == [AssetKey(["staging", "stg_orders"])]
    assert fct.group_name == "marts"
    assert fct.kinds == {"dbt", "duckdb", "table"}
    assert fct.description == "about fct_orders"
    assert fct.metadata["dagster/column_schema"].columns[0].name == "net_cents"


def test_a_source_is_the_raw_table_that_ingestion_makes() -> None:
    specs = {spec.key: spec for spec in translate(_manifest(), "duckdb").specs}
    deps = specs[AssetKey(["staging", "stg_orders"])].deps
    assert [dep.asset_key for dep in deps] == [AssetKey(["raw", "orders"])], "a build's own inputs are no data"


def test_a_mart_that_dbt_only_documents_keeps_its_words_and_columns() -> None:
    graph = translate(_manifest(), "duckdb")
    key = AssetKey(["marts", "fct_values"])
    description, schema = graph.documented[key]
    assert description == "What they are worth."
    assert [(column.name, column.type) for column in schema.columns] == [("value_cents", "bigint")]
    assert key not in graph.names, "dbt does not build it"
    assert list(graph.documented) == [key]


def test_a_test_of_severity_error_blocks_and_one_of_severity_warn_does_not() -> None:
    graph = translate(
        _manifest(
            unique_fct_orders=_test("unique_fct_orders", FCT, attached=FCT),
            recent=_test("recent", FCT, attached=FCT, severity="warn"),
        ),
        "duckdb",
    )
    blocking = {spec.name: spec.blocking for spec in graph.check_specs}
    assert blocking == {"unique_fct_orders": True, "recent": False, "unit_refunds_are_apart": True}


def test_a_generic_test_says_what_it_claims_unless_it_says_so_itself() -> None:
    def described(name: str, **kwargs: Any) -> str | None:
        node = _test("claim", FCT, attached=FCT) | {"test_metadata": {"name": name, "kwargs": kwargs}}
        [check] = [c for c in translate(_manifest(claim=node), "duckdb").check_specs if c.name == "claim"]
        return check.description

    columns = ["shop_id", "order_id"]
    assert described("key", columns=columns) == "One row for each `shop_id`, `order_id`, none of them missing."
    assert described("refers_to", column="order_id", to="ref('fct_orders')") == (
        "Every `order_id` is found in `fct_orders`."
    )
    assert described("unheard_of") is None
    own = _test("claim", FCT, attached=FCT) | {"description": "Own words."}
    assert "Own words." in {check.description for check in translate(_manifest(claim=own), "duckdb").check_specs}


def test_a_mart_knows_which_of_its_columns_are_its_time() -> None:
    manifest = _manifest()
    manifest["nodes"][FCT]["columns"]["date_day"] = {"data_type": "date"}
    assert translate(manifest, "duckdb").times == {AssetKey(["marts", "fct_orders"]): ("date_day", "date_day")}
    assert translate(_manifest(), "duckdb").times == {}


def test_a_test_on_a_source_is_a_check_on_the_raw_table() -> None:
    graph = translate(_manifest(src=_test("source_not_null_orders", ORDERS)), "duckdb")
    assert graph.checks["test.g.src.a1"].asset_key == AssetKey(["raw", "orders"])


def test_a_singular_test_is_about_the_model_furthest_down() -> None:
    graph = translate(_manifest(recount=_test("recount", STG, FCT)), "duckdb")
    assert graph.checks["test.g.recount.a1"].asset_key == AssetKey(["marts", "fct_orders"])


def test_two_tests_of_one_name_on_one_model_stay_two_checks() -> None:
    twice = {"one": _test("same", FCT, attached=FCT), "two": _test("same", FCT, attached=FCT)}
    graph = translate(_manifest(**twice), "duckdb")
    assert len({spec.key for spec in graph.check_specs}) == len(graph.check_specs) == 3


def test_disabled_models_and_tests_are_left_out() -> None:
    manifest = _manifest(off=_test("off", FCT, attached=FCT))
    manifest["nodes"]["test.g.off.a1"]["config"]["enabled"] = False
    manifest["nodes"][STG]["config"]["enabled"] = False
    graph = translate(manifest, "duckdb")
    assert [spec.key.path[-1] for spec in graph.specs] == ["fct_orders"]
    assert [spec.name for spec in graph.check_specs] == ["unit_refunds_are_apart"]
