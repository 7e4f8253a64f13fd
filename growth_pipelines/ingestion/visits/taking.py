"""From the spool into the store: visits that waited, in batches, each counted once however often it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from growth_pipelines.ingestion.beacons.spool import Spool
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.exposures import record_events, record_exposures

AT_ONCE = 5_000


def visit_spool(settings: Settings) -> Spool:
    """Where visits wait; ``$GROWTH_HOME/visits``."""
    return Spool(settings.home, settings.experiments.spool_mb * 1024 * 1024, "visits")


def take_visits(settings: Settings, store: Store) -> int:
    """Bring what waits into the store; the visits read. Killed anywhere and done again, nothing counts twice."""
    spool = visit_spool(settings)
    if not spool.root.exists():
        return 0
    read = 0
    with spool.taken() as paths:
        visits = (json.loads(line) for line in Spool.lines(paths) if line is not None)
        while batch := list(islice(visits, AT_ONCE)):
            with store.session() as session:
                record_exposures(session, _exposures(batch))
                record_events(session, _events(batch, ZoneInfo(settings.zone)))
            read += len(batch)
        Spool.remove(paths)
    return read


def _exposures(visits: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for visit in visits:
        at = datetime.fromisoformat(visit["at"])
        for experiment_id, arm in visit["arms"]:
            yield {"experiment_id": experiment_id, "unit_id": visit["unit"], "arm": arm, "exposed_at": at}


def _events(visits: Iterable[dict[str, Any]], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    for visit in visits:
        day = datetime.fromisoformat(visit["at"]).astimezone(zone).date()
        for event, metric in visit["events"]:
            # What a browser calls an event could say something about a person.
            identity = hashlib.sha256(f"{visit['unit']}\n{event}".encode()).hexdigest()
            yield {"unit_id": visit["unit"], "metric": metric, "event_id": identity, "day": day, "value": 1.0}
