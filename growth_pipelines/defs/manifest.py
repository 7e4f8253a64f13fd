"""What definitions need of dbt's manifest, kept between starts and between homes.

Parsing the project costs 5 CPU-seconds, loading all else 2, and definitions have 8 to load. So what is needed of
the manifest is kept in dbt's own (git-ignored) target folder, named by the content of the project's files: a
change of a model is parsed at the next start, and no other start imports dbt. Where that folder can't be
written (a read-only install) the cache of the home serves alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from growth_pipelines.canonical import digest
from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import logger

_log = logger("definitions")
_NODE = (
    "resource_type",
    "schema",
    "alias",
    "name",
    "description",
    "config",
    "columns",
    "depends_on",
    "attached_node",
    "test_metadata",
)
_SOURCE = ("schema", "identifier", "description")
_CONFIG = ("enabled", "materialized", "severity")
_COLUMN = ("data_type", "description")
# A file of a version that kept other properties is not this one's.
_SHAPE = digest([_NODE, _SOURCE, _CONFIG, _COLUMN])[:8]


def needed_manifest(settings: Settings) -> Mapping[str, Any]:
    """The manifest of the project as it is now, reduced to what becomes assets and checks."""
    from growth_pipelines.warehouse.dbt_project import PROJECT, manifest, project_hash, without_garbage_collection

    engine = settings.model_engine
    kept = PROJECT / "target" / f"assets-{engine}-{project_hash()}-{_SHAPE}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    with without_garbage_collection():
        needed = reduced(manifest(settings))
    partial = kept.with_suffix(f".{os.getpid()}.partial")
    try:
        kept.parent.mkdir(exist_ok=True)
        for old in kept.parent.glob(f"assets-{engine}-*.json"):
            old.unlink(missing_ok=True)
        partial.write_text(json.dumps(needed), encoding="utf-8")
        partial.replace(kept)
    except OSError as error:
        _log.info("the dbt manifest is not kept beside the project", why=str(error))
    return needed


def reduced(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Models, tests, sources and unit tests with the few properties that are read."""
    return {
        "nodes": {uid: _reduced_node(node) for uid, node in manifest["nodes"].items()},
        "sources": {uid: _reduced_source(node) for uid, node in manifest["sources"].items()},
        "unit_tests": {uid: _reduced_node(node) for uid, node in manifest.get("unit_tests", {}).items()},
    }


def _reduced_node(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: node[name] for name in _NODE if node.get(name) is not None}
    kept["config"] = {name: node["config"].get(name) for name in _CONFIG}
    kept["depends_on"] = {"nodes": node.get("depends_on", {}).get("nodes", [])}
    kept["columns"] = _reduced_columns(node)
    return kept


def _reduced_source(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: node[name] for name in _SOURCE} | {"columns": _reduced_columns(node)}


def _reduced_columns(node: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    columns = node.get("columns") or {}
    return {name: {part: column.get(part) for part in _COLUMN} for name, column in columns.items()}
