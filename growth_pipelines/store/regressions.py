"""Regressions that were found, kept open until the page has recovered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import Regression


@dataclass(frozen=True)
class RegressionChange:
    """Ids of what this scan opened, saw again and no longer found."""

    opened: tuple[str, ...]
    still_open: tuple[str, ...]
    recovered: tuple[str, ...]


def record_regressions(
    session: Session, found: Sequence[Mapping[str, Any]], urls: Mapping[str, str], now: datetime
) -> RegressionChange:
    """Store one scan: what it found is opened or refreshed, what it no longer finds has recovered.

    ``found`` has page_key, form_factor, metric, since, before, after, size, p_value and severity, at most one
    row a page, form factor and metric. ``since`` may move by a period between scans as data arrive, so an open
    regression of the same page, form factor and metric is the same one. Doing it twice changes nothing more.
    """
    open_now = {
        (row.page_key, row.form_factor, row.metric): row
        for row in session.scalars(select(Regression).where(Regression.state == "open"))
    }
    opened, seen = [], set()
    for finding in found:
        key = (str(finding["page_key"]), str(finding["form_factor"]), str(finding["metric"]))
        since = date.fromisoformat(str(finding["since"])[:10])
        row = open_now.get(key) or _reopened(session, key, since)
        if row is None:
            row = Regression(id=str(uuid.uuid4()), detected_at=now)
            row.page_key, row.form_factor, row.metric = key
            row.since = since
            session.add(row)
        if key not in open_now:
            opened.append(row)
        _describe(row, finding, urls)
        open_now[key] = row
        seen.add(key)
    recovered = [row for key, row in open_now.items() if key not in seen]
    for row in recovered:
        row.state = "recovered"
    session.flush()
    fresh = {row.id for row in opened}
    return RegressionChange(
        tuple(row.id for row in opened),
        tuple(open_now[key].id for key in sorted(seen) if open_now[key].id not in fresh),
        tuple(row.id for row in recovered),
    )


def _reopened(session: Session, key: tuple[str, str, str], since: date) -> Regression | None:
    """A regression of the same beginning that had recovered for a while."""
    page_key, form_factor, metric = key
    return session.scalar(
        select(Regression).where(
            Regression.page_key == page_key,
            Regression.form_factor == form_factor,
            Regression.metric == metric,
            Regression.since == since,
        )
    )


def _describe(row: Regression, finding: Mapping[str, Any], urls: Mapping[str, str]) -> None:
    row.url = urls.get(row.page_key, row.page_key)
    row.cause = f"{row.metric} {finding['severity']}"
    row.before, row.after = float(finding["before"]), float(finding["after"])
    row.size, row.p_value = float(finding["size"]), float(finding["p_value"])
    row.severity = str(finding["severity"])
    row.state = "open"
