"""Runs the Dagster jobs in this process, on the real instance: what ``growth run`` and the demo do.

The runs, their events and materializations are the same as those of the daemon, and show in the same UI. Two
processes never write the warehouse at once, because everything that writes takes its lock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from growth_pipelines.defs.instance import open_instance
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

# Stage → the job that does it, in order.
STAGES: Mapping[str, str] = {
    "ingest": "ingest_sources",
    "build": "build_models",
    "outcomes": "measure_outcomes",
    "monitor": "detect_regressions",
    "recommend": "recommend_actions",
    "queue": "rank_queue",
}
# Called with the stage, what it works on and how far it is (0–1; None where the end is not known).
StageProgress = Callable[[str, str, float | None], None]
# What the build makes besides dbt's models.
_NO_MODELS = {"published_warehouse", "fct_customer_lifetime_value"}
# Dagster's own console would write every event to stderr.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class StageResult:
    """One stage: how long it took and what it did. ``figures`` are counts to show, ``error`` why it failed."""

    name: str
    seconds: float
    ok: bool
    run_id: str
    figures: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def detail(self) -> str:
        """The figures in words, or the error."""
        shown = (f"{value:,.0f} {name.replace('_', ' ')}" for name, value in self.figures.items())
        return self.error or ", ".join(shown)


@dataclass(frozen=True)
class RunSummary:
    """What one cycle did. ``actions`` are the top actions as documents, ``tables`` the rows ingested by table."""

    stages: tuple[StageResult, ...]
    actions: tuple[dict[str, Any], ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(stage.ok for stage in self.stages)

    @property
    def error(self) -> str:
        """Why the stage that failed did so, or an empty text."""
        return next((f"{stage.name}: {stage.error}" for stage in self.stages if not stage.ok), "")


def run_stages(
    settings: Settings, stages: Sequence[str] | None = None, on_progress: StageProgress | None = None
) -> RunSummary:
    """Run the stages (all by default) in their order; stops at the first that fails.

    Raises GrowthError for an unknown stage. What a stage can't do is in the summary, not raised.
    """
    chosen = _in_order(stages)
    from growth_pipelines.defs.build import build_defs
    from growth_pipelines.defs.jobs import FULL_CYCLE_TAG
    from growth_pipelines.defs.machine import Machine
    from growth_pipelines.defs.reports import deliver_outbox
    from growth_pipelines.recommenders.registry import RECOMMENDERS

    results: list[StageResult] = []
    tables: dict[str, int] = {}
    definitions = build_defs(settings)
    # Whoever runs both has no need of the sensor that looks for regressions when new data arrive.
    tags = {FULL_CYCLE_TAG: uuid.uuid4().hex[:12]} if {"ingest", "monitor"} <= set(chosen) else {}
    with open_instance(settings) as instance:
        for stage in chosen:
            machine = Machine(settings, _progress_of(stage, on_progress))
            result, events = _run_stage(definitions, instance, stage, machine, tags)
            results.append(result)
            if stage == "ingest":
                tables = {event.asset_key.path[-1]: _number(event, "rows") for event in events if event.asset_key}
            if not result.ok:
                break
        deliver_outbox(Machine(settings), instance, list(RECOMMENDERS))
    return RunSummary(tuple(results), _top(settings), tables)


def _in_order(stages: Sequence[str] | None) -> list[str]:
    unknown = [stage for stage in stages or () if stage not in STAGES]
    if unknown:
        raise GrowthError(f"There is no stage {unknown[0]}.", f"The stages are {', '.join(STAGES)}.")
    return [stage for stage in STAGES if stages is None or stage in stages]


def _progress_of(stage: str, on_progress: StageProgress | None) -> Callable[[str, float | None], None]:
    if on_progress is None:
        return lambda _, __: None
    return lambda what, done: on_progress(stage, what, done)


def _run_stage(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    stage: str,
    machine: Any,
    tags: Mapping[str, str],
) -> tuple[StageResult, list[dg.AssetMaterialization]]:
    machine.on_progress("", None)
    started = time.monotonic()
    result = definitions.resolve_job_def(STAGES[stage]).execute_in_process(
        instance=instance,
        resources={"machine": machine},
        tags=dict(tags),
        run_config=_QUIET,
        raise_on_error=False,
    )
    seconds = time.monotonic() - started
    events = [
        event.step_materialization_data.materialization
        for event in result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION"
    ]
    error = "" if result.success else _error_of(result)
    figures = _figures(stage, events, result) if result.success else {}
    machine.on_progress("failed" if error else "done", 1.0)
    return StageResult(stage, seconds, result.success, result.run_id, figures, error), events


def _error_of(result: dg.ExecuteInProcessResult) -> str:
    """The reason in one line: of the user's error, not of the framework around it."""
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                message = error.message.strip()
                kind = error.cls_name or ""
                return message.partition(f"{kind}: ")[2] or message if kind else message
    return "The run failed; see it in the Dagster UI."


def _figures(
    stage: str, events: Sequence[dg.AssetMaterialization], result: dg.ExecuteInProcessResult
) -> dict[str, float]:
    by_key = {event.asset_key.path[-1]: event for event in events}
    if stage == "ingest":
        return {"rows": sum(_number(event, "rows") for event in events), "tables": len(by_key)}
    if stage == "build":
        checks = result.get_asset_check_evaluations()
        return {"models": len(by_key.keys() - _NO_MODELS), "tests_passed": sum(check.passed for check in checks)}
    if stage == "outcomes":
        return {what: _number(by_key["action_outcomes"], what) for what in ("read", "final", "negative")}
    if stage == "monitor":
        return {
            "search_regressions": _number(by_key["search_regressions"], "regressions"),
            "vitals_regressions": _number(by_key["vitals_regressions"], "regressions"),
            "open_incidents": _number(by_key["incidents"], "open"),
        }
    if stage == "recommend":
        return {
            what: sum(_number(event, what) for event in events)
            for what in ("created", "refreshed", "revised", "superseded", "refused")
        }
    return {what: _number(by_key["action_queue"], what) for what in ("pending", "expired", "released")}


def _number(event: dg.AssetMaterialization, name: str) -> int:
    value = event.metadata[name].value if name in event.metadata else 0
    return int(value) if isinstance(value, int | float) else 0


def _top(settings: Settings) -> tuple[dict[str, Any], ...]:
    from growth_pipelines.actions.queue import as_document, top
    from growth_pipelines.store.database import Store

    with Store.of(settings).read() as session:
        best = top(session, settings.actions.top, settings.clock.now())
        return tuple(as_document(action) for action in best)
