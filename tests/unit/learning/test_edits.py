"""What is learnt from edits, and what never is."""

from __future__ import annotations

import pytest

from growth_pipelines.learning import edit_signal, preferences


@pytest.mark.parametrize(
    ("before", "after", "category"),
    [
        ("Amazing boots for you", "Sturdy boots for hikers", "tone"),
        ("Boots with 3 year warranty", "Boots with 2 year warranty", "fact"),
        ("Boots for hikers", "Boots for hikers, waterproof and light", "added"),
        ("Boots for hikers, waterproof and light", "Boots for hikers", "removed"),
        ("waterproof boots for hikers", "boots for hikers waterproof", "restructured"),
    ],
)
def test_each_edit_has_one_category(before: str, after: str, category: str) -> None:
    assert edit_signal(before, after).category == category


def test_distance_is_the_share_of_words_changed() -> None:
    assert edit_signal("one two three four", "one two three five").distance == 0.25
    assert edit_signal("same words", "same words").distance == 0
    assert edit_signal("", "all new").distance == 1


def test_a_habit_needs_three_edits() -> None:
    twice = [edit_signal("cheap boots", "affordable boots")] * 2
    assert preferences(twice) == []
    found = {one.key: one.times for one in preferences(twice + twice[:1])}
    assert found == {"add:affordable": 3, "avoid:cheap": 3}


def test_length_and_calm_are_learnt() -> None:
    signals = [edit_signal("Buy these great boots now, really great!", "Great boots")] * 3
    keys = {one.key for one in preferences(signals)}
    assert {"shorter", "calmer"} <= keys


def test_addresses_numbers_and_short_words_are_never_learnt() -> None:
    text = "Ask jane.doe@example.com or +49 170 1234567 at https://example.com of it"
    signal = edit_signal("Boots", f"Boots. {text}")
    assert signal.added == ("ask",)
