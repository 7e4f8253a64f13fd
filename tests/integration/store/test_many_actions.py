"""With 100,000 actions stored the queue's first page still comes at once. ``-s`` prints the figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from growth_pipelines.actions.queue import as_document, top
from growth_pipelines.store.database import Store
from tests.drafts import NOW
from tests.many_actions import fill

STORED = 100_000
SECONDS = 0.1


def median_seconds(call: Callable[[], object]) -> float:
    """The median of 9 calls, after one that opens the connection."""
    call()
    taken = []
    for _ in range(9):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scores", "name"), [(1_000_000, "different scores"), (1, "all scores equal")], ids=["spread", "tied"]
)
def test_the_first_page_of_the_queue_comes_in_under_100_ms(store: Store, scores: int, name: str) -> None:
    fill(store, STORED, seed=7, resources=20_000, scores=scores)

    def first_page() -> list[dict[str, object]]:
        with store.read() as session:
            return [as_document(action) for action in top(session, 10, NOW)]

    assert len(first_page()) == 10
    seconds = median_seconds(first_page)
    print(f"\n{store.engine}, {STORED:,} actions, {name}: first page in {seconds * 1000:.1f} ms")
    assert seconds < SECONDS
