"""Page split tests, switchbacks and uplift: matching, what is left out, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.bench.statistics.shop_pages import START, page_days, page_traffic
from growth_pipelines.experiments import (
    UnusableSample,
    balance,
    difference_in_differences,
    match_pages,
    qini,
    switchback_effect,
    switchback_schedule,
    synthetic_control,
    uplift_model,
)
from growth_pipelines.experiments.page_readout import SplitTest, read_pages
from growth_pipelines.experiments.readout import Declared, Measure

PAGES = page_traffic(61, 1)
PAIRS = match_pages(PAGES, 1)
DAILY = page_days(PAIRS, 0.5, 1)
METHODS = [difference_in_differences, synthetic_control]


def test_pairs_are_neighbours_of_one_template_and_the_arms_are_even() -> None:
    pairs = PAIRS.groupby("pair")
    assert (pairs["template"].nunique() == 1).all()
    assert (pairs["arm"].sum() == 1).all()
    assert PAIRS["page"].is_unique
    assert len(PAIRS) in (58, 60)
    arms = PAIRS.groupby("arm")["traffic"].sum()
    assert arms[1] / arms[0] == pytest.approx(1, abs=0.12)
    pd.testing.assert_frame_equal(match_pages(PAGES.sample(frac=1, random_state=2), 1), PAIRS)
    assert match_pages(PAGES, 2)["arm"].tolist() != PAIRS["arm"].tolist()


def test_the_arms_were_alike_before_the_start() -> None:
    before = balance(DAILY, PAIRS, START)
    assert before.ratio == pytest.approx(before.treatment_per_day / before.control_per_day)
    assert before.ratio == pytest.approx(1, abs=0.3)
    assert 0 < before.correlation <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_large_effect_is_found_and_said_in_clicks(method: object) -> None:
    found = method(DAILY, PAIRS, START, seed=3)  # type: ignore[operator]
    assert found.ci_low < 0.5 < found.ci_high
    assert found.ci_low > 0
    assert found.p_value < 0.05
    assert found.per_day == pytest.approx((found.actual - found.expected).mean())
    assert found.actual.sum() / found.expected.sum() - 1 == pytest.approx(found.effect, rel=0.15)
    assert found.dates[0] == START
    again = method(DAILY.sample(frac=1, random_state=1), PAIRS, START, seed=3)  # type: ignore[operator]
    assert (again.effect, again.ci_low, again.p_value) == pytest.approx(
        (found.effect, found.ci_low, found.p_value)
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_change_of_the_whole_site_is_no_effect(method: object) -> None:
    """All pages lose half of their clicks on the day of the start, and weekends double."""
    rng = np.random.default_rng(8)
    quiet = page_days(PAIRS.assign(traffic=40.0), 0.0, 3)
    weekend = 1 + (quiet["date"].dt.weekday >= 5)
    thinned = rng.binomial(quiet["clicks"], np.where(quiet["date"] >= START, 0.5, 1.0)) * weekend
    found = method(quiet.assign(clicks=thinned), PAIRS, START, seed=3)  # type: ignore[operator]
    assert found.ci_low < 0 < found.ci_high
    assert abs(found.effect) < 0.15


def test_days_in_which_the_change_settles_are_left_out() -> None:
    changed = DAILY.assign(
        clicks=DAILY["clicks"].where((DAILY["date"] < START) | (DAILY["date"] >= START + np.timedelta64(7)), 0)
    )
    found = difference_in_differences(changed, PAIRS, START, seed=3, settle_days=7)
    assert len(found.dates) == 21
    assert found.effect > 0.2


def test_pages_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match="is there twice"):
        match_pages(pd.concat([PAGES, PAGES.head(1)]), 1)
    with pytest.raises(ValueError, match="no template has two"):
        match_pages(PAGES.head(1), 1)
    cases = [
        (DAILY, PAIRS.drop(index=0), START, "one page of each arm"),
        (DAILY, PAIRS[PAIRS["pair"] < 5], START, "5 pairs"),
        (DAILY, PAIRS, START - 80, "Too few days"),
        (DAILY, PAIRS, START + 40, "No day since"),
        (DAILY.assign(clicks=0), PAIRS, START, "no value at all"),
    ]
    for daily, pairs, start, message in cases:
        with pytest.raises(ValueError, match=message):
            difference_in_differences(daily, pairs, start, seed=1)


def test_a_switchback_leaves_out_what_still_feels_the_other_arm() -> None:
    arms = switchback_schedule(24 * 61, 24, 5)
    assert arms[: 24 * 60].sum() == 24 * 30
    assert arms[24 * 60 :].sum() == 0
    slow = np.convolve(arms, np.full(6, 1 / 6))[: arms.size] + np.random.default_rng(1).normal(0, 0.1, arms.size)
    biased, right = (switchback_effect(slow, arms, 24, carry_over) for carry_over in (0, 6))
    assert biased.ci_high < 1
    assert right.ci_low < 1 < right.ci_high
    slow[arms == 1] = np.where(np.arange(arms.sum()) % 3, np.nan, slow[arms == 1])
    assert switchback_effect(slow, arms, 24, 6).pairs <= right.pairs == 30
    for wrong in (lambda: switchback_effect(slow, arms, 23), lambda: switchback_effect(slow, arms, 24, 24)):
        with pytest.raises(ValueError, match=r"pairs of blocks|left out"):
            wrong()
    with pytest.raises(ValueError, match="two pairs"):
        switchback_schedule(30, 24, 1)


def _units(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "recency": rng.integers(1, 365, n),
            "spent": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 30, n)),
            "channel": rng.choice(["search", "mail", "shop"], n),
            "member": rng.random(n) < 0.3,
        }
    )
    took = rng.integers(0, 2, n)
    outcome = rng.normal(10, 3, n) + took * np.where(frame["channel"] == "mail", 2.0, 0.0)
    return frame, took, outcome


def test_categories_and_missing_numbers_are_features_too() -> None:
    frame, took, outcome = _units(3_000, 1)
    model = uplift_model(frame, took, outcome)
    assert model.ci_low < 2 / 3 < model.ci_high
    assert model.heterogeneity_p_value < 0.001
    fresh, fresh_took, fresh_outcome = _units(3_000, 2)
    score = model.score(fresh[frame.columns[::-1]])
    by_channel = pd.Series(score).groupby(fresh["channel"]).mean()
    assert by_channel["mail"] == pytest.approx(2, abs=0.6)
    assert by_channel[["search", "shop"]].abs().max() < 0.6
    assert qini(score, fresh_took, fresh_outcome) > 0.1 > abs(qini(np.zeros(3_000), fresh_took, fresh_outcome))
    assert np.isfinite(model.score(fresh.assign(channel="new", spent=np.nan))).all()


def test_features_that_tell_nothing_leave_one_effect_for_all() -> None:
    frame, took, outcome = _units(1_000, 4)
    model = uplift_model(pd.DataFrame({"id": [f"c{n}" for n in range(1_000)], "shop": 1}), took, outcome)
    assert model.heterogeneity_p_value == 1
    assert model.score(pd.DataFrame({"id": ["new"], "shop": 2})).tolist() == pytest.approx([model.effect])
    with pytest.raises(ValueError, match="No columns"):
        uplift_model(frame[[]], took, outcome)


def test_numbers_that_are_missing_leave_the_effect_and_who_has_it_told() -> None:
    held, told = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        features, took = rng.normal(size=(400, 3)), rng.integers(0, 2, 400)
        outcome = features[:, 1] + took * (1 + features[:, 0]) + rng.normal(size=400)
        # A whole column, and the second feature where it is high: there it says something that it is missing.
        holes = np.where(features > [np.inf, 0.5, -np.inf], np.nan, features)
        model = uplift_model(holes, took, outcome)
        held.append(model.ci_low < 1 < model.ci_high)
        told.append(np.corrcoef(model.score(holes), features[:, 0])[0, 1])
    # 95 % of 100 less the simulation's own error.
    assert np.sum(held) >= 90
    assert np.median(told) > 0.9


def test_features_that_nobody_has_are_refused() -> None:
    frame, took, outcome = _units(300, 6)
    for nothing in (np.full((300, 3), np.nan), frame[["spent"]] * np.inf, np.empty((300, 0))):
        with pytest.raises(ValueError, match="No feature is known of any unit"):
            uplift_model(nothing, took, outcome)


def test_a_chance_of_treatment_that_differs_is_taken_into_account() -> None:
    rng = np.random.default_rng(9)
    features = rng.normal(size=(6_000, 2))
    chance = np.where(features[:, 0] > 0, 0.8, 0.2)
    took = (rng.random(6_000) < chance).astype(int)
    outcome = 3 * np.abs(features[:, 0]) * (features[:, 0] > 0) + took + rng.normal(size=6_000)
    model = uplift_model(features, took, outcome, propensity=chance)
    assert model.ci_low < 1 < model.ci_high
    assert model.se < 0.05


def test_units_that_cannot_be_learnt_from_are_refused() -> None:
    frame, took, outcome = _units(300, 3)
    cases = [
        ((frame, took[:-1], outcome), "300 units"),
        ((frame, took * 2, outcome), "not 0 or 1"),
        ((frame, took, np.where(outcome > 12, np.nan, outcome)), "missing"),
        ((frame, np.zeros(300), outcome), "At least 50"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            uplift_model(*arguments)
    with pytest.raises(ValueError, match="Columns channel are missing"):
        uplift_model(frame, took, outcome).score(frame.drop(columns="channel"))


@pytest.mark.parametrize("method", METHODS)
def test_a_zoned_date_is_the_day_of_its_zone(method: object) -> None:
    """Midnight in Berlin is the day before in UTC: a day's shift would count the last day before as changed."""
    plain = method(DAILY, PAIRS, START, seed=3)  # type: ignore[operator]
    zoned = DAILY.assign(date=DAILY["date"].dt.tz_localize("Europe/Berlin"))
    start = pd.Timestamp(START, tz="Europe/Berlin")
    found = method(zoned, PAIRS, start, seed=3)  # type: ignore[operator]
    assert (found.effect, found.ci_low, found.ci_high) == (plain.effect, plain.ci_low, plain.ci_high)
    assert (found.dates == plain.dates).all()


