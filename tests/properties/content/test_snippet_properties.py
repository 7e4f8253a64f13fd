"""Whatever a page's words are, its snippets fit, are verified, and a score stays within 0–1."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.content import check_claims, description_variants, score, title_variants
from growth_pipelines.content.habits import Habits
from growth_pipelines.content.snippets import evidence_of
from growth_pipelines.content.structured import FEWEST_QUESTIONS, MOST_QUESTIONS, questions
from growth_pipelines.content.wording import templates
from growth_pipelines.learning.edits import words_in

TEXT = st.text(max_size=300)


@settings(max_examples=80, deadline=None)
@given(
    TEXT.filter(str.strip),
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), TEXT),
    st.sampled_from(["product", "collection", "page", "article", "other"]),
    st.lists(TEXT, max_size=3),
)
def test_snippets_of_any_page_fit_and_are_verified(
    title: str, description: str | None, vendor: str | None, page_type: str, queries: list[str]
) -> None:
    page = {"title": title, "description": description, "vendor": vendor, "page_type": page_type}
    evidence = evidence_of(page, "Hot Rod Parts")
    for text, judged, *_ in title_variants(page, queries, shop_name="Hot Rod Parts"):
        assert 0 < len(text) <= 60
        assert check_claims(text, evidence) == []
        assert 0 <= judged.total <= 1
    for text, judged, *_ in description_variants(page, queries, shop_name="Hot Rod Parts"):
        assert 0 < len(text) <= 155
        assert check_claims(text, evidence) == []
        assert 0 <= judged.total <= 1


@given(TEXT, st.sampled_from(["title", "description", "alt", "faq", "guide"]), st.lists(TEXT, max_size=4))
def test_a_score_and_its_parts_are_within_0_and_1(text: str, kind: str, queries: list[str]) -> None:
    judged = score(text, kind, {"queries": queries, "subject": "AN-6 Hose End", "others": queries})
    assert 0 <= judged.total <= 1
    assert all(0 <= part <= 1 for part in judged.parts.values())


WORD = st.sampled_from(["hose", "sturdy", "cheap", "order", "hot", "made", "steel", "line"])
SENTENCE = st.builds(
    lambda some, end: f"{' '.join(some).capitalize()}{end}",
    st.lists(WORD, min_size=1, max_size=8),
    st.sampled_from([".", "!", "!!", "?"]),
)
HABITS = st.builds(
    Habits,
    st.frozensets(WORD, max_size=3),
    st.frozensets(WORD, max_size=3),
    st.booleans(),
    st.floats(-0.9, 2.0),
    st.frozensets(st.sampled_from(["title", "description"])),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(WORD, min_size=1, max_size=5).map(" ".join),
    st.lists(SENTENCE, max_size=5).map(" ".join),
    st.sampled_from(["product", "collection", "page", "article"]),
    HABITS,
)
def test_following_habits_breaks_no_limit_and_says_nothing_new(
    title: str, description: str, page_type: str, habits: Habits
) -> None:
    page = {"title": title, "description": description, "vendor": "Maker & Sons", "page_type": page_type}
    wording = templates("en")
    assert wording is not None
    told = " ".join([title, description, "Maker & Sons", "Hot Rod Parts"])
    shipped = " ".join([*wording["titles"][page_type].values(), *wording["descriptions"][page_type].values()])
    known = set(words_in(f"{told} {shipped} {' '.join(wording['actions'][page_type])}"))
    for write, longest in ((title_variants, 60), (description_variants, 155)):
        plain = write(page, [], shop_name="Hot Rod Parts", count=99)
        followed = write(page, [], shop_name="Hot Rod Parts", habits=habits, count=99)
        assert bool(followed) == bool(plain)
        for one in followed:
            assert 0 < len(one.text) <= longest
            assert check_claims(one.text, evidence_of(page, "Hot Rod Parts")) == []
            assert set(words_in(one.text)) <= known
            assert len(habits.broken(one.text)) <= len(habits.broken(plain[0].text))
            assert set(one.habits.missed) == habits.broken(one.text)
        assert followed == write(page, [], shop_name="Hot Rod Parts", habits=habits, count=99)
        if habits.calmer and description.count("!") and "!" not in title:
            assert not any("!" in one.text for one in followed)


@given(st.lists(st.lists(WORD, min_size=1, max_size=8).map(" ".join), min_size=1, unique=True), HABITS)
def test_texts_in_the_order_of_habits_stay_in_it(texts: list[str], habits: Habits) -> None:
    once = habits.ordered(texts[0], texts, set(texts))
    assert once
    assert set(once) <= set(texts)
    assert habits.ordered(texts[0], once, set(once)) == once


@settings(max_examples=80, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=5).map(" ".join), st.lists(SENTENCE, max_size=6).map(" ".join), HABITS)
def test_questions_keep_their_number_and_say_nothing_new_for_habits(
    title: str, description: str, habits: Habits
) -> None:
    page = {"title": title, "description": description, "vendor": "Maker & Sons", "product_type": "Lines"}
    plain = questions(page, shop_name="Hot Rod Parts", most=99)
    followed = questions(page, shop_name="Hot Rod Parts", habits=habits)
    assert min(len(plain), FEWEST_QUESTIONS) <= len(followed) <= MOST_QUESTIONS
    told = set(words_in(" ".join([description, *(f"{pair.left} {pair.right}" for pair in plain)])))
    for pair in followed:
        assert set(words_in(f"{pair.left} {pair.right}")) <= told
        assert check_claims(f"{pair.left} {pair.right}", evidence_of(page, "Hot Rod Parts")) == []
    assert followed == questions(page, shop_name="Hot Rod Parts", habits=habits)
