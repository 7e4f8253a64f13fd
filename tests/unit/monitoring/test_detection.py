"""Weekly looks at made-up series of each kind: quiet ones stay quiet, what shifted is told soon and dated."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.detection import quiet, shifted
from growth_pipelines.bench.statistics.made_up_series import FAMILIES, wandering
from growth_pipelines.monitoring import detect_changes

NUMBERED = list(enumerate(FAMILIES))


def test_quiet_series_of_every_kind_raise_few_alarms_in_twelve_weekly_looks() -> None:
    """At most 40 in 1,000: of 35 series, with 95 % probability, at most 4."""
    alarmed = [quiet(family, number, 5, 12)[0].value * 5 / 1_000 for number, family in NUMBERED]
    assert sum(alarmed) <= 4


@pytest.mark.parametrize(("number", "family"), [NUMBERED[0], NUMBERED[4], NUMBERED[5]])
def test_shifts_of_15_to_45_percent_are_told_within_three_weeks(number: int, family: str) -> None:
    figures, found = shifted(family, number, 10)
    assert found >= 0.7
    assert figures[1].value <= 21


def test_a_series_that_wanders_has_to_jump_to_be_told() -> None:
    told = 0
    for seed in range(25):
        rng = np.random.default_rng([seed, 5])
        drift = wandering(rng, 220, 0.97, 0.15) + np.linspace(0, -0.3, 220)
        told += bool(detect_changes(rng.poisson(300 * np.exp(drift)), None, "count"))
    assert told <= 3
    jumped = np.where(np.arange(220) < 190, 1.0, 0.5)
    (change,) = detect_changes(rng.poisson(300 * jumped * np.exp(drift)), None, "count")
    assert change.first <= 190 <= change.last


def test_the_interval_of_the_date_holds_and_is_narrower_for_a_larger_change() -> None:
    inside, widths = [], []
    for shift in (0.2, 0.5):
        level = np.where(np.arange(180) < 140, 1.0, 1 - shift)
        for seed in range(12):
            made = FAMILIES["revenue"](np.random.default_rng([seed, 6]), level)
            down = [one for one in detect_changes(made.values, made.dates, made.kind) if one.direction == "down"]
            for one in down:
                assert one.first <= one.index <= one.last
            inside += [one.first <= 140 <= one.last for one in down]
            widths.append((shift, float(np.mean([one.last - one.first for one in down])) if down else np.nan))
    assert np.mean(inside) > 0.8
    narrow = np.nanmean([width for shift, width in widths if shift == 0.5])
    assert narrow < np.nanmean([width for shift, width in widths if shift == 0.2])
