"""Puts the machine together for Dagster: one function, explicit lists, nothing scanned or wired at import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from growth_pipelines.defs.approval_form import approval_form
from growth_pipelines.defs.assets.action_outcomes import OUTCOMES, action_outcomes
from growth_pipelines.defs.assets.action_returns import RETURNS, action_returns
from growth_pipelines.defs.assets.agreement import AGREEMENT, AGREES, incremental_agreement
from growth_pipelines.defs.assets.audit_head import AUDIT_HEAD, INTACT, audit_head
from growth_pipelines.defs.assets.carried_out import ROLLBACKS, rolled_back_actions
from growth_pipelines.defs.assets.dbt import dbt_models
from growth_pipelines.defs.assets.experiment_readouts import RAILS, READOUTS, SIZES, experiment_readouts
from growth_pipelines.defs.assets.landed import CONTRACT, landed_batches
from growth_pipelines.defs.assets.learning import (
    AS_EXPECTED,
    CALIBRATED,
    EVALUATION,
    WIN_RATES,
    learned_win_rates,
    ranking_evaluation,
)
from growth_pipelines.defs.assets.lifetime_value import FORESEEN, LIFETIME_VALUE, lifetime_value
from growth_pipelines.defs.assets.monitoring import SEARCH, VITALS, search_regressions, vitals_regressions
from growth_pipelines.defs.assets.operations import operations_tables
from growth_pipelines.defs.assets.orders_by_month import orders_by_month
from growth_pipelines.defs.assets.proposals import Proposal, actions_key, proposal, recommendations_key
from growth_pipelines.defs.assets.published import PUBLISHED, published_warehouse
from growth_pipelines.defs.assets.queue import QUEUE, action_queue
from growth_pipelines.defs.assets.raw import raw_tables
from growth_pipelines.defs.assets.reconciled import RECONCILED, store_and_dagster_agree
from growth_pipelines.defs.assets.search_by_month import search_by_month
from growth_pipelines.defs.assets.watched import Monitoring, monitoring
from growth_pipelines.defs.automation import kept_fresh, refresh_sensor
from growth_pipelines.defs.dbt_graph import DbtGraph, translate
from growth_pipelines.defs.handbook import with_section
from growth_pipelines.defs.jobs import Parts, build_jobs
from growth_pipelines.defs.machine import Machine
from growth_pipelines.defs.manifest import needed_manifest
from growth_pipelines.defs.run_alarms import run_alarm_sensor
from growth_pipelines.defs.schedules import build_schedules
from growth_pipelines.defs.sensors import build_sensors
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.rebuilds import SOURCES

# The finding that opens each recommender; one that is not named here is opened by the schedule alone.
OPENED_BY: Mapping[str, tuple[dg.AssetKey, ...]] = {"seo_ctr": (SEARCH,), "cwv_repair": (VITALS,)}


def build_defs(
    settings: Settings | None = None,
    *,
    machine: Machine | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Fresh definitions. Settings come from the environment unless given; ``machine`` and ``manifest`` replace
    the resource and dbt's manifest. Nothing is connected to, no secret is resolved."""
    settings = settings if settings is not None else machine.settings if machine is not None else load_settings()
    machine = machine if machine is not None else Machine(settings)
    graph = translate(manifest if manifest is not None else needed_manifest(settings), settings.model_engine)
    proposals = [proposal(r, OPENED_BY.get(r.name, ())) for r in RECOMMENDERS.values()]
    landed, watch = landed_batches(), monitoring()
    jobs = build_jobs(_parts(graph, landed, proposals, watch), [approval_form(p.name) for p in proposals])
    return dg.Definitions(
        assets=[
            kept_fresh(raw_tables, machine.zone),
            *operations_tables(),
            orders_by_month(settings),
            search_by_month(settings),
            dbt_models(graph),
            lifetime_value(*graph.documented[LIFETIME_VALUE], settings.engine),
            published_warehouse([*graph.in_schema("marts"), LIFETIME_VALUE], settings.engine),
            incremental_agreement(graph.named(SOURCES), settings.engine),
            *map(with_section, (action_outcomes, action_returns, experiment_readouts)),
            *map(with_section, (search_regressions, vitals_regressions, *watch.assets)),
            *(part for p in proposals for part in (p.recommendations, p.approval, p.actions)),
            action_queue([recommendations_key(p.name) for p in proposals]),
            rolled_back_actions([actions_key(p.name) for p in proposals]),
            audit_head,
            *map(with_section, (learned_win_rates, ranking_evaluation)),
        ],
        asset_checks=[
            landed,
            *watch.checks,
            *(check for p in proposals for check in p.checks),
            store_and_dagster_agree([p.name for p in proposals]),
        ],
        jobs=jobs.all,
        schedules=build_schedules(jobs, machine.zone),
        sensors=[refresh_sensor(), run_alarm_sensor(), *build_sensors(jobs, [p.name for p in proposals])],
        resources={"machine": machine},
        # 0.06 CPU-seconds a step; the stock executor starts a process for each, at 4.8.
        executor=dg.in_process_executor,
    )


def _parts(
    graph: DbtGraph, landed: dg.AssetChecksDefinition, proposals: list[Proposal], watch: Monitoring
) -> Parts:
    return Parts(
        raw=tuple(raw_tables.keys),
        raw_checks=tuple(raw_tables.check_keys),
        landed_checks=tuple(landed.check_keys),
        landed_contracts=tuple(key for key in landed.check_keys if key.name == CONTRACT),
        models=(*graph.names, LIFETIME_VALUE),
        model_checks=(*graph.checks.values(), FORESEEN),
        published=PUBLISHED,
        agreement=AGREEMENT,
        agrees=AGREES,
        monitoring=(SEARCH, VITALS, *watch.keys),
        monitoring_checks=watch.check_keys,
        outcomes=(OUTCOMES, RETURNS),
        readouts=READOUTS,
        readout_checks=(SIZES, RAILS),
        queue=QUEUE,
        rollbacks=ROLLBACKS,
        audit_head=AUDIT_HEAD,
        chain_intact=INTACT,
        learning=(WIN_RATES, EVALUATION),
        learning_checks=(AS_EXPECTED, CALIBRATED),
        recommendations={p.name: recommendations_key(p.name) for p in proposals},
        gates={p.name: p.gate_key for p in proposals},
        actions={p.name: actions_key(p.name) for p in proposals},
        left_behind={p.name: p.left_behind_key for p in proposals},
        reconciled=RECONCILED,
        texts={p.name: key for p in proposals if p.texts for key in p.texts.check_keys},
    )
