"""The jobs: what can be started as one run, each named by what it does.

Only selections of assets and checks, and the launchpad forms by which an operator enters a decision. What the
steps do is in ``assets/``; when the jobs start is in ``schedules`` and ``sensors``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# A run that carries this looks for regressions itself, so the sensor on new data has nothing to add.
FULL_CYCLE_TAG = "growth/cycle"
# Only the executor's own ledger decides what is tried again, never a re-run by Dagster.
_NEVER_AGAIN = {"dagster/max_retries": "0"}

AnyJob = dg.JobDefinition | UnresolvedAssetJobDefinition


@dataclass(frozen=True)
class Parts:
    """The keys that jobs select from."""

    raw: tuple[dg.AssetKey, ...]
    raw_checks: tuple[dg.AssetCheckKey, ...]
    landed_checks: tuple[dg.AssetCheckKey, ...]
    # Those of them that block: an import lands rows without an ingestion.
    landed_contracts: tuple[dg.AssetCheckKey, ...]
    models: tuple[dg.AssetKey, ...]
    model_checks: tuple[dg.AssetCheckKey, ...]
    published: dg.AssetKey
    agreement: dg.AssetKey
    agrees: dg.AssetCheckKey
    # What looks, the incidents that come of it, and a check on each family of metrics.
    monitoring: tuple[dg.AssetKey, ...]
    monitoring_checks: tuple[dg.AssetCheckKey, ...]
    # What each action did, and the sums of it.
    outcomes: tuple[dg.AssetKey, ...]
    readouts: dg.AssetKey
    readout_checks: tuple[dg.AssetCheckKey, ...]
    queue: dg.AssetKey
    rollbacks: dg.AssetKey
    audit_head: dg.AssetKey
    chain_intact: dg.AssetCheckKey
    learning: tuple[dg.AssetKey, ...]
    learning_checks: tuple[dg.AssetCheckKey, ...]
    # By recommender: its proposals, their gate, what carries them out and the check on that.
    recommendations: Mapping[str, dg.AssetKey]
    gates: Mapping[str, dg.AssetCheckKey]
    actions: Mapping[str, dg.AssetKey]
    left_behind: Mapping[str, dg.AssetCheckKey]
    # Whether Dagster shows what the store knows.
    reconciled: dg.AssetCheckKey
    # Of those recommenders that write texts.
    texts: Mapping[str, dg.AssetCheckKey]


@dataclass(frozen=True)
class Jobs:
    """Every job by name, and the groups that sensors and schedules start. Sensors must get these very objects."""

    by_name: Mapping[str, AnyJob]

    def __getitem__(self, name: str) -> AnyJob:
        return self.by_name[name]

    @property
    def all(self) -> list[AnyJob]:
        return list(self.by_name.values())


def _assets(keys: Iterable[dg.AssetKey]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*keys).without_checks()


def _checks(keys: Iterable[dg.AssetCheckKey]) -> dg.AssetSelection:
    return dg.AssetSelection.checks(*keys)


def build_jobs(parts: Parts, forms: Iterable[dg.JobDefinition]) -> Jobs:
    """All jobs. ``forms`` are the launchpad jobs ``approve_X``, which are no selection of assets."""
    ingest = _assets(parts.raw) | _checks([*parts.raw_checks, *parts.landed_checks])
    models = _assets([*parts.models, parts.published]) | _checks([*parts.landed_contracts, *parts.model_checks])
    monitoring = _assets(parts.monitoring) | _checks(parts.monitoring_checks)
    recommend = _assets(parts.recommendations.values()) | _checks([*parts.gates.values(), *parts.texts.values()])
    outcomes = _assets(parts.outcomes)
    readouts = _assets([parts.readouts]) | _checks(parts.readout_checks)
    queue = _assets([parts.queue])
    repair = _assets([parts.recommendations["cwv_repair"]]) | _checks([parts.gates["cwv_repair"]])
    every_gate = _checks([*parts.gates.values(), *parts.left_behind.values(), parts.reconciled])
    jobs: list[AnyJob] = [
        _job("ingest_sources", ingest, "Read the shop, Search Console and web vitals into the raw tables."),
        _job(
            "build_models", models, "Build and test every model, value the customers, then publish the warehouse."
        ),
        _job(
            "detect_regressions",
            monitoring,
            "Look at every metric that is watched: what got worse, what is about to, what has recovered.",
        ),
        _job("measure_outcomes", outcomes, "Tell what executed actions did from what nothing was done to."),
        _job("read_experiments", readouts, "Start what was approved, read every experiment, stop what does harm."),
        _job("recommend_actions", recommend, "Let every recommender draft its actions from what is published."),
        _job("rank_queue", queue, "Expire what waited too long, bring back what was deferred, rank the rest."),
        _job(
            "daily_cycle",
            ingest | models | outcomes | readouts | monitoring | recommend | queue,
            "One full cycle: ingest, build, measure outcomes, monitor, recommend, queue.",
            {FULL_CYCLE_TAG: "daily"},
        ),
        _job(
            "repair_regressions",
            monitoring | repair | queue,
            "Look for regressions in data that arrived outside of a cycle, and draft a repair for them.",
            {FULL_CYCLE_TAG: "repair"},
        ),
        _job(
            "compare_builds",
            _assets([parts.agreement]) | _checks([parts.agrees]),
            "Build what is counted by day both ways, by the days that changed and in full, and compare.",
        ),
        _job(
            "recheck_approvals", every_gate, "Judge every approval gate again, so that an expired green goes red."
        ),
        _job(
            "roll_back_requested",
            _assets([parts.rollbacks]),
            "Undo the executed actions that an operator asked to be rolled back.",
            _NEVER_AGAIN,
        ),
        _job(
            "publish_audit_head",
            _assets([parts.audit_head]) | _checks([parts.chain_intact]),
            "Write down the end of the audit chain, and prove that nothing before it was changed.",
        ),
        _job(
            "learn_from_decisions",
            _assets(parts.learning) | _checks(parts.learning_checks),
            "Add up what decisions, edits and outcomes teach, and judge other versions of the ranking.",
        ),
        *forms,
    ]
    for name, actions in parts.actions.items():
        gate = _checks([parts.gates[name]])
        act = _assets([actions]) | gate | _checks([parts.left_behind[name]])
        jobs.append(_job(f"act_on_{name}", act, f"Carry out the approved actions of {name}.", _NEVER_AGAIN))
        jobs.append(_job(f"recheck_{name}", gate, f"Judge the approval gate of {name} again."))
    return Jobs({job.name: job for job in jobs})


def _job(
    name: str, selection: dg.AssetSelection, description: str, tags: Mapping[str, Any] | None = None
) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(name, selection=selection, description=description, run_tags=tags)
