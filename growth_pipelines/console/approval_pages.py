"""The lists of approvals: mine, all, those that end soon, those that are decided; and what has changed in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.model import Kind
from growth_pipelines.approvals.inbox import PRIORITIES, RISKS, TABS, Entry, Tab, inbox
from growth_pipelines.console import views
from growth_pipelines.console.changes import is_among
from growth_pipelines.console.identity import Here, Person
from growth_pipelines.console.labels import all_labels
from growth_pipelines.console.pages import page
from growth_pipelines.console.paging import pages
from growth_pipelines.store.tables import OutboxEntry

router = APIRouter(include_in_schema=False)
LISTED = 25


class Asked(BaseModel):
    """Which list is looked at, and after which row; empty filters take all."""

    model_config = ConfigDict(frozen=True)

    tab: Tab = "mine"
    kind: str = ""
    risk: str = ""
    priority: str = ""
    after: str | None = None

    @property
    def filtered(self) -> bool:
        return bool(self.kind or self.risk or self.priority)

    def filters(self) -> dict[str, str]:
        """All that it asks for, wherever the page begins."""
        asked = self.model_dump(exclude={"after"})
        return {name: value for name, value in asked.items() if value}

    def query(self) -> str:
        """The same as a query."""
        return urlencode(self.filters())


@dataclass(frozen=True)
class ApprovalRow:
    """A request in a list, its money on the axis that the list shares."""

    entry: Entry
    row: views.Row


def rows_of(entries: Sequence[Entry]) -> list[ApprovalRow]:
    """Requests as rows."""
    rows = views.rows_of([entry.action for entry in entries])
    return [ApprovalRow(entry, row) for entry, row in zip(entries, rows, strict=True)]


@router.get("/approvals")
def approvals(
    request: Request,
    person: Person,
    console: Here,
    asked: Annotated[Asked, Query()],
) -> HTMLResponse:
    """One list, one page of it."""
    now = console.now()
    with console.store.read() as session:
        found = inbox(
            session,
            asked.tab,
            person.operator,
            person.role,
            now,
            kind=asked.kind,
            risk=asked.risk,
            priority=asked.priority,
            after=asked.after,
            limit=LISTED,
        )
        seen = stamp(session)
    return page(
        request,
        "approvals.html",
        person,
        here="approvals",
        asked=asked,
        tabs=TABS,
        kinds=_kinds(),
        risks=RISKS,
        priorities=PRIORITIES,
        rows=rows_of(found.entries),
        selects=person.may_decide and asked.tab != "decided" and bool(found.entries),
        pages=pages("/approvals", asked.filters(), "after", asked.after, found.next),
        seen=seen,
    )


def _kinds() -> list[str]:
    """Every kind of action that is called by a name on the pages."""
    known: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
    return [kind for kind in known if kind in all_labels()["kinds"]]


@router.get("/approvals/changes")
def changes(
    request: Request,
    person: Person,
    console: Here,
    asked: Annotated[Asked, Query()],
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Whether the lists are still what the page shows: 304, or a line that says so and leads to the new list."""
    with console.store.read() as session:
        now_at = stamp(session)
    tag = f'"{now_at}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if is_among(tag, if_none_match, weakly=True):
        return Response(status_code=304, headers=headers)
    response = page(request, "approvals_changed.html", person, asked=asked, seen=now_at)
    response.headers.update(headers)
    return response


def stamp(session: Session) -> str:
    """The number of the last thing that happened to an action, a vote or a policy: one look at an index's end."""
    return str(session.scalar(select(func.max(OutboxEntry.seq))) or 0)
