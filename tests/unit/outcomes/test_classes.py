"""What an outcome is called, and what a sum of outcomes can say."""

from __future__ import annotations

import pytest

from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.outcomes import NotMeasurable, Subject, classify, subject_of, total
from growth_pipelines.outcomes.looks import REACH


@pytest.mark.parametrize(
    ("effect", "low", "high", "estimate", "expected"),
    [
        (80, 10, 150, 100, "success"),
        (79, 10, 150, 100, "partial"),
        (-5, -9, -1, 100, "negative"),
        (5, -9, 19, 100, "none"),
        (5, 0, 10, 10, "inconclusive"),
        (40, -20, 100, 100, "inconclusive"),
        (-400, -600, -200, -500, "success"),
        (400, 200, 600, -500, "negative"),
        (80, 10, 150, None, None),
    ],
)
def test_the_class_follows_from_interval_and_estimate(
    effect: float, low: float, high: float, estimate: float | None, expected: str | None
) -> None:
    assert classify(effect, low, high, estimate) == expected


def test_every_subtype_is_measured_or_says_why_not() -> None:
    for kind, subtypes in SUBTYPES.items():
        for subtype in subtypes:
            found = subject_of(kind, subtype, "product")
            assert isinstance(found, Subject) or (found.because.endswith(".") and "no rule" not in found.because)


def test_what_changes_the_whole_shop_is_not_measured_on_a_page() -> None:
    assert isinstance(subject_of("cwv_repair", "script", "theme"), NotMeasurable)
    assert subject_of("cwv_repair", "script", "collection") == Subject("page", "sessions")


# Effects come with the interval of the last of three looks (95.27 %), their sum with one of 95 %.
NARROWER = 1.959964 / REACH[28]


def test_own_errors_add_up_in_squares_and_shared_ones_as_they_are() -> None:
    own = total([(10, 0, 20, 0.0)] * 4)
    shared = total([(10, 0, 20, 10 / REACH[28])] * 4)
    assert own is not None
    assert shared is not None
    assert (own.effect, own.low, own.high) == pytest.approx((40, 40 - 20 * NARROWER, 40 + 20 * NARROWER))
    assert (shared.low, shared.high) == pytest.approx((40 - 40 * NARROWER, 40 + 40 * NARROWER))
    assert total([]) is None


def test_a_lopsided_interval_stays_lopsided_in_the_sum() -> None:
    summed = total([(10, 5, 40, 0.0)] * 4)
    assert summed is not None
    assert (summed.low, summed.high) == pytest.approx((40 - 10 * NARROWER, 40 + 60 * NARROWER))
