"""Weekly looks at made-up series of each kind: quiet ones stay quiet, what shifted is told soon and dated."""

from __future__ import annotations

import numpy as np
import pytest

from growth_pipelines.bench.statistics.detection import LOOKS, quiet, shifted, shifted_figures
from growth_pipelines.bench.statistics.low_counts import oracle
from growth_pipelines.bench.statistics.made_up_series import FAMILIES, wandering
from growth_pipelines.monitoring import detect_changes
from growth_pipelines.monitoring.changes import detect_each


def test_quiet_series_of_every_kind_raise_few_alarms_in_twelve_weekly_looks() -> None:
    """At most 40 in 1,000: of 42 series, with 97 % probability, at most 4."""
    alarmed = [first is not None for family in FAMILIES for first, _ in quiet(family, range(6), LOOKS)]
    assert sum(alarmed) <= 4


@pytest.mark.parametrize("family", ["counts", "revenue", "rolling28"])
def test_shifts_of_15_to_45_percent_are_told_within_three_weeks(family: str) -> None:
    by_name = {one.name: one.value for one in shifted_figures(family, shifted(family, range(12)))}
    assert by_name[f"{family}: shifts of 15–45 % found"] >= 0.7
    assert by_name[f"{family}: median days to tell"] <= 21


def test_a_third_of_shifts_in_low_counts_is_found_where_who_knows_the_date_finds_less_than_85_in_100_soon() -> (
    None
):
    """Of 60 shifts with a share of 0.45: with 95 % probability at least 20."""
    found = [one for one in shifted("low counts", range(60)) if one is not None]
    assert len(found) >= 20
    all_looks, soon, blind, blind_soon = (one.value for one in oracle(12, 140, LOOKS))
    assert len(found) / 60 < all_looks
    assert soon < 0.85
    assert blind < all_looks
    assert blind_soon < soon


def test_low_counts_that_wander_as_busy_ones_do_raise_few_alarms() -> None:
    """Drift of 5 to 15 %: of 80 series over 12 looks, at 40 in 1,000, at most 7 with 97 % probability."""
    rng = np.random.default_rng(41)
    expected = [
        rng.uniform(2, 12) * np.exp(wandering(rng, 224, rng.uniform(0.5, 0.9), rng.uniform(0.05, 0.15)))
        for _ in range(80)
    ]
    values = rng.poisson(np.array(expected)).astype(float)
    days = np.datetime64("2026-01-05") + np.arange(224)
    alarmed = np.zeros(80, dtype=bool)
    for known in range(147, 225, 7):
        found = detect_each(values[:, :known], days[:known], "count")
        alarmed |= [any(one.index >= known - 84 for one in changes) for changes in found]
    assert alarmed.sum() <= 7


def test_many_series_at_once_are_judged_as_one_by_one() -> None:
    made = [FAMILIES["autocorrelated"](np.random.default_rng([run, 3]), np.ones(200)) for run in range(20)]
    values = np.stack([one.values for one in made])
    values[3:6, 150:] *= 0.6
    values[4, ::3] = np.nan
    values[7] = np.nan
    values[8] = 5.0
    each = detect_each(values, made[0].dates, "count")
    assert sum(map(bool, each)) >= 3
    assert each == [detect_changes(row, made[0].dates, "count") for row in values]
    mixed = np.stack([values[3], values[3] - 1e6])
    assert detect_each(mixed)[0] == detect_changes(values[3])


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
