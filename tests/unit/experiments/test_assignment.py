"""Assignment: the same everywhere and for ever, sticky under a ramp; arms' sizes are checked against weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from growth_pipelines.experiments import assign, assign_all, sample_ratio_mismatch


def test_an_assignment_never_changes() -> None:
    """Other surfaces compute the same from the same bytes: this is the contract with them."""
    units = ["visitor-1", "visitor-2", "ünï", 4711, "gid://shopify/Customer/1"]
    assert [assign(unit, "headline", (1, 1)) for unit in units] == [0, 0, 1, 1, 1]
    assert assign("4711", "headline", (1, 1)) == assign(4711, "headline", (1, 1))


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    units = [f"v{number}" for number in range(500)] + [7]
    for weights, coverage in (((1, 2, 0, 1), 0.7), ((0, 1), 1.0), ((3, 0), 0.2), ((1, 1), 0.0)):
        expected = [assign(unit, "e", weights, coverage) for unit in units]
        assert assign_all(units, "e", weights, coverage).tolist() == expected


def test_an_arm_of_weight_0_gets_nobody_and_without_treatments_all_are_control_s() -> None:
    units = range(2_000)
    assert set(assign_all(units, "e", (1, 0, 1)).tolist()) == {0, 2}
    assert set(assign_all(units, "e", (0, 1)).tolist()) == {1}
    for weights in ((1, 0), (0, 0), (0, 0, 0), (1,)):
        assert set(assign_all(units, "e", weights).tolist()) == {0}


def test_a_smaller_arm_s_units_keep_their_neighbours_when_coverage_grows() -> None:
    small, large = (assign_all(range(5_000), "e", (8, 1, 1), coverage) for coverage in (0.1, 0.9))
    inside = small >= 0
    assert (small[inside] == large[inside]).all()
    assert stats.binomtest(int(inside.sum()), 5_000, 0.1).pvalue > 0.001


@pytest.mark.parametrize("unit", ["", None, 7.0, True, b"v1", ("v", 1)])
def test_what_is_no_unit_is_refused(unit: object) -> None:
    with pytest.raises(ValueError, match="is no unit"):
        assign(unit, "e", (1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no unit"):
        assign_all([unit], "e", (1, 1))  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("weights", "coverage"), [((), 1), ((1, -1), 1), ((1, np.nan), 1), ((1, 1), 1.5), ((1, 1), np.nan)]
)
def test_shares_that_are_none_are_refused(weights: tuple[float, ...], coverage: float) -> None:
    for call in (lambda: assign("v", "e", weights, coverage), lambda: assign_all(["v"], "e", weights, coverage)):
        with pytest.raises(ValueError, match=r"Weights|coverage"):
            call()
    with pytest.raises(ValueError, match="no key"):
        assign("v", "", (1, 1))


def test_the_size_check_is_pearson_s() -> None:
    counts = [5_030, 3_090, 1_880]
    expected = stats.chisquare(counts, np.array([0.5, 0.3, 0.2]) * 10_000).pvalue
    assert sample_ratio_mismatch(counts, (5, 3, 2)) == pytest.approx(expected, rel=1e-9)
    assert sample_ratio_mismatch([*counts, 0], (5, 3, 2, 0)) == pytest.approx(expected, rel=1e-9)
    assert sample_ratio_mismatch([50, 50, 1], (1, 1, 0)) == 0
    assert sample_ratio_mismatch([0, 0], (1, 1)) == 1
    for wrong in (([1, 2], (1,)), ([1, -2], (1, 1)), ([1, 2], (0, 0)), ([5], (1,))):
        with pytest.raises(ValueError, match="weights"):
            sample_ratio_mismatch(*wrong)


def test_a_mismatch_is_found_at_every_look_as_well() -> None:
    assert sample_ratio_mismatch([50_000, 51_500], (1, 1), sequential=True) < 0.001
    assert sample_ratio_mismatch([50_000, 50_300], (1, 1), sequential=True) > 0.05
