"""The index of words gives what comparing every pair gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.content.terms import word_set
from growth_pipelines.content.word_index import Texts, WordIndex

WORD = st.sampled_from(["hose", "filter", "black", "an-6", "an-8", "ls", "swap", "kit", "rail"])
TEXT = st.lists(WORD, max_size=6).map(" ".join)


def _jaccard(one: str, other: str) -> float:
    mine, theirs = word_set(one), word_set(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


@given(st.lists(TEXT, max_size=12), TEXT, st.data())
def test_likeness_is_that_of_the_most_alike_other_text(texts: list[str], text: str, data: st.DataObject) -> None:
    own = data.draw(st.sampled_from([*texts, ""]))
    others = list(texts)
    if own in others:
        others.remove(own)
    expected = max((_jaccard(text, other) for other in others), default=0.0)
    assert Texts(texts).without(own).likeness(text) == pytest.approx(expected)
    assert (text in Texts(texts).without(own)) == (text in others and text != "")


@given(st.lists(st.frozensets(WORD), max_size=12), st.frozensets(WORD))
def test_shared_words_are_counted_and_weighed(documents: list[frozenset[str]], words: frozenset[str]) -> None:
    index = WordIndex(documents)
    weights = {word: float(len(word)) for word in words}
    assert list(index.shared(words)) == [len(own & words) for own in documents]
    assert list(index.shared(words, weights)) == [sum(weights[word] for word in own & words) for own in documents]
    assert [index.holders(word) for word in sorted(words)] == [
        sum(word in own for own in documents) for word in sorted(words)
    ]
