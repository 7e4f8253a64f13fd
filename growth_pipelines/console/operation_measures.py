"""How the machine runs: actions, approvals, the outbox, writes to the shop, data and programs. From the store,
the published data and the quality report; what they do not say is None with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.brake import is_paused
from growth_pipelines.actions.lifecycle import overdue
from growth_pipelines.approvals.history import Past, summarize
from growth_pipelines.approvals.inbox import PRIORITIES, waiting
from growth_pipelines.console.components import Component, listeners, streams
from growth_pipelines.console.measures import Measure
from growth_pipelines.errors import GrowthError
from growth_pipelines.quality.report import by_source, read_report
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import (
    ACTION_STATES,
    EXECUTION_STATUSES,
    Action,
    ApiToken,
    AuditHead,
    ConsoleSession,
    Execution,
    Incident,
)
from growth_pipelines.warehouse.database import Warehouse

LOOKS_BACK = timedelta(days=28)


@dataclass(frozen=True)
class _Reader:
    """What the figures of the store are read with."""

    session: Session
    now: datetime
    mode: str

    def count(self, table: Any, *conditions: Any) -> int:
        return self.session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    def counts(self, column: Any, *conditions: Any) -> dict[str, int]:
        wanted = select(column, func.count()).where(*conditions).group_by(column)
        return {row[0]: row[1] for row in self.session.execute(wanted)}

    def measure(self, name: str, help: str, unit: str, value: float | None, **labels: str) -> Measure:
        return Measure(name, help, unit, value, self.now, labels=labels, late=False)


def operation_measures(
    settings: Settings, store: Store, programs: list[dict[str, Any]], now: datetime
) -> list[Measure]:
    """All of them, also those that are not known. ``programs`` are those of ``growth status``."""
    with store.read() as session:
        reader = _Reader(session, now, settings.actions.mode)
        found = [*_actions(reader), *_approvals(reader), *_outbox(reader), *_people(reader)]
    return [
        *found,
        *(_program(one, now) for one in programs),
        *_streams(settings, now),
        *_quality(settings, now),
        _published(settings, now),
    ]


def _actions(reader: _Reader) -> Iterator[Measure]:
    counted = reader.counts(Action.state)
    for state in ACTION_STATES:
        yield reader.measure("actions", "Actions by state", "actions", counted.get(state, 0), state=state)
    late = overdue(reader.session, reader.now, reader.mode)
    for state in ("approved", "executing"):
        stuck = sum(one.state == state for one in late)
        yield reader.measure(
            "actions_stuck",
            "Actions too long in a state",
            "actions",
            stuck,
            state=state,
        )
    since = reader.now - timedelta(hours=24)
    made = reader.counts(Execution.status, Execution.started_at > since)
    for status in EXECUTION_STATUSES:
        yield reader.measure(
            "executions_24h", "Writes begun in the last 24 hours", "executions", made.get(status, 0), status=status
        )
    paused = int(is_paused(reader.session))
    yield reader.measure("paused", "1 while all writes are stopped", "flag", paused)


def _approvals(reader: _Reader) -> Iterator[Measure]:
    found = waiting(reader.session, reader.now)
    for priority in PRIORITIES:
        count = found.by_priority.get(priority, 0)
        yield reader.measure("approvals_waiting", "Requests that wait", "requests", count, priority=priority)
    yield reader.measure("approvals_late", "Requests past their time to answer", "requests", found.late)
    name, help = "approvals_oldest_seconds", "Age of the request that waits longest"
    if found.oldest is None:
        yield Measure(name, help, "seconds", None, reason="Nothing waits.")
    else:
        yield reader.measure(name, help, "seconds", (reader.now - found.oldest).total_seconds())
    yield from _answers(reader)


def _answers(reader: _Reader) -> Iterator[Measure]:
    past = summarize(reader.session, Past(since=reader.now - LOOKS_BACK))
    none = "No request ended in the last 28 days."
    for share, value in (("0.5", past.median_seconds), ("0.9", past.p90_seconds)):
        yield Measure(
            "approval_seconds_28d",
            "From the question to the answer, of requests answered in the last 28 days",
            "seconds",
            value,
            reader.now if value is not None else None,
            "" if value is not None else "Nobody answered in the last 28 days.",
            {"quantile": share},
        )
    yield Measure(
        "approvals_expiry_rate_28d",
        "Requests that got no answer, of those that ended in the last 28 days",
        "ratio",
        past.expiry_rate,
        reader.now if past.expiry_rate is not None else None,
        "" if past.expiry_rate is not None else none,
    )
    for channel, part in past.by_channel.items():
        yield reader.measure(
            "approvals_by_channel_28d", "Share of the answers of the last 28 days", "ratio", part, channel=channel
        )


def _outbox(reader: _Reader) -> Iterator[Measure]:
    for one in listeners(reader.session, reader.now):
        name = one.name.removeprefix("outbox:")
        yield reader.measure(
            "outbox_waiting", "Entries that a listener was not told yet", "entries", one.waiting, listener=name
        )
        yield reader.measure(
            "outbox_lag_seconds", "Age of the oldest of them", "seconds", one.lag_s or 0, listener=name
        )


def _people(reader: _Reader) -> Iterator[Measure]:
    head = reader.session.get(AuditHead, 1)
    yield reader.measure("audit_events", "Events in the audit chain", "events", head.seq if head else 0)
    live = reader.count(ConsoleSession, ConsoleSession.expires_at > reader.now)
    yield reader.measure("sessions", "Signed-in browsers", "sessions", live)
    tokens = reader.count(ApiToken, ApiToken.revoked_at.is_(None), ApiToken.expires_at > reader.now)
    yield reader.measure("tokens", "Live tokens of programs", "tokens", tokens)
    worse = reader.counts(Incident.family, Incident.state != "closed")
    if not worse:
        yield reader.measure("incidents", "Open incidents", "incidents", 0)
    for family, count in worse.items():
        yield reader.measure("incidents", "Open incidents", "incidents", count, family=family)


def _program(row: dict[str, Any], now: datetime) -> Measure:
    up = int(row["state"] == "running")
    labels = {"program": str(row["program"])}
    return Measure("program_up", "1 while the program answers", "flag", up, now, labels=labels, late=False)


def _streams(settings: Settings, now: datetime) -> Iterator[Measure]:
    name, help = "stream_lag_seconds", "How far a stream of data is behind the present"
    try:
        found: list[Component] = streams(settings, now)
    except GrowthError as problem:
        yield Measure(name, help, "seconds", None, reason=problem.message)
        return
    for one in found:
        labels = {"stream": one.name.removeprefix("stream:")}
        if one.lag_s is None:
            yield Measure(name, help, "seconds", None, reason=one.state.capitalize() + ".", labels=labels)
        else:
            yield Measure(
                name, help, "seconds", one.lag_s, one.last_tick_at, labels=labels, late=one.state == "late"
            )


def _quality(settings: Settings, now: datetime) -> Iterator[Measure]:
    name, help = "quality_score", "Quality of a source's data, 0 to 100"
    report = read_report(settings)
    if report is None:
        yield Measure(name, help, "score", None, reason="The data were not judged yet.")
        return
    for one in by_source(report, now):
        yield Measure(name, help, "score", one.quality.score, report.judged_at, labels={"source": one.source})


def _published(settings: Settings, now: datetime) -> Measure:
    name, help = "published_age_seconds", "Age of the data that readers see"
    current = Warehouse.of(settings).current
    if settings.engine == "postgres":
        return Measure(name, help, "seconds", None, reason="PostgreSQL is read as it is; nothing is published.")
    try:
        at = datetime.fromtimestamp(current.stat().st_mtime, UTC)
    except FileNotFoundError:
        return Measure(name, help, "seconds", None, reason="No data are published yet.")
    return Measure(name, help, "seconds", max(0.0, (now - at).total_seconds()), at)
