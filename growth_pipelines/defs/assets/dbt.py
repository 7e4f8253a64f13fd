"""dbt's models as assets: one ``dbt build`` a run, whatever part of the project is selected.

What the models say is in ``dbt_project/``; how the manifest becomes assets and checks is in ``dbt_graph``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from growth_pipelines.defs.dbt_graph import DbtGraph
from growth_pipelines.defs.display import days_in_words
from growth_pipelines.defs.machine import Machine, query

if TYPE_CHECKING:
    from growth_pipelines.warehouse.dbt import NodeResult

_PASSED = ("success", "pass")
_SHOWN = ("warn", "fail", "error", "runtime error")


class BuildConfig(dg.Config):
    """The launchpad's form of a build: from which day to count again, or everything, instead of what changed."""

    since: str = Field(default="", description="first day to count again, YYYY-MM-DD")
    full_refresh: bool = Field(default=False, description="count every day again")


def dbt_models(graph: DbtGraph) -> dg.AssetsDefinition:
    """All models of the project in one step, which can be asked for some of them."""

    @dg.multi_asset(
        name="dbt_build",
        specs=list(graph.specs),
        check_specs=list(graph.check_specs),
        can_subset=True,
        pool="warehouse",
        # Tests on raw tables are run by dbt, though ingestion makes those tables.
        allow_arbitrary_check_specs=True,
    )
    def dbt_build(
        context: dg.AssetExecutionContext, config: BuildConfig, machine: dg.ResourceParam[Machine]
    ) -> Iterator[Any]:
        """Build and test the selected models."""
        from growth_pipelines.quality.barrier import require_contracts
        from growth_pipelines.warehouse.dbt import build

        require_contracts(machine.settings)
        done = 0
        total = len(graph.keys) + len(graph.checks)

        def progressed(name: Any) -> None:
            nonlocal done
            done += 1
            machine.on_progress(str(name), min(1.0, done / total))

        result = build(
            machine.settings,
            select=_selection(context, graph),
            on_event=progressed,
            full_refresh=True if config.full_refresh else None,
            since=date.fromisoformat(config.since) if config.since else None,
        )
        context.log.info(f"models that are counted by day: {result.counted}")
        windows = _windows(
            machine,
            graph,
            [
                graph.keys[n.unique_id]
                for n in result.results
                if n.status == "success" and n.unique_id in graph.keys
            ],
        )
        # A blocking check that failed fails the step only after everything is yielded.
        for node in result.results:
            event = node_event(context, graph, node, windows)
            if event is not None:
                yield event
        broken = [node for node in result.results if node.status in ("error", "runtime error")]
        if broken:
            raise dg.Failure(
                f"dbt could not run {len(broken)} nodes, first {broken[0].unique_id}: {broken[0].message}",
                allow_retries=False,
            )

    return dbt_build


def _selection(context: dg.AssetExecutionContext, graph: DbtGraph) -> list[str] | None:
    """dbt's own selectors for what was selected here, or None for everything."""
    wanted = [key for key in graph.names if key in context.selected_asset_keys]
    if len(wanted) == len(graph.names):
        return None
    return sorted(graph.names[key] for key in wanted)


def _windows(machine: Machine, graph: DbtGraph, built: Iterable[dg.AssetKey]) -> dict[dg.AssetKey, str]:
    """From when to when the rows of each mart are that says which time they are about."""
    found = {}
    with machine.warehouse.write() as connection:
        for key in built:
            if key in graph.times:
                start, end = graph.times[key]
                sql = query("window").format(first=start, last=end, table=".".join(key.path))
                first, last = connection.execute(sql).fetchone()
                if first is not None:
                    found[key] = days_in_words(first, last)
    return found


def node_event(
    context: dg.AssetExecutionContext,
    graph: DbtGraph,
    node: "NodeResult",
    windows: Mapping[dg.AssetKey, str] = MappingProxyType({}),
) -> dg.MaterializeResult | dg.AssetCheckResult | None:
    """What one finished node of dbt is in Dagster; None for what was skipped or is not selected."""
    if node.unique_id in graph.checks:
        return _check_event(context, graph.checks[node.unique_id], node)
    key = graph.keys.get(node.unique_id)
    if key is None or key not in context.selected_asset_keys or node.status not in _PASSED:
        return None
    metadata: dict[str, Any] = {"seconds": round(node.seconds, 3)}
    if node.rows is not None:
        metadata["dagster/row_count"] = node.rows
    if key in windows:
        metadata["window"] = windows[key]
    return dg.MaterializeResult(asset_key=key, metadata=metadata)


def _check_event(
    context: dg.AssetExecutionContext, check: dg.AssetCheckKey, node: "NodeResult"
) -> dg.AssetCheckResult | None:
    if check not in context.selected_asset_check_keys or node.status not in (*_PASSED, *_SHOWN):
        return None
    warned = node.status == "warn"
    return dg.AssetCheckResult(
        passed=node.status in _PASSED,
        asset_key=check.asset_key,
        check_name=check.name,
        severity=dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR,
        description=node.message or None,
        metadata={
            "failures": node.failures or 0,
            "seconds": round(node.seconds, 3),
            **(
                {}
                if node.status in _PASSED
                else {"recovery": f"`dbt build --select {node.unique_id.split('.')[2]}`"}
            ),
        },
    )
