"""Whatever the texts, a diff shows all of both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.console.words import compare_words

WORDS = st.lists(st.sampled_from(["AN-6", "hose", "Hose", " ", "  ", "\n", ",", "|", "−8", "é", "fuel"])).map(
    "".join
)


@given(st.one_of(WORDS, st.text(max_size=60)), st.one_of(WORDS, st.text(max_size=60)))
def test_both_texts_can_be_read_back_from_the_diff(before: str, after: str):
    pieces = compare_words(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


@given(WORDS)
def test_equal_texts_have_no_change(text: str):
    assert all(piece.kind == "same" for piece in compare_words(text, text))
