"""What must never get through: invented fitment, figures and parts, prices, sealant on AN threads, wrong terms."""

from __future__ import annotations

import pytest

from growth_pipelines.content import check_claims, score
from growth_pipelines.content.scoring import TIERS
from growth_pipelines.content.terms import check_terms

EVIDENCE = {
    "title": "AN-6 Fuel Pressure Regulator for 1967-72 Chevy C10, 25 Row",
    "description": "Regulator for LS3 engines, 43 psi. Torque the cap to 12 ft-lb. SKU HRP-1001-1.",
}


@pytest.mark.parametrize(
    "text",
    [
        "Fits the 1967-72 Chevy C10",
        "For LS3 engines at 43 psi",
        "Torque the cap to 12 ft-lbs",
        "Part HRP-1001-1",
    ],
)
def test_what_the_catalogue_says_may_be_said(text: str) -> None:
    assert check_claims(text, EVIDENCE) == []


@pytest.mark.parametrize(
    "text",
    [
        "Fits every Camaro",
        "For the Ford Bronco",
        "Made for Coyote swaps",
        "For LS7 engines",
        "A universal fit",
        "Bolt-on for your truck",
        "For model year 1969",
        "Part HRP-2002-1",
        "Torque it to 25 ft-lb",
        "Torque the cap to 12 Nm",
        "Runs at 43 bar",
        "58 psi at idle",
    ],
)
def test_invented_fitment_years_parts_torques_and_pressures_are_problems(text: str) -> None:
    assert check_claims(text, EVIDENCE)


@pytest.mark.parametrize("text", ["Only $43", "43 USD", "For 43 dollars", "EUR 43", "just £43", "43 euro"])
def test_price_text_is_a_problem_even_where_the_price_is_known(text: str) -> None:
    assert check_claims(text, {**EVIDENCE, "note": text})


@pytest.mark.parametrize(
    "text",
    [
        "Put sealant on AN threads",
        "Use PTFE tape on the AN-6 flare",
        "Wrap tape around the male AN thread",
        "Apply thread paste to every flare",
        "Seal the AN flare with teflon",
        "Reuse the ferrule",
        "Skip the leak test",
        "Remove the catalytic converter",
    ],
)
def test_dangerous_advice_is_blocked_whatever_the_evidence_says(text: str) -> None:
    assert any("not allowed" in problem for problem in check_claims(text, text))


def test_sealant_belongs_on_npt() -> None:
    assert check_claims("Use fuel-safe sealant on the NPT side only.", "fuel-safe sealant NPT side") == []


def test_two_broken_claims_block_a_text() -> None:
    judged = score("Fits every Camaro at 58 psi", "title", {"evidence": EVIDENCE})
    assert judged.blocked
    assert judged.parts["policy"] < 0.6


def test_a_title_that_another_page_has_is_not_unique() -> None:
    title = "AN-6 Fuel Pressure Regulator"
    assert score(title, "title", {"others": [title]}).parts["uniqueness"] == 0.0
    assert score(title, "title", {"others": ["Oil Cooler, 25 Row"]}).parts["uniqueness"] == 1.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [("Teflon hose", "write PTFE"), ("A cheap pump", "not how"), ("6AN hose", "AN-6"), ("-8AN end", "AN-8")],
)
def test_forbidden_and_unusual_terms_are_named(text: str, problem: str) -> None:
    assert any(problem in found for found in check_terms(text))
    assert check_terms("AN-6 PTFE hose for LS engines and E85") == []


def test_tiers_are_those_of_the_score() -> None:
    assert TIERS == ((0.85, "excellent"), (0.70, "good"), (0.55, "fair"), (0.0, "poor"))
    assert score("", "title").tier == "poor"
    assert score("", "title").needs_review
