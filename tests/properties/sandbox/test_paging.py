"""Properties of paging, searching and money, over generated cases."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.sandbox.shopify.connections import paginate
from growth_pipelines.sandbox.shopify.formats import decimal
from growth_pipelines.sandbox.shopify.search import parse_search


@dataclass(frozen=True)
class Row:
    number: int
    rank: int


ROWS = st.lists(st.integers(0, 5), max_size=40).map(lambda ranks: [Row(i, rank) for i, rank in enumerate(ranks)])


def _walk(rows: list[Row], size: int, *, backwards: bool, reverse: bool) -> list[Row]:
    """All pages, one after the other, by their cursors."""
    seen: list[Row] = []
    args: dict[str, object] = {"last" if backwards else "first": size, "reverse": reverse}
    while True:
        page = paginate(rows, args, lambda row: row.rank)
        items = list(page.items)
        seen = [*items, *seen] if backwards else [*seen, *items]
        if not (page.has_previous if backwards else page.has_next):
            return seen
        args["before" if backwards else "after"] = page.cursor_of(items[0] if backwards else items[-1])


@given(ROWS, st.integers(1, 9), st.booleans(), st.booleans())
def test_pages_hold_every_record_once_and_in_order(
    rows: list[Row], size: int, backwards: bool, reverse: bool
) -> None:
    wanted = sorted(rows, key=lambda row: (row.rank, row.number), reverse=reverse)
    assert _walk(rows, size, backwards=backwards, reverse=reverse) == wanted


@given(ROWS.filter(lambda rows: len(rows) > 3), st.integers(0, 5))
def test_a_record_that_appears_between_two_pages_moves_no_other(rows: list[Row], rank: int) -> None:
    first = paginate(rows, {"first": 2}, lambda row: row.rank)
    after = first.cursor_of(first.items[-1])
    later = [*rows, Row(1_000, rank)]
    rest = paginate(later, {"first": 250, "after": after}, lambda row: row.rank)
    known = [row for row in [*first.items, *rest.items] if row.number != 1_000]
    assert known == sorted(rows, key=lambda row: (row.rank, row.number))


@given(st.integers(-(10**12), 10**12))
def test_money_keeps_its_value_and_at_least_one_decimal(cents: int) -> None:
    text = decimal(cents)
    assert Decimal(text) * 100 == cents
    assert "." in text


@given(st.text(max_size=60))
def test_no_search_text_breaks_the_parser(text: str) -> None:
    search = parse_search(text, {"rank": lambda row: row.rank})
    assert search.matches(Row(1, 2)) in (True, False)