def test_a_day_on_which_an_arm_got_nothing_stops_no_synthetic_control() -> None:
    quiet = DAILY["date"].isin(DAILY["date"].max() - pd.to_timedelta(range(3), "D"))
    arm = DAILY["page"].map(PAIRS.set_index("page")["arm"])
    rare = DAILY.assign(clicks=DAILY["clicks"].where(~(quiet & (arm == 0)), 0))
    found = synthetic_control(rare, PAIRS, START, seed=3)
    assert 0.2 < found.effect < 1.0


def test_days_that_are_all_alike_show_no_effect_by_either_method() -> None:
    same = DAILY.assign(clicks=5)
    for method in METHODS:
        found = method(same, PAIRS, START, seed=3)
        assert found.effect == pytest.approx(0, abs=1e-6)
        assert found.p_value == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"settle_days": -5}, "settle_days"),
        ({"start": None}, "start"),
        ({"start": "soon"}, "start"),
        ({"value": "clics"}, "no column clics"),
        ({"daily": DAILY.assign(clicks=DAILY["clicks"].where(DAILY.index > 0))}, "1 of"),
        ({"daily": DAILY.assign(clicks=np.inf)}, "no finite number"),
        ({"daily": DAILY.assign(clicks="many")}, "no finite number"),
        ({"daily": DAILY.assign(date=DAILY["date"].where(DAILY.index > 0))}, "date is missing"),
        ({"pairs": PAIRS.assign(page="/a")}, "in two pairs"),
        ({"pairs": PAIRS.drop(columns="arm")}, "no column arm"),
        ({"pairs": PAIRS.assign(pair=np.nan)}, "one page of each arm"),
    ],
)
def test_figures_that_say_nothing_are_refused_by_name(
    method: object, change: dict[str, object], what: str
) -> None:
    asked: dict[str, object] = {"daily": DAILY, "pairs": PAIRS, "start": START, "seed": 3, **change}
    with pytest.raises(UnusableSample, match=what):
        method(**asked)  # type: ignore[operator]


