"""Whatever the data, a CTR curve is a probability that never rises with position."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.recommenders.ctr_curve import fit_curve
from growth_pipelines.recommenders.money import worth

ROW = st.tuples(
    st.integers(0, 8), st.integers(0, 5000), st.floats(0.5, 90, allow_nan=False), st.floats(0, 1, allow_nan=False)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=60))
def test_a_curve_is_a_probability_that_never_rises(rows: list[tuple[int, int, float, float]]) -> None:
    frame = pd.DataFrame(
        {
            "page_key": [f"/p{page}" for page, *_ in rows],
            "clicks": [float(int(shown * share)) for _, shown, _, share in rows],
            "impressions": [float(shown) for _, shown, _, _ in rows],
            "position": [position for _, _, position, _ in rows],
        }
    )
    curve = fit_curve(frame)
    assert ((curve.ctr >= 0) & (curve.ctr <= 1)).all()
    assert (np.diff(curve.expected(np.linspace(1, 100, 300))) <= 1e-12).all()
    assert curve.dispersion > 0
    assert np.isfinite(curve.ctr).all()


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 3), st.floats(0, 1), st.floats(0, 1e4), st.floats(0, 1e5))
def test_an_interval_always_holds_its_estimate(
    visits: float, below: float, above: float, conversion: float, order_value: float, orders: float
) -> None:
    value = worth(visits, visits * (1 - below), visits * (1 + above), conversion, order_value, orders)
    slack = 1e-9 * (1 + value.revenue)
    assert -slack <= value.revenue_low <= value.revenue + slack
    assert value.revenue <= value.revenue_high + slack
