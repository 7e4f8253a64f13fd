"""What is learnt from edits, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from growth_pipelines.learning import EditSignal, edit_signal, followed_by, preferences
from growth_pipelines.learning.fading import HALF_LIFE_DAYS


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


def _keys(*signals: EditSignal) -> set[str]:
    return {one.key for one in preferences(signals)}


def test_a_habit_fades_by_half_in_90_days_and_is_kept_that_long_after_three_edits() -> None:
    def edits(age: float) -> list[EditSignal]:
        return [replace(edit_signal("cheap boots", "boots"), age_days=age)] * 3

    assert "avoid:cheap" in _keys(*edits(HALF_LIFE_DAYS - 1))
    assert "avoid:cheap" not in _keys(*edits(HALF_LIFE_DAYS + 1))
    assert preferences(edits(30))[0].left == pytest.approx(3 * 0.5 ** (30 / 90))


def test_a_word_that_is_put_back_takes_its_habit_away() -> None:
    out = [replace(edit_signal("cheap boots", "boots"), age_days=30.0)] * 3
    back = edit_signal("boots", "cheap boots")
    assert "avoid:cheap" in _keys(*out)
    assert "avoid:cheap" not in _keys(*out, back)
    assert not {"avoid:cheap", "add:cheap"} & _keys(*out, back, back, back)


def test_words_that_only_join_others_are_no_habit() -> None:
    edits = [edit_signal("boots with laces and soles", "boots")] * 3
    assert {one.key for one in preferences(edits, {"with", "and"})} == {"avoid:laces", "avoid:soles", "shorter"}


def test_a_length_goes_for_the_parts_where_it_showed_three_times() -> None:
    edit = edit_signal("one two three four five", "one two three four")
    parts = [("description",), ("description",), ("description", "title")]
    found = {one.key: one for one in preferences(replace(edit, parts=each) for each in parts)}
    assert found["shorter"].parts == ("description",)
    assert found["shorter"].amount == pytest.approx(-0.2)


def test_texts_that_are_lengthened_again_are_no_longer_shortened() -> None:
    shorter, longer = edit_signal("one two three four", "one two"), edit_signal("one two", "one two three four")
    old = replace(shorter, age_days=60.0)
    assert "shorter" in _keys(old, old, old)
    assert "shorter" not in _keys(old, old, old, longer)


def test_several_edits_of_one_action_count_as_one_and_what_is_undone_does_not_count() -> None:
    out, back = edit_signal("cheap red boots", "red boots"), edit_signal("red boots", "cheap boots")
    both = followed_by(out, back)
    assert (both.added, both.removed) == ((), ("red",))
    twice = followed_by(out, edit_signal("red boots", "boots"))
    assert twice.removed == ("cheap", "red")
    assert twice.words_after < twice.words_before
