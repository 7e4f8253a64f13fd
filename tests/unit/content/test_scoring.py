"""The score tells good texts from bad ones, part by part, and every part can be acted on."""

from __future__ import annotations

import pytest

from growth_pipelines.content import Score, score

TITLE = "AN-6 45 Degree PTFE Hose End, Black | Hot Rod Parts"
CONTEXT = {
    "queries": [("an6 45 degree hose end", 100), ("6an ptfe hose end", 50)],
    "evidence": [TITLE, "Reusable hose end for AN-6 PTFE hose."],
    "subject": "AN-6 45 Degree PTFE Hose End, Black",
    "others": ["Hot Rod Parts", "AN-8 Straight Adapter"],
}


def test_a_good_title_beats_a_weak_one_clearly() -> None:
    good, weak = score(TITLE, "title", CONTEXT), score("Shop now", "title", CONTEXT)
    assert good.total > 0.85
    assert good.tier == "excellent"
    assert weak.total < good.total - 0.3


def test_the_total_is_the_weighted_mean_of_the_parts_that_apply() -> None:
    assert min(score(TITLE, "title", CONTEXT).parts.values()) >= 0
    assert "query_coverage" not in score(TITLE, "title").parts
    assert "citations" not in score(TITLE, "title").parts
    assert score("", "title").total == 0


def test_spellings_of_one_size_are_one_term() -> None:
    parts = [
        score(text, "title", CONTEXT).parts["query_coverage"] for text in ("AN-6 hose", "6AN hose", "-6an hose")
    ]
    assert parts[0] == parts[1] == parts[2] > 0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("AN-6 Hose End " * 6, "length"),
        ("AN-6 HOSE END!!! BUYNOW", "tone"),
        ("Cheapest Teflon hose end", "terminology"),
        ("AN-8 hose end with free shipping", "policy"),
        ("AN-8 Straight Adapter", "uniqueness"),
        ("Black", "completeness"),
    ],
)
def test_each_flaw_lowers_its_own_part(text: str, part: str) -> None:
    assert score(text, "title", CONTEXT).parts[part] < score(TITLE, "title", CONTEXT).parts[part]


def test_policy_blocks_whatever_the_total() -> None:
    bad = score("AN-6 hose end: free shipping, DOT approved", "title", CONTEXT)
    assert bad.blocked
    assert len(bad.problems) >= 2
    assert not score(TITLE, "title", CONTEXT).blocked


def test_readability_is_only_judged_on_texts_long_enough_to_measure() -> None:
    plain = "This hose end fits your line. It seals on the flare. You can use it again. " * 5
    stiff = (
        "Notwithstanding considerable manufacturing heterogeneity, interchangeability considerations necessitate "
        "comprehensive dimensional verification procedures preceding installation. "
    ) * 4
    assert "readability" not in score(TITLE, "title").parts
    assert score(plain, "guide").parts["readability"] > score(stiff, "guide").parts["readability"]


def test_a_guide_without_sources_loses_its_citations() -> None:
    assert score("x " * 200, "guide", {"citations": ["catalogue"]}).parts["citations"] == 1
    assert score("x " * 200, "guide").parts["citations"] == 0


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        score("x", "poem")


@pytest.mark.parametrize(
    ("total", "tier"), [(0.9, "excellent"), (0.85, "excellent"), (0.7, "good"), (0.55, "fair"), (0.2, "poor")]
)
def test_tiers(total: float, tier: str) -> None:
    assert Score(total).tier == tier
