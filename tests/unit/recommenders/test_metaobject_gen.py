"""Structured content: offered where it is missing, from the catalogue's own words, and never twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.model import SUBTYPES, ActionDraft
from growth_pipelines.actions.structured_fields import entry_fields, entry_text
from growth_pipelines.content import check_claims
from growth_pipelines.content.attribution import template_text
from growth_pipelines.content.habits import Habits
from growth_pipelines.content.landing import landing_copy, slug_of, topic_name
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.structured import questions, specifications
from growth_pipelines.learning.edits import words_in
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.catalogue_frames import INSTALLED, PUMP, Frames, frames_of, product, pumps, searched


def recommend(frames: Frames, context: RecommenderContext, **more: Any) -> list[ActionDraft]:
    return RECOMMENDERS["metaobject_gen"].recommend(frames, context, MetaobjectGenConfig(**more))


def plan(draft: ActionDraft) -> Any:
    return plan_of(draft.kind, draft.target, draft.draft, draft.diff)


# -- when it speaks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "labels"),
    [
        ({}, None),
        ({"price": 200.0}, None),
        ({"price": 200.01}, ("faq",)),
        ({"tags": "technical"}, ("faq",)),
        ({"title": "Tank for 1967-72 Chevy C10", "description": "Tank for a 1967-72 Chevy C10."}, ("faq",)),
        ({"variants": 3}, None),
        ({"variants": 4}, ("specifications",)),
        ({"variants": 4, "price": 300.0}, ("faq", "specifications")),
        ({"variants": 4, "status": "draft"}, None),
        ({"tags": "technical", "description": "Frequently asked: does it fit? Ask us."}, None),
        ({"variants": 9, "description": "Specifications: billet aluminium."}, None),
    ],
)
def test_it_speaks_of_dear_technical_and_many_sided_products_that_say_nothing(
    context: RecommenderContext, more: dict[str, Any], labels: tuple[str, ...] | None
) -> None:
    found = recommend(frames_of(product(6, **more)), context)
    assert [draft.labels for draft in found] == ([] if labels is None else [labels])


@pytest.mark.parametrize(
    ("type_name", "silent"), [("product_faq", True), ("growth_faq", True), ("size_chart", False)]
)
def test_entries_that_refer_to_the_product_count_as_said(
    context: RecommenderContext, type_name: str, silent: bool
) -> None:
    frames = frames_of(product(6, price=300.0), product(66, price=300.0))
    fields = json.dumps([{"key": "product", "type": "product_reference", "value": "gid://shopify/Product/6"}])
    frames["metaobjects"] = pd.DataFrame(
        [{"type": type_name, "handle": "x", "fields": fields, "updated_at": pd.Timestamp("2026-11-01")}]
    )
    gids = {draft.target.gid for draft in recommend(frames, context)}
    assert gids == {"gid://shopify/Product/66"} | (set() if silent else {"gid://shopify/Product/6"})


@pytest.mark.parametrize(
    ("body", "more", "entry", "labels"),
    [
        (INSTALLED, {}, "", ("how_to",)),
        (INSTALLED, {"price": 300.0, "variants": 4}, "", ("faq", "specifications", "how_to")),
        (INSTALLED, {}, "growth_how_to", None),
        (INSTALLED, {}, "installation_guide", None),
        (INSTALLED, {}, "product_faq", ("how_to",)),
        (INSTALLED, {"status": "draft"}, "", None),
        (INSTALLED.replace("How to install", "In the box"), {}, "", None),
        (INSTALLED.replace("Clean the tank", "Put sealant on the AN threads"), {}, "", None),
        (None, {}, "", None),
    ],
)
def test_a_how_to_is_offered_where_the_description_tells_it_and_no_entry_does(
    context: RecommenderContext, body: str | None, more: dict[str, Any], entry: str, labels: tuple[str, ...] | None
) -> None:
    frames = frames_of(product(6, body_html=body, **more))
    if entry:
        row = {
            "type": entry,
            "handle": "x",
            "fields": "gid://shopify/Product/6",
            "updated_at": pd.Timestamp("2026-11-01"),
        }
        frames["metaobjects"] = pd.DataFrame([row])
    found = recommend(frames, context)
    assert [draft.labels for draft in found] == ([] if labels is None else [labels])


def test_a_how_to_is_the_description_s_steps_in_entries_and_structured_data(context: RecommenderContext) -> None:
    twins = [product(n, body_html=INSTALLED, sessions=1000 - n) for n in (3, 4)]
    drafts = recommend(frames_of(*twins), context)
    assert len(drafts) == 2, "steps that products share stay on each page and repeat nothing new"
    made = plan(drafts[0])
    assert set(made.wanted) == {change.field for change in drafts[0].diff}
    assert {"definition.growth_how_to", "metafield.how_to", "metafield.how_to_structured_data"} < set(made.wanted)
    steps = [one["fields"]["step"] for one in drafts[0].draft["entries"]]
    assert steps == ["Clean the tank.", "Set the pump into its bracket.", "Check every joint for leaks."]
    data = json.loads(drafts[0].draft["structured_data"]["how_to_structured_data"])
    assert (data["@type"], data["name"]) == ("HowTo", "AN-3 Bulkhead Fitting, Black: How to install")
    assert [one["text"] for one in data["step"]] == steps
    assert {"word for word", "structured data"} < {check.name for check in drafts[0].checks}
    assert "no near-duplicate" not in {check.name for check in drafts[0].checks}
    assert drafts[0].impact.delta == pytest.approx(997 * 0.02 * 0.01, abs=1e-3)
    without = recommend(frames_of(twins[0]), replace(context, locale="de"))
    assert without == []


def test_an_empty_shop_gets_nothing(context: RecommenderContext) -> None:
    empty = {name: frame.iloc[:0] for name, frame in frames_of(product(6)).items()}
    assert recommend(empty, context) == []


# -- what it writes -----------------------------------------------------------------------------------------


def test_answers_are_five_to_seven_short_and_backed_by_the_page() -> None:
    pairs = questions({**PUMP, "variants": 3}, shop_name="Hot Rod Parts")
    assert 5 <= len(pairs) <= 7
    evidence = {**PUMP, "variants": 3, "shop": "Hot Rod Parts"}
    for ask, answer, template in pairs:
        assert ask.endswith("?")
        assert template_text(template)
        assert 0 < characters(answer) <= 1000
        assert check_claims(f"{ask} {answer}", evidence) == []


def test_specifications_are_the_page_s_own_words() -> None:
    found = specifications({**PUMP, "variants": 5}, shop_name="Hot Rod Parts")
    rows = {pair.left: pair.right for pair in found}
    assert rows["Flow"] == "340 lph"
    assert rows["Pressure"] == "43 psi"
    assert rows["Fuels"] == "E85, petrol"
    assert rows["Versions"] == "5"


def test_a_paused_template_asks_and_states_nothing() -> None:
    product = {**PUMP, "variants": 5}
    for write in (questions, specifications):
        every = write(product, shop_name="Hot Rod Parts")
        paused = every[0].template
        assert paused not in {pair.template for pair in write(product, shop_name="Hot Rod Parts", paused={paused})}


def _asked(**habits: Any) -> list[str]:
    pairs = questions({**PUMP, "variants": 3}, shop_name="Hot Rod Parts", habits=Habits(**habits))
    return [f"{pair.left} {pair.right}" for pair in pairs]


def test_answers_with_a_word_that_operators_take_out_are_left_out_where_five_do_without_it() -> None:
    assert any("parts" in words_in(text) for text in _asked())
    found = _asked(avoided=frozenset({"parts"}))
    assert 5 <= len(found) <= 7
    assert not any("parts" in words_in(text) for text in found)
    assert _asked(avoided=frozenset({"pump"})) == _asked(), "the product is called so"
    few = _asked(avoided=frozenset({"petrol", "valve", "leaks", "parts", "versions"}))
    assert len(few) == 5


def test_the_draft_of_a_product_says_which_habits_its_parts_follow(context: RecommenderContext) -> None:
    frames = frames_of({**product(1), **PUMP, "price": 300.0, "variants": 4})
    habits = Habits(avoided=frozenset({"parts", "pump"}))
    [draft] = recommend(frames, replace(context, habits=habits))
    assert draft.draft["habits"]["faq"] == {"followed": ["avoid:parts"], "missed": ["avoid:pump"]}
    [told] = [check for check in draft.checks if check.name == "habits of your edits"]
    assert "without “parts” (questions)" in told.note
    assert plan(draft).wanted.keys() == {change.field for change in draft.diff}


@pytest.mark.parametrize(
    "sentence", ["Only $99 this week.", "Put sealant on the AN threads.", "In stock now and ready."]
)
def test_a_sentence_that_may_not_be_said_is_left_out(sentence: str) -> None:
    page = {**PUMP, "description": f"{sentence} {PUMP['description']}", "variants": 1}
    said = " ".join(f"{pair.left} {pair.right}" for pair in questions(page, shop_name="Hot Rod Parts"))
    assert sentence.rstrip(".") not in said


def test_the_draft_is_what_the_executor_writes_and_the_diff_shows(context: RecommenderContext) -> None:
    [draft] = recommend(frames_of(product(3, **PUMP, variants=5)), context)
    made = plan(draft)
    assert made.gid == "gid://shopify/Product/3"
    assert set(made.wanted) == {change.field for change in draft.diff}
    assert all(value == "" for value in made.before.values())
    kinds = {one["type"] for one in draft.draft["entries"]}
    assert kinds == {"growth_faq", "growth_specification"}
    assert {one["fields"]["source"] for one in draft.draft["entries"]} == {
        "growth_faq:part-3:1",
        "growth_specification:part-3:1",
    }


def test_structured_data_are_complete_and_say_what_the_entries_say(context: RecommenderContext) -> None:
    [draft] = recommend(frames_of(product(3, **PUMP, variants=5)), context)
    entries = draft.draft["entries"]
    faq = json.loads(draft.draft["structured_data"]["faq_structured_data"])
    assert (faq["@context"], faq["@type"]) == ("https://schema.org", "FAQPage")
    shown = [(one["name"], one["acceptedAnswer"]["text"]) for one in faq["mainEntity"]]
    answers = [one["fields"] for one in entries if one["type"] == "growth_faq"]
    assert shown == [(one["question"], one["answer"]) for one in answers]
    assert all(
        one["@type"] == "Question" and one["acceptedAnswer"]["@type"] == "Answer" for one in faq["mainEntity"]
    )
    data = json.loads(draft.draft["structured_data"]["product_structured_data"])
    assert (data["@type"], data["name"]) == ("Product", PUMP["title"])
    assert data["brand"] == {"@type": "Brand", "name": "Mesa Speed"}
    assert all(one["@type"] == "PropertyValue" for one in data["additionalProperty"])
    assert "offers" not in data


def test_without_templates_for_the_shop_s_language_it_is_a_task_for_a_person(context: RecommenderContext) -> None:
    [draft] = recommend(frames_of(product(3, **PUMP)), replace(context, locale="de"))
    assert [change.field for change in draft.diff] == ["task"]
    assert plan(draft).task.steps
    assert draft.ease == 0.4


def test_a_product_that_repeats_another_s_text_is_not_offered(context: RecommenderContext) -> None:
    twins = [product(n, **PUMP, sessions=1000 - n) for n in (1, 2)]
    assert [draft.target.gid for draft in recommend(frames_of(*twins), context)] == ["gid://shopify/Product/1"]


def test_a_handle_in_another_script_gives_entries_the_product_s_number(context: RecommenderContext) -> None:
    frames = frames_of(product(3, **PUMP))
    frames["pages"]["handle"] = "топливный-насос"
    [draft] = recommend(frames, context)
    assert draft.draft["entries"][0]["handle"] == "product-3-1"
    assert plan(draft).wanted


def test_impact_is_visits_times_conversion_times_lift_times_order_value(context: RecommenderContext) -> None:
    [draft] = recommend(frames_of(product(3, **PUMP, sessions=7000)), context)
    assert draft.impact.delta == pytest.approx(7000 * 0.02 * 0.03)
    assert draft.impact.revenue_28d == pytest.approx(7000 * 0.02 * 0.03 * 100)
    assert draft.impact.low < draft.impact.delta < draft.impact.high
    assert draft.score == pytest.approx(draft.impact.revenue_28d * draft.confidence * 0.5, rel=1e-3)


def test_drafts_are_complete_pure_and_the_same_again(context: RecommenderContext) -> None:
    frames = searched(frames_of(*pumps(), product(30, **PUMP), product(31, body_html=INSTALLED)))
    before = {name: frame.copy() for name, frame in frames.items()}
    drafts = recommend(frames, context)
    assert drafts == recommend(frames, context)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])
    for draft in drafts:
        assert draft.subtype in SUBTYPES[draft.kind]
        assert draft.evidence
        assert draft.rollback_plan
        assert draft.confidence >= 0.5
        assert all(check.passed for check in draft.checks), draft.checks


# -- landing pages ------------------------------------------------------------------------------------------


def landing(frames: Frames, context: RecommenderContext) -> list[ActionDraft]:
    return [draft for draft in recommend(frames, context) if draft.subtype == "landing_page"]


def test_a_topic_that_no_page_serves_gets_a_preview_that_is_not_indexed(context: RecommenderContext) -> None:
    [draft] = landing(searched(frames_of(*pumps(14))), context)
    [entry] = draft.draft["entries"]
    fields = entry["fields"]
    assert fields["robots"] == "noindex"
    assert fields["slug"] == "/guides/fuel-pumps/wiring-pigtail-pump"
    limits = {"title": 70, "h1": 90, "meta_description": 160, "intro": 1500, "slug": 120}
    assert all(0 < characters(fields[name]) <= limit for name, limit in limits.items())
    assert len(json.loads(fields["products"])) == 12
    links = json.loads(fields["links"])
    assert 0 < len(links) <= 12
    assert fields["slug"] not in {link["url"] for link in links}
    data = json.loads(fields["structured_data"])
    assert data["@type"] == "CollectionPage"
    assert [one["position"] for one in data["mainEntity"]["itemListElement"]] == list(range(1, 13))
    assert plan(draft).wanted.keys() == {change.field for change in draft.diff}


@pytest.mark.parametrize(
    "more",
    [
        {"intent": "informational"},
        {"impressions": 499},
        {"is_served_well": True},
        {"main_page_position": 9.0},
        {"contested_queries": 2},
        {"cluster": "pigtail"},
        {"cluster": "pigtail supercharger"},
    ],
    ids=["not commercial", "thin", "served", "on the first page", "contested", "one word", "nothing sold"],
)
def test_other_topics_get_none(context: RecommenderContext, more: dict[str, Any]) -> None:
    assert landing(searched(frames_of(*pumps()), **more), context) == []


def test_a_page_that_is_named_so_would_compete(context: RecommenderContext) -> None:
    named = product(50, title="Wiring Pigtails for Pumps")
    assert landing(searched(frames_of(*pumps(), named)), context) == []


def test_fewer_than_three_products_are_no_page(context: RecommenderContext) -> None:
    assert landing(searched(frames_of(*pumps(2))), context) == []


@pytest.mark.parametrize(
    "query", ["wiring pigtail bronco", "wiring pigtail 1969", "wiring pigtail walbro", "wiring pigtail 99 psi"]
)
def test_a_topic_that_names_what_the_catalogue_does_not_is_blocked(query: str) -> None:
    copy = landing_copy(query, pumps(), family="Fuel Pumps", queries=[(query, 900.0)], shop_name="Hot Rod Parts")
    assert copy is None


def test_a_title_that_is_taken_is_not_used_again() -> None:
    def titled(*others: str) -> str:
        copy = landing_copy(
            "wiring pigtail",
            pumps(),
            family="Fuel Pumps",
            queries=[("wiring pigtail", 900.0)],
            shop_name="Hot Rod Parts",
            others=others,
        )
        assert copy is not None
        return copy.texts["title"]

    first = titled()
    assert titled(first.upper()) != first


def test_a_page_follows_the_habits_of_edits_and_is_not_lost_for_them(context: RecommenderContext) -> None:
    frames = searched(frames_of(*pumps()))
    [plain] = landing(frames, context)
    [draft] = landing(frames, replace(context, habits=Habits(avoided=frozenset({"compare", "psi"}))))
    was, now = (one.draft["entries"][0]["fields"] for one in (plain, draft))
    assert "Compare" in was["meta_description"]
    assert "Compare" not in now["meta_description"]
    assert draft.draft["habits"]["meta_description"] == {"followed": ["avoid:compare"], "missed": []}
    assert "psi" in words_in(was["intro"])
    assert "psi" not in words_in(now["intro"]), "another sentence of each product"
    assert draft.draft["habits"]["intro"] == {"followed": ["avoid:psi"], "missed": ["avoid:compare"]}
    assert now["title"] == was["title"]
    everything = frozenset(words_in(" ".join(now[name] for name in ("title", "h1", "meta_description", "intro"))))
    [stays] = landing(frames, replace(context, habits=Habits(avoided=everything)))
    assert any(check.name == "habits of your edits" and not check.passed for check in stays.checks)


def entry_frame(draft: ActionDraft, updated: str, **changed: str) -> pd.DataFrame:
    [entry] = draft.draft["entries"]
    fields = [{"key": key, "type": "x", "value": value} for key, value in {**entry["fields"], **changed}.items()]
    row = {"type": entry["type"], "handle": entry["handle"], "fields": json.dumps(fields)}
    return pd.DataFrame([{**row, "updated_at": pd.Timestamp(updated)}])


def test_a_preview_is_published_after_a_week_and_offered_once(context: RecommenderContext) -> None:
    frames = searched(frames_of(*pumps()))
    [preview] = landing(frames, context)
    assert landing({**frames, "metaobjects": entry_frame(preview, "2026-11-20")}, context) == []
    [publication] = landing({**frames, "metaobjects": entry_frame(preview, "2026-11-12")}, context)
    [entry] = publication.draft["entries"]
    [was] = preview.draft["entries"]
    assert {k: v for k, v in entry["fields"].items() if was["fields"][k] != v} == {"robots": "index"}
    assert plan(publication).before == {change.field: change.before for change in publication.diff}
    assert landing({**frames, "metaobjects": entry_frame(preview, "2026-11-12", robots="index")}, context) == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("buy 6an check valves online", "AN-6 Check Valves"),
        ("best LS fuel rails for sale", "LS Fuel Rails"),
        ("fuel filter price", "Fuel Filter"),
    ],
)
def test_the_name_of_a_topic_is_its_query_without_the_filler(query: str, name: str) -> None:
    assert topic_name(query) == name


@pytest.mark.parametrize(
    "parts", [("Fuel Pumps", "x" * 200), ("LS Swap Kits", "1967-72 Chevy C10 fuel system " * 9)]
)
def test_addresses_hold_letters_digits_and_hyphens_and_end_at_120(parts: tuple[str, str]) -> None:
    slug = slug_of(*parts)
    assert len(slug) <= 120
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/")


def test_a_topic_in_another_script_waits_for_a_person_s_address() -> None:
    assert slug_of("Fuel Pumps", "топливо") == ""


def test_the_text_of_an_entry_can_be_read_back() -> None:
    fields = {"a": "one: two", "b": "line\nbreak \\n and \\", "c": "燃料"}
    assert entry_fields(entry_text(fields)) == fields


def test_as_of_is_the_only_clock(context: RecommenderContext) -> None:
    early = replace(context, as_of=date(2020, 1, 31))
    [draft] = recommend(frames_of(product(3, **PUMP)), early)
    assert {row.end for row in draft.evidence} == {date(2020, 1, 30)}
