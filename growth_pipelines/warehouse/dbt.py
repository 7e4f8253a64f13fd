"""Building the models: what a build is asked for, one invocation of dbt, and what became of each node.

What changes from day to day (the date, brand terms, streams) is written to raw tables before the
build: as dbt variables they would make it parse the whole project again every day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growth_pipelines.clock import local_date
from growth_pipelines.telemetry import logger
from growth_pipelines.warehouse import rebuilds
from growth_pipelines.warehouse.brand import default_brand_terms, unique_terms
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt_project import dbt_folder, parsed_project, project_hash, run_dbt
from growth_pipelines.warehouse.named_queries import query, statements
from growth_pipelines.warehouse.operations import copy_operations

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings

_log = logger("dbt")


@dataclass(frozen=True)
class NodeResult:
    """What became of one node. ``kind`` is model, seed, test or unit_test; ``status`` success or pass, warn, fail,
    error or skipped; ``failures`` the rows that a test found; ``rows`` the size of a table, None for views."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    failures: int | None
    rows: int | None
    message: str


@dataclass(frozen=True)
class BuildResult:
    """A whole build, in the order in which its nodes ended. ``seconds`` includes dbt's own start; ``counted`` says
    whether the incremental models were built in full and why, or since which day."""

    results: tuple[NodeResult, ...]
    seconds: float
    counted: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing failed; warnings are allowed."""
        return not self.failed

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        return tuple(node for node in self.results if node.status in ("fail", "error"))


def build(
    settings: Settings,
    select: Sequence[str] | None = None,
    on_event: Callable[[str], None] | None = None,
    *,
    data_tests: bool = True,
    unit_tests: bool = False,
    full_refresh: bool | None = None,
    since: date | None = None,
) -> BuildResult:
    """``dbt build`` of the selected models (None: everything) with their tests, as the one writer.

    ``select`` are dbt selectors; ``on_event`` is told the name of every node when it ends. Failing tests and
    models are in the result; a project that does not parse raises GrowthError. ``data_tests`` are left out where
    models are wanted whatever is in them. Unit tests check the SQL with rows of their own and not the data, so
    they run with the project's tests and not every day.

    ``full_refresh`` of the incremental models: None decides by what has changed since they were built, True
    always, False only where nothing else is right. ``since`` is a day from which they are counted anyway.
    """
    started = time.monotonic()
    warehouse = Warehouse.of(settings)
    with warehouse.lock():
        prepare(settings, warehouse)
        rebuild = _plan(settings, warehouse, full_refresh, since)
        with _model_engine(settings, warehouse) as bring_back:
            arguments = ["build", "--no-write-json", *(["--select", *select] if select else [])]
            for left_out in (*(() if data_tests else ("test",)), *(() if unit_tests else ("unit_test",))):
                arguments += ["--exclude-resource-type", left_out]
            if rebuild.why_full:
                arguments += ["--full-refresh"]
            finished = run_dbt(settings, arguments, on_event, parsed_project(settings)).results
            sizes = bring_back(finished)
        if settings.model_engine != "spark":
            with warehouse.write() as connection:
                rebuilds.remember(connection, rebuild, _built_whole(finished), _now(settings))
    results = tuple(_node_result(each, sizes) for each in finished if each.node.resource_type != "exposure")
    seconds = time.monotonic() - started
    counts = {status: sum(node.status == status for node in results) for status in {n.status for n in results}}
    _log.info("built", seconds=round(seconds, 2), counted=str(rebuild), **counts)
    for node in results:
        if node.status in ("warn", "fail", "error"):
            _log.warning(node.status, node=node.name, failures=node.failures, message=node.message)
    return BuildResult(results, seconds, str(rebuild))


@contextmanager
def _model_engine(settings: Settings, warehouse: Warehouse) -> Iterator[Callable[[Any], dict[str, int]]]:
    """What the models read, where they run. Gives what is to be done with dbt's results: it makes the marts
    readable here and returns the number of rows of tables by ``schema.name``."""
    if settings.model_engine != "spark":
        yield lambda _: _table_sizes(warehouse)
        return
    from growth_pipelines.warehouse.spark import BuiltMart, SparkTarget, bring_back, export_raw

    target = SparkTarget.of(settings)
    target.claim_folder()
    with target.session() as spark:
        with warehouse.writer() as connection:
            export_raw(connection, target, spark)

        def fetch(results: Any) -> dict[str, int]:
            built = [
                BuiltMart(each.node.alias, {name: c.data_type for name, c in each.node.columns.items()})
                for each in results
                if each.node.resource_type == "model" and each.node.schema == "marts" and each.status == "success"
            ]
            with warehouse.write() as connection:
                rows = bring_back(connection, target, built)
            return {f"marts.{name}": count for name, count in rows.items()}

        yield fetch


def prepare(settings: Settings, warehouse: Warehouse) -> None:
    """Create what the models read, and write down what this build is asked for."""
    from growth_pipelines.ingestion.state import prepared
    from growth_pipelines.ingestion.streams import STREAMS
    from growth_pipelines.ingestion.windows import naive_utc

    with prepared(warehouse) as connection:
        for statement in statements("build_inputs"):
            connection.execute(statement)
        seen_at = naive_utc(settings.clock.now())
        for statement in statements("page_versions"):
            connection.execute(statement, [seen_at] * statement.count("?"))
        shops = connection.execute(query("known_shops")).fetchall()
        zone = settings.shop.timezone or next((shop[4] for shop in shops if shop[4]), "UTC")
        connection.execute(
            "insert into raw._build values (?, ?, ?)",
            [local_date(settings.clock.now(), zone), zone, settings.shop.currency or None],
        )
        for shop_id, terms in _brand_terms(settings, shops).items():
            for term in terms:
                connection.execute("insert into raw._brand_terms values (?, ?)", [shop_id, term])
        for stream in STREAMS.values():
            source = stream.source
            connection.execute(
                "insert into raw._streams values (?, ?, ?)", [stream.name, source.name, source.zone]
            )
        for statement in (*statements("inventory_days"), *statements("variant_changes")):
            connection.execute(statement)
        copy_operations(settings, connection, zone)


def _plan(
    settings: Settings, warehouse: Warehouse, full_refresh: bool | None, since: date | None
) -> rebuilds.Plan:
    # What comes back from Spark are whole marts.
    if settings.model_engine == "spark" or (full_refresh is None and settings.warehouse.incremental == "off"):
        full_refresh = True
    with warehouse.write() as connection:
        return rebuilds.plan(connection, project_hash(), _now(settings), full_refresh=full_refresh, since=since)


def _now(settings: Settings) -> datetime:
    """UTC without a zone, as the warehouse keeps times."""
    return settings.clock.now().replace(tzinfo=None)


def _built_whole(results: Sequence[Any]) -> set[str]:
    """The incremental models that were built in this run with everything above them: what they rest on is no older
    than what was planned for."""
    done = {each.node.unique_id for each in results if str(each.status) == "success"}
    above = {each.node.unique_id: each.node.depends_on_nodes for each in results}

    @cache
    def whole(uid: str) -> bool:
        return uid.startswith("source.") or (uid in done and all(whole(parent) for parent in above[uid]))

    return {
        each.node.name for each in results if each.node.name in rebuilds.SOURCES and whole(each.node.unique_id)
    }


def brand_terms(settings: Settings) -> tuple[str, ...]:
    """The words that make a query a brand query, as the newest published marts use them."""
    if settings.shop.brand_terms:
        return tuple(unique_terms(settings.shop.brand_terms))
    with Warehouse.of(settings).read() as connection:
        shops = connection.execute(query("known_shops")).fetchall()
    return tuple(dict.fromkeys(term for terms in _brand_terms(settings, shops).values() for term in terms))


def _brand_terms(settings: Settings, shops: Sequence[Sequence[Any]]) -> dict[str, tuple[str, ...]]:
    found = {shop[0]: default_brand_terms(shop[1], shop[2], shop[3]) for shop in shops}
    if settings.shop.domain:
        found.setdefault(settings.shop.domain, default_brand_terms(None, settings.shop.domain, None))
    if settings.shop.brand_terms:
        return {shop_id: tuple(unique_terms(settings.shop.brand_terms)) for shop_id in found}
    return found


def write_docs(settings: Settings) -> Path:
    """The documentation site as one file that needs no server and no network; returns its path."""
    warehouse = Warehouse.of(settings)
    with warehouse.lock():
        prepare(settings, warehouse)
        # Columns and types are read from the database, so the tables have to be there.
        with _model_engine(settings, warehouse):
            run_dbt(settings, ["docs", "generate", "--static"], project=parsed_project(settings))
        target = settings.home / "docs" / "dbt.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        (dbt_folder(settings) / "target" / "static_index.html").replace(target)
    return target


def _node_result(result: Any, sizes: dict[str, int]) -> NodeResult:
    node = result.node
    kind = str(node.resource_type)
    relation = f"{node.schema}.{node.alias}" if kind in ("model", "seed") else ""
    status = str(result.status)
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        kind=kind,
        status="error" if status == "runtime error" else status,
        seconds=float(result.execution_time),
        failures=result.failures,
        rows=sizes.get(relation),
        message=str(result.message or ""),
    )


def _table_sizes(warehouse: Warehouse) -> dict[str, int]:
    """Rows of every table that dbt made. Exact on DuckDB, the planner's estimate on PostgreSQL."""
    with warehouse.write() as connection:
        return dict(connection.execute(query(f"rows_{connection.engine}")).fetchall())
