"""Questions: offered when nothing answers them, once however they are worded, and never with an invented fact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.basket_frames import Frames, baskets, frames_of

COLLECTION = "/collections/fuel-rails"
WHISTLE = [
    "why does a regulator whistle",
    "what makes a fuel regulator whistle",
    "how to stop a regulator whistle",
]


def asked(*rows: dict[str, Any], pages: tuple[dict[str, Any], ...] = ()) -> Frames:
    """The frames of a shop where these queries were searched; no pair of products is worth a rule."""
    usual = {
        "cluster": "regulator whistle",
        "main_page_key": COLLECTION,
        "impressions": 300.0,
        "clicks": 3.0,
        "position": 28.0,
        "other_clicks": 90.0,
        "other_impressions": 3000.0,
        "other_position": 9.0,
    }
    frames = frames_of(baskets((20, [1]), (20, [2])))
    facts = {"page_type": "collection", "title": "Fuel Rails", "effective_title": "Fuel Rails", "description": ""}
    shown = [{"page_key": COLLECTION, **facts}, *pages]
    return {
        **frames,
        "questions": pd.DataFrame([{**usual, **row} for row in rows]),
        "pages": pd.concat([frames["pages"], pd.DataFrame(shown)], ignore_index=True),
    }


def recommend(frames: Frames, context: RecommenderContext, **more: Any) -> list[ActionDraft]:
    return RECOMMENDERS["guided_selling"].recommend(frames, context, GuidedSellingConfig(**more))


def whistles(**more: Any) -> list[dict[str, Any]]:
    return [{"query": query, **more} for query in WHISTLE]


def test_one_card_for_a_question_in_all_its_wordings(context: RecommenderContext) -> None:
    other = {"query": "how long does ethanol hose last", "cluster": "hose last"}
    found = recommend(asked(*whistles(), other), context)
    assert [draft.title for draft in found] == [
        "Answer “how to stop a regulator whistle”",
        "Answer “how long does ethanol hose last”",
    ]
    assert sorted(found[0].draft["questions"]) == sorted(WHISTLE)
    assert "900 times" in found[0].rationale
    assert "in 3 wordings" in found[0].rationale
    assert "in one wording," in found[1].rationale
    plan = plan_of(found[0].kind, found[0].target, found[0].draft, found[0].diff)
    assert plan.task is not None
    assert plan.wanted == {}
    assert len({draft.target.url for draft in found}) == 2


@pytest.mark.parametrize(
    ("case", "rows", "pages"),
    [
        ("seldom asked", whistles(impressions=60.0), ()),
        ("answered on the first page", whistles(position=6.0, clicks=14.0), ()),
        ("a wish to buy", [{"query": "which regulator whistle for sale"}], ()),
        ("no question", [{"query": "regulator whistle noise"}], ()),
        ("too vague", [{"query": "what is whistle"}], ()),
        (
            "a title says it",
            whistles(),
            ({"page_key": "/pages/w", "page_type": "page", "title": "Regulators that Whistle and Stop"},),
        ),
        (
            "a guide on the second page",
            whistles(main_page_key="/pages/noise", position=14.0),
            ({"page_key": "/pages/noise", "page_type": "page", "title": "Noises"},),
        ),
        ("a poor snippet", whistles(position=5.0, clicks=1.0, other_clicks=20.0), ()),
    ],
)
def test_what_is_answered_or_hardly_asked_is_left_alone(
    context: RecommenderContext, case: str, rows: list[dict[str, Any]], pages: tuple[dict[str, Any], ...]
) -> None:
    if case == "a title says it":  # every word of the most asked wording
        rows = [row for row in rows if row["query"] == WHISTLE[2]]
    assert recommend(asked(*rows, pages=pages), context) == [], case


def test_a_page_that_nobody_takes_for_the_answer_is_no_answer(context: RecommenderContext) -> None:
    [draft] = recommend(asked(*whistles(position=5.0, clicks=1.0)), context)
    assert "the answer that is missing" in draft.rationale


def test_a_kept_answer_silences_the_question(context: RecommenderContext) -> None:
    frames = asked(*whistles())
    fields = '[{"key": "question", "value": "How do I stop a regulator whistle?"}]'
    entry = {"type": "growth_faq", "handle": "x", "fields": fields, "updated_at": pd.Timestamp("2026-11-01")}
    assert recommend({**frames, "metaobjects": pd.DataFrame([entry])}, context) == []


def test_a_topic_that_gets_a_page_is_left_to_it(context: RecommenderContext) -> None:
    topic = {
        "cluster": "regulator whistle",
        "intent": "commercial",
        "is_served_well": False,
        "impressions": 3000,
        "main_page_position": 28.0,
        "queries": 3,
        "contested_queries": 0,
    }
    assert recommend({**asked(*whistles()), "topics": pd.DataFrame([topic])}, context) == []


def test_the_card_quotes_the_catalogue_and_says_when_it_is_silent(context: RecommenderContext) -> None:
    said = "A worn diaphragm makes a regulator whistle at idle and is easy to stop."
    product = {"page_key": "/products/r", "page_type": "product", "title": "Diaphragm Kit", "description": said}
    [draft] = recommend(asked(*whistles(), pages=({**product, "effective_title": "Kit"},)), context)
    assert any(said in step and "/products/r" in step for step in draft.draft["steps"])
    [silent] = recommend(asked(*whistles()), context)
    assert any("no answer is drafted" in step for step in silent.draft["steps"])


def test_questions_are_known_in_the_shop_s_language_only(context: RecommenderContext) -> None:
    german = asked(
        {"query": "warum pfeift der benzindruckregler"}, {"query": "wieso pfeift ein benzindruckregler"}
    )
    assert recommend(german, context) == []
    [draft] = recommend(german, replace(context, locale="de-AT"))
    assert "benzindruckregler" in draft.title
    assert recommend(german, replace(context, locale="xx")) == []
