"""Win-rates, recalibration and drift: simulated where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.learning import calibrate_confidence, drift, factors, impact_ratios, win_rates


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