@pytest.mark.parametrize("traffic", [np.nan, np.inf, -1.0, "much"])
def test_pages_without_known_traffic_are_not_paired(traffic: object) -> None:
    """One unknown would make every throw of the coins look the same, and the arms uneven."""
    column = PAGES["traffic"].astype(object).where(PAGES.index > 0, traffic)
    with pytest.raises(UnusableSample, match="traffic"):
        match_pages(PAGES.assign(traffic=column), 1)


def test_pages_without_a_template_are_refused_and_not_left_out_in_silence() -> None:
    with pytest.raises(UnusableSample, match="template is missing"):
        match_pages(PAGES.assign(template=PAGES["template"].where(PAGES.index > 5)), 1)


def test_a_test_of_rare_values_is_read_by_one_method_where_the_other_cannot() -> None:
    """Days without a single click of an arm must not end the reading of all experiments."""
    rng = np.random.default_rng(3)
    pages = pd.DataFrame({"page": [f"/p{place}" for place in range(24)], "template": "t", "traffic": 1.0})
    days = pd.date_range("2026-01-01", periods=84)
    daily = pd.MultiIndex.from_product([pages["page"], days], names=["page", "date"]).to_frame(index=False)
    daily["clicks"] = rng.poisson(0.15, len(daily))
    declared = Declared("k", ("a", "b"), (1, 1), Measure("clicks", "mean"), (), 24, 28, 1.0, 0.1)
    test = SplitTest(match_pages(pages, 1), daily[daily["clicks"] > 0], np.datetime64("2026-02-12"), 2, 28, 1)
    read = read_pages(declared, test)
    assert read.arms[0].effect is not None
    assert read.status == "inconclusive"


