"""Three looks spend 5 % of error together: the reaches solve what they are said to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from growth_pipelines.outcomes.looks import ERROR, HORIZONS, REACH, error_spent, level


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_each_look_spends_what_the_cube_of_its_days_allows(looks: int) -> None:
    days = np.array(HORIZONS[:looks], dtype=float)
    together = np.sqrt(np.minimum.outer(days, days) / np.maximum.outer(days, days))
    reach = np.array([REACH[int(one)] for one in days])
    inside = multivariate_normal.cdf(
        reach, np.zeros(looks), together, lower_limit=-reach, abseps=1e-7, maxpts=10**6
    )
    assert 1 - inside == pytest.approx(error_spent(HORIZONS[looks - 1]), abs=3e-6)


def test_the_three_together_spend_the_whole_error_and_the_last_is_nearly_untouched() -> None:
    assert error_spent(28) == ERROR
    assert level(7) > level(14) > level(28)
    assert 0.95 < level(28) < 0.955
