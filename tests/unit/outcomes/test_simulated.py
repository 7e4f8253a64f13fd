"""Effects are told from chance at the stated rates (``growth bench statistics --section outcomes``)."""

from __future__ import annotations

import pytest

from growth_pipelines.bench.statistics import outcomes
from growth_pipelines.bench.statistics.figure import Figure


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return outcomes.figures(100, lambda what: None)


def test_every_figure_keeps_its_limit(figures: list[Figure]) -> None:
    assert [one for one in figures if not one.met] == []


def test_actions_that_do_nothing_are_classed_none_or_inconclusive(figures: list[Figure]) -> None:
    assert next(one.value for one in figures if one.name.startswith("A/A, all")) >= 0.95


def test_a_larger_effect_on_more_clicks_is_found_more_often(figures: list[Figure]) -> None:
    found = {one.name: one.value for one in figures if one.name.startswith("power")}
    assert found["power: +100% on about 300 clicks in 28 days"] >= 0.8
    assert found["power: +10% on about 30 clicks in 28 days"] <= 0.2