SCHEDULE = switchback_schedule(56, 1, 1)


@pytest.mark.parametrize(
    ("values", "arms", "alpha"),
    [
        (np.r_[np.inf, np.ones(55)], SCHEDULE, 0.05),
        (np.arange(56.0), np.where(SCHEDULE == 1, 2, -1), 0.05),
        (np.arange(56.0), np.where(SCHEDULE == 1, 1.9, 0.2), 0.05),
        (np.arange(56.0), np.where(SCHEDULE == 1, 1, np.nan), 0.05),
        (np.arange(56.0), SCHEDULE, 2.0),
        (np.arange(56.0), SCHEDULE, float("nan")),
    ],
)
def test_a_switchback_of_other_arms_or_infinite_values_is_refused(values: Any, arms: Any, alpha: float) -> None:
    """Arms 2 and -1 add up to 1 as arms 1 and 0 do: the effect had the wrong sign."""
    with pytest.raises(UnusableSample, match="neither 0 nor 1"):
        switchback_effect(values, arms, 1, alpha=alpha)


def test_parts_of_slices_are_no_blocks() -> None:
    with pytest.raises(UnusableSample, match="whole number"):
        switchback_schedule(20, 1.5, 1)  # type: ignore[arg-type]
    assert switchback_effect(np.arange(56.0) % 5, SCHEDULE, 1.0).pairs == 28  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "treated", "outcome"),
    [
        ([], [], []),
        ([1, 2], [1], [1, 2]),
        ([1, 2], [1, 1], [0, 1]),
        ([np.nan, 1], [0, 1], [0, 1]),
        ([1, 2], [2, 0], [0, 1]),
    ],
)
def test_a_ranking_is_not_judged_by_units_that_tell_nothing(score: Any, treated: Any, outcome: Any) -> None:
    with pytest.raises(UnusableSample):
        qini(score, treated, outcome)
