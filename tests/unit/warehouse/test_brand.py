"""The words that make a query a brand query."""

from __future__ import annotations

import pytest

from growth_pipelines.warehouse.brand import default_brand_terms, unique_terms


def test_a_shop_is_known_by_its_name_and_the_words_of_its_domains() -> None:
    terms = default_brand_terms("Hot Rod Parts", "hot-rod-parts.myshopify.com", "https://www.hotrodparts.example/")
    assert terms == ("hot rod parts", "hotrodparts")


@pytest.mark.parametrize(
    ("address", "term"),
    [
        ("https://shop.acme.co.uk", "acme"),
        ("acme-fuel.myshopify.com", "acme fuel"),
        ("https://store.acme.com:8080/x", "acme"),
    ],
)
def test_generic_parts_of_a_host_are_no_brand(address: str, term: str) -> None:
    assert default_brand_terms(None, address, None) == (term,)


def test_terms_too_short_to_be_told_from_chance_are_left_out() -> None:
    assert default_brand_terms("AN", None, None) == ()


def test_the_same_term_in_two_spellings_counts_once() -> None:
    assert unique_terms(["Hot-Rod  Parts", "hot rod_parts"]) == ["hot rod parts"]
