"""What each family of metrics looked like at its newest look: plain data for pages, and findings to be merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.store.tables import Flag

_PREFIX = "look:"


@dataclass(frozen=True)
class Look:
    """``watched`` is one document a metric, ``findings`` one a finding; ``at`` says when."""

    family: str
    at: datetime
    watched: list[dict[str, Any]]
    findings: list[dict[str, Any]]


def keep_look(
    session: Session,
    family: str,
    watched: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Keep a look in place of the family's last."""
    value = {"watched": list(watched), "findings": list(findings)}
    session.merge(Flag(key=f"{_PREFIX}{family}", value=value, updated_at=now, updated_by="monitor"))


def newest_looks(session: Session) -> dict[str, Look]:
    """The newest look of every family that was looked at, by name."""
    flags = session.scalars(select(Flag).where(Flag.key.startswith(_PREFIX, autoescape=True)).order_by(Flag.key))
    return {
        (name := flag.key.removeprefix(_PREFIX)): Look(
            name, flag.updated_at, list(flag.value["watched"]), list(flag.value["findings"])
        )
        for flag in flags
    }
