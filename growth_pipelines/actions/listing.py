"""Lists of actions: filtered, best first, in pages by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import RANKED, as_document, rank
from growth_pipelines.canonical import digest
from growth_pipelines.store.database import Store
from growth_pipelines.store.keyset import in_pages, page_of
from growth_pipelines.store.tables import Action

LATEST_FIRST = (Action.updated_at, Action.id)


@dataclass(frozen=True)
class Filters:
    """Which actions a list holds; None: any. ``target`` is a resource's gid, URL or handle."""

    state: str | None = None
    kind: str | None = None
    subtype: str | None = None
    target: str | None = None
    created_since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What to look for in the table."""
        found: list[ColumnElement[bool]] = []
        if self.state is not None:
            found.append(Action.state == self.state)
        if self.kind is not None:
            found.append(Action.kind == self.kind)
        if self.subtype is not None:
            found.append(Action.subtype == self.subtype)
        if self.created_since is not None:
            found.append(Action.created_at >= self.created_since)
        if self.target is not None:
            found.append(_about(self.target))
        return found

    def name(self) -> str:
        """The same for the same filters: a cursor holds for its own list only."""
        return digest(asdict(self))[:16]


def _about(target: str) -> ColumnElement[bool]:
    # A gid is looked up in an index; the other two lie inside JSON.
    if target.startswith("gid://"):
        return Action.resource_gid == target
    return or_(
        Action.resource_gid == target,
        Action.target["url"].as_string() == target,
        Action.target["handle"].as_string() == target,
    )


@dataclass(frozen=True)
class Page:
    """Some actions of a list, and the cursor of those that come after them (None: there are none)."""

    actions: list[Action]
    next: str | None


def page(session: Session, filters: Filters, limit: int, cursor: str | None = None) -> Page:
    """The first ``limit`` actions of the list, or those after ``cursor``. Raises BadCursor."""
    wanted = select(Action).where(*filters.conditions())
    found, following = page_of(session, wanted, RANKED, lambda row: rank(row[0]), filters.name(), limit, cursor)
    return Page([action for (action,) in found], following)


def changes(session: Session, state: str, limit: int, cursor: str | None = None) -> Page:
    """The actions that changed last, of one state or ("") of all; those after ``cursor``. Raises BadCursor."""
    wanted = select(Action).where(Action.state == state) if state else select(Action)
    found, following = page_of(
        session,
        wanted,
        LATEST_FIRST,
        lambda row: (row[0].updated_at, row[0].id),
        f"changes of {state}",
        limit,
        cursor,
    )
    return Page([action for (action,) in found], following)


def documents(store: Store, filters: Filters, at_once: int = 500) -> Iterator[dict[str, Any]]:
    """Every action of the list, as documents; one whose score changes meanwhile may be missed or come twice."""

    def read(session: Session, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        found = page(session, filters, at_once, cursor)
        return [as_document(action) for action in found.actions], found.next

    return in_pages(store, read)
