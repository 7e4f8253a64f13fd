"""Win-rates, recalibration and drift: simulated where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.scoring import score
from growth_pipelines.learning import Corrections, calibrate_confidence, drift, factors, impact_ratios, win_rates


def _signals(**approved: list[float]) -> pd.DataFrame:
    rows = [
        {"recommender": name, "subtype": "title", "change_type": "change", "age_days": 0.0, "approved": value}
        for name, values in approved.items()
        for value in values
    ]
    return pd.DataFrame(rows).assign(succeeded=np.nan)


def test_without_data_nothing_is_multiplied() -> None:
    assert win_rates(_signals(a=[1.0]).iloc[:0]) == []
    undecided = _signals(a=[np.nan, np.nan])
    assert factors(win_rates(undecided)) == {}


def test_what_is_approved_more_often_counts_more_and_one_decision_counts_little() -> None:
    found = factors(win_rates(_signals(good=[1.0] * 30, bad=[0.0] * 30, rare=[0.0])))
    assert found["good"] == 1.5
    assert found["bad"] == 0.5
    assert 0.75 < found["rare"] < 1.0


def test_subtypes_are_drawn_towards_their_recommender_and_old_decisions_fade() -> None:
    signals = _signals(a=[1.0] * 20, b=[0.0] * 20)
    new = pd.DataFrame(
        [{"recommender": "a", "subtype": "new", "change_type": "add", "age_days": 0.0, "approved": 0.0}]
    )
    by_key = {one.key: one for one in win_rates(pd.concat([signals, new], ignore_index=True))}
    assert by_key["a"].approval.mean > by_key["a/new"].approval.mean > 0.5
    faded = win_rates(signals.assign(age_days=90.0))
    assert faded[0].approval.n == pytest.approx(10)


def test_intervals_of_rates_hold_the_true_ones() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(60):
        true = rng.beta(6, 4, 8)
        frame = _signals(**{f"r{i}": list((rng.random(25) < true[i]).astype(float)) for i in range(8)})
        rates = {one.key: one.approval for one in win_rates(frame) if len(one.path) == 1}
        held += [rates[f"r{i}"].low <= true[i] <= rates[f"r{i}"].high for i in range(8)]
    assert 0.91 <= np.mean(held) <= 0.985


def test_confidence_that_promised_too_much_is_brought_down() -> None:
    rng = np.random.default_rng(4)
    said = rng.uniform(0.5, 0.95, 600)
    true = 1 / (1 + np.exp(-(np.log(said / (1 - said)) - 1)))
    learnt = calibrate_confidence(said, (rng.random(600) < true).astype(float))
    fresh = np.array([0.6, 0.7, 0.9])
    wanted = 1 / (1 + np.exp(-(np.log(fresh / (1 - fresh)) - 1)))
    assert np.abs(learnt.of(fresh) - wanted).max() < 0.07
    seven = learnt.of(said)
    near = np.abs(seven - 0.7) < 0.08
    assert true[near].mean() == pytest.approx(0.7, abs=0.06)


def test_without_outcomes_confidence_stays_and_few_move_it_little() -> None:
    assert calibrate_confidence([], []).of([0.7])[0] == pytest.approx(0.7)
    assert calibrate_confidence([0.7, 0.7], [0.0, 0.0]).of([0.7])[0] > 0.5


def test_impact_that_promised_double_is_halved_and_a_rare_recommender_leans_on_the_shop() -> None:
    rng = np.random.default_rng(5)
    effect = 50 + rng.normal(0, 15, 80)
    outcomes = pd.DataFrame(
        {
            "recommender": ["often"] * 79 + ["once"],
            "estimate": 100.0,
            "effect": effect,
            "effect_low": effect - 30,
            "effect_high": effect + 30,
        }
    )
    found = impact_ratios(outcomes)
    assert found["often"].ratio == pytest.approx(0.5, abs=0.06)
    assert 0.3 < found["once"].ratio < 0.7
    assert impact_ratios(outcomes.iloc[:0])[""].ratio == 1


def test_false_alarms_are_as_rare_as_stated_and_a_change_of_taste_is_found() -> None:
    rng = np.random.default_rng(6)
    false, delays = 0, []
    for _ in range(200):
        expected = rng.uniform(0.3, 0.9, 300)
        false += drift(rng.random(300) < expected, expected, rate=0.001).alarmed
        then = np.concatenate([np.full(100, 0.7), np.full(100, 0.3)])
        found = drift(rng.random(200) < then, np.full(200, 0.7), rate=0.001)
        if found.alarm_at is not None and found.alarm_at >= 100:
            delays.append(found.alarm_at - 100)
    # One in 1,000 observations on average: 300 of them alarm in at most 30 %.
    assert false / 200 <= 0.3
    assert len(delays) > 150
    assert np.median(delays) < 40


def test_a_recommender_that_is_too_sure_is_corrected_by_itself_and_a_new_one_by_the_shop() -> None:
    rng = np.random.default_rng(8)
    said = np.full(400, 0.8)
    paths = [("sure", "title")] * 200 + [("modest", "title")] * 200
    won = np.concatenate([rng.random(200) < 0.5, rng.random(200) < 0.8]).astype(float)
    learnt = calibrate_confidence(said, won, paths)
    assert learnt.of([0.8], "sure", "title")[0] == pytest.approx(0.5, abs=0.07)
    assert learnt.of([0.8], "modest", "title")[0] == pytest.approx(0.8, abs=0.06)
    assert 0.5 < learnt.of([0.8], "new", "title")[0] < 0.8
    low, high = learnt.interval(0.8, "sure", "title")
    wide = learnt.interval(0.8, "new", "title")
    assert low < 0.5 < high
    assert high - low < wide[1] - wide[0] + 0.05


def test_intervals_of_corrected_confidences_hold_the_true_share() -> None:
    held = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 11])
        off = rng.normal(0, 0.5, 4)
        kind, said = rng.integers(0, 4, 200), rng.uniform(0.5, 0.95, 200)
        true = 1 / (1 + np.exp(-(np.log(said / (1 - said)) - 0.4 + off[kind])))
        paths = [(f"r{one}", "s") for one in kind]
        learnt = calibrate_confidence(said, (rng.random(200) < true).astype(float), paths)
        for one in range(4):
            low, high = learnt.interval(0.7, f"r{one}", "s")
            held.append(low <= 1 / (1 + np.exp(-(np.log(0.7 / 0.3) - 0.4 + off[one]))) <= high)
    assert 0.9 <= np.mean(held) <= 0.995


def test_before_any_outcome_no_score_changes_and_no_lesson_goes_beyond_its_bounds() -> None:
    assert Corrections().of("seo_ctr", "title", 0.8) == {"win_rate": 1.0}
    assert calibrate_confidence([], []).interval(0.7) == (0.0, 1.0)
    wild = Corrections(win_rates={"a": 9.0}, calibration=calibrate_confidence([0.9] * 500, [0.0] * 500))
    assert wild.of("a", "b", 0.9) == {"win_rate": 1.5, "calibration": 0.5}
    assert score(10, 0.9, 1, {"win_rate": 9, "calibration": 0.01}).value == pytest.approx(10 * 0.9 * 1.5 * 0.5)
