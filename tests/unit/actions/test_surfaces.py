"""Drift is judged against what the operator saw: the value set, or what stood in for an unset one."""

from __future__ import annotations

import pytest

from growth_pipelines.actions.executors.surfaces import DESCRIPTION, TITLE, Reading, differing

FALLBACKS = {TITLE: "AN-6 Fuel Hose", DESCRIPTION: "A hose for fuel.\nBraided steel over PTFE, 20 feet, black."}


@pytest.mark.parametrize(
    ("value", "before", "same"),
    [
        ("Set title", "Set title", True),
        ("Set  title ", "Set title", True),
        ("Set title", "Other", False),
        ("Set title", "", False),
        ("Set title", "AN-6 Fuel Hose", False),  # somebody has set a title since
        ("", "", True),
        ("", "AN-6 Fuel Hose", True),  # nothing is set: the product's title was shown
        ("", "AN-6 Fuel", False),
        ("", "Set title", False),  # somebody has unset the title since
    ],
)
def test_a_title_is_as_seen(value: str, before: str, same: bool) -> None:
    reading = Reading({TITLE: value, DESCRIPTION: ""}, FALLBACKS)
    assert reading.still_shows(TITLE, before) is same


@pytest.mark.parametrize(
    ("before", "same"),
    [("A hose for fuel. Braided steel", True), ("A hose for fuel. Braided…", True), ("A pump", False)],
)
def test_a_description_that_stands_in_may_have_been_cut(before: str, same: bool) -> None:
    reading = Reading({TITLE: "", DESCRIPTION: ""}, FALLBACKS)
    assert reading.still_shows(DESCRIPTION, before) is same


def test_fields_that_differ_are_named_in_order() -> None:
    assert differing({"a": "1", "b": "2", "c": "x  y"}, {"b": "3", "c": "x y"}) == ["a", "b"]
