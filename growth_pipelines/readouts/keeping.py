"""What each look read is kept, a row a day: pages show it at once, and a decision freezes what was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.registry import decide_experiment, find_experiment, must_decide
from growth_pipelines.actions.transitions import plain_json
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.readings import keep_reading, newest_readings
from growth_pipelines.store.tables import Experiment

if TYPE_CHECKING:
    # Pages decide on what is kept; they need none of the statistics.
    from growth_pipelines.readouts.reading import Reading

# What is decided has its reading frozen already.
_LOOKED_AT = ("running", "paused", "stopped")


class NotRead(GrowthError):
    """The experiment has no reading that it could be decided on."""


class ReadSince(GrowthError):
    """The experiment was read once more since it was looked at, and reads otherwise now."""


def keep_readings(
    session: Session, rows: Iterable[Experiment], read: Mapping[str, Reading], today: date, now: datetime
) -> None:
    """Keep what ``read`` (by key) says of the experiments that aren't decided, as of the day ``today``."""
    for row in rows:
        if row.key in read and row.status in _LOOKED_AT:
            keep_reading(session, row.id, plain_json(read[row.key].document()), today, now)


def decide_on_kept(
    session: Session, key: str, data_digest: str, *, actor: str, channel: str, now: datetime
) -> Experiment:
    """Freeze the newest kept reading of a stopped experiment, if it is the one that was shown (``data_digest``).

    Raises MayNotExperiment, NotRead, ReadSince, NoSuchMove.
    """
    must_decide(session, actor)
    row = find_experiment(session, key)
    newest = newest_readings(session, [row.id]).get(row.id)
    if newest is None:
        raise NotRead(
            f"{key} has no reading.", "It has to have begun, and a build to have run since: `growth run`."
        )
    if newest.reading["data_digest"] != data_digest:
        raise ReadSince(f"{key} was read once more since you looked at it.", "Look again, then decide.")
    return decide_experiment(session, row, newest.reading, actor=actor, channel=channel, now=now)
