"""dbt's manifest as Dagster assets and checks: pure translation, no dbt and no database.

A model ``marts.fct_orders`` is the asset ``marts/fct_orders``, a source table ``raw.orders`` the asset
``raw/orders`` that ingestion makes. Every data test and unit test becomes a check on the model (or raw table)
that it tests; one of severity ``error`` blocks what comes after it, one of severity ``warn`` only shows.
We do not use dagster-dbt: it starts dbt as a process of its own for every run (18–20 s against 6.6 s here).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dagster import AssetCheckKey, AssetCheckSpec, AssetKey, AssetSpec, TableColumn, TableSchema

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.automation import on_new_data

_MODELS = ("model", "seed", "snapshot")
_NOT_IN_A_NAME = re.compile(r"\W+")
_REFERENCE = re.compile(r"""\b(?:ref|source)\(.*?["'](\w+)["']\)""")
# Deliberately not a real address: the operator is whoever runs this machine.
OWNER = "team:growth"
# The columns that say from when to when a row is about, the first that a model has.
_TIMES = (
    ("date_day", "date_day"),
    ("period_start", "period_end"),
    ("window_start", "window_end"),
    ("cohort_month", "cohort_month"),
)
# What each generic test of ``dbt_project/tests/generic`` claims, in words; a test's own description goes first.
_CLAIMS = {
    "key": "One row for each {columns}, none of them missing.",
    "complete": "Every row has {columns}.",
    "holds": "In every row: {rules}.",
    "carried_over": "What one period ends with, the next begins with: {ends}.",
    "no_gaps": "From the first day to the last, no {column} is missing.",
    "one_of": "{column} is one of {values}.",
    "refers_to": "Every {column} is found in {to}.",
    "same_total": "The sum of {expression} is that of {to}: no row was lost or counted twice.",
}


@dataclass(frozen=True)
class DbtGraph:
    """``keys`` and ``checks`` lead from dbt's unique ids to what Dagster calls the same thing."""

    specs: tuple[AssetSpec, ...]
    check_specs: tuple[AssetCheckSpec, ...]
    keys: Mapping[str, AssetKey]
    checks: Mapping[str, AssetCheckKey]
    names: Mapping[AssetKey, str]
    # The columns of each mart that say from when to when a row is about.
    times: Mapping[AssetKey, tuple[str, str]]
    # Marts that dbt only documents, with their description and columns.
    documented: Mapping[AssetKey, tuple[str, TableSchema]]

    def named(self, names: Iterable[str]) -> list[AssetKey]:
        """The models of these names."""
        wanted = set(names)
        return [key for key, name in self.names.items() if name in wanted]

    def in_schema(self, schema: str) -> list[AssetKey]:
        """The models of a schema: ``marts``, ``staging``."""
        return [spec.key for spec in self.specs if spec.key.path[0] == schema]


def translate(manifest: Mapping[str, Any], kind: str) -> DbtGraph:
    """Every model, seed, source, data test and unit test of ``manifest``. ``kind`` is the engine's badge."""
    nodes: Mapping[str, Any] = manifest["nodes"]
    keys = {
        uid: AssetKey([source["schema"], source["identifier"]])
        for uid, source in manifest["sources"].items()
        # Tables that a build writes for itself (its date, the brand terms) are nobody's data.
        if not source["identifier"].startswith("_")
    }
    models = {uid: node for uid, node in nodes.items() if node["resource_type"] in _MODELS and _enabled(node)}
    keys |= {uid: AssetKey([node["schema"], node["alias"]]) for uid, node in models.items()}
    specs = tuple(_model_spec(uid, node, keys, kind) for uid, node in sorted(models.items()))
    tests = _check_specs(manifest, keys)
    return DbtGraph(
        specs=specs,
        check_specs=tuple(tests.values()),
        keys=keys,
        checks={uid: spec.key for uid, spec in tests.items()},
        names={keys[uid]: node["name"] for uid, node in models.items()},
        times={
            keys[uid]: time
            for uid, node in models.items()
            if (time := _time_of(node)) and node["schema"] == "marts"
        },
        documented={
            keys[uid]: (source["description"], TableSchema(_columns(source)))
            for uid, source in manifest["sources"].items()
            if source["schema"] == "marts"
        },
    )


def _time_of(node: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((pair for pair in _TIMES if set(pair) <= set(node.get("columns", {}))), None)


def _enabled(node: Mapping[str, Any]) -> bool:
    return node["config"].get("enabled") is not False and node["config"].get("materialized") != "ephemeral"


def _model_spec(uid: str, node: Mapping[str, Any], keys: Mapping[str, AssetKey], kind: str) -> AssetSpec:
    columns = _columns(node)
    return AssetSpec(
        keys[uid],
        deps=sorted({keys[parent] for parent in node.get("depends_on", {}).get("nodes", []) if parent in keys}),
        description=node.get("description") or None,
        group_name=node["schema"],
        kinds={"dbt", kind, "seed" if node["resource_type"] == "seed" else node["config"]["materialized"]},
        owners=[OWNER],
        metadata={"dagster/column_schema": TableSchema(columns=columns)} if columns else None,
        freshness_policy=DAILY if node["schema"] == "marts" else None,
        automation_condition=None if node["resource_type"] == "seed" else on_new_data(),
        # A test that blocks may stop the models after it, which then have no output in this run.
        skippable=True,
    )


def _columns(node: Mapping[str, Any]) -> list[TableColumn]:
    return [
        TableColumn(
            name, type=str(column.get("data_type") or "unknown"), description=column.get("description") or None
        )
        for name, column in node.get("columns", {}).items()
    ]


def _check_specs(manifest: Mapping[str, Any], keys: Mapping[str, AssetKey]) -> dict[str, AssetCheckSpec]:
    tests: dict[str, AssetCheckSpec] = {}
    taken: set[AssetCheckKey] = set()
    candidates: list[tuple[str, Mapping[str, Any], str | None]] = [
        (uid, node, _tested(node, manifest, keys))
        for uid, node in manifest["nodes"].items()
        if node["resource_type"] == "test" and node["config"].get("enabled") is not False
    ]
    candidates += [
        (uid, unit, (unit.get("depends_on", {}).get("nodes") or [None])[0])
        for uid, unit in manifest.get("unit_tests", {}).items()
    ]
    for uid, node, tested in sorted(candidates, key=lambda item: item[0]):
        if tested is None or tested not in keys:
            continue
        spec = _check_spec(uid, node, keys[tested], taken)
        taken.add(spec.key)
        tests[uid] = spec
    return tests


def _check_spec(
    uid: str, node: Mapping[str, Any], asset: AssetKey, taken: Iterable[AssetCheckKey]
) -> AssetCheckSpec:
    unit = uid.startswith("unit_test.")
    name = _NOT_IN_A_NAME.sub("_", f"unit_{node['name']}" if unit else str(node["name"]))
    if AssetCheckKey(asset, name) in taken:
        name = f"{name}_{uid.rsplit('.', 1)[-1]}"
    severity = str(node["config"].get("severity") or "error").lower()
    return AssetCheckSpec(
        name,
        asset=asset,
        blocking=unit or severity == "error",
        description=node.get("description") or _claim(node),
        metadata={"dbt_unique_id": uid},
    )


def _claim(node: Mapping[str, Any]) -> str | None:
    """What a generic test says of its model, in words; None for a test that is not one of the project's kinds."""
    test = node.get("test_metadata") or {}
    words = _CLAIMS.get(test.get("name", ""))
    if words is None:
        return None
    return words.format_map({name: _in_words(value) for name, value in test["kwargs"].items()})


def _in_words(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return ", ".join(_in_words(item) for item in value)
    reference = _REFERENCE.search(str(value))
    return f"`{reference.group(1) if reference else value}`"


def _tested(node: Mapping[str, Any], manifest: Mapping[str, Any], keys: Mapping[str, AssetKey]) -> str | None:
    """The model that a test is about. A singular test names several: it is about the one furthest down."""
    if node.get("attached_node"):
        return str(node["attached_node"])
    # A generic test on a source has no attached node but exactly one parent; it is handled by the same rule.
    parents = [parent for parent in node.get("depends_on", {}).get("nodes", []) if parent in keys]
    if not parents:
        return None
    above = {a for parent in parents for a in _ancestors(parent, manifest)}
    return sorted(parent for parent in parents if parent not in above)[0]


def _ancestors(uid: str, manifest: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [uid]
    while waiting:
        node = manifest["nodes"].get(waiting.pop(), {})
        for parent in node.get("depends_on", {}).get("nodes", []):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
