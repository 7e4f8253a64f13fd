"""The suites as data: every table has one, and what they say can be."""

from __future__ import annotations

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.quality.suites import NOT_NULL, read_suite, suites
from growth_pipelines.warehouse.operations_tables import TABLES as OPERATIONS
from growth_pipelines.warehouse.raw_tables import BY_NAME, all_tables

# Whose key is the shop itself, or holds a null by nature (a page that CrUX does not know has no metric).
NULLABLE = {("crux_records", "metric")}


def test_every_landed_table_has_a_suite() -> None:
    """Those that the machine copies from its own store are not landed."""
    assert {table.name for table in all_tables()} - {table.name for table in OPERATIONS} == set(suites())


@pytest.mark.parametrize("name", sorted(suites()))
def test_a_suite_guards_its_tables_key_and_says_why(name: str) -> None:
    suite = suites()[name]
    there = {one.columns[0] for one in suite.expectations if one.type == NOT_NULL and one.severity == "error"}
    key = {column for column in BY_NAME[name].key if column != "shop_id" and (name, column) not in NULLABLE}
    assert key <= there
    assert all(len(one.why) > 10 and one.why.endswith(".") for one in suite.expectations)
    claims = [one.claim for one in suite.expectations]
    assert len(claims) == len(set(claims))


def test_impossible_values_block_wherever_they_could_land() -> None:
    blocking = {
        (s.table, one.claim) for s in suites().values() for one in s.expectations if one.severity == "error"
    }
    for table in ("order_lines", "refund_lines", "abandoned_checkout_lines"):
        assert (table, "quantity is at least 0") in blocking
    searched = [table for table in suites() if table.startswith("search_")]
    assert len(searched) == 6
    assert all((table, "impressions is at least clicks") in blocking for table in searched)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("order_id", "order_number"), "no column 'order_number'"),
        (("expect_column_values_to_not_be_null", "expect_column_mean_to_be_between"), "is none of"),
        (("severity: error", "severity: fatal"), "neither error nor warn"),
        (("why:", "because:"), "is not a suite"),
    ],
)
def test_a_suite_that_cannot_be_is_refused_by_name(change: tuple[str, str], said: str) -> None:
    text = (
        "table: orders\nexpectations:\n  - type: expect_column_values_to_not_be_null\n"
        "    kwargs: { column: order_id }\n    severity: error\n    why: Part of the key.\n"
    )
    assert read_suite(text, "orders.yaml").columns == ("order_id",)
    with pytest.raises(GrowthError, match=said) as refused:
        read_suite(text.replace(*change), "orders.yaml")
    assert "orders.yaml" in refused.value.message
