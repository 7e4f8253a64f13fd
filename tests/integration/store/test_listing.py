"""The list of changes is read page by page, whatever changes in between."""

from __future__ import annotations

import pytest

from growth_pipelines.actions.listing import Page, changes
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.store.database import Store
from growth_pipelines.store.keyset import BadCursor, cursor_of
from tests.drafts import NOW


def _pages(store: Store, state: str, limit: int) -> list[Page]:
    found, cursor = [], None
    while True:
        with store.read() as session:
            found.append(changes(session, state, limit, cursor))
            session.expunge_all()
        cursor = found[-1].next
        if cursor is None:
            return found


@pytest.mark.parametrize("state", ["", "pending"])
def test_every_change_is_on_one_page_the_newest_first(store: Store, state: str) -> None:
    fill(store, 120, 7, now=NOW, resources=9)
    pages = _pages(store, state, 25)
    listed = [action for page in pages for action in page.actions]
    [whole] = _pages(store, state, 500)
    assert [action.id for action in listed] == [action.id for action in whole.actions]
    assert {len(page.actions) for page in pages[:-1]} == {25}
    assert len({action.id for action in listed}) == len(listed) >= 50
    times = [action.updated_at for action in listed]
    assert times == sorted(times, reverse=True)
    assert {action.state for action in listed} == {"pending"} or not state


@pytest.mark.parametrize(
    "cursor", ["x", "", cursor_of("changes of failed", ("2026-11-22T08:00:00+00:00", "a"))]
    + [cursor_of("changes of ", (time, "a")) for time in ("soon", "2026-11-22", "2026-11-22T08:00:00")],
)  # fmt: skip
def test_a_cursor_of_another_list_is_refused(store: Store, cursor: str) -> None:
    with store.read() as session, pytest.raises(BadCursor):
        changes(session, "", 5, cursor)
