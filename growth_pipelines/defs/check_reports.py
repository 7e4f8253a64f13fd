"""Check results that are reported outside of any run, for what is judged by a sensor."""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)


def report_check(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, result: dg.AssetCheckResult, *, blocking: bool = True
) -> None:
    """Report ``result`` about the asset's newest materialization, unless the newest result says the same."""
    newest = instance.fetch_materializations(key.asset_key, limit=1).records
    target = (
        AssetCheckEvaluationTargetMaterializationData(
            storage_id=newest[0].storage_id, run_id=newest[0].run_id, timestamp=newest[0].timestamp
        )
        if newest
        else None
    )
    evaluation = dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
        target_materialization_data=target,
        blocking=blocking,
    )
    if not _repeats(instance, evaluation):
        instance.report_runless_asset_event(evaluation)


def newest_evaluation(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey
) -> tuple[int, dg.AssetCheckEvaluation] | None:
    """The newest result and the number of its event; None without one, or while it is being made."""
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1):
        event = record.event.dagster_event if record.event else None
        said: Any = event.event_specific_data if event else None
        if isinstance(said, dg.AssetCheckEvaluation):
            return record.id, said
    return None


def _repeats(instance: dg.DagsterInstance, evaluation: dg.AssetCheckEvaluation) -> bool:
    """Whether the newest result says the same of the same materialization: the history is for people."""
    newest = newest_evaluation(instance, evaluation.asset_check_key)
    return newest is not None and _told(newest[1]) == _told(evaluation)


def _told(evaluation: dg.AssetCheckEvaluation) -> tuple[Any, ...]:
    about = evaluation.target_materialization_data
    return (
        evaluation.passed,
        evaluation.severity,
        evaluation.description,
        evaluation.metadata,
        about.storage_id if about else None,
    )
