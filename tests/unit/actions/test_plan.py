"""A plan writes exactly what the operator was shown, or is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from growth_pipelines.actions.executors.plan import InvalidDraft, Plan, plan_of
from growth_pipelines.actions.executors.surfaces import ALT, DESCRIPTION, TITLE
from growth_pipelines.actions.model import FieldChange, Target
from growth_pipelines.actions.recommended_products import COMPLEMENTARY, RELATED

PRODUCT = Target(type="product", gid="gid://shopify/Product/1", url="https://x.example/products/a", handle="a")
IMAGE = "gid://shopify/MediaImage/9"


def change(field: str, after: str, before: str = "") -> FieldChange:
    return FieldChange(field=field, before=before, after=after)


def seo_plan(draft: dict[str, Any], *diff: FieldChange, target: Target = PRODUCT) -> Plan:
    return plan_of("seo_ctr", target, draft, diff)


def test_only_the_fields_in_the_draft_are_written() -> None:
    plan = seo_plan(
        {"title": "AN-6 Hose", "variants": {"title": ["a", "b"]}, "chosen": {"title": 0}},
        change("seo.title", "AN-6 Hose", before="Hose"),
    )
    assert plan.wanted == {TITLE: "AN-6 Hose"}
    assert plan.before == {TITLE: "Hose"}
    assert plan.gid == PRODUCT.gid
    assert plan.task is None


@pytest.mark.parametrize(
    ("draft", "diff", "reason"),
    [
        ({}, (), "writes no field"),
        ({"title": "  "}, (change("seo.title", "  "),), "isn't empty"),
        ({"title": 7}, (change("seo.title", "7"),), "must be a text"),
        ({"title": "x" * 71}, (change("seo.title", "x" * 71),), "71 characters"),
        ({"description": "x" * 321}, (change("seo.description", "x" * 321),), "321 characters"),
        ({"title": "a<b>c</b>"}, (change("seo.title", "a<b>c</b>"),), "markup"),
        ({"title": "a\nb"}, (change("seo.title", "a\nb"),), "line breaks"),
        ({"title": "shown?"}, (), "isn't the text that the diff shows"),
        ({"title": "secretly other"}, (change("seo.title", "as shown"),), "isn't the text that the diff shows"),
    ],
)
def test_a_draft_that_is_not_what_was_shown_or_not_writable_is_refused(
    draft: dict[str, Any], diff: tuple[FieldChange, ...], reason: str
) -> None:
    with pytest.raises(InvalidDraft, match=reason):
        seo_plan(draft, *diff)


SHOWN = {"product": "gid://shopify/Product/2", "title": "B"}


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({"metafield": "custom.related_products", "alternatives": [SHOWN]}, "a list that products don't have"),
        ({"metafield": RELATED.defined, "companions": [SHOWN]}, "names no product to show"),
        ({"metafield": RELATED.defined, "alternatives": [SHOWN], "kept": [SHOWN]}, "shown twice"),
        ({"metafield": RELATED.defined, "alternatives": [{"product": PRODUCT.gid}]}, "or with itself"),
        ({"metafield": COMPLEMENTARY.defined, "companions": [{"product": IMAGE}]}, "needs its id"),
        ({"metafield": RELATED.defined, "alternatives": [SHOWN]}, "isn't the text that the diff shows"),
    ],
)
def test_products_to_show_are_those_of_the_list_that_the_draft_names(draft: dict[str, Any], reason: str) -> None:
    definition = change(RELATED.definition, RELATED.defined)
    with pytest.raises(InvalidDraft, match=reason):
        plan_of("guided_selling", PRODUCT, draft, (definition, change(RELATED.field, "[]")))


@pytest.mark.parametrize(
    "gid", ["", "gid://shopify/Collection/1", "gid://shopify/Product/1/x", "gid://shopify/Product/"]
)
def test_a_product_is_only_written_by_the_id_of_a_product(gid: str) -> None:
    with pytest.raises(InvalidDraft, match="is not the id of a Product"):
        seo_plan({"title": "T"}, change("seo.title", "T"), target=PRODUCT.model_copy(update={"gid": gid}))


def test_a_theme_has_no_seo_fields() -> None:
    with pytest.raises(InvalidDraft, match="SEO fields of a theme"):
        seo_plan({"title": "T"}, change("seo.title", "T"), target=PRODUCT.model_copy(update={"type": "theme"}))


def test_an_image_repair_writes_alt_text_and_opens_a_task_card_for_the_rest() -> None:
    draft = {"media_gid": IMAGE, "alt": "Black AN-6 hose", "steps": ["Compress the image to 120 KB."]}
    plan = plan_of("cwv_repair", PRODUCT, draft, [change("image.alt", "Black AN-6 hose")])
    assert (plan.gid, plan.wanted) == (IMAGE, {ALT: "Black AN-6 hose"})
    assert plan.task is not None
    assert plan.task.steps == ("Compress the image to 120 KB.",)


def test_a_task_card_writes_no_field() -> None:
    plan = plan_of(
        "cwv_repair", PRODUCT, {"summary": "Defer the chat widget", "steps": ["Open it.", "Do it."]}, []
    )
    assert plan.surface is None
    assert plan.wanted == {}
    assert plan.task is not None
    assert plan.task.summary == "Defer the chat widget"


def test_a_snippet_that_nothing_can_draft_becomes_a_task_card_whatever_the_page() -> None:
    home = Target(type="home", gid="", url="https://x.example/", handle="")
    draft = {"summary": "Rewrite the snippet", "steps": ["Open the preferences."], "internal_links": []}
    plan = plan_of("seo_ctr", home, draft, [change("task", "Rewrite the snippet")])
    assert (plan.surface, plan.wanted) == (None, {})
    assert plan.task is not None


def test_steps_that_are_no_texts_are_refused() -> None:
    with pytest.raises(InvalidDraft, match="list of texts"):
        plan_of("cwv_repair", PRODUCT, {"summary": "x", "steps": [{"a": 1}]}, [])


def test_a_kind_without_an_executor_is_refused() -> None:
    with pytest.raises(InvalidDraft, match="no executor for actions of kind campaign"):
        plan_of("campaign", PRODUCT, {"title": "T"}, [change("seo.title", "T")])


def test_description_and_title_together() -> None:
    plan = seo_plan({"title": "T", "description": "D"}, change("seo.title", "T"), change("seo.description", "D"))
    assert set(plan.wanted) == {TITLE, DESCRIPTION}
