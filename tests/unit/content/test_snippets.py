"""Snippets read naturally, stay within their lengths and say nothing that the page does not say."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.content import check_claims, description_variants, has_templates, title_variants
from growth_pipelines.content.attribution import template_text
from growth_pipelines.content.snippets import evidence_of

SHOP = "Hot Rod Parts"
QUERIES = [("an6 45 degree hose end", 100), ("reusable an6 hose end", 50)]
PAGES: list[dict[str, Any]] = [
    {
        "title": "AN-6 45 Degree PTFE Hose End, Black",
        "page_type": "product",
        "vendor": "Torque Line",
        "description": "Reusable 45 Degree hose end for AN-6 PTFE hose. 6061-T6 aluminium with a Black anodised "
        "finish and a 37 degree flare seat that seals metal to metal. No sealant on the flare threads.",
    },
    {
        "title": "LS Swap Fuel System Kit for 1967-72 Chevy C10",
        "page_type": "product",
        "vendor": "Mesa Speed",
        "description": "Everything that carries fuel in an LS swap of a 1967-72 Chevy C10: pump, regulator, "
        "filter, hose and fittings, with a drawing. Check your engine's rail connection before you order.",
    },
    {
        "title": "AN Fittings",
        "page_type": "collection",
        "description": "AN Fittings for street and track: sizes from AN-4 to AN-12, in stock in Denver.",
    },
    {"title": "Why AN Fittings Leak", "page_type": "article", "description": None},
    {"title": "Shipping and Returns", "page_type": "page", "description": "How we ship."},
    {"title": "AN-10 Wrench", "page_type": "product"},
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["title"])
def test_every_variant_is_short_verified_and_different(page: dict[str, Any]) -> None:
    evidence = evidence_of(page, SHOP)
    for variants, longest in (
        (title_variants(page, QUERIES, shop_name=SHOP), 60),
        (description_variants(page, QUERIES, shop_name=SHOP), 155),
    ):
        texts = [variant.text for variant in variants]
        assert texts
        assert len(texts) == len(set(texts)) <= 3
        assert all(0 < len(text) <= longest for text in texts)
        assert all(check_claims(text, evidence) == [] for text in texts)
        assert not any("{" in text or "  " in text or "nan" in text.lower().split() for text in texts)


def test_a_product_gets_three_of_each() -> None:
    assert len(title_variants(PAGES[0], QUERIES, shop_name=SHOP)) == 3
    assert len(description_variants(PAGES[0], QUERIES, shop_name=SHOP)) == 3


def test_what_dates_is_cut_from_the_pages_own_words() -> None:
    texts = [variant.text for variant in description_variants(PAGES[2], QUERIES, shop_name=SHOP)]
    assert any("sizes from AN-4 to AN-12" in text for text in texts)
    assert not any("in stock" in text.lower() for text in texts)


def test_a_description_begins_with_what_the_page_is_not_with_advice() -> None:
    text = description_variants(PAGES[1], QUERIES, shop_name=SHOP)[0].text
    assert text.startswith("Everything that carries fuel")
    assert text.endswith("Hot Rod Parts.")


def test_the_title_keeps_the_products_name() -> None:
    for variant in title_variants(PAGES[0], QUERIES, shop_name=SHOP):
        assert variant.text.startswith("AN-6 45 Degree PTFE Hose End")


def test_a_paused_template_writes_nothing_and_every_variant_names_its_own() -> None:
    for write in (title_variants, description_variants):
        first, *others = write(PAGES[0], QUERIES, shop_name=SHOP, count=20)
        assert template_text(first.template)
        without = write(PAGES[0], QUERIES, shop_name=SHOP, paused={first.template}, count=20)
        assert first.template not in {variant.template for variant in without}
        # Another template may make the very same text.
        assert {v.text for v in others if v.template != first.template} <= {v.text for v in without}
        everything = {variant.template for variant in [first, *others]}
        assert write(PAGES[0], QUERIES, shop_name=SHOP, paused=everything) == []


def test_a_locale_without_templates_gives_none() -> None:
    assert has_templates("en-US")
    assert not has_templates("ja")
    assert not has_templates("../en")
    assert title_variants(PAGES[0], QUERIES, shop_name=SHOP, locale="ja") == []
