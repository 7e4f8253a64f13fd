"""Cells that no spreadsheet runs."""

from __future__ import annotations

import pytest

from growth_pipelines.actions.export import as_json, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-6AN", "@SUM(A1)", "\t=1", "\r=1", "\n1", " =1", "＝1", "＠x"])
def test_a_text_that_would_run_is_a_text_again(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-5.2, 0, None, "AN-6", "a=b", ""])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) == value


def test_an_empty_list_is_valid_json() -> None:
    assert "".join(as_json([])) == "[]\n"
