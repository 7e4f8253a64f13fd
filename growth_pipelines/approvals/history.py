"""What became of approval requests: answered by somebody, or ended by time. The newest first, in pages by key.

A request that a newer version replaced before anybody answered is no part of it, nor is one that is put off: its
question will be asked again.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.export import safe_cell
from growth_pipelines.canonical import digest
from growth_pipelines.store.database import Store
from growth_pipelines.store.keyset import in_pages, page_of
from growth_pipelines.store.tables import Action, ApprovalRequest, ApprovalVote

# How a request ends: by a decision, or without one.
UNANSWERED = "none"
DECISIONS = ("approve", "approve_with_edits", "request_changes", "reject", UNANSWERED)
_ENDED_AT = func.coalesce(ApprovalRequest.decided_at, ApprovalRequest.expires_at)
_NEWEST_FIRST = (_ENDED_AT, ApprovalRequest.id)
_BY_TIME = and_(ApprovalRequest.decided_at.is_(None), ApprovalRequest.status.in_(("expired", "rejected")))
COLUMNS = (
    "request", "action", "ref", "version", "trace_id", "kind", "title", "priority", "risk", "digest", "requester",
    "created_at", "ended_at", "status", "decision", "by", "channel", "reason", "comment", "seconds",
    "policy_version", "voters",
)  # fmt: skip


@dataclass(frozen=True)
class Past:
    """Which requests: ended from ``since`` on and before ``until``, and so forth; None: any."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    decision: str | None = None
    channel: str | None = None
    trace_id: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What to look for in the table."""
        found: list[ColumnElement[bool]] = [or_(ApprovalRequest.decided_at.is_not(None), _BY_TIME)]
        if self.since is not None:
            found.append(self.since <= _ENDED_AT)
        if self.until is not None:
            found.append(self.until > _ENDED_AT)
        if self.decision == UNANSWERED:
            found.append(ApprovalRequest.decided_at.is_(None))
        elif self.decision is not None:
            found.append(ApprovalRequest.decision == self.decision)
        for column, text in (
            (ApprovalRequest.decided_by, self.actor),
            (ApprovalRequest.channel, self.channel),
            (ApprovalRequest.trace_id, self.trace_id),
        ):
            if text is not None:
                found.append(column == text)
        return found

    def name(self) -> str:
        """The same for the same filters: a cursor holds for its own list only."""
        return digest(["history", asdict(self)])[:16]


@dataclass(frozen=True)
class HistoryPage:
    """Some requests as documents, and the cursor of those that come after them (None: there are none)."""

    rows: list[dict[str, Any]]
    next: str | None


def history_page(session: Session, past: Past, limit: int, cursor: str | None = None) -> HistoryPage:
    """The first ``limit`` requests, or those after ``cursor``. Raises BadCursor."""
    wanted = select(ApprovalRequest, Action).join(Action, Action.id == ApprovalRequest.action_id)
    found, following = page_of(
        session,
        wanted.where(*past.conditions()),
        _NEWEST_FIRST,
        lambda row: (_ended(row[0]), row[0].id),
        past.name(),
        limit,
        cursor,
    )
    voters = _voters(session, [request.id for request, _ in found])
    return HistoryPage([_document(request, action, voters) for request, action in found], following)


def documents(store: Store, past: Past, at_once: int = 500) -> Iterator[dict[str, Any]]:
    """Every request."""

    def read(session: Session, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        found = history_page(session, past, at_once, cursor)
        return found.rows, found.next

    return in_pages(store, read)


def _voters(session: Session, requests: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    cast = (
        select(ApprovalVote.request_id, ApprovalVote.operator)
        .where(ApprovalVote.request_id.in_(requests))
        .order_by(ApprovalVote.at, ApprovalVote.id)
    )
    for request, voter in session.execute(cast):
        found.setdefault(request, []).append(voter)
    return found


def _ended(request: ApprovalRequest) -> datetime:
    return request.decided_at or request.expires_at


def _document(request: ApprovalRequest, action: Action, voters: dict[str, list[str]]) -> dict[str, Any]:
    took = request.decided_at - request.created_at if request.decided_at else None
    return {
        "request": request.id,
        "action": action.id,
        "ref": action.ref,
        "version": request.version,
        "trace_id": request.trace_id,
        "kind": action.kind,
        "title": action.title,
        "priority": request.priority,
        "risk": action.risk_tier,
        "digest": request.digest,
        "requester": request.requester,
        "created_at": request.created_at.isoformat(),
        "ended_at": _ended(request).isoformat(),
        "status": request.status,
        "decision": request.decision,
        "by": request.decided_by,
        "channel": request.channel,
        "reason": request.reason or None,
        "comment": request.comment or None,
        "seconds": round(took.total_seconds(), 3) if took is not None else None,
        "policy_version": request.policy_version,
        "voters": voters.get(request.id, []),
    }


@dataclass(frozen=True)
class Summary:
    """All that match: how many, how long an answer took (seconds), who answered where, how many got no answer.

    ``by_channel`` are shares of the answered ones. Shares and times are None where there is nothing to share.
    """

    requests: int
    answered: int
    unanswered: int
    median_seconds: float | None
    p90_seconds: float | None
    expiry_rate: float | None
    by_channel: dict[str, float]
    by_decision: dict[str, int]


def summarize(session: Session, past: Past) -> Summary:
    """The summary of the whole list, however many pages it has."""
    wanted = select(
        ApprovalRequest.created_at, ApprovalRequest.decided_at, ApprovalRequest.channel, ApprovalRequest.decision
    ).where(*past.conditions())
    seconds: list[float] = []
    channels: Counter[str] = Counter()
    decisions: Counter[str] = Counter()
    unanswered = 0
    for asked, decided, channel, decision in session.execute(wanted):
        if decided is None:
            unanswered += 1
            continue
        seconds.append((decided - asked).total_seconds())
        channels[channel or "unknown"] += 1
        decisions[decision or "unknown"] += 1
    answered = len(seconds)
    return Summary(
        requests=answered + unanswered,
        answered=answered,
        unanswered=unanswered,
        median_seconds=quantile(seconds, 0.5),
        p90_seconds=quantile(seconds, 0.9),
        expiry_rate=unanswered / (answered + unanswered) if answered + unanswered else None,
        by_channel={name: count / answered for name, count in sorted(channels.items())},
        by_decision=dict(sorted(decisions.items())),
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value under which that share lies, between neighbours by proportion; None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 3)


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Lines of CSV, the header first; no spreadsheet runs what people wrote."""

    def line(values: Iterable[Any]) -> str:
        text = io.StringIO()
        csv.writer(text).writerow([safe_cell(value) for value in values])
        return text.getvalue()

    yield line(COLUMNS)
    for row in rows:
        yield line([*(row[name] for name in COLUMNS[:-1]), " ".join(row["voters"])])


def as_ndjson(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON document a line."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"
