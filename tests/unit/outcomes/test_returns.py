"""The return: sums by recommender and month, of measured actions only, and a sentence for all that is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from growth_pipelines.actions.returns import ExecutedReturn
from growth_pipelines.outcomes import not_known, return_of, returns
from growth_pipelines.outcomes.looks import REACH

MEASURED = ExecutedReturn(
    ref="A1",
    recommender="seo_ctr",
    executed_on=date(2026, 9, 30),
    promised=100.0,
    effect=(80.0, 50.0, 110.0, 0.0),
    reason="",
    outcome_class="success",
    is_overlapping=False,
)
WAITING = replace(MEASURED, effect=None, outcome_class=None)
IMPOSSIBLE = replace(WAITING, reason="It answers one shopper.")


def test_months_come_newest_first_and_recommenders_by_name() -> None:
    october = replace(MEASURED, executed_on=date(2026, 10, 1))
    found = returns([MEASURED, october, replace(october, recommender="cwv_repair")])
    assert [(one.month, one.recommender) for one in found] == [
        ("2026-10", "cwv_repair"),
        ("2026-10", "seo_ctr"),
        ("2026-09", "seo_ctr"),
    ]


def test_what_is_not_measured_is_in_no_sum_and_in_no_share() -> None:
    found = return_of([MEASURED, WAITING, IMPOSSIBLE])
    assert (found.actions, found.measured, found.waiting, found.not_measurable) == (3, 1, 1, 1)
    assert (found.promised, found.promised_in_all) == (100.0, 300.0)
    assert found.realised is not None
    assert (found.realised.effect, found.share) == (80.0, 0.8)
    assert found.classes == {"success": 1}


def test_independent_effects_add_up_in_squares_and_shared_errors_in_full() -> None:
    # What comes in is the last of three looks, so a little wider than a 95 % interval by itself.
    wide = 30 * 1.959964 / REACH[28]
    alone = return_of([MEASURED] * 4).realised
    assert alone is not None
    assert (alone.effect, alone.low, alone.high) == pytest.approx((320.0, 320 - 2 * wide, 320 + 2 * wide))
    shared = return_of([replace(MEASURED, effect=(80.0, 50.0, 110.0, 30 / REACH[28]))] * 4).realised
    assert shared is not None
    assert (shared.low, shared.high) == pytest.approx((320 - 4 * wide, 320 + 4 * wide))


def test_nothing_measured_has_no_return_rather_than_none_of_it() -> None:
    found = return_of([WAITING])
    assert (found.realised, found.share) == (None, None)
    assert return_of([]).realised is None


def test_all_that_is_open_is_said() -> None:
    unsure = replace(MEASURED, effect=(10.0, -60.0, 80.0, 0.0), is_overlapping=True)
    said = not_known(return_of([unsure, WAITING, IMPOSSIBLE, IMPOSSIBLE]))
    assert said == [
        "1 action can't be told yet: 28 days are not over, their figures not complete, or work by hand is not"
        " marked as done.",
        "2 actions can't be measured and count in no sum: It answers one shopper.",
        "The interval holds 0: it is not certain that these brought or cost anything.",
        "Of 1 action the page or product was changed by something else too: what both did together may be counted"
        " twice.",
    ]
    assert not_known(return_of([MEASURED])) == []
