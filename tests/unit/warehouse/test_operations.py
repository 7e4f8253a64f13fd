"""What the models of the machine's own work take from its code: states, steps, reasons, edits."""

from __future__ import annotations

import csv
from typing import get_args

import pytest
from scipy.stats import chi2

from growth_pipelines.actions.model import OPEN_STATES, RejectReason
from growth_pipelines.actions.transitions import TRANSITIONS
from growth_pipelines.warehouse import operations, operations_queries
from growth_pipelines.warehouse.dbt_project import PROJECT
from growth_pipelines.warehouse.operations_queries import COPIES, edit_size


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_seed_of_allowed_steps_is_the_lifecycle() -> None:
    steps = {(row["from_state"], row["to_state"]) for row in seed("action_transitions")}
    assert steps == {(before, after) for before, allowed in TRANSITIONS.items() for after in allowed}


def test_critical_values_leave_a_thousandth_above_them() -> None:
    rows = seed("chi_square_critical")
    assert [int(row["degrees_of_freedom"]) for row in rows] == list(range(1, 31))
    for row in rows:
        assert chi2.sf(float(row["chi_square"]), int(row["degrees_of_freedom"])) == pytest.approx(1e-3, rel=1e-5)


def test_states_and_reasons_are_those_of_the_actions() -> None:
    assert set(operations.OPEN_STATES) == set(OPEN_STATES)
    assert set(operations_queries.REASON_CODES) == set(get_args(RejectReason))


def part(before: object, after: object) -> dict[str, object]:
    return {"part": "title", "before": before, "after": after}


@pytest.mark.parametrize(
    ("before", "after", "size"),
    [
        ("AN-6 fuel line", "AN-6 fuel line", (1, 3, 3, 0)),
        ("AN-6 fuel line", "AN-6 braided fuel line", (1, 3, 4, 1)),
        ("AN-6 fuel line", "AN-8 fuel hose", (1, 3, 3, 2)),
        ("", "AN-8 fuel hose", (1, 0, 3, 3)),
        ("one two three", "four", (1, 3, 1, 3)),
        (["Open the theme.", "Save."], ["Open the theme."], (1, 4, 3, 1)),
    ],
)
def test_an_edit_is_as_large_as_the_words_it_changes(
    before: object, after: object, size: tuple[int, int, int, int]
) -> None:
    assert edit_size([part(before, after)]) == size


def test_the_parts_of_an_edit_add_up() -> None:
    assert edit_size([part("a b", "a c"), part("d", "")]) == (2, 3, 2, 2)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_is_copied_are_columns_of_its_table(engine: str) -> None:
    for copy in COPIES:
        declared = {column.name for column in copy.table.all_columns}
        made = set(copy.columns(engine)) - {"edit"} | set(copy.local_dates)
        computed = {"parts_changed", "words_before", "words_after", "words_changed"} if copy.finish else set()
        assert made | computed == declared - {"_file_id", "_line", "_loaded_at"}, copy.table.name
