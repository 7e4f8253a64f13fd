"""Claims need evidence: figures, promises, superlatives; what dates or endangers is never said."""

from __future__ import annotations

import pytest

from growth_pipelines.content import check_claims

EVIDENCE = {
    "title": "AN-6 45 Degree PTFE Hose End, Black",
    "description": "6061-T6 aluminium with a 37 degree flare seat. Fits 3/8 NPT. Lifetime warranty.",
    "tags": ["1967-72 Chevy C10"],
    "weight_grams": 42,
}


@pytest.mark.parametrize(
    "text",
    [
        "AN-6 hose end, 45 degree",
        "6AN fitting with a 37 degree seat",
        "-6AN or AN6: one size",
        "Fits 3/8 NPT and the 1967-72 Chevy C10",
        "Comes with a lifetime warranty",
        "42 g of aluminium",
        "",
    ],
)
def test_what_the_evidence_says_may_be_said(text: str) -> None:
    assert check_claims(text, EVIDENCE) == []


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("AN-8 hose end", "an-8"),
        ("Good for 100 psi", "100"),
        ("Fits the 1969 Camaro", "1969"),
        ("Fits 1/2 NPT", "1/2"),
        ("7075-T6 aluminium", "7075"),
        ("Free shipping on every order", "shipping promise"),
        ("The best hose end", "superlative"),
        ("DOT approved", "approval"),
        ("Guaranteed leak-free", "guarantee"),
        ("In stock now", "stock"),
        ("Only $9 today", "prices change"),
        ("Seal it with tape on AN flare", "flares"),
    ],
)
def test_what_it_does_not_say_is_a_problem_that_names_the_words(text: str, about: str) -> None:
    problems = check_claims(text, EVIDENCE)
    assert any(about in problem for problem in problems), problems


def test_stock_and_prices_are_refused_even_where_true_today() -> None:
    assert check_claims("In stock in Denver", "In stock in Denver")
    assert check_claims("From $ 12", "From $ 12")


def test_without_evidence_only_words_pass() -> None:
    assert check_claims("Hose ends and adapters", None) == []
    assert check_claims("Hose ends in size 6", None)
