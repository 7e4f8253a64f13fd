"""Structured content on the pages: every entry is shown as it will be written, and a decision binds to it."""

from __future__ import annotations

import re
from datetime import date

from growth_pipelines.actions.submission import SubmitRules, submit
from growth_pipelines.recommenders.context import MetaobjectGenConfig, RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.catalogue_frames import INSTALLED, PUMP, frames_of, product, pumps, searched
from tests.console_shop import NOW, SHOP

from .conftest import Visitor

CONTEXT = RecommenderContext(date(2026, 11, 22), "Hot Rod Parts", "https://www.hotrodparts.example", "USD")


def test_answers_and_new_pages_are_shown_field_by_field_and_approved(maria: Visitor) -> None:
    frames = searched(frames_of(*pumps(), product(30, **PUMP, variants=5, body_html=INSTALLED)))
    drafts = RECOMMENDERS["metaobject_gen"].recommend(frames, CONTEXT, MetaobjectGenConfig())
    assert {draft.subtype for draft in drafts} == {"product_content", "landing_page"}
    assert any("how_to" in draft.labels for draft in drafts)
    result = submit(
        maria.shop.store, drafts, recommender="metaobject_gen", shop_id=SHOP, now=NOW, rules=SubmitRules()
    )
    assert not result.refused, result.refused
    for action_id in result.created:
        action = maria.action(action_id)
        answer = maria.get(f"/actions/{action['ref']}")
        assert answer.status_code == 200
        page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
        assert action["title"] in page.replace("&#34;", '"')
        assert "Type of content" in page
        told, _, for_machines = page.partition("Also written, for machines")
        has_steps = "how_to" in action["labels"]
        assert ("Step " in told and "Clean the tank." in told) == has_steps
        assert ("Question" in told) == (action["subtype"] == "product_content")
        assert ("Introduction" in told) == (action["subtype"] == "landing_page")
        assert "schema.org" not in told.partition("Checks on the draft")[0]
        assert "https://schema.org" in for_machines
        assert maria.decide(action, "approve").status_code == 200
        assert maria.action(action_id)["state"] == "approved"
