"""What the statistics promise holds on made-up data of which the truth is known (``growth bench statistics``)."""

from __future__ import annotations

import pytest

from growth_pipelines.bench.statistics import experiments, page_looks
from growth_pipelines.bench.statistics.figure import Figure


def _missed(figures: list[Figure]) -> list[Figure]:
    return [one for one in figures if not one.met]


@pytest.mark.parametrize("metric", ["proportion", "mean", "ratio", "cuped"])
def test_forty_looks_keep_false_positives_and_coverage(metric: str) -> None:
    figures = experiments.looked_at(metric, runs=120)  # type: ignore[arg-type]
    assert not _missed(figures)
    naive = next(one for one in figures if "fixed horizon" in one.name)
    assert naive.value > 0.15


def test_the_size_check_errs_as_often_as_it_says() -> None:
    assert not _missed(experiments.mismatches(10_000))


def test_the_planned_size_shows_the_effect_as_often_as_planned() -> None:
    assert not _missed(experiments.planned_power(1_500))


def test_assignment_is_uniform_independent_sticky_and_quick() -> None:
    assert not _missed(experiments.assignment(20_000))


@pytest.mark.slow
def test_intervals_of_page_tests_hold_the_effect() -> None:
    assert not _missed(experiments.page_tests(50, pages=60))


@pytest.mark.slow
def test_page_tests_of_nothing_claim_as_seldom_over_all_planned_looks_as_is_said() -> None:
    """5 % over all looks together and 1 % before the end; 80 runs tell these to three standard errors."""
    assert not _missed(page_looks.false_claims(80))


@pytest.mark.slow
def test_page_tests_show_the_effect_that_was_foretold() -> None:
    assert not _missed(page_looks.power(25))


def test_intervals_of_switchbacks_hold_the_effect() -> None:
    assert not _missed(experiments.switchbacks(300))


def test_uplift_ranks_a_planted_effect() -> None:
    assert not _missed(experiments.uplift(6))
