"""A plan of structured content holds the machine's own types only, and what the shop takes."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.actions.executors.plan import InvalidDraft
from growth_pipelines.actions.executors.structured_plan import structured_plan

PRODUCT = "gid://shopify/Product/1"


def entry(handle: str = "pump-1", type_name: str = "growth_faq", **fields: Any) -> dict[str, Any]:
    return {"type": type_name, "handle": handle, "fields": {"question": "Q?", "answer": "A.", **fields}}


def test_entries_bring_their_type_and_the_product_s_reference() -> None:
    gid, surface, wanted = structured_plan(PRODUCT, {"entries": [entry(), entry("pump-2")]})
    assert gid == PRODUCT
    assert surface is not None
    assert surface.stepwise
    assert wanted == {
        "definition.growth_faq": "growth_faq",
        "entry.growth_faq.pump-1": "answer: A.\nquestion: Q?",
        "entry.growth_faq.pump-2": "answer: A.\nquestion: Q?",
        "metafield.faq": '["growth_faq/pump-1","growth_faq/pump-2"]',
    }


def test_a_draft_without_entries_writes_nothing() -> None:
    assert structured_plan(PRODUCT, {"steps": ["Do it."]}) == (PRODUCT, None, {})


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"entries": [entry(type_name="customer_build")]}, "no type of content"),
        ({"entries": [entry(type_name="metafields")]}, "no type of content"),
        ({"entries": [entry("Pump 1")]}, "can't be the name"),
        ({"entries": [entry("x" * 256)]}, "can't be the name"),
        ({"entries": [entry(), entry()]}, "two entries"),
        ({"entries": [entry(price="9")]}, "no field price"),
        ({"entries": [entry(question="")]}, "lacks question"),
        ({"entries": [entry(answer=7)]}, "must be a text"),
        ({"entries": [entry(question="Q" * 256)]}, "256 characters"),
        ({"entries": [entry(question="Q?\nQ?")]}, "line breaks"),
        ({"entries": [entry(answer="<script>x</script>")]}, "markup"),
        ({"entries": [entry(answer="a\x00b")]}, "control characters"),
        ({"entries": ["pump"]}, "needs a type"),
        ({"entries": [entry()], "structured_data": {"secret": "{}"}}, "no metafield"),
        ({"entries": [entry()], "structured_data": {"faq_structured_data": "{"}}, "not JSON"),
        ({"entries": [entry()], "structured_data": {"faq_structured_data": '{"a":"</script>"}'}}, "markup"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_a_reason(draft: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidDraft, match=reason):
        structured_plan(PRODUCT, draft)


@pytest.mark.parametrize("gid", ["", "gid://shopify/Collection/1", "gid://shopify/Product/x"])
def test_entries_that_a_product_refers_to_need_a_product(gid: str) -> None:
    with pytest.raises(InvalidDraft, match="is not the id of a Product"):
        structured_plan(gid, {"entries": [entry()]})


def test_a_landing_page_needs_none() -> None:
    texts = {
        "title": "T",
        "slug": "/guides/t",
        "h1": "T",
        "meta_description": "M",
        "intro": "I",
        "robots": "noindex",
    }
    page = {"type": "growth_landing_page", "handle": "guides-t", "fields": texts}
    gid, _, wanted = structured_plan("", {"entries": [page]})
    assert gid == ""
    assert set(wanted) == {"definition.growth_landing_page", "entry.growth_landing_page.guides-t"}
