"""Cross-sell rules: readable on the action's page, and served while they are in force and in stock."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from growth_pipelines.actions.submission import SubmitRules, submit
from growth_pipelines.recommenders.context import RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.store.tables import Action, AuditEvent
from growth_pipelines.warehouse.database import Warehouse
from tests.basket_frames import baskets, frames_of, gid, product
from tests.console_shop import NOW, SHOP

from .conftest import Visitor

CONTEXT = RecommenderContext(date(2026, 11, 22), "Hot Rod Parts", "https://www.hotrodparts.example", "USD")
HOSE, FILTER, WRENCH, LONG, STEEL = (
    product(1, title="PTFE Hose, 20 ft", handle="ptfe-hose"),
    product(2, title="10 Micron Filter", handle="filter", product_type="Filters", visits=3_000),
    product(3, title="AN Wrench Set", handle="wrench"),
    product(
        5,
        title="10 Micron Filter, Long Body",
        handle="long-filter",
        product_type="Filters",
        visits=1_000,
        price_min_cents=14_000,
    ),
    product(
        6,
        title="10 Micron Filter, Stainless",
        handle="steel-filter",
        product_type="Filters",
        visits=1_000,
        price_min_cents=13_000,
    ),
)
SUBJECTS = {"cross_sell_rule": gid(1), "upsell_rule": gid(2), "kit_rule": gid(3)}


def _rule(maria: Visitor, subtype: str = "cross_sell_rule") -> Action:
    """The rule of the hose: the filter and the wrench, best first; or that of the filter: two better ones; or the
    kit of all three. And the products in the published data."""
    orders = baskets(
        (40, [1, 2, 3]), (30, [1, 2]), (60, [1]), (20, [2]), (20, [3]), (400, [4]), (100, [5]), (100, [6])
    )
    frames = frames_of(orders, HOSE, FILTER, WRENCH, LONG, STEEL)
    drafts = [
        draft
        for draft in RECOMMENDERS["guided_selling"].recommend(frames, CONTEXT)
        if (draft.subtype, draft.target.gid) == (subtype, SUBJECTS[subtype])
    ]
    store = maria.shop.store
    made = submit(store, drafts, recommender="guided_selling", shop_id=SHOP, now=NOW, rules=SubmitRules())
    warehouse = Warehouse.of(maria.shop.settings)
    with warehouse.write() as connection:
        rows = frames["products"][["product_id", "handle", "title", "page_key", "status", "variants"]]
        rows = rows.assign(variants_out=0, price_min_cents=10_000, currency="USD")
        connection.native.register("given", rows)
        connection.execute("create or replace table marts.dim_products as select * from given")
    warehouse.publish()
    with store.read() as session:
        found = session.get_one(Action, made.created[0])
        session.expunge_all()
        return found


def _move(maria: Visitor, action: Action, state: str) -> None:
    with maria.shop.store.session() as session:
        found = session.get_one(Action, action.id)
        found.state, found.executed_at = state, NOW


def _sold_out(maria: Visitor, number: int) -> None:
    warehouse = Warehouse.of(maria.shop.settings)
    with warehouse.write() as connection:
        connection.execute("update marts.dim_products set variants_out = 1 where product_id = ?", (gid(number),))
    warehouse.publish()


def test_the_page_names_the_products_and_says_why(maria: Visitor) -> None:
    action = _rule(maria)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", maria.get(f"/actions/{action.ref}").text))
    told, _, for_machines = page.partition("Also written, for machines")
    assert "What the page would show with it" in told
    assert "Shown with the product" in told
    assert "10 Micron Filter; AN Wrench Set" in told
    assert "70 of 130 orders" in page
    assert "gid://" not in page
    assert "shopify--discovery--product_recommendation.complementary_products" in for_machines


@pytest.mark.parametrize("name", ["ptfe-hose", "1", gid(1)])
def test_rules_are_served_while_in_force_and_in_stock(maria: Visitor, name: str) -> None:
    action, path = _rule(maria), f"/api/cross-sell/{name}"
    assert maria.get(path).json()["products"] == []  # proposed, not executed
    _move(maria, action, "executed")
    answer = maria.get(path)
    assert answer.json()["rule"] == action.ref
    assert [one["handle"] for one in answer.json()["products"]] == ["filter", "wrench"]
    assert answer.headers["cache-control"] == "private, max-age=300"
    again = maria.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    _sold_out(maria, 2)
    changed = maria.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert [one["handle"] for one in changed.json()["products"]] == ["wrench"]
    _move(maria, action, "rolled_back")
    nothing: dict[str, object] = {"rule": None, "products": []}
    assert maria.get(path).json() == {"product": gid(1), **nothing, "related": nothing}


def test_better_products_are_named_on_the_page_and_served_apart(maria: Visitor) -> None:
    action = _rule(maria, "upsell_rule")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", maria.get(f"/actions/{action.ref}").text))
    told, _, for_machines = page.partition("Also written, for machines")
    assert "Shown as related products" in told
    assert "10 Micron Filter, Long Body; 10 Micron Filter, Stainless" in told
    assert "gid://" not in page
    assert "shopify--discovery--product_recommendation.related_products" in for_machines
    edit = {
        "decision": "edit",
        "digest": action.digest,
        "draft": {"alternatives": action.draft["alternatives"][::-1]},
    }
    answer = _api(maria, action, edit, maria.get(f"/api/actions/{action.ref}").headers["etag"])
    assert answer.status_code == 200, answer.text
    written = {change["field"]: change["after"] for change in answer.json()["action"]["diff"]}
    assert written["metafield.related_products"] == f'["{gid(6)}","{gid(5)}"]'
    _move(maria, action, "executed")
    body = maria.get("/api/cross-sell/filter").json()
    assert (body["rule"], body["products"]) == (None, [])
    assert body["related"]["rule"] == action.ref
    shown = [(one["handle"], one["chosen_by"]) for one in body["related"]["products"]]
    assert shown == [("steel-filter", "rule"), ("long-filter", "rule")]


def test_a_kit_is_a_card_with_steps_and_nothing_is_served_of_it(maria: Visitor) -> None:
    action = _rule(maria, "kit_rule")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", maria.get(f"/actions/{action.ref}").text))
    assert "“AN Wrench Set”, “10 Micron Filter” and “PTFE Hose, 20 ft” as a kit" in page
    assert "Create a bundle with the Shopify Bundles app" in page
    assert "Kits sold" in page
    _move(maria, action, "executed")
    body = maria.get("/api/cross-sell/wrench").json()
    assert (body["products"], body["related"]["products"]) == ([], [])


def test_strangers_and_unknown_products_get_no_rules(maria: Visitor) -> None:
    _rule(maria)
    assert maria.http.get("/api/cross-sell/none", headers={"accept": "*/*"}).status_code == 404
    maria.http.cookies.clear()
    assert maria.http.get("/api/cross-sell/ptfe-hose", headers={"accept": "*/*"}).status_code == 401


def _form(page: str) -> dict[str, str]:
    """The chosen places in the page's form by product, as a browser without a script sends them."""
    found = re.findall(r'name="(draft\.companions\.\w+)">(.*?)</select>', page, re.DOTALL)
    return {name: re.search(r'value="(\w+)" selected', options)[1] for name, options in found}  # type: ignore[index]


