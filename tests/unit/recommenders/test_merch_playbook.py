"""What is ordered, cleared, placed and bundled, and above all what is left alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import MerchPlaybookConfig
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.recommenders.reorders import find_reorders
from growth_pipelines.recommenders.stock_outlook import stock_outlook
from tests.goods_frames import AS_OF, CONTEXT, HISTORY, ORDINARY, Frames, frames_of, goods, pair, stock_row

GID = "gid://shopify/Product/99"
SLOW: dict[str, Any] = {"available": 60, "every": 0, "units_year": 1}


def drafts_of(frames: Frames, **config: Any) -> list[ActionDraft]:
    return RECOMMENDERS["merch_playbook"].recommend(frames, CONTEXT, MerchPlaybookConfig(**config))


def subtypes(frames: Frames) -> list[str]:
    return [draft.subtype for draft in drafts_of(frames)]


def only(frames: Frames, **config: Any) -> ActionDraft:
    [draft] = drafts_of(frames, **config)
    return draft


def past(subtype: str, days_ago: int, gid: str = GID, state: str = "executed") -> dict[str, Any]:
    ended = AS_OF - timedelta(days=days_ago)
    return {
        "recommender": "merch_playbook",
        "subtype": subtype,
        "resource_gid": gid,
        "state": state,
        "ended_on": ended,
    }


def collection(*members: int, **more: Any) -> dict[str, Any]:
    return {"title": "Fittings", "members": list(members), **more}


# -- all -------------------------------------------------------------------------------------------------------


def test_ordinary_goods_are_left_alone() -> None:
    assert drafts_of(frames_of(collections=(collection(*range(1, ORDINARY + 1)),))) == []


def test_a_shop_without_goods_is_no_error() -> None:
    frames = {name: frame.iloc[:0] for name, frame in frames_of().items()}
    assert drafts_of({**frames, "shop": frames_of()["shop"]}) == []
    assert drafts_of(frames) == []


def test_the_same_frames_give_the_same_drafts_and_stay_as_they_are() -> None:
    members = list(range(1, 41))
    good = [goods(100 + n, orders=60) for n in range(10)]
    frames = frames_of(
        goods(99, available=1, every=1), *good, collections=(collection(*members, *range(100, 110)),)
    )
    kept = {name: frame.copy() for name, frame in frames.items()}
    first = drafts_of(frames)
    assert {draft.subtype for draft in first} == {"reorder", "collection_order"}
    assert drafts_of(frames) == first
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, kept[name])


# -- reorder ---------------------------------------------------------------------------------------------------


def test_what_runs_out_before_a_delivery_is_ordered() -> None:
    draft = only(frames_of(goods(99, available=2, every=1)))
    assert (draft.subtype, draft.target.gid, draft.priority) == ("reorder", GID, "critical")
    assert draft.ease == 0.4
    impact = draft.impact
    assert 0 <= impact.low < impact.delta < impact.high
    assert impact.revenue_28d == pytest.approx(impact.delta * 50, rel=0.01)
    [line] = draft.draft["lines"]
    assert line["quantity"] >= 14 + 28 - 2 - 5
    assert {row.name for row in draft.evidence} >= {"Available now", "Days of cover", "Reorder point"}


@pytest.mark.parametrize(("available", "priority"), [(0, "critical"), (5, "high"), (10, "medium"), (40, None)])
def test_urgency_follows_the_days_of_cover(available: int, priority: str | None) -> None:
    found = drafts_of(frames_of(goods(99, available=available, every=1)))
    assert [draft.priority for draft in found] == ([priority] if priority else [])


@pytest.mark.parametrize(
    "more",
    [
        {"incoming": 60},
        {"is_tracked": False},
        {"available": None},
        {"every": 40},  # two sales in twelve weeks
        {"every": 0, "available": 0},
    ],
    ids=["is on its way", "is not counted", "stock not known", "thin data", "nobody wants it"],
)
def test_no_order_where(more: dict[str, Any]) -> None:
    assert "reorder" not in subtypes(frames_of(goods(99, **{"available": 1, "every": 1, **more})))


def test_days_without_stock_do_not_make_an_order_small() -> None:
    sold = {"available": 0, "every": 1}
    whole = only(frames_of(goods(99, **sold)))
    half = drafts_of(frames_of(goods(99, **sold, out=tuple(range(1, 43)))))
    [found] = [draft for draft in half if draft.subtype == "reorder"]
    daily = [row.value for draft in (whole, found) for row in draft.evidence if row.name == "Expected daily sales"]
    assert daily[1] == pytest.approx(daily[0], rel=0.15)


def test_a_longer_way_means_an_earlier_and_larger_order() -> None:
    from dataclasses import replace

    frames = frames_of(goods(99, available=12, every=1))
    quick, slow = (
        RECOMMENDERS["merch_playbook"].recommend(frames, replace(CONTEXT, lead_time_days=days)) for days in (3, 30)
    )
    assert quick == []
    assert slow[0].draft["lines"][0]["quantity"] > 40


def test_the_interval_of_what_would_go_unsold_holds_what_does() -> None:
    """Of products that run short, simulated onwards without a delivery: about nine in ten are inside."""
    rng = np.random.default_rng(31)
    count, ahead = 1_500, CONTEXT.lead_time_days + 28
    rates = rng.gamma(1.5, 0.5, count)
    items = pd.DataFrame([stock_row(goods(n, available=int(rate * 5))) for n, rate in enumerate(rates)])
    units = rng.poisson(rates[:, None], (count, HISTORY))
    item, day = np.nonzero(units)
    sold = pd.DataFrame({"variant_id": items["variant_id"].to_numpy()[item], "units": units[item, day]})
    sold["date_day"] = pd.Timestamp(AS_OF) - pd.to_timedelta(HISTORY - day, unit="D")
    frames = {**frames_of(), "stock": items, "variant_days": sold}
    config = MerchPlaybookConfig()
    found = find_reorders(stock_outlook(frames, CONTEXT, config), CONTEXT, config)
    came = rng.poisson(rates[:, None], (count, ahead))
    before, whole = (np.maximum(part.sum(axis=1) - items["available"], 0) for part in (came[:, :14], came))
    lost = (whole - before)[found.index]
    inside = (lost >= found["lost_low"]) & (lost <= found["lost_high"])
    assert len(found) > 1_000
    assert 0.85 <= inside.mean() <= 0.97
    assert found["lost"].sum() == pytest.approx(lost.sum(), rel=0.05)


@pytest.mark.parametrize(("days_ago", "offered"), [(3, False), (20, True)])
def test_what_was_ordered_is_not_ordered_again_before_it_arrives(days_ago: int, offered: bool) -> None:
    frames = frames_of(goods(99, available=0, every=1), past=[past("reorder", days_ago)])
    assert ("reorder" in subtypes(frames)) is offered


# -- clearance -------------------------------------------------------------------------------------------------


def test_slow_goods_are_cleared_never_under_the_margin_floor() -> None:
    draft = only(frames_of(goods(99, **SLOW)))
    assert (draft.subtype, draft.risk_tier) == ("clearance", "medium")
    [floor] = draft.draft["floor_prices"]
    assert floor["price"] == pytest.approx(25 / 0.8, abs=0.01)
    assert (floor["price"] - 25) / floor["price"] >= 0.2 - 1e-9
    assert any("31.25" in step for step in draft.draft["steps"])
    assert draft.impact.low < draft.impact.delta < draft.impact.high <= 60
    [turnover] = [row for row in draft.evidence if row.name == "Turnover"]
    assert (turnover.value, turnover.note) == (0, "slow; class C by revenue")


def test_without_a_known_cost_no_lower_price_is_offered_and_it_says_why() -> None:
    draft = only(frames_of(goods(99, **SLOW, cost_cents=None)))
    assert "floor_prices" not in draft.draft
    assert "never below" not in " ".join(draft.draft["steps"])
    [margin] = [row for row in draft.evidence if row.name == "Margin today"]
    assert margin.value is None
    assert "cost of it isn't known" in margin.note


def test_a_price_at_the_floor_is_not_lowered() -> None:
    draft = only(frames_of(goods(99, **SLOW, cost_cents=4200)))
    assert "floor_prices" not in draft.draft
    assert "leaves no room" in draft.evidence[-1].note


@pytest.mark.parametrize(
    "more",
    [
        {"available": 10},
        {"units_year": 70},
        {"published_on": date(2026, 11, 1)},
        {"every": 20, "units_year": 18},
        {"is_tracked": False},
    ],
    ids=["ten in stock", "out of season", "new", "sold in 28 days", "is not counted"],
)
def test_no_clearance_where(more: dict[str, Any]) -> None:
    assert "clearance" not in subtypes(frames_of(goods(99, **{**SLOW, **more})))


# -- collection order ------------------------------------------------------------------------------------------


def reversed_collection(best: int = 60, **more: Any) -> Frames:
    """Forty ordinary products, and ten at the end that are ordered ``best`` times instead of 20."""
    good = [goods(100 + n, orders=best, **more) for n in range(10)]
    members = (*range(1, 41), *(row["number"] for row in good))
    return frames_of(*good, collections=(collection(*members),))


def test_a_collection_that_begins_with_the_worst_is_ordered_anew() -> None:
    draft = only(reversed_collection())
    assert (draft.subtype, draft.ease, draft.target.type) == ("collection_order", 0.8, "collection")
    order = draft.draft["order"]
    assert set(order[:10]) == {f"part-{100 + n}" for n in range(10)}
    assert order[10:] == [f"part-{n}" for n in range(1, 41)]  # equals stay as they stand
    assert "sort_order" not in draft.draft
    assert [change.field for change in draft.diff] == ["collection.order"]
    assert draft.diff[0].after.split("\n") == order
    assert 0 <= draft.impact.low < draft.impact.delta < draft.impact.high


def test_one_that_shopify_sorts_is_sorted_by_hand_first() -> None:
    frames = reversed_collection()
    frames["collection_products"]["sort_order"] = "BEST_SELLING"
    draft = only(frames)
    assert draft.draft["sort_order"] == "MANUAL"
    assert draft.diff[0].before == "BEST_SELLING"


def test_sold_out_products_go_last_and_judge_nothing() -> None:
    assert "collection_order" not in subtypes(reversed_collection(available=0))
    frames = reversed_collection()
    first = frames["sell_through"]["handle"] == "part-100"
    frames["sell_through"].loc[first, "available"] = 0
    # What is a draft, or not published, is in the collection but not among what is sold.
    frames["sell_through"] = frames["sell_through"][frames["sell_through"]["handle"] != "part-101"]
    [draft] = [one for one in drafts_of(frames) if one.subtype == "collection_order"]
    assert draft.draft["order"][-2:] == ["part-100", "part-101"]
    assert len(draft.draft["order"]) == 50


def test_differences_that_chance_explains_move_nothing() -> None:
    """Of 200 collections of like products with few orders, none is put in another order."""
    rng = np.random.default_rng(21)
    products = [goods(1000 + n, orders=int(rng.poisson(2)), visits=100) for n in range(1000)]
    chosen = (rng.choice(1000, 40, replace=False) + 1000 for _ in range(200))
    collections = tuple(collection(*(int(n) for n in members)) for members in chosen)
    found = subtypes(frames_of(*products, collections=collections))
    assert found.count("collection_order") == 0


def test_a_collection_that_is_not_known_wholly_is_left_alone() -> None:
    frames = reversed_collection()
    frames["collection_products"]["products"] += 1
    assert drafts_of(frames) == []


# -- feature ---------------------------------------------------------------------------------------------------


def hidden(**more: Any) -> Frames:
    """One product that sells four times as well as the others, in the middle of a collection of sixty."""
    best = goods(99, **{"orders": 90, "margin_rate": 0.6, **more})
    members = (*range(1, 41), 99, *range(41, ORDINARY + 1))
    return frames_of(best, collections=(collection(*members),))


def test_a_product_that_sells_where_few_see_it_is_shown_first() -> None:
    draft = only(hidden())
    assert (draft.subtype, draft.ease) == ("feature", 0.8)
    assert draft.draft["order"][0] == "part-99"
    assert draft.draft["order"][1:] == [f"part-{n}" for n in range(1, ORDINARY + 1)]


def test_where_shopify_sorts_a_person_is_asked_to_show_it() -> None:
    frames = hidden()
    frames["collection_products"]["sort_order"] = "BEST_SELLING"
    draft = only(frames)
    assert (draft.subtype, draft.ease, "order" in draft.draft) == ("feature", 0.4, False)


@pytest.mark.parametrize(
    "more",
    [
        {"margin_rate": 0.4},
        {"margin_rate": None},
        {"orders": 24},
        {"orders": 2, "visits": 30},
        {"available": 2},
    ],
    ids=["margin under the mean", "margin unknown", "hardly better", "thin data", "would be oversold"],
)
def test_no_feature_where(more: dict[str, Any]) -> None:
    assert "feature" not in subtypes(hidden(**more))


def test_what_another_collection_shows_early_is_featured_already() -> None:
    best = goods(99, orders=90, margin_rate=0.6)
    everything = collection(*range(1, 41), 99, *range(41, ORDINARY + 1))
    other = {"title": "Picks", "members": [99, *range(1, 30)]}
    assert drafts_of(frames_of(best, collections=(everything, other))) == []


# -- back in stock ---------------------------------------------------------------------------------------------


def returned(**more: Any) -> Frames:
    settings = {"every": 2, "available": 40, "out": tuple(range(3, 12)), **more}
    past_actions = settings.pop("past", ())
    return frames_of(goods(99, **settings), past=past_actions)


def test_what_came_back_is_told() -> None:
    draft = only(returned())
    assert (draft.subtype, draft.target.gid, draft.ease) == ("back_in_stock", GID, 0.4)
    assert 0 < draft.impact.low < draft.impact.delta < draft.impact.high <= 40


@pytest.mark.parametrize(("days_ago", "told"), [(6, False), (7, True)])
def test_at_most_one_message_in_seven_days(days_ago: int, told: bool) -> None:
    assert ("back_in_stock" in subtypes(returned(past=[past("back_in_stock", days_ago)]))) is told


@pytest.mark.parametrize(
    "more",
    [{"out": tuple(range(15, 25))}, {"out": (3,)}, {"every": 0}, {"available": 3}],
    ids=["old news", "a day only", "nobody waited", "gone again at once"],
)
def test_no_message_where(more: dict[str, Any]) -> None:
    assert "back_in_stock" not in subtypes(returned(**more))


# -- bundle ----------------------------------------------------------------------------------------------------


def test_what_goes_together_is_bundled_as_often_as_the_scarcest_part_lasts() -> None:
    draft = only(frames_of(goods(99, available=31), goods(98), pairs=[pair(99, 98)]))
    assert draft.subtype == "bundle"
    [stock] = [row for row in draft.evidence if row.name == "Bundles in stock"]
    assert stock.value == 31
    assert any("USD 62.50" in step for step in draft.draft["steps"])  # both at cost ÷ 0.8
    assert draft.impact.low < draft.impact.delta < draft.impact.high <= 31


def test_a_bundle_of_parts_that_are_not_counted_has_no_number() -> None:
    free = {"is_tracked": False, "available": None}
    draft = only(frames_of(goods(99, **free), goods(98, **free), pairs=[pair(99, 98)]))
    assert "any number of bundles" in draft.why_now
    assert [row.value for row in draft.evidence if row.name == "Bundles in stock"] == [None]


def test_a_bundle_with_a_part_of_unknown_cost_has_no_lower_price() -> None:
    draft = only(frames_of(goods(99), goods(98, cost_cents=None), pairs=[pair(99, 98)]))
    assert "a cost isn't known" in draft.draft["steps"][-1]
    assert draft.risk_tier == "low"


@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        ({"available": 0}, {}),
        ({"available": 4}, {}),
        ({"every": 1, "available": 10}, {}),
        ({}, {"orders_both": 10}),
        ({}, {"confidence": 0.3}),
        ({}, {"lift": 1.9}),
    ],
    ids=["sold out", "hardly any", "would be oversold", "ten orders", "seldom", "hardly more than chance"],
)
def test_no_bundle_where(parts: dict[str, Any], numbers: dict[str, Any]) -> None:
    frames = frames_of(goods(99), goods(98, **parts), pairs=[pair(99, 98, **numbers)])
    assert "bundle" not in subtypes(frames)
