"""How copy tells numbers."""

from __future__ import annotations

import pytest

from growth_pipelines.recommenders.phrases import Chance


@pytest.mark.parametrize(
    ("chance", "told"),
    [(1.0, "over 99%"), (0.9951, "over 99%"), (0.99, "99%"), (0.9, "90%"), (0.01, "1%"), (0.004, "under 1%")],
)
def test_no_estimated_chance_is_told_as_certain(chance: float, told: str) -> None:
    assert f"{Chance(chance):.0%}" == told
    assert f"{Chance(chance):.3f}" == f"{chance:.3f}"