def test_an_operator_puts_the_products_in_order_or_leaves_one_out(maria: Visitor) -> None:
    rule = _rule(maria)
    page = maria.get(f"/actions/{rule.ref}").text
    places = _form(page)
    assert list(places.values()) == ["1", "2"]
    assert [gid(2), gid(3)] == [one["product"] for one in rule.draft["companions"]]
    filter_, wrench = places
    none = dict.fromkeys(places, "out")
    refused = maria.decide(maria.action(rule.id), "approve_with_edits", **none)
    assert refused.status_code == 422
    assert list(_form(refused.text).values()) == ["out", "out"]  # what was chosen is still there
    edit = {"decision": "edit", "digest": rule.digest, "draft": {}}
    companions = rule.draft["companions"]
    tag = maria.get(f"/api/actions/{rule.ref}").headers["etag"]
    for draft in (
        {"companions": [*companions, {"product": gid(4), "title": "Not proposed"}]},
        {"companions": [{**companions[0], "title": "Another name"}]},
        {"companions": [companions[0], companions[0]]},
        {"companions": "all"},
        {"kept": companions},
    ):
        assert _api(maria, rule, {**edit, "draft": draft}, tag).status_code == 422
    assert maria.action(rule.id)["digest"] == rule.digest

    swapped = {"companions": companions[::-1]}
    answer = _api(maria, rule, {**edit, "draft": swapped}, tag)
    assert answer.status_code == 200, answer.text
    after = answer.json()["action"]
    assert (after["version"], after["state"]) == (2, "pending")
    assert after["digest"] != rule.digest
    written = {change["field"]: change["after"] for change in after["diff"]}
    assert written["metafield.complementary_products"] == f'["{gid(3)}","{gid(2)}"]'
    # Neither the page nor the tag of the first version decides any more.
    assert maria.decide({"id": rule.id, "digest": rule.digest}, "approve").status_code == 409
    assert _api(maria, rule, {**edit, "digest": after["digest"], "draft": swapped}, tag).status_code == 412

    approved = maria.decide(maria.action(rule.id), "approve_with_edits", **{filter_: "out", wrench: "1"})
    assert "Approved with your edits." in approved.text
    done = maria.action(rule.id)
    assert (done["state"], done["version"]) == ("approved", 3)
    assert [one["title"] for one in done["draft"]["companions"]] == ["AN Wrench Set"]
    with maria.shop.store.read() as session:
        told = session.scalars(select(AuditEvent).where(AuditEvent.action_id == rule.id)).all()
        edits = [event.payload["edit"] for event in told if event.event == "revised"]
    assert [[one["part"] for one in edit] for edit in edits] == [["companions"], ["companions"]]
    assert [len(edits[1][0][side]) for side in ("before", "after")] == [2, 1]


def _api(maria: Visitor, rule: Action, body: dict[str, Any], tag: str) -> httpx.Response:
    headers = {"X-CSRF-Token": maria.csrf(), "If-Match": tag, "accept": "application/json"}
    return maria.http.post(f"/api/approvals/{rule.id}/decision", json=body, headers=headers)
