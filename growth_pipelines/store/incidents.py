"""Incidents: opened by what a look found, escalated when it lasts or grows, closed when a look finds it no more.

Each look hands in everything that is worse at present. What shares a finding with an open incident is that
incident, so the same look twice changes nothing; one that closed and comes back within two weeks is opened again,
and then has to stay away for some days before it is closed. What was one incident stays one while its parts last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from growth_pipelines.errors import GrowthError
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.known_events import may_note
from growth_pipelines.store.tables import SEVERITIES, Incident, OutboxEntry

# Open for so long without being silenced, an incident that is not of medium severity is escalated.
ESCALATED_AFTER = timedelta(days=7)
# What comes back so soon had not recovered.
_SAME_AGAIN = timedelta(days=14)
# What came back once is closed when it has not been found for so long; nobody is told of it more often.
_STEADY = timedelta(days=3)
# A change that lasts longer is no longer told apart from the usual level: of pages in search, of everything else.
_REMEMBERED_PAGES, _REMEMBERED = timedelta(days=28), timedelta(days=90)
_SILENCE_AT_MOST = timedelta(days=90)
# As incidents say it that were told of before the words were corrected: mail and chat may not be set up.
_TOLD, _TOLD_BEFORE = "handed to the channels of alarms", "told by mail and chat"
_EVENT, _CONSOLE = "alarm.incident", "See it on the page Monitoring of the console."


class NoSuchIncident(GrowthError):
    """There is no incident of this number, or it is closed."""


@dataclass(frozen=True)
class IncidentDraft:
    """An incident as a look found it; the fields are the columns of the same names. ``findings`` are documents
    with a ``key``, which is the same at every look; the first is the leading one."""

    title: str
    family: str
    metric: str
    level: str
    subject: str
    direction: str
    cause: str
    severity: str
    since: date
    since_first: date
    since_last: date
    size: float
    low: float | None
    high: float | None
    expected_on: date | None
    findings: list[dict[str, Any]]
    suspects: list[dict[str, Any]]
    explained_by: str = ""

    @property
    def keys(self) -> set[str]:
        return {str(one["key"]) for one in self.findings}


@dataclass(frozen=True)
class Recorded:
    """The numbers of the incidents that a look opened, escalated and closed."""

    opened: tuple[int, ...]
    escalated: tuple[int, ...]
    closed: tuple[int, ...]


def record_look(session: Session, found: Sequence[IncidentDraft], now: datetime) -> Recorded:
    """Store what is worse now. Critical ones are told at once (an outbox entry) unless silenced or explained."""
    wanted = select(Incident).where(or_(Incident.state != "closed", Incident.closed_at > now - _SAME_AGAIN))
    # Open ones before closed ones, the oldest first: it keeps its number when two have become one.
    known = sorted(session.scalars(wanted), key=lambda row: (row.state == "closed", row.id))
    opened, escalated, present = [], [], []
    for draft, old in _assigned(found, known):
        row = old if old is not None else Incident(state="open", opened_at=now, history=[])
        before = row.severity if old is not None else draft.severity
        if old is None or old.state == "closed":
            row.state, row.opened_at, row.closed_at = "open", now, None
            _happened(row, "opened" if old is None else "opened again", now)
            opened.append(row)
        _describe(row, draft, now)
        session.add(row)
        if must := _must_escalate(row, before, now):
            row.state = "escalated"
            _happened(row, "escalated", now)
            escalated.append(row)
        present.append((row, must and row.severity == before))
    session.flush()
    rows = [row for row, _ in present]
    closed = _closed([row for row in known if row.state != "closed" and row not in rows], rows, now)
    for row, again in present:
        _tell(session, row, now, again)
    session.flush()
    return Recorded(*(tuple(row.id for row in group) for group in (opened, escalated, closed)))


def _assigned(
    found: Sequence[IncidentDraft], known: Sequence[Incident]
) -> list[tuple[IncidentDraft, Incident | None]]:
    """Each draft with the incident that it is; a part of one that another draft is already joins that draft."""
    assigned: list[tuple[IncidentDraft, Incident | None]] = []
    place: dict[int, int] = {}
    for draft in found:
        row = next((one for one in known if one.id not in place and _is_same(one, draft)), None)
        whole = next((one for one in known if one.id in place and _was_part(one, draft)), None)
        if whole is not None and (row is None or row.state == "closed"):
            joined, _ = assigned[place[whole.id]]
            assigned[place[whole.id]] = (_with_part(joined, draft), whole)
            continue
        if row is not None:
            place[row.id] = len(assigned)
        assigned.append((draft, row))
    return assigned


def _was_part(row: Incident, draft: IncidentDraft) -> bool:
    """Its beginning has moved away by some days as data arrived: that makes no new incident."""
    near = abs(row.since - draft.since) <= _SAME_AGAIN
    return row.state != "closed" and near and draft.keys <= _keys(row)


def _with_part(joined: IncidentDraft, part: IncidentDraft) -> IncidentDraft:
    worse = max(joined.severity, part.severity, key=SEVERITIES.index)
    return replace(joined, findings=[*joined.findings, *part.findings], severity=worse)


def _keys(row: Incident) -> set[str]:
    return {str(one["key"]) for one in row.findings}


def _closed(missing: Sequence[Incident], present: Sequence[Incident], now: datetime) -> list[Incident]:
    """Those of ``missing`` that are over now, with what has become of them."""
    closed = []
    for row in missing:
        whole = next((one for one in present if _keys(one) & _keys(row)), None)
        came_back = any(one["what"] == "opened again" for one in row.history)
        if whole is None and came_back and now - row.seen_at < _STEADY:
            continue
        row.state, row.closed_at = "closed", now
        if whole is None:
            _happened(row, _ending(row, present, now), now)
        else:
            _happened(row, f"part of incident {whole.id}", now)
            # Who was told of the part need not be told of the whole, unless that is worse.
            if row.severity == whole.severity and _was_told(row):
                _happened(whole, _TOLD, now, note=f"as incident {row.id}")
        closed.append(row)
    return closed


def _ending(row: Incident, present: Sequence[Incident], now: datetime) -> str:
    """Why it is no longer found, as far as is known."""
    if row.expected_on is not None:
        came = {str(one["key"]).rpartition(":")[0]: other.id for other in present for one in other.findings
                if other.expected_on is None}  # fmt: skip
        number = next(
            (came[base] for base in (key.rpartition(":")[0] for key in _keys(row)) if base in came), None
        )
        if number is not None:
            return f"has happened: incident {number}"
        # What is sold out has no stock left to be foreseen, and is no incident of its own.
        return "sold out, or stock has come" if row.family == "stock" else "did not happen, or is over"
    of_pages = row.family == "search" and row.level in ("page", "template")
    remembered = _REMEMBERED_PAGES if of_pages else _REMEMBERED
    # A day's grace: the beginning is a day of the shop, ``now`` a moment.
    if now.date() - row.since >= remembered - timedelta(days=1):
        return "lasts too long to be told apart from its usual level"
    return "recovered"


def _is_same(row: Incident, draft: IncidentDraft) -> bool:
    if not draft.keys & _keys(row):
        return False
    return row.state != "closed" or abs(row.since - draft.since) <= _SAME_AGAIN


def _describe(row: Incident, draft: IncidentDraft, now: datetime) -> None:
    for name in (
        *(
            "title",
            "family",
            "metric",
            "level",
            "subject",
            "direction",
            "cause",
            "severity",
            "since",
            "since_first",
        ),
        *("since_last", "size", "low", "high", "expected_on", "findings", "suspects", "explained_by"),
    ):
        setattr(row, name, getattr(draft, name))
    row.seen_at = now


def _must_escalate(row: Incident, severity_before: str, now: datetime) -> bool:
    if row.state != "open" or is_quiet(row, now):
        return False
    worse = SEVERITIES.index(row.severity) > SEVERITIES.index(severity_before)
    return worse or (row.severity != "medium" and now - row.opened_at >= ESCALATED_AFTER)


def is_quiet(row: Incident, now: datetime) -> bool:
    """Whether nobody need look: silenced by an operator for now, or explained by a known event."""
    return bool(row.explained_by) or (row.silenced_until is not None and row.silenced_until > now)


def _happened(row: Incident, what: str, now: datetime, by: str = "", note: str = "", **more: str) -> None:
    # A new list: a JSON column doesn't notice that an old one was changed.
    row.history = [*row.history, {"at": now.isoformat(), "what": what, "by": by, "note": note, **more}]


def _tell(session: Session, row: Incident, now: datetime, again: bool) -> None:
    """A critical incident once while it is open and nothing keeps it quiet, and ``again`` because it lasts."""
    if row.severity == "critical" and not is_quiet(row, now) and (again or not _was_told(row)):
        told = {
            "incident": row.id,
            "message": f"{row.title}.",
            "recovery": _CONSOLE,
            "since": row.since.isoformat(),
        }
        session.add(OutboxEntry(event=_EVENT, payload=told, created_at=now))
        _happened(row, _TOLD, now)


def _was_told(row: Incident) -> bool:
    """Since it was opened, or so shortly before that it says nothing new."""
    least = row.opened_at - _STEADY
    return any(one["what"] == _TOLD and datetime.fromisoformat(one["at"]) >= least for one in history_of(row))


def history_of(row: Incident) -> list[dict[str, Any]]:
    """What happened to it, the oldest first, in today's words."""
    return [{**one, "what": _TOLD if one["what"] == _TOLD_BEFORE else one["what"]} for one in row.history]


