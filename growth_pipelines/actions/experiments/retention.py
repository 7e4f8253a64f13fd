"""How long is kept what single visitors and customers did in experiments.

What an experiment was decided on is frozen with its digest and stays; the rows it was computed from are needed no
more some weeks later. An experiment that is not decided loses nothing, however long it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists
from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.registry import experiments, tell_chain
from growth_pipelines.clock import local_date
from growth_pipelines.store.tables import Experiment, ExperimentUnit, Exposure, UnitEvent


@dataclass(frozen=True)
class Forgotten:
    """Whose units were forgotten (keys), and how many rows went: of exposures, drawn customers and events."""

    experiments: tuple[str, ...]
    exposures: int
    customers: int
    events: int


def forget_units(session: Session, keep_days: int, now: datetime, zone: str) -> Forgotten:
    """Delete exposures and drawn customers of what was decided ``keep_days`` ago or earlier, and events that no
    experiment needs any more. Each experiment's part is an event of the audit chain, with the counts.

    Events of a unit stay while an experiment has it, and as long before as one that is under way, or could
    begin, looks back.
    """
    rows = experiments(session)
    over = [row for row in rows if _is_over(row, now - timedelta(days=keep_days))]
    forgotten, exposures, customers = [], 0, 0
    for row in over:
        met = _deleted(session, delete(Exposure).where(Exposure.experiment_id == row.id))
        drawn = 0
        if row.unit == "customer":
            drawn = _deleted(session, delete(ExperimentUnit).where(ExperimentUnit.experiment_id == row.id))
        if met or drawn:
            counts = {"exposures": met, "customers": drawn, "kept_days": keep_days}
            tell_chain(session, row, "forgotten", "monitor", "monitor", now, counts)
            forgotten.append(row.key)
        exposures, customers = exposures + met, customers + drawn
    events = _forget_events(session, rows, keep_days, now, zone)
    return Forgotten(tuple(forgotten), exposures, customers, events)


def _is_over(row: Experiment, before: datetime) -> bool:
    if row.status != "decided" or row.decision is None:
        return False
    return datetime.fromisoformat(row.decision["decided_at"]) <= before


def _forget_events(session: Session, rows: Sequence[Experiment], keep_days: int, now: datetime, zone: str) -> int:
    looks_back = max((row.pre_days for row in rows if row.status != "decided"), default=0)
    oldest = local_date(now, zone) - timedelta(days=max(keep_days, looks_back))
    is_needed = exists().where(Exposure.unit_id == UnitEvent.unit_id)
    return _deleted(session, delete(UnitEvent).where(UnitEvent.day < oldest, ~is_needed))


def _deleted(session: Session, statement: Any) -> int:
    options = statement.execution_options(synchronize_session=False)
    return int(cast(CursorResult[Any], session.execute(options)).rowcount)
