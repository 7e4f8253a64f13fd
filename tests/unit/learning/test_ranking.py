"""The ranking: what it does without a history, what it learns from, what it leaves out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.learning import expectations, rank


def _proposals(n: int, seed: int = 0, kinds: tuple[str, ...] = ("title", "image")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"p{seed}-{number}" for number in range(n)],
            "action_type": rng.choice(kinds, n),
            "predicted_impact": rng.gamma(2, 50, n),
            "effort": rng.integers(1, 5, n),
            "traffic": rng.lognormal(6, 1, n),
            "position": rng.uniform(1, 20, n),
            "confidence": rng.uniform(0.5, 0.9, n),
        }
    )


def _history(n: int = 200) -> pd.DataFrame:
    """Titles are approved and bring 10, images are approved and bring nothing; the rest is noise."""
    past = _proposals(n, 1)
    rng = np.random.default_rng(2)
    brought = np.where(past["action_type"] == "title", 10.0, 0.0) + rng.normal(0, 1, n)
    return past.assign(round=np.arange(n) // 5, decision="approved", outcome=brought)


def test_without_a_history_impact_times_confidence_decides() -> None:
    candidates = _proposals(30)
    nothing = candidates.iloc[:0].assign(round=0, decision="", outcome=0.0)
    believed = candidates["predicted_impact"] * candidates["confidence"]
    assert rank(nothing, candidates, 5, seed=1) == list(candidates["id"][believed.nlargest(5).index])


def test_candidates_that_repeat_an_id_are_refused() -> None:
    candidates = _proposals(6)
    with pytest.raises(ValueError, match="'p0-2' occurs twice"):
        rank(_history(), pd.concat([candidates, candidates.iloc[2:3]]), 3, seed=1)


def test_what_brought_something_is_ranked_first_though_all_was_approved() -> None:
    candidates = _proposals(30, 3)
    titles = set(candidates["id"][candidates["action_type"] == "title"])
    assert set(rank(_history(), candidates, 5, seed=1)) <= titles


def test_the_draw_of_a_seed_stays_what_it_was() -> None:
    """Models may be learnt once and asked of many; what ``rank`` answers is no other for it."""
    past = _history(60)
    history = past.assign(decision=np.where(np.arange(60) % 3 > 0, "approved", "rejected"))
    found = [rank(history, _proposals(30, 6), 5, seed) for seed in (1, 2)]
    assert found == [[f"p6-{one}" for one in order] for order in ((18, 21, 19, 12, 15), (18, 21, 19, 15, 12))]


def test_approval_and_outcome_are_two_models() -> None:
    history = _history()
    history.loc[history["action_type"] == "title", "decision"] = np.where(
        np.arange((history["action_type"] == "title").sum()) % 4 == 0, "approved", "rejected"
    )
    candidates = _proposals(40, 4)
    expected = expectations(history, candidates)
    title = (candidates["action_type"] == "title").to_numpy()
    assert expected.approval[title].mean() == pytest.approx(0.25, abs=0.08)
    assert expected.approval[~title].mean() > 0.9
    assert expected.outcome[title].mean() == pytest.approx(10, abs=1)
    assert expected.outcome[~title].mean() == pytest.approx(0, abs=1)


def test_what_is_not_measured_yet_is_no_zero() -> None:
    history = _history()
    measured = expectations(history, _proposals(20, 5)).outcome
    history.loc[history.index % 2 == 0, "outcome"] = np.nan
    half = expectations(history, _proposals(20, 5)).outcome
    assert np.abs(measured - half).max() < 1.5


def test_tastes_of_long_ago_are_forgotten() -> None:
    old, new = _history(), _history()
    old["decision"] = "rejected"
    new["round"] += 200
    expected = expectations(pd.concat([old, new], ignore_index=True), _proposals(20, 6))
    assert expected.approval.min() > 0.8


def test_the_same_seed_ranks_the_same_and_kinds_never_seen_can_be_ranked() -> None:
    candidates = _proposals(30, 7, ("title", "new kind"))
    first = rank(_history(), candidates, 5, seed=9)
    assert first == rank(_history(), candidates, 5, seed=9)
    assert len(set(first)) == 5
    orders = {tuple(rank(_history(), candidates, 5, seed=seed)) for seed in range(8)}
    assert len(orders) > 1


def test_decisions_may_be_words_numbers_or_missing() -> None:
    history = _history()
    words = expectations(history, _proposals(10, 8)).approval
    history["decision"] = 1
    assert np.allclose(words, expectations(history, _proposals(10, 8)).approval)
    history["decision"] = None
    assert np.allclose(expectations(history, _proposals(10, 8)).approval, 1)


def _overlooked(rounds: int = 200) -> pd.DataFrame:
    """Images stand further down, where seven in ten are overlooked; what is looked at is approved alike."""
    past = _proposals(5 * rounds, 9).assign(round=np.repeat(np.arange(rounds), 5), outcome=np.nan)
    rng = np.random.default_rng(10)
    above = (past["action_type"] == "title") != (rng.random(len(past)) < 0.1)
    past["place"] = np.where(above, 0, 1)
    approved = rng.random(len(past)) < 0.8 * np.where(above, 1, 0.3)
    return past.assign(decision=np.where(approved, "approved", "rejected"))


def test_what_was_overlooked_was_not_refused() -> None:
    candidates, history = _proposals(40, 11), _overlooked()
    image = (candidates["action_type"] == "image").to_numpy()
    told, untold = (expectations(one, candidates).approval for one in (history, history.drop(columns="place")))
    assert untold[image].mean() < 0.45
    assert told[image].mean() == pytest.approx(0.8, abs=0.12)
    assert told[~image].mean() == pytest.approx(0.8, abs=0.12)


def test_places_that_are_not_known_change_nothing() -> None:
    candidates, history = _proposals(40, 11), _overlooked()
    unknown = expectations(history.assign(place=np.nan), candidates).approval
    assert np.allclose(unknown, expectations(history.drop(columns="place"), candidates).approval)


def test_first_outcomes_leave_the_estimates_their_say_and_many_overrule_them() -> None:
    history, candidates = _history(600), _proposals(60, 12)
    estimate = candidates["predicted_impact"]
    first = history.iloc[:5].assign(outcome=[1.0, 2.0, 1.0, 2.0, 1.0])
    assert np.corrcoef(expectations(first, candidates).outcome, estimate)[0, 1] > 0.4
    rng = np.random.default_rng(13)
    misled = history.assign(outcome=-history["predicted_impact"] + rng.normal(0, 50, len(history)))
    assert np.corrcoef(expectations(misled, candidates).outcome, estimate)[0, 1] < -0.9
