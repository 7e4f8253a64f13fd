"""The score, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.report import Report, StreamState, by_source
from growth_pipelines.quality.scoring import WEIGHTS, grade, score_of

GOOD = Outcome("orders", "order_id is there", "completeness", "error", True, "", "", checked=1000)
VALID = Outcome("orders", "tax_amount is at least 0", "validity", "warn", True, "", "", checked=1000)
USUAL = Outcome("orders", "as many rows as such days have", "volume", "warn", True, "", "")
UNIQUE = Outcome("orders", "no key is there twice", "uniqueness", "error", True, "", "", checked=1000)
ALL = [GOOD, VALID, USUAL, UNIQUE]


def test_weights_add_up() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_what_holds_all_and_is_fresh_has_a_hundred() -> None:
    found = score_of(ALL, [(3600, 86400)])
    assert (found.score, found.grade, found.blocked) == (100, "A", False)
    assert set(found.parts) == set(WEIGHTS)


def test_each_part_costs_what_it_weighs() -> None:
    broken = replace(VALID, passed=False, unexpected=20)  # 2 % of rows: 0.6 of that one
    found = score_of([*ALL, broken], [(3600, 86400)])
    assert found.parts["validity"] == pytest.approx((0.8 + 0.6) / 2)
    assert found.score == round(100 - 100 * 0.3 * 0.3)
    late = score_of(ALL, [(2.5 * 86400, 86400)])
    assert late.parts["freshness"] == pytest.approx(0.5)
    assert late.score == round(100 - 100 * 0.25 * 0.5)
    assert score_of(ALL, [(9 * 86400, 86400)]).parts["freshness"] == 0
    assert score_of([*ALL, replace(USUAL, passed=False, dimension="distribution")], []).parts["volume"] == 0.25


def test_parts_that_nobody_knows_are_left_out() -> None:
    assert score_of([GOOD], []).score == 100
    assert score_of([], [(0, 60)]).score == 100


def test_a_broken_contract_is_no_better_than_f() -> None:
    found = score_of([*ALL, replace(GOOD, passed=False, unexpected=1)], [(0, 60)])
    assert (found.score, found.grade, found.blocked) == (59, "F", True)


def test_grades_end_where_they_say() -> None:
    assert [grade(score) for score in (100, 90, 89, 80, 79, 70, 69, 60, 59, 0)] == list("AABBCCDDFF")


def test_data_that_nobody_reads_again_grow_old() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    report = Report(at, tuple(ALL), (StreamState("orders", 3600, 86400),), {"orders": 5})
    [now] = by_source(report, at)
    [later] = by_source(report, at + timedelta(days=3))
    assert (now.source, now.quality.score, now.batch_rows) == ("shopify", 100, 5)
    assert later.quality.parts["freshness"] < 0.5
