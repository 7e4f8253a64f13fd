"""From the published marts and the register to the readings; visitors' are two queries, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from growth_pipelines.actions.experiments.registry import arm_names, arm_weights
from growth_pipelines.canonical import digest
from growth_pipelines.clock import local_date
from growth_pipelines.experiments.readout import Declared, Measure, Readout, read_out
from growth_pipelines.readouts.customers import read_customer_test
from growth_pipelines.readouts.pages import read_split_test
from growth_pipelines.readouts.slices import read_switchback
from growth_pipelines.store.tables import Experiment, ExperimentUnit
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query


@dataclass(frozen=True)
class Reading:
    """``data_digest`` is the SHA-256 of the sums that the readout was computed from."""

    readout: Readout
    data_digest: str

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **asdict(self.readout),
            "status": self.readout.status,
            "winner": self.readout.winner,
            "data_digest": self.data_digest,
        }


def readings(
    connection: WarehouseConnection,
    rows: Sequence[Experiment],
    units: Mapping[str, Sequence[ExperimentUnit]],
    today: date,
    zone: str,
) -> dict[str, Reading]:
    """The reading of each experiment that has begun, by key; ``today`` is the first day that is not over.

    ``units``: the pages and slices of time, by the experiment's id (``paired_units``).
    """
    begun = [row for row in rows if row.started_at is not None]
    visited = _visited(connection, [row for row in begun if row.unit == "visitor"], today, zone)
    drawn = {
        row.key: _drawn(connection, row, units.get(row.id, ()), today, zone)
        for row in begun
        if row.unit != "visitor"
    }
    return {row.key: (visited | drawn)[row.key] for row in begun}


def _drawn(
    connection: WarehouseConnection, row: Experiment, units: Sequence[ExperimentUnit], today: date, zone: str
) -> Reading:
    started, until = _days(row, today, zone)
    if row.unit == "customer":
        return Reading(*read_customer_test(connection, row, declared_of(row), started, until))
    read = read_split_test if row.unit == "page" else read_switchback
    return Reading(*read(connection, row, declared_of(row), units, started, until))


def _days(row: Experiment, today: date, zone: str) -> tuple[date, date]:
    """The days of the start, and of the end or today: the first that counts no more."""
    assert row.started_at is not None
    ended = local_date(row.ended_at, zone) if row.ended_at else today
    return local_date(row.started_at, zone), min(today, ended)


def _visited(
    connection: WarehouseConnection, rows: Sequence[Experiment], today: date, zone: str
) -> dict[str, Reading]:
    if not rows:
        return {}
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for found in _records(connection, "experiment_units"):
        counts[found["experiment_id"]][found["variant"]] = int(found["units"])
    sums: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in _records(connection, "experiment_sums"):
        sums[found["experiment_id"]].append(found)
    return {row.key: _of_visitors(row, counts[row.id], sums[row.id], today, zone) for row in rows}


def _records(connection: WarehouseConnection, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = connection.frame(query(name)).to_dict("records")
    return found


def _of_visitors(
    row: Experiment, counts: Mapping[str, int], sums: Sequence[dict[str, Any]], today: date, zone: str
) -> Reading:
    started, until = _days(row, today, zone)
    readout = read_out(declared_of(row), counts, sums, max(0, (until - started).days))
    plain = [{name: value if isinstance(value, str) else float(value) for name, value in r.items()} for r in sums]
    return Reading(readout, digest({"counts": dict(counts), "sums": plain}))


def declared_of(row: Experiment) -> Declared:
    """What a reading needs of the register."""
    guardrails = tuple(
        Measure(one["metric"], one["kind"], bool(one["increase_is_good"]), float(one["margin"]))
        for one in row.guardrails
    )
    return Declared(
        row.key,
        tuple(arm_names(row)),
        arm_weights(row),
        Measure(row.primary_metric, row.metric_kind, row.increase_is_good),
        guardrails,
        row.planned_units,
        row.planned_days,
        row.baseline,
        row.minimum_effect,
        row.coverage_goal,
    )
