"""The effect of one action against untouched resources: when it is measured, and against which."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.bench.statistics.page_histories import EXECUTED, page_history
from growth_pipelines.outcomes import Effect, Panel, Skipped, measure, panel_of


def measured(panel: Panel, unit: object, horizon: int = 28, executed: int = EXECUTED) -> Effect | Skipped:
    return measure(panel, unit, panel.first + executed, horizon)


def known(found: Effect | Skipped) -> Effect:
    assert isinstance(found, Effect), found
    return found


def test_a_large_effect_is_found_where_it_was_planted() -> None:
    history = page_history("weeks", 1.0, seed=2, level=3.0)
    found = known(measured(history.panel, history.unit))
    assert found.low > 0
    assert found.low <= history.extra.sum() <= found.high
    assert found.effect == pytest.approx(found.observed - found.counterfactual)


def test_no_order_where_two_were_expected_is_chance() -> None:
    """One week in seven brings none to who sells two a week; the errors of busier ones say it couldn't be."""
    worse = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rate = np.exp(rng.normal(np.log(5 / 7), 0.5, 121))
        rate[0] = 2 / 7
        values = rng.poisson(np.tile(rate[:, None], 113)).astype(float)
        values[0, EXECUTED + 1 :] = 0
        names = np.array([f"/p/{number}" for number in range(121)], dtype=object)
        panel = Panel(values, np.datetime64("2026-01-05"), names, names.copy(), np.zeros(values.shape, dtype=bool))
        found = known(measured(panel, "/p/0", 7))
        worse += found.high < 0 and found.counterfactual < 3
        assert found.low <= found.effect <= found.high
    assert worse == 0


def test_the_day_of_execution_is_in_neither_window() -> None:
    history = page_history("weeks", 0.0, seed=2)
    before = known(measured(history.panel, history.unit))
    values = history.panel.values.copy()
    values[:, EXECUTED] = 10_000
    after = known(measured(replace(history.panel, values=values), history.unit))
    assert (after.effect, after.low, after.high) == (before.effect, before.low, before.high)


@pytest.mark.parametrize("horizon", [7, 14, 28])
def test_an_unfinished_horizon_is_skipped_and_not_counted_as_zero(horizon: int) -> None:
    history = page_history("weeks", 0.0, seed=3)
    values = history.panel.values[:, : EXECUTED + horizon]
    short = replace(history.panel, values=values, touched=history.panel.touched[:, : values.shape[1]])
    found = measured(short, history.unit, horizon)
    assert isinstance(found, Skipped)
    assert not found.final
    assert found.reason.startswith(f"1 of {horizon} days")


def test_a_resource_touched_meanwhile_is_no_control() -> None:
    history = page_history("weeks", 0.0, seed=4, level=2.0)
    touched = history.panel.touched.copy()
    unit = int(np.flatnonzero(history.panel.names == history.unit)[0])
    others = np.flatnonzero(np.arange(len(touched)) != unit)
    touched[others[::2], EXECUTED + 3] = True
    values = history.panel.values.copy()
    values[others[::2], EXECUTED:] *= 50
    panel = replace(history.panel, touched=touched)
    clean, spoilt = (
        known(measured(panel, history.unit)),
        known(measured(replace(panel, values=values), history.unit)),
    )
    assert clean.effect == spoilt.effect
    assert clean.controls < known(measured(history.panel, history.unit)).controls


def test_another_action_on_the_same_resource_marks_the_effect() -> None:
    history = page_history("weeks", 0.0, seed=5)
    touched = history.panel.touched.copy()
    unit = int(np.flatnonzero(history.panel.names == history.unit)[0])
    touched[unit, EXECUTED] = True
    assert not known(measured(replace(history.panel, touched=touched), history.unit)).is_overlapping
    touched[unit, EXECUTED + 20] = True
    assert known(measured(replace(history.panel, touched=touched), history.unit)).is_overlapping
    assert not known(measured(replace(history.panel, touched=touched), history.unit, 14)).is_overlapping


def test_its_own_template_is_compared_with_where_it_is_large_enough() -> None:
    history = page_history("weeks", 0.0, seed=6)
    names = history.panel.names
    templates = np.where(np.isin(names, names[::2]) | (names == history.unit), "product", "article").astype(object)
    values = history.panel.values.copy()
    values[templates == "article", EXECUTED:] *= 50
    found = known(measured(replace(history.panel, templates=templates, values=values), history.unit))
    assert found.controls < 45
    assert found.low <= 0 <= found.high


def test_too_few_comparable_resources_are_said_and_final() -> None:
    history = page_history("weeks", 0.0, seed=7)
    touched = np.ones_like(history.panel.touched)
    found = measured(replace(history.panel, touched=touched), history.unit)
    assert isinstance(found, Skipped)
    assert found.final
    assert "0 untouched" in found.reason


def test_a_young_resource_and_an_unknown_one_are_skipped() -> None:
    history = page_history("weeks", 0.0, seed=8)
    young = measured(history.panel, history.unit, executed=20)
    assert isinstance(young, Skipped)
    assert young.final
    assert "20 days before" in young.reason
    assert isinstance(measured(history.panel, "/nowhere"), Skipped)


def test_expected_days_add_up_to_what_is_expected() -> None:
    history = page_history("weeks", 0.2, seed=9)
    found = known(measured(history.panel, history.unit))
    assert found.expected[-28:].sum() == pytest.approx(found.counterfactual)
    assert found.actual[-28:].sum() == found.observed
    assert found.first + len(found.actual) - 1 == history.panel.first + EXECUTED + 28


def test_a_day_without_a_row_is_zero_and_days_after_the_last_complete_one_are_left_out() -> None:
    daily = pd.DataFrame(
        {
            "unit": ["a", "a", "b", "a", "gone"],
            "date": pd.to_datetime(["2026-01-01", "2026-01-03", "2026-01-02", "2026-01-05", "2026-01-01"]),
            "clicks": [1, 2, 3, 9, 9],
        }
    )
    units = pd.DataFrame({"unit": ["a", "b"], "template": ["product", "article"]})
    touches = pd.DataFrame({"unit": ["b", "b", "gone"], "date": ["2026-01-02", "2026-01-09", "2026-01-02"]})
    panel = panel_of(daily, units, touches, "clicks", "2026-01-04")
    assert panel.values.tolist() == [[1, 0, 2, 0], [0, 3, 0, 0]]
    assert panel.touched.tolist() == [[False] * 4, [False, True, False, False]]
    with pytest.raises(ValueError, match="no complete day"):
        panel_of(daily, units, touches, "clicks", "2025-12-31")
