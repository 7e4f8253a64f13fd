"""Experiments as they read today, and what follows of itself: an approved start, a wider ramp, a stop on harm.

The statistics are in ``growth_pipelines.experiments``; here they get their sums and their readings a place.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import chart, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.readouts.reading import Reading

READOUTS = dg.AssetKey("experiment_readouts")
SIZES = dg.AssetCheckKey(READOUTS, "arms_have_their_sizes")
RAILS = dg.AssetCheckKey(READOUTS, "guardrails_hold")


@dg.asset(
    key=READOUTS,
    deps=[PUBLISHED],
    group_name="experiments",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="What each experiment shows against control, by intervals that may be looked at every day. "
    "Carries out approved starts and promotions, widens a ramp after 24 hours, stops what breaks a guardrail "
    "or makes its primary metric worse, and deletes what single units did 30 days after the decision.",
    check_specs=[
        dg.AssetCheckSpec(
            SIZES.name, asset=READOUTS, description="The sizes of the arms fit their weights (p ≥ 0.001, any day)."
        ),
        dg.AssetCheckSpec(
            RAILS.name, asset=READOUTS, description="No guardrail of a running experiment is broken."
        ),
    ],
)
def experiment_readouts(machine: dg.ResourceParam[Machine]) -> Iterator[Any]:
    from growth_pipelines.actions.execution import execute_approved
    from growth_pipelines.actions.experiments.registry import experiments
    from growth_pipelines.actions.experiments.retention import forget_units
    from growth_pipelines.actions.experiments.units import paired_units
    from growth_pipelines.readouts.keeping import keep_readings
    from growth_pipelines.readouts.reading import readings
    from growth_pipelines.readouts.supervision import supervise

    carried_out = execute_approved(machine.store, machine.settings, kind="experiment", now=machine.now)
    with machine.store.read() as session:
        rows, units = experiments(session), paired_units(session)
    read: dict[str, Reading] = {}
    if any(row.started_at for row in rows):
        with machine.warehouse.read() as connection:
            read = readings(connection, rows, units, machine.today, machine.zone)
    with machine.store.session() as session:
        done = supervise(session, read, machine.now)
        keep_readings(session, rows, read, machine.today, machine.now)
        kept_days = machine.settings.experiments.keep_days
        forgotten = forget_units(session, kept_days, machine.now, machine.zone)
    live = {row.key: read[row.key] for row in rows if row.key in read and row.status in ("running", "paused")}
    yield dg.MaterializeResult(
        asset_key=READOUTS,
        metadata={
            "experiments": len(rows),
            "running": sum(row.status == "running" for row in rows),
            "carried_out": sum(result.status == "executed" for result in carried_out),
            "ramped": ", ".join(done.ramped) or "none",
            "stopped": ", ".join(done.stopped) or "none",
            "forgotten": ", ".join(forgotten.experiments) or "none",
            "rows_deleted": forgotten.exposures + forgotten.customers + forgotten.events,
            **_shown(live),
        },
        check_results=[_sizes(live), _rails(live)],
    )


def _shown(live: "dict[str, Reading]") -> dict[str, Any]:
    rows = [row for reading in live.values() for row in _rows(reading)]
    drawn = [row for row in rows if row["effect"] is not None]
    told = [{**row, **{name: _share(row[name]) for name in ("effect", "low", "high")}} for row in rows]
    return {
        "readings": table(told, ("arm", "units", "effect", "low", "high", "status")),
        **({"effects": chart("experiment_effects", "Effects with their intervals", drawn)} if drawn else {}),
    }


def _rows(reading: "Reading") -> Iterator[dict[str, Any]]:
    for one in reading.readout.arms:
        known = one.effect
        yield {
            "arm": f"{reading.readout.key}: {one.arm}",
            "units": one.units,
            "effect": known.diff if known else None,
            "low": known.ci_low if known else None,
            "high": known.ci_high if known else None,
            "status": one.decision.status if one.decision else one.why,
        }


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:+.1%}"


def _sizes(live: "dict[str, Reading]") -> dg.AssetCheckResult:
    wrong = [key for key, reading in live.items() if not reading.readout.healthy]
    return dg.AssetCheckResult(
        check_name=SIZES.name,
        asset_key=READOUTS,
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"looked_at": len(live), "mismatched": ", ".join(wrong) or "none"},
    )


def _rails(live: "dict[str, Reading]") -> dg.AssetCheckResult:
    broken = [
        f"{key}: {rail.metric}"
        for key, reading in live.items()
        for arm in reading.readout.arms
        for rail in arm.guardrails
        if rail.verdict == "broken"
    ]
    return dg.AssetCheckResult(
        check_name=RAILS.name,
        asset_key=READOUTS,
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"looked_at": len(live), "broken": ", ".join(broken) or "none"},
    )
