"""A column that was filled and is mostly null now is named; chance and columns that were never filled are not."""

from __future__ import annotations

import pytest

from growth_pipelines.ingestion.null_shares import Filled, turned_null

PAST = [Filled(1000, {"title": 990, "vendor": 300})]


def names(new: Filled, past: list[Filled] = PAST) -> list[str]:
    return [turned.column for turned in turned_null(new, past)]


def test_a_column_that_turned_null_is_named_with_both_shares() -> None:
    (turned,) = turned_null(Filled(40, {"title": 10, "vendor": 0}), PAST)
    assert (turned.column, round(turned.before, 3), turned.now, turned.rows) == ("title", 0.01, 0.75, 40)


@pytest.mark.parametrize(
    ("rows", "filled", "named"),
    [(40, 20, []), (40, 19, ["title"]), (4, 0, []), (5, 0, ["title"]), (0, 0, [])],
)
def test_more_than_half_and_at_least_five_must_be_null(rows: int, filled: int, named: list[str]) -> None:
    assert names(Filled(rows, {"title": filled})) == named


@pytest.mark.parametrize(
    ("past", "named"),
    [
        ([], []),
        ([Filled(99, {"title": 99})], []),
        ([Filled(100, {"title": 95})], []),
        ([Filled(100, {"title": 96})], ["title"]),
        # The bad run itself does not make it the normal state.
        ([Filled(500, {"title": 0}), Filled(100, {"title": 100})], ["title"]),
        ([Filled(500, {"other": 500})], []),
    ],
)
def test_it_must_have_been_filled_in_enough_rows(past: list[Filled], named: list[str]) -> None:
    assert names(Filled(100, {"title": 0}), past) == named
