"""The units that an experiment was given before its start: kept with their digest, which its approval binds to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.declaration import BadExperiment
from growth_pipelines.actions.experiments.registry import arm_names
from growth_pipelines.canonical import digest
from growth_pipelines.clock import local_date
from growth_pipelines.store.tables import AuditEvent, Experiment, ExperimentUnit, Exposure

_TREATED_CHANGE = ("experiment_started", "experiment_paused", "experiment_resumed", "experiment_stopped")
_ALL_CHANGE = ("experiment_promoted", "experiment_demoted")


def keep_units(
    session: Session, row: Experiment, units: Sequence[Mapping[str, Any]], about: Mapping[str, Any], now: datetime
) -> str:
    """Give a draft its units (unit_id, arm; pair, template, traffic where they have them); their digest.

    ``about`` is kept with them. Drawing once more replaces them, as long as nothing has begun. Raises
    BadExperiment afterwards.
    """
    if row.status != "draft":
        raise BadExperiment(f"{row.key} is {row.status}: its units are drawn.", "Register a new experiment.")
    session.execute(delete(ExperimentUnit).where(ExperimentUnit.experiment_id == row.id))
    blank: dict[str, Any] = {"experiment_id": row.id, "pair": None, "template": "", "traffic": None}
    session.execute(
        insert(ExperimentUnit), [{**blank, **unit, "position": place} for place, unit in enumerate(units)]
    )
    found = digest([[unit["unit_id"], unit["arm"], unit.get("pair")] for unit in units])
    row.drawn = {**about, "units": len(units), "digest": found, "drawn_at": now.isoformat()}
    session.flush()
    return found


def units_of(session: Session, row: Experiment) -> list[ExperimentUnit]:
    """In the order they were drawn in."""
    wanted = select(ExperimentUnit).where(ExperimentUnit.experiment_id == row.id)
    return list(session.scalars(wanted.order_by(ExperimentUnit.position)))


def units_in_use(session: Session, unit: str) -> set[str]:
    """Units of this kind that an experiment under way has: another one would disturb it."""
    wanted = select(ExperimentUnit.unit_id).join(Experiment).where(Experiment.unit == unit)
    return set(session.scalars(wanted.where(Experiment.status.in_(("running", "paused")))))


def paired_units(session: Session) -> dict[str, list[ExperimentUnit]]:
    """The pages and slices of time of all experiments that have begun, by the experiment's id."""
    begun = Experiment.unit.in_(("page", "time_slice")) & Experiment.started_at.is_not(None)
    found: dict[str, list[ExperimentUnit]] = {}
    for unit in session.scalars(
        select(ExperimentUnit).join(Experiment).where(begun).order_by(ExperimentUnit.position)
    ):
        found.setdefault(unit.experiment_id, []).append(unit)
    return found


class PageInTest(NamedTuple):
    """A page's split test, by its key, and the arm that the page has in it."""

    key: str
    arm: str


def split_test_of(session: Session, page: str) -> PageInTest | None:
    """The split test under way that has this page."""
    wanted = select(Experiment.key, ExperimentUnit.arm).join(Experiment)
    under_way = Experiment.unit == "page", Experiment.status.in_(("running", "paused"))
    found = session.execute(wanted.where(ExperimentUnit.unit_id == page, *under_way).limit(1)).first()
    return None if found is None else PageInTest(found.key, found.arm)


def pages_changed(session: Session, since: datetime) -> list[tuple[str, datetime]]:
    """The pages that split tests changed since then, and when.

    Treated ones change when a test begins, pauses, goes on or ends, all of its pages when everybody is given an
    arm or loses it again.
    """
    changes = AuditEvent.event.in_([*_TREATED_CHANGE, *_ALL_CHANGE])
    test = AuditEvent.payload["experiment"].as_string()
    found = session.execute(select(test, AuditEvent.event, AuditEvent.at).where(changes, AuditEvent.at >= since))
    moments = [(str(key), event, at) for key, event, at in found.tuples()]
    tests = select(Experiment).where(Experiment.unit == "page", Experiment.key.in_({key for key, _, _ in moments}))
    pages = {
        row.key: [(unit.unit_id, unit.arm != arm_names(row)[0]) for unit in units_of(session, row)]
        for row in session.scalars(tests)
    }
    return [
        (page, at)
        for key, event, at in moments
        for page, is_treated in pages.get(key, ())
        if is_treated or event in _ALL_CHANGE
    ]


def check_units(session: Session, row: Experiment, approved: str) -> None:
    """Raises BadExperiment unless the units are those that were approved, by their digest."""
    if row.unit == "visitor":
        return
    held = digest([[unit.unit_id, unit.arm, unit.pair] for unit in units_of(session, row)])
    if row.drawn is None or approved != held:
        raise BadExperiment(
            f"The {row.unit.replace('_', ' ')}s of {row.key} are not those that were approved.",
            f"Ask once more with `growth experiments start {row.key}`.",
        )


def expose_customers(session: Session, row: Experiment, now: datetime) -> None:
    """From the start on all customers drawn count, whether they have seen anything or not: intention to treat."""
    drawn = select(
        ExperimentUnit.experiment_id,
        ExperimentUnit.unit_id,
        ExperimentUnit.arm,
        literal(now, Exposure.exposed_at.type),
    ).where(ExperimentUnit.experiment_id == row.id)
    columns = ("experiment_id", "unit_id", "arm", "exposed_at")
    session.execute(insert(Exposure).from_select(columns, drawn))


def first_day(row: Experiment, zone: str) -> date:
    """The first whole day of an experiment that has begun, in the shop's zone."""
    assert row.started_at is not None
    return local_date(row.started_at, zone) + timedelta(days=1)


def arm_of_day(session: Session, row: Experiment, day: date, zone: str) -> str:
    """The arm that the whole shop has on ``day`` of an experiment on time slices: control's unless it runs."""
    if row.promoted:
        return row.promoted
    if row.status != "running" or row.started_at is None:
        return arm_names(row)[0]
    number = str((day - first_day(row, zone)).days)
    held = session.get(ExperimentUnit, (row.id, number))
    return held.arm if held is not None else arm_names(row)[0]
