"""A table that says where its values stand needs no statement: nested, timed, JSON or missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.warehouse.raw_tables import BY_NAME, Column, raw_table
from tests.parsing import parsed_tables

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def table() -> Iterator[str]:
    declared = raw_table(
        "declared_for_this_test",
        "Every type of column, from every depth.",
        Column("thing_id", "text", at="id"),
        Column("deep", "bigint", at="a.b.c.deep"),
        Column("beside", "double", at="a.b.beside"),
        Column("price", "money", at="priceSet.shopMoney.amount"),
        Column("is_open", "bool", at="open"),
        Column("day", "date", at="order.group"),
        Column("happened_at", "timestamp", at="times.happenedAt"),
        Column("fields", "json", at="a.fields"),
        key="thing_id",
    )
    yield declared.name
    del BY_NAME[declared.name]


def rows(table: str, home: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    with Landing(home).write("things", Shop("a.myshopify.com", "America/Denver"), NOW) as file:
        for record in records:
            file.writer.record(record)
    found = parsed_tables(file.result, "", [Part(table)], NOW)[table].to_pylist()
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in found]


WHOLE = {
    "id": "1",
    "a": {"b": {"c": {"deep": 7}, "beside": 0.5}, "fields": [{"k": "ü", "v": None}]},
    "priceSet": {"shopMoney": {"amount": "12345678901234.5678"}},
    "open": True,
    "order": {"group": "2026-03-01"},
    "times": {"happenedAt": "2026-03-01T20:00:00-05:00"},
    "unread": {"id": "2"},
}


def test_values_are_taken_from_where_they_stand(table: str, tmp_path: Path) -> None:
    """Also from names that SQL keeps for itself. Times are UTC, money is exact, JSON stays as it came."""
    (row,) = rows(table, tmp_path, WHOLE)
    assert json.loads(row.pop("fields")) == [{"k": "ü", "v": None}]
    assert row == {
        "shop_id": "a.myshopify.com",
        "thing_id": "1",
        "deep": 7,
        "beside": 0.5,
        "price": Decimal("12345678901234.5678"),
        "is_open": True,
        "day": date(2026, 3, 1),
        "happened_at": datetime(2026, 3, 2, 1),
    }


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"a": None, "priceSet": None, "order": None, "times": None, "open": None},
        {"a": {"b": None}, "priceSet": {}, "order": {}, "times": {"happenedAt": None}},
    ],
)
def test_what_is_missing_at_any_depth_is_null(table: str, tmp_path: Path, nothing: dict[str, Any]) -> None:
    (row,) = rows(table, tmp_path, {"id": "1", **nothing})
    assert {name for name, value in row.items() if value is not None} == {"shop_id", "thing_id"}


def test_a_record_that_comes_twice_counts_as_last_seen(table: str, tmp_path: Path) -> None:
    found = rows(table, tmp_path, WHOLE, {"id": "2"}, {"id": "1", "open": False})
    assert sorted((row["thing_id"], row["is_open"]) for row in found) == [("1", False), ("2", None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"a": {"b": {"c": {"deep": "seven"}}}},
        {"a": "text"},
        {"priceSet": {"shopMoney": {"amount": "12,50"}}},
        {"open": "perhaps"},
        {"order": {"group": "1 March"}},
        {"times": {"happenedAt": "noon"}},
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_file(
    table: str, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(
        GrowthError, match=r"landing/things/\S+\.jsonl\.zst does not have the expected shape"
    ) as caught:
        rows(table, tmp_path, {"id": "1"}, {"id": "2", **wrong})
    assert "nothing was loaded" in str(caught.value.hint)
