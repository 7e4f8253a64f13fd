"""What experiments read at each look, a row a day: kept by who looks, shown by who asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import ExperimentReading


def keep_reading(
    session: Session, experiment_id: str, reading: Mapping[str, Any], day: date, now: datetime
) -> None:
    """Keep what a look on ``day`` found, in place of that day's last; what says nothing new makes no new row."""
    newest = session.scalar(_of(experiment_id).order_by(ExperimentReading.day.desc()).limit(1))
    if newest is not None and (newest.day >= day or newest.reading == reading):
        newest.reading, newest.at = dict(reading), now
    else:
        session.add(ExperimentReading(experiment_id=experiment_id, day=day, at=now, reading=dict(reading)))
    session.flush()


def kept_readings(session: Session, experiment_id: str, most: int) -> list[ExperimentReading]:
    """What was read on the days that said something new, the oldest first.

    Of more than ``most`` days, days at even distances are given, the newest among them.
    """
    days = list(
        session.scalars(
            select(ExperimentReading.day)
            .where(ExperimentReading.experiment_id == experiment_id)
            .order_by(ExperimentReading.day.desc())
        )
    )
    chosen = days[:: max(1, -(-len(days) // most))]
    wanted = _of(experiment_id).where(ExperimentReading.day.in_(chosen)).order_by(ExperimentReading.day)
    return list(session.scalars(wanted))


def newest_readings(session: Session, experiment_ids: Collection[str]) -> dict[str, ExperimentReading]:
    """The newest of each of these experiments that was read at all, by its id."""
    wanted = list(experiment_ids)
    days = (
        select(ExperimentReading.experiment_id, func.max(ExperimentReading.day).label("day"))
        .where(ExperimentReading.experiment_id.in_(wanted))
        .group_by(ExperimentReading.experiment_id)
        .subquery()
    )
    found = session.scalars(
        select(ExperimentReading).join(
            days,
            (ExperimentReading.experiment_id == days.c.experiment_id) & (ExperimentReading.day == days.c.day),
        )
    )
    return {one.experiment_id: one for one in found}


def _of(experiment_id: str) -> Any:
    return select(ExperimentReading).where(ExperimentReading.experiment_id == experiment_id)