def silence_incident(
    session: Session, number: int, *, until: datetime | None, reason: str, actor: str, channel: str, now: datetime
) -> Incident:
    """Let an open incident be until a moment, or (None) take that back; an audit event.

    The caller has proved who ``actor`` is. Raises NoSuchIncident, MayNotNote, and GrowthError for a silence
    without a reason, in the past, or of more than 90 days.
    """
    may_note(session, actor)
    row = session.get(Incident, number)
    if row is None or row.state == "closed":
        raise NoSuchIncident(f"There is no open incident {number}.", "The page Monitoring lists them.")
    reason = " ".join(reason.split())
    if until is not None and not reason:
        raise GrowthError("Silencing an incident needs a reason.", "Say why nobody need look at it.")
    if until is not None and not now < until <= now + _SILENCE_AT_MOST:
        raise GrowthError("An incident is silenced for 1 to 90 days.", "Choose another day.")
    row.silenced_until = until
    row.silenced_by, row.silence_reason = (actor, reason) if until else (None, None)
    if until:
        _happened(row, "silenced", now, actor, reason, until=until.isoformat())
    else:
        _happened(row, "no longer silenced", now, actor, reason)
    payload = {
        "incident": number,
        "title": row.title,
        "until": until.isoformat() if until else "",
        "reason": reason,
    }
    event = "incident_silenced" if until else "incident_unsilenced"
    append_event(session, event=event, actor=actor, channel=channel, now=now, payload=payload)
    return row


def open_incidents(session: Session) -> list[Incident]:
    """All that are not closed: the loud and severe first, then the newest."""
    rows = session.scalars(select(Incident).where(Incident.state != "closed"))
    return sorted(rows, key=lambda row: (-SEVERITIES.index(row.severity), -row.id))


def loud_incidents(session: Session, now: datetime) -> list[Incident]:
    """The open ones that are neither silenced nor explained."""
    return [row for row in open_incidents(session) if not is_quiet(row, now)]


def families_of(rows: Iterable[Incident]) -> Mapping[str, list[Incident]]:
    """Incidents by each family that one of their findings is of."""
    found: dict[str, list[Incident]] = {}
    for row in rows:
        for family in sorted({str(one["family"]) for one in row.findings}):
            found.setdefault(family, []).append(row)
    return found
