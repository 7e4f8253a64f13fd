"""Whatever a page's words are, its snippets fit, are verified, and a score stays within 0–1."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from growth_pipelines.content import check_claims, description_variants, score, title_variants
from growth_pipelines.content.snippets import evidence_of

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
    for text, judged, _ in title_variants(page, queries, shop_name="Hot Rod Parts"):
        assert 0 < len(text) <= 60
        assert check_claims(text, evidence) == []
        assert 0 <= judged.total <= 1
    for text, judged, _ in description_variants(page, queries, shop_name="Hot Rod Parts"):
        assert 0 < len(text) <= 155
        assert check_claims(text, evidence) == []
        assert 0 <= judged.total <= 1


@given(TEXT, st.sampled_from(["title", "description", "alt", "faq", "guide"]), st.lists(TEXT, max_size=4))
def test_a_score_and_its_parts_are_within_0_and_1(text: str, kind: str, queries: list[str]) -> None:
    judged = score(text, kind, {"queries": queries, "subject": "AN-6 Hose End", "others": queries})
    assert 0 <= judged.total <= 1
    assert all(0 <= part <= 1 for part in judged.parts.values())
