"""Who met which arm first and what units did, written in batches: what is there already stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import Exposure, Table, UnitEvent


def record_exposures(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Rows of :class:`Exposure`, the earliest first: a unit's first in an experiment is the one that counts."""
    _insert_new(session, Exposure, rows)


def record_events(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Rows of :class:`UnitEvent`; one that is known already counts no more."""
    _insert_new(session, UnitEvent, rows)


def _insert_new(session: Session, table: type[Table], rows: Iterable[dict[str, Any]]) -> None:
    given = list(rows)
    if not given:
        return
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(table).on_conflict_do_nothing(), given)
