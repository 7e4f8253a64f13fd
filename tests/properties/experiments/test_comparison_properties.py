"""Any arms that can exist are compared without surprises, and swapping them turns the difference round."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.experiments import UnusableSample, compare, sufficient_statistics

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES, st.booleans(), st.randoms(use_true_random=False))
def test_swapped_arms_give_the_opposite(c: list[float], t: list[float], sequential: bool, random: object) -> None:
    for metric in ("mean", "ratio", "cuped"):
        rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
        control, treatment = (
            sufficient_statistics(x, rng.integers(1, 9, len(x)), rng.normal(size=len(x))) for x in (c, t)
        )
        try:
            one = compare(control, treatment, metric, sequential=sequential)  # type: ignore[arg-type]
        except UnusableSample:
            assert len(set(c)) == len(set(t)) == 1
            continue
        other = compare(treatment, control, metric, sequential=sequential)  # type: ignore[arg-type]
        assert one.ci_low <= one.diff <= one.ci_high
        assert 0 <= one.p_value <= 1
        assert (one.p_value <= 0.05) == (not one.ci_low <= 0 <= one.ci_high) or math.isclose(
            one.p_value, 0.05, rel_tol=1e-6
        )
        near = 1e-6 * (abs(one.diff) + one.se)
        assert math.isclose(one.diff, -other.diff, abs_tol=near)
        assert math.isclose(one.ci_low, -other.ci_high, abs_tol=near)
        assert math.isclose(one.risk_control - one.risk_treatment, one.diff, abs_tol=near)
