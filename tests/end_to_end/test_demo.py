"""The first thing a new user runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .machine import Machine


@pytest.mark.slow
def test_the_demo_ends_with_a_summary_on_real_orders_and_again_on_a_made_up_shop(tmp_path: Path) -> None:
    growth = Machine({"GROWTH_HOME": str(tmp_path / "demo")})
    real = growth.run("demo", "--headless", "--data", "real").stdout
    assert "GBP" in real
    assert "Cohort" in real
    assert "/login?token=" in real

    shown = growth.run("demo", "--headless", "--orders", "400").stdout
    assert "Top actions" in shown
    assert "28 days" in shown
    assert "/login?token=" in shown
    assert "GBP" not in shown, "nothing of the first is left"
    assert growth.json("actions", "list", "--top", "10")
    growth.run("audit", "verify")


def test_the_demo_never_empties_a_home_that_is_not_its_own(tmp_path: Path) -> None:
    precious = tmp_path / "store.sqlite"
    precious.write_text("mine")
    result = Machine({"GROWTH_HOME": str(tmp_path)}).run("demo", "--headless", check=False)
    assert result.returncode != 0
    assert "holds data" in result.stderr
    assert precious.read_text() == "mine"
