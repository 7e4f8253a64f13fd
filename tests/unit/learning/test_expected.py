"""What is expected of a page, as a factor of the score: what it says, when it says nothing, how far it may go."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.learning import Corrections, expected_values, with_expectations
from growth_pipelines.learning.expected import HIGHEST, LEAST_OUTCOMES, LOWEST


def _signals(n: int, seed: int = 0, **given: float) -> pd.DataFrame:
    """Approved actions of one kind that promise 100: with many visits they bring it, with few nothing."""
    rng = np.random.default_rng(seed)
    visits = rng.uniform(100, 1_000, n)
    effect = 20 * np.clip((visits - 400) / 300, 0, 1) + rng.normal(0, 2, n)
    frame = pd.DataFrame(
        {
            "recommender": "seo_ctr", "subtype": "title", "change_type": "copy", "revenue": 100.0,
            "confidence": 0.8, "ease": 1.0, "page_visits": visits, "page_position": rng.uniform(1, 20, n),
            "place": np.nan, "age_days": rng.uniform(0, 90, n), "approved": 1.0, "succeeded": 1.0,
            "estimate": 20.0, "effect": effect, "effect_low": effect - 4, "effect_high": effect + 4,
        }
    ).assign(**given)  # fmt: skip
    # Without a refusal there is no model of approvals to speak of.
    return frame.assign(approved=np.where(np.arange(n) % 5 == 0, 0.0, 1.0)) if "approved" not in given else frame


def _proposals(*visits: float, score: float = 80.0, ease: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recommender": "seo_ctr",
            "subtype": "title",
            "revenue": 100.0,
            "confidence": 0.8,
            "ease": ease,
            "page_visits": visits,
            "page_position": 10.0,
            "score": score,
        }
    )


def test_a_page_that_brings_more_counts_more() -> None:
    few, some, many = expected_values(_signals(200)).factors(_proposals(150, 500, 900))
    assert few < 0.6 * some < 0.6 * many
    # Four in five are approved and bring 100 there: the score says so already.
    assert many == pytest.approx(1, abs=0.25)


def test_the_score_becomes_the_expected_money_times_the_ease() -> None:
    learnt = expected_values(_signals(200))
    proposals = _proposals(550, 600, 900)
    worth = proposals["score"] * learnt.factors(proposals)
    assert learnt.factors(proposals.assign(score=50.0)) * 50 == pytest.approx(worth)
    assert learnt.factors(proposals.assign(revenue=np.nan)) == pytest.approx(1)


def test_as_long_as_little_is_measured_nothing_counts() -> None:
    proposals = _proposals(100, 900)
    enough = int(LEAST_OUTCOMES / 0.8)
    assert (expected_values(_signals(enough - 5)).factors(proposals) == 1).all()
    assert (expected_values(_signals(enough + 5)).factors(proposals) != 1).all()
    assert (expected_values(_signals(0)).factors(proposals) == 1).all()
    # All outcomes alike tell nothing of what makes them so.
    assert (expected_values(_signals(100, effect=20.0)).factors(proposals) == 1).all()


def test_a_factor_stays_within_ten_times_and_harm_stays_in_the_list() -> None:
    learnt = expected_values(_signals(200))
    assert learnt.factors(_proposals(900, score=1.0)) == pytest.approx(HIGHEST)
    assert learnt.factors(_proposals(900, score=100_000.0)) == pytest.approx(LOWEST)
    harmful = expected_values(_signals(200).assign(effect=lambda one: one["effect"] - 40))
    assert harmful.factors(_proposals(500)) == pytest.approx(LOWEST)
    assert harmful.factors(_proposals(500, score=0.0)) == pytest.approx(1)


def test_a_page_that_is_not_known_counts_as_the_middle_one_whatever_it_stands_beside() -> None:
    signals = _signals(200)
    middle = float(signals["page_visits"].median())
    learnt = expected_values(signals)
    alone = learnt.factors(_proposals(np.nan))
    assert alone == pytest.approx(learnt.factors(_proposals(middle)))
    assert learnt.factors(_proposals(np.nan, 900, 950, 990))[0] == pytest.approx(alone[0])
    never_kept = expected_values(signals.assign(page_visits=np.nan, page_position=np.nan))
    assert np.ptp(never_kept.factors(_proposals(100, 900, np.nan))) == pytest.approx(0)


def test_the_chain_is_what_it_was_and_the_page_comes_on_top() -> None:
    learnt = with_expectations(_signals(200), "expected-value-1")
    assert learnt.version == "expected-value-1"
    assert learnt.of("seo_ctr", "title", 0.8).keys() == {"win_rate", "calibration", "realised"}
    assert (Corrections().expected.factors(_proposals(1, 2)) == 1).all()
