"""Kits: groups of products each two of which are bought together; as many as the scarcest part, none in two."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import GuidedSellingConfig, MerchPlaybookConfig, RecommenderContext
from growth_pipelines.recommenders.kits import cliques, pairs_in_kits
from growth_pipelines.recommenders.merch_playbook import recommend as merch
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests import goods_frames
from tests.basket_frames import Basket, Frames, baskets, frames_of, gid, product
from tests.own_time import own_time

# Three parts of which each two are in about half of the orders with either, among 1,000 orders; 4 is none of it.
TRIO: list[tuple[int, list[int]]] = [
    *((10, [1, 2, 3]), (25, [1, 2]), (25, [1, 3]), (25, [2, 3])),
    *((15, [1]), (20, [2]), (25, [3]), (855, [4])),
]


def trio(*changed: dict[str, Any], extra: tuple[tuple[int, list[int]], ...] = ()) -> Frames:
    return frames_of(baskets(*TRIO, *extra), *changed)


def kits(frames: Frames, context: RecommenderContext, **more: Any) -> list[ActionDraft]:
    drafts = RECOMMENDERS["guided_selling"].recommend(frames, context, GuidedSellingConfig(**more))
    return [draft for draft in drafts if draft.subtype == "kit_rule"]


def parts(draft: ActionDraft) -> set[str]:
    return {part["product_gid"].rpartition("/")[2] for part in draft.draft["parts"]}


# -- groups -------------------------------------------------------------------------------------------------


def test_groups_are_whole_strongest_first_and_share_no_product() -> None:
    links = [("a", "b", 0.9), ("a", "c", 0.8), ("b", "c", 0.7), ("c", "d", 0.6), ("d", "e", 0.5), ("c", "e", 0.4)]
    assert cliques(links, 5) == [("a", "b", "c")]  # c is taken, d and e are only two
    assert cliques([*links, ("d", "f", 0.3), ("e", "f", 0.3)], 5) == [("a", "b", "c"), ("d", "e", "f")]
    assert cliques([("a", "b", 0.9), ("b", "c", 0.8), ("c", "d", 0.7), ("a", "d", 0.6)], 5) == []  # a ring


def test_a_group_grows_by_the_part_whose_weakest_link_is_strongest_up_to_the_most() -> None:
    strength = dict.fromkeys(combinations("abcdef", 2), 0.5) | {
        ("a", "b"): 0.9,
        ("a", "f"): 0.8,
        ("b", "f"): 0.7,
    }
    links = [(*pair, value) for pair, value in sorted(strength.items(), key=lambda item: (-item[1], item[0]))]
    assert cliques(links, 3) == [("a", "b", "f"), ("c", "d", "e")]
    assert [len(group) for group in cliques(links, 5)] == [5]


def test_a_dense_graph_takes_no_longer_than_a_second_and_gives_true_groups() -> None:
    rng = np.random.default_rng(3)
    names = [f"p{n:03}" for n in range(400)]
    links = [(a, b, float(s)) for (a, b), s in zip(combinations(names, 2), rng.random(79_800), strict=True)]
    links.sort(key=lambda link: -link[2])
    with own_time() as took:
        found = cliques(links, 5)
    assert took.seconds < 1
    linked = {frozenset(link[:2]) for link in links}
    assert len(found) > 20
    assert all(frozenset(pair) in linked for group in found for pair in combinations(group, 2))
    members = [name for group in found for name in group]
    assert len(members) == len(set(members))


# -- when it speaks -----------------------------------------------------------------------------------------


def test_three_that_go_together_are_a_kit_and_two_are_none(context: RecommenderContext) -> None:
    [draft] = kits(trio(), context)
    assert parts(draft) == {"1", "2", "3"}
    pair = baskets((40, [1, 2]), (60, [1]), (40, [2]), (860, [3]))
    assert kits(frames_of(pair), context) == []


@pytest.mark.parametrize(
    ("case", "changed"),
    [
        ("a part is out", {"available": 0}),
        ("four in stock", {"available": 4}),
        ("gone in days", {"available": 6}),
        ("a margin under the floor", {"margin_rate": 0.19}),
        ("a version of another part", {"title": "Part BBBB1 Blue"}),
    ],
)
def test_a_part_that_should_not_be_in_a_kit_leaves_none(
    context: RecommenderContext, case: str, changed: dict[str, Any]
) -> None:
    assert kits(trio(product(2, **changed)), context) == [], case


@pytest.mark.parametrize(
    ("case", "limits"),
    [
        ("lift", {"kit_lift": 5.2}),
        ("share of the rarer", {"kit_confidence": 0.46}),
        ("share of the other", {"kit_reverse": 0.45}),
        ("orders", {"kit_orders": 35}),
        ("sold as one", {"sold_as_one": 0.4}),
    ],
)
def test_each_pair_keeps_each_limit(context: RecommenderContext, case: str, limits: dict[str, float]) -> None:
    assert kits(trio(), context, **limits) == [], case


def test_what_one_buyer_does_again_counts_once(context: RecommenderContext) -> None:
    once = [(frozenset([2, 3]), 9) for _ in range(25)]
    others: list[Basket] = [basket for basket in baskets(*TRIO) if basket[0] != {2, 3}]
    for again, count in ((once, 0), (baskets((25, [2, 3])), 1)):
        assert len(kits(frames_of([*others, *again]), context, kit_orders=11)) == count


@pytest.mark.parametrize(
    ("recommender", "subtype", "number"), [("guided_selling", "kit_rule", 3), ("merch_playbook", "bundle", 2)]
)
def test_it_rests_when_a_kit_or_a_bundle_was_known_by_one_of_its_parts_lately(
    context: RecommenderContext, recommender: str, subtype: str, number: int
) -> None:
    for days, count in ((83, 0), (84, 1)):
        ended = pd.Timestamp(context.as_of) - pd.Timedelta(days=days)
        row = {"recommender": recommender, "subtype": subtype, "resource_gid": gid(number), "ended_on": ended}
        frames = {**trio(), "past_actions": pd.DataFrame([{**row, "state": "rejected"}])}
        assert len(kits(frames, context)) == count


# -- kits and bundles ---------------------------------------------------------------------------------------


def test_no_bundle_repeats_a_pair_of_a_kit_unless_the_kit_was_turned_down() -> None:
    linked = [goods_frames.pair(101, 102), goods_frames.pair(101, 103), goods_frames.pair(102, 103)]
    apart = goods_frames.pair(104, 105)
    added = tuple(goods_frames.goods(n, title=f"Thing {n}") for n in range(101, 106))

    def bundles(*past: dict[str, Any]) -> set[str]:
        frames = goods_frames.frames_of(*added, pairs=[*linked, apart], past=past)
        drafts = merch(frames, goods_frames.CONTEXT, MerchPlaybookConfig())
        return {draft.target.gid.rpartition("/")[2] for draft in drafts if draft.subtype == "bundle"}

    past = {"recommender": "guided_selling", "subtype": "kit_rule", "resource_gid": gid(101)}
    past["ended_on"] = pd.Timestamp(goods_frames.AS_OF) - pd.Timedelta(days=5)
    assert bundles() == {"104"}
    assert bundles({**past, "state": "executed"}) == {"104"}
    assert bundles({**past, "state": "rejected"}) == {"101", "102", "104"}
    frames = goods_frames.frames_of(*added, pairs=[*linked, apart])
    covered = pairs_in_kits(frames, GuidedSellingConfig(), goods_frames.AS_OF)
    assert covered == {(gid(a), gid(b)) for a in (101, 102, 103) for b in (101, 102, 103) if a != b}
    # Also where no card is drafted for it.
    assert pairs_in_kits(frames, GuidedSellingConfig(max_drafts=0), goods_frames.AS_OF) == covered


# -- what it says -------------------------------------------------------------------------------------------


def test_the_card_is_a_task_with_its_parts_stock_and_price(context: RecommenderContext) -> None:
    [draft] = kits(trio(product(2, available=60, price_min_cents=5_000), product(3, available=80)), context)
    made = plan_of(draft.kind, draft.target, draft.draft, draft.diff)
    assert (made.surface, made.wanted) == (None, {})
    assert made.task is not None
    first, second, price = made.task.steps
    assert "of one each of: “Part BBBB1”, “Part CCCC2” and “Part DDDD3”" in first
    assert draft.why_now == "All parts are in stock: 60 kits can be sold today."
    assert "each part" in second
    # 250 together; 40 % margin on all: 150 of cost, and a floor of 150 ÷ 0.8.
    assert "cost USD 250.00 together" in price
    assert "never less than USD 187.50: a margin of 20%" in price
    [stock] = [row for row in draft.evidence if row.name == "Kits in stock"]
    assert stock.value == 60
    assert "decides: Part CCCC2" in stock.note
    assert draft.risk_tier == "medium"
    assert all(check.passed for check in draft.checks)
    assert "all of them at once is not counted" in draft.rationale


def test_what_it_is_worth_rests_on_the_part_whose_buyers_want_the_others_most(context: RecommenderContext) -> None:
    [draft] = kits(trio(), context)
    assert "orders that hold “Part BBBB1”" in draft.rationale  # in 75 orders, of which 35 each hold another part
    kits_taken = 75 * 28 / 84 * 0.03
    assert draft.impact.delta == pytest.approx(kits_taken, abs=0.01)
    assert draft.impact.revenue_28d == pytest.approx(kits_taken * 2 * (1 - 35 / 75) * 40, abs=0.01)
    assert draft.impact.low < kits_taken / 5 < 3 * kits_taken < draft.impact.high


def test_it_stays_the_same_action_when_another_part_is_wanted_most(context: RecommenderContext) -> None:
    [today] = kits(trio(), context)
    [tomorrow] = kits(trio(extra=((20, [1]),)), context)
    assert "orders that hold “Part CCCC2”" in tomorrow.rationale
    assert (today.target, today.draft, today.diff) == (tomorrow.target, tomorrow.draft, tomorrow.diff)
    assert today.target.gid == gid(1)


def test_no_lower_price_is_named_where_a_cost_is_not_known(context: RecommenderContext) -> None:
    [sure], [unsure] = kits(trio(), context), kits(trio(product(2, margin_rate=None)), context)
    price = unsure.draft["steps"][-1]
    assert "the sum of its parts, USD 300.00: a cost isn't known (Part CCCC2), so no lower price" in price
    assert unsure.confidence == pytest.approx(0.85 * sure.confidence, abs=1e-3)
    assert {check.name for check in unsure.checks if not check.passed} == {"margin kept"}


@pytest.mark.parametrize("margin", [0.4, 0.2, None])
def test_braces_in_titles_are_text(context: RecommenderContext, margin: float | None) -> None:
    titles = {1: "Part {} BBBB1", 2: "Part {x} CCCC2", 3: "Part {0:d} DDDD3"}
    changed = [product(n, title=title, margin_rate=margin) for n, title in titles.items()]
    [draft] = kits(trio(*changed), context)
    assert draft.title == "Offer “Part {} BBBB1”, “Part {x} CCCC2” and “Part {0:d} DDDD3” as a kit"
    assert len(draft.draft["steps"]) == 3


def test_stock_that_is_not_counted_is_no_number(context: RecommenderContext) -> None:
    free = [product(n, is_tracked=False) for n in (1, 2, 3)]
    [draft] = kits(trio(*free, product(4, is_tracked=True)), context)
    assert "any number of kits" in draft.why_now
    assert [row.value for row in draft.evidence if row.name == "Kits in stock"] == [None]
    [many] = kits(trio(*(product(n, available=12_000) for n in (1, 2, 3))), context)
    assert "12,000 kits" in many.why_now
    assert [row.value for row in many.evidence if row.name == "Kits in stock"] == [12_000]
    mixed = [product(1, is_tracked=True, available=12_000), *free[1:], product(4, is_tracked=True)]
    assert "12,000 kits" in kits(trio(*mixed), context)[0].why_now
    some = [product(1, is_tracked=True, available=12), *free[1:], product(4, is_tracked=True)]
    assert "12 kits" in kits(trio(*some), context)[0].why_now


def test_a_piece_sold_or_delivered_asks_no_new_decision(context: RecommenderContext) -> None:
    frames = trio()
    red = frames["stock"].iloc[[0]].assign(variant_id="v0", variant_title="Red", available=70)
    stock = pd.concat([frames["stock"], red], ignore_index=True)

    def drafted(**changed: int) -> tuple[dict[str, Any], str]:
        now = stock.assign(available=stock["variant_id"].map(changed).fillna(stock["available"]))
        [draft] = kits({**frames, "stock": now}, context)
        return draft.draft, draft.why_now

    first, *others = (drafted(v0=count) for count in (70, 99, 101))
    assert "(Red)" in first[0]["steps"][0]
    assert [draft for draft, _ in others] == [first[0]] * 2
    assert [told for _, told in others] == [first[1].replace("70", "99"), first[1].replace("70", "100")]
    assert "(Red)" not in drafted(v0=49)[0]["steps"][0]


def test_it_is_the_same_again_whatever_the_order_of_the_rows(context: RecommenderContext) -> None:
    frames = trio()
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in frames.items()}
    before = {name: frame.copy() for name, frame in frames.items()}
    assert kits(frames, context) == kits(shuffled, context) != []
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])
