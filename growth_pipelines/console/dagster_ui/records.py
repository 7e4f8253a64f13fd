"""The audit events of what people change, or try to change, on Dagster's pages: names alone, no variables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from growth_pipelines.approvals.sessions import SignedIn
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.database import Store

_LONGEST, _MOST = 200, 20


def record_change(store: Store, person: SignedIn, names: Iterable[str], now: datetime, *, refused: bool) -> None:
    """Append one event. Raises StoreUnavailable, so that nothing happens unrecorded."""
    with store.session() as session:
        append_event(
            session,
            event="dagster_refused" if refused else "dagster_changed",
            actor=person.operator,
            channel="dagster",
            now=now,
            payload={"role": person.role, "asked": [name[:_LONGEST] for name in sorted(names)[:_MOST]]},
        )
