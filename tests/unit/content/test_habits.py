"""Drafts follow the habits of operators' edits: by another text that fits and is true, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.content import description_variants, title_variants
from growth_pipelines.content.habits import NO_HABITS, Habits
from growth_pipelines.content.snippets import Variant
from growth_pipelines.learning.edits import Preference, words_in

SHOP = "Hot Rod Parts"
PAGE: dict[str, Any] = {
    "title": "AN-6 45 Degree PTFE Hose End, Black",
    "page_type": "product",
    "vendor": "Torque Line",
    "description": "Reusable 45 Degree hose end for AN-6 PTFE hose. 6061-T6 aluminium with a Black anodised "
    "finish. No sealant on the flare threads.",
}
PLAIN_PAGE: dict[str, Any] = {
    "title": "Fuel Hose End",
    "page_type": "product",
    "vendor": "Torque Line",
    "description": "Screws onto the braided hose by hand. Made of strong aluminium! Seals metal to metal.",
}
QUERIES = [("an6 45 degree hose end", 100)]


def _titles(habits: Habits) -> list[Variant]:
    return title_variants(PAGE, QUERIES, shop_name=SHOP, habits=habits)


def _descriptions(habits: Habits) -> list[Variant]:
    return description_variants(PLAIN_PAGE, QUERIES, shop_name=SHOP, habits=habits)


def test_a_word_that_is_taken_out_is_in_none_of_the_texts_offered() -> None:
    plain = _titles(NO_HABITS)[0].text.lower().split()[-1]
    offered = _titles(Habits(avoided=frozenset({plain})))
    assert offered
    assert not any(plain in one.text.lower().split() for one in offered)
    assert offered[0].habits.followed == (f"avoid:{plain}",)
    assert offered[0].habits.missed == ()


def test_a_sentence_with_such_a_word_is_left_out_whole() -> None:
    assert "aluminium" in _descriptions(NO_HABITS)[0].text
    offered = _descriptions(Habits(avoided=frozenset({"aluminium"})))
    assert "Screws onto the braided hose by hand." in offered[0].text
    for one in offered:
        assert "aluminium" not in one.text
        assert "strong" not in one.text


def test_where_every_text_has_the_word_the_draft_stays_and_says_so() -> None:
    habits = Habits(avoided=frozenset({"hose"}))
    assert [one.text for one in _titles(habits)] == [one.text for one in _titles(NO_HABITS)]
    assert {one.habits.missed for one in _titles(habits)} == {("avoid:hose",)}
    assert not any(one.habits.followed for one in _titles(habits))


def test_exclamation_marks_of_the_page_become_full_stops() -> None:
    assert "aluminium!" in _descriptions(NO_HABITS)[0].text
    calm = _descriptions(Habits(calmer=True))
    assert not any("!" in one.text for one in calm)
    assert "Made of strong aluminium." in calm[0].text
    assert calm[0].habits.followed == ("calmer",)


@pytest.mark.parametrize(
    ("said", "calm"),
    [
        ("It fits!!", "It fits."),
        ("Leaks?!", "Leaks?"),
        ("Leaks!?", "Leaks?"),
        ("It fits.", "It fits."),
        ("!", "."),
    ],
)
def test_a_sentence_stays_whole_without_its_exclamation_marks(said: str, calm: str) -> None:
    assert Habits(calmer=True).calm(said) == calm
    assert Habits().calm(said) == said


def test_a_name_keeps_its_exclamation_mark() -> None:
    title = title_variants({**PAGE, "title": "Wow! Hose End"}, [], shop_name=SHOP, habits=Habits(calmer=True))[0]
    assert title.text.startswith("Wow! ")
    assert title.habits.missed == ("calmer",)


@pytest.mark.parametrize("share", [-0.2, -0.5])
def test_shorter_texts_are_preferred_by_as_much_as_operators_shorten(share: float) -> None:
    plain = _descriptions(NO_HABITS)[0]
    first = _descriptions(Habits(length=share, of_length=frozenset({"description"})))[0]
    assert len(words_in(first.text)) <= (1 + share) * len(words_in(plain.text))
    assert first.habits.followed == ("shorter",)
    assert not first.score.needs_review


def test_longer_texts_are_preferred_within_the_limit() -> None:
    habits = Habits(length=0.5, of_length=frozenset({"description"}))
    page = {**PAGE, "description": PAGE["description"].replace("finish.", "FINISH.")}
    plain = description_variants(page, QUERIES, shop_name=SHOP)[0]
    first = description_variants(page, QUERIES, shop_name=SHOP, habits=habits)[0]
    assert len(words_in(plain.text)) < len(words_in(first.text))
    assert len(first.text) <= 155
    assert first.habits.followed == ("longer",)


def test_the_length_of_titles_says_nothing_of_descriptions() -> None:
    habits = Habits(length=-0.5, of_length=frozenset({"title"}))
    assert _descriptions(habits) == _descriptions(NO_HABITS)


def test_a_welcome_word_chooses_a_text_that_has_it_and_is_never_written_in() -> None:
    assert "Torque" not in _titles(NO_HABITS)[0].text
    first = _titles(Habits(welcome=frozenset({"torque"})))[0]
    assert "Torque Line" in first.text
    assert first.habits.followed == ("add:torque",)
    untrue = _titles(Habits(welcome=frozenset({"stainless"})))
    assert [one.text for one in untrue] == [one.text for one in _titles(NO_HABITS)]
    assert not any(one.habits for one in untrue)


def test_habits_are_made_of_what_was_learnt() -> None:
    learnt = [
        Preference("avoid:cheap", "avoid", "cheap", 3, 1.0),
        Preference("add:sturdy", "add", "sturdy", 3, 1.0),
        Preference("calmer", "calmer", "", 3, 1.0),
        Preference("shorter", "shorter", "", 4, 1.0, amount=-0.25, parts=("title",)),
    ]
    habits = Habits(frozenset({"cheap"}), frozenset({"sturdy"}), True, -0.25, frozenset({"title"}))
    assert Habits.of(learnt) == habits
    assert not Habits.of([])
