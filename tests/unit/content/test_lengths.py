"""Lengths count what a reader sees, in Latin, Cyrillic and CJK text."""

from __future__ import annotations

import unicodedata

import pytest

from growth_pipelines.content import score
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.scoring import LENGTHS
from growth_pipelines.content.terms import words

LATIN, CYRILLIC, CJK = "Fünf Öldüsen für Ölkühler ", "Топливный фильтр ", "燃料ポンプ"


@pytest.mark.parametrize(("text", "seen"), [(LATIN, 26), (CYRILLIC, 17), (CJK, 5), ("", 0), ("👍🏽", 2)])
def test_a_letter_counts_once_however_it_is_encoded(text: str, seen: int) -> None:
    assert characters(text) == seen
    assert characters(unicodedata.normalize("NFD", text)) in (seen, characters(text))


def test_marks_and_joiners_count_nothing() -> None:
    assert characters("e\u0301") == 1
    assert characters("a\u200db") == 2


@pytest.mark.parametrize("script", [LATIN, CYRILLIC, CJK], ids=["Latin", "Cyrillic", "CJK"])
@pytest.mark.parametrize("kind", ["title", "description", "page_title", "h1", "page_meta", "intro", "faq"])
def test_a_field_at_its_limit_fits_and_one_character_more_does_not(script: str, kind: str) -> None:
    limit = LENGTHS[kind][2]
    text = (script.strip() * limit)[:limit]
    assert characters(text) == limit
    assert score(text, kind).parts["length"] > 0
    assert score(f"{text}x", kind).parts["length"] == 0


def test_queries_are_covered_in_every_script() -> None:
    for query, text in (
        ("топливный фильтр", "Топливный фильтр для дизеля"),
        ("燃料ポンプ", "高性能の燃料ポンプです"),
    ):
        assert score(text, "title", {"queries": [query]}).parts["query_coverage"] == 1.0
        assert score("Fuel rail", "title", {"queries": [query]}).parts["query_coverage"] == 0.0
    assert words("燃料ポンプ") == ("燃料", "料ポ", "ポン", "ンプ")
