"""Cross-sell rules: pairs beyond chance and popularity, in stock and of some margin, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.actions.recommended_products import COMPLEMENTARY, products_of, products_text
from growth_pipelines.recommenders.affinity import directed_rules
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.basket_frames import Basket, Frames, affinity_of, baskets, frames_of, gid, product

# 400 orders: 2 in four of ten orders with 1, and hardly ever alone as 1 is; the others make up the shop.
PLANTED: list[tuple[int, list[int]]] = [(40, [1, 2]), (60, [1]), (40, [2]), (130, [3]), (130, [4])]


def recommend(frames: Frames, context: RecommenderContext, **more: Any) -> list[ActionDraft]:
    drafts = RECOMMENDERS["guided_selling"].recommend(frames, context, GuidedSellingConfig(**more))
    return [draft for draft in drafts if draft.subtype == "cross_sell_rule"]


def rules(drafts: list[ActionDraft]) -> dict[str, list[str]]:
    """Product → its new companions, as numbers."""
    return {
        draft.target.gid.rpartition("/")[2]: [
            one["product"].rpartition("/")[2] for one in draft.draft["companions"]
        ]
        for draft in drafts
    }


# -- when it speaks -----------------------------------------------------------------------------------------


def test_a_planted_pair_is_offered_in_each_direction_that_is_likely_enough(context: RecommenderContext) -> None:
    assert rules(recommend(frames_of(baskets(*PLANTED)), context)) == {"1": ["2"], "2": ["1"]}
    reversed_is_rare = baskets((40, [1, 2]), (60, [1]), (140, [2]), (600, [3]), (600, [4]))
    assert rules(recommend(frames_of(reversed_is_rare), context)) == {"1": ["2"]}


@pytest.mark.parametrize(
    ("case", "orders"),
    [
        ("popular with popular", baskets((160, [1, 2]), (160, [1]), (160, [2]), (160, [3]))),
        ("lift under 1.2", baskets((1200, [1, 2]), (1300, [1]), (1300, [2]), (2200, [3]))),
        ("ten orders", baskets((10, [1, 2]), (5, [1]), (5, [2]), (400, [3]))),
        ("sold as one", baskets((98, [1, 2]), (2, [1]), (1, [2]), (300, [3]))),
        ("one buyer", [*baskets((30, [1, 2]), buyer=7), *baskets((40, [1]), (40, [2]), (300, [3]))]),
        ("less often than by chance", baskets((90, [1, 2]), (150, [1]), (150, [2]), (60, [3]))),
    ],
)
def test_what_only_looks_like_a_rule_is_not_offered(
    context: RecommenderContext, case: str, orders: list[Basket]
) -> None:
    assert recommend(frames_of(orders), context) == [], case


def test_eleven_orders_by_as_many_buyers_are_enough(context: RecommenderContext) -> None:
    orders = baskets((11, [1, 2]), (5, [1]), (5, [2]), (400, [3]))
    assert rules(recommend(frames_of(orders), context)) == {"1": ["2"], "2": ["1"]}


@pytest.mark.parametrize(
    ("case", "companion"),
    [
        ("out of stock", {"variants_out": 1, "available": 0}),
        ("gone in days", {"available": 2}),
        ("not active", {"status": "draft"}),
        ("without a page", {"page_key": None}),
        ("not in the online store", {"is_published": False}),
        ("without a price", {"price_min_cents": 0}),
        ("under the margin", {"margin_rate": 0.05}),
    ],
)
def test_a_companion_that_should_not_be_sold_is_not_shown(
    context: RecommenderContext, case: str, companion: dict[str, Any]
) -> None:
    frames = frames_of(baskets(*PLANTED), product(2, **companion))
    assert "1" not in rules(recommend(frames, context)), case


def test_stock_that_is_not_counted_never_runs_out(context: RecommenderContext) -> None:
    frames = frames_of(baskets(*PLANTED), product(2, available=0, variants_out=0))
    assert rules(recommend(frames, context))["1"] == ["2"]


def test_the_same_product_in_another_finish_is_no_companion(context: RecommenderContext) -> None:
    hose = {"product_type": "Hose Ends"}
    one = product(1, title="AN-6 90 Degree Hose End, Black", **hose)
    two = product(2, title="AN-6 90 Degree Hose End, Blue", **hose)
    assert recommend(frames_of(baskets(*PLANTED), one, two), context) == []
    other = product(2, title="AN-6 Aluminium Wrench Set", **hose)
    assert rules(recommend(frames_of(baskets(*PLANTED), one, other), context)) == {"1": ["2"], "2": ["1"]}


def test_what_a_page_shows_already_is_kept_and_not_offered_again(context: RecommenderContext) -> None:
    shown = frames_of(baskets(*PLANTED), product(1, complementary_products=products_text([gid(2)])))
    assert set(rules(recommend(shown, context))) == {"2"}
    others = [gid(3), gid(4)]
    frames = frames_of(baskets(*PLANTED), product(1, complementary_products=products_text(others)))
    draft = next(one for one in recommend(frames, context) if one.target.gid == gid(1))
    change = next(one for one in draft.diff if one.field == COMPLEMENTARY.field)
    assert products_of(change.before) == others
    assert products_of(change.after) == [*others, gid(2)]
    assert "1" not in rules(recommend(frames, context, max_companions=2))


def test_a_product_gets_the_companions_worth_most(context: RecommenderContext) -> None:
    orders = baskets((30, [1, 2, 3]), (30, [1, 2]), (40, [1, 4]), (40, [1, 5]), (900, [6]), (30, [2]), (30, [3]))
    frames = frames_of(orders, product(3, price_min_cents=90_000))
    [first] = [one for one in recommend(frames, context, max_companions=1) if one.target.gid == gid(1)]
    assert rules([first]) == {"1": ["2"]}  # 3 is in too few of its orders, 4 and 5 as well
    assert rules(recommend(frames, context, min_confidence=0.2))["1"] == ["3", "2", "4", "5"]


def test_an_empty_shop_gets_nothing(context: RecommenderContext) -> None:
    empty = {name: frame.iloc[:0] for name, frame in frames_of(baskets(*PLANTED)).items()}
    assert recommend(empty, context) == []
    no_orders = {**frames_of(baskets(*PLANTED)), "affinity": affinity_of(baskets(*PLANTED)).iloc[:0]}
    assert recommend(no_orders, context) == []


# -- how sure it is -----------------------------------------------------------------------------------------


def _independent(seed: int, orders: int = 2000, products: int = 40) -> list[Basket]:
    """Baskets whose products have nothing to do with each other; the first few are in a third of all orders."""
    rng = np.random.default_rng(seed)
    share = 0.35 / np.arange(1, products + 1) ** 0.6
    held = rng.random((orders, products)) < share
    return [(frozenset(np.flatnonzero(row).tolist()), -1) for row in held if row.any()]


def test_of_independent_baskets_hardly_any_pair_is_significant() -> None:
    """The only limit in force is the false-discovery rate: with nothing to be found, a shop in twenty may err."""
    only_chance = GuidedSellingConfig(min_confidence=0.0, min_lift=1.0, min_orders_both=0, sold_as_one=1.0)
    erring = sum(len(directed_rules(affinity_of(_independent(seed)), only_chance)) > 0 for seed in range(60))
    assert stats.binomtest(erring, 60, only_chance.fdr, alternative="greater").pvalue > 0.05, erring


def test_of_what_is_found_beside_true_pairs_few_are_false() -> None:
    only_chance = GuidedSellingConfig(min_confidence=0.0, min_lift=1.0, min_orders_both=0, sold_as_one=1.0)
    true_pairs = {frozenset((gid(a), gid(a + 1))) for a in range(20, 30, 2)}
    false = found = 0
    for seed in range(30):
        rng = np.random.default_rng([seed, 1])
        orders = [
            (held | {a + 1 for a in range(20, 30, 2) if a in held and rng.random() < 0.4}, buyer)
            for held, buyer in _independent(seed)
        ]
        kept = directed_rules(affinity_of([(frozenset(held), buyer) for held, buyer in orders]), only_chance)
        pairs = {frozenset(pair) for pair in zip(kept["product_id"], kept["paired_product_id"], strict=True)}
        false += len(pairs - true_pairs)
        found += len(pairs)
    assert found >= 0.9 * 30 * len(true_pairs)
    assert false / found <= 1.5 * only_chance.fdr


def test_the_correction_is_scipys_over_all_pairs_tested() -> None:
    affinity = affinity_of(_independent(3))
    everything = GuidedSellingConfig(min_confidence=0, min_lift=0, min_orders_both=0, fdr=1.0, sold_as_one=1.0)
    found = directed_rules(affinity, everything)
    once = found[found["product_id"] < found["paired_product_id"]]
    tables = [
        [[r.orders_both, r.orders_product - r.orders_both], [r.orders_paired - r.orders_both, 0]]
        for r in once.itertuples()
    ]
    for table, row in zip(tables, once.itertuples(), strict=True):
        table[1][1] = row.orders_total - row.orders_product - row.orders_paired + row.orders_both
    # At or under what chance brings, there is nothing to test: p = 1.
    above = (once["lift"] > 1).tolist()
    p_values = [
        stats.fisher_exact(np.array(table), alternative="greater").pvalue if more else 1.0
        for table, more in zip(tables, above, strict=True)
    ]
    tested = int(affinity["pairs_tested"].iloc[0])
    q_values = stats.false_discovery_control([*p_values, *[1.0] * (tested - len(p_values))])[: len(p_values)]
    assert np.allclose(once["q_value"], q_values, rtol=1e-9)
    other = found[found["product_id"] > found["paired_product_id"]].set_index(["paired_product_id", "product_id"])
    same = once.set_index(["product_id", "paired_product_id"])["q_value"]
    assert other["q_value"].sort_index().tolist() == same.sort_index().tolist()


# -- what it writes -----------------------------------------------------------------------------------------


def test_the_draft_is_what_the_executor_writes_and_the_diff_shows(context: RecommenderContext) -> None:
    draft = next(one for one in recommend(frames_of(baskets(*PLANTED)), context) if one.target.gid == gid(1))
    made = plan_of(draft.kind, draft.target, draft.draft, draft.diff)
    assert made.gid == gid(1)
    assert json.loads(made.wanted[COMPLEMENTARY.field]) == [gid(2)]
    assert set(made.wanted) == {change.field for change in draft.diff}
    assert "40 of 100 orders" in draft.rationale
    assert draft.title == "Show “Part CCCC2” with “Part BBBB1”"
    assert {check.name for check in draft.checks if not check.passed} == set()


def test_the_impact_is_orders_times_share_times_lift_times_what_is_earned(context: RecommenderContext) -> None:
    draft = next(one for one in recommend(frames_of(baskets(*PLANTED)), context) if one.target.gid == gid(1))
    extra = 100 * 28 / 84 * 0.4 * 0.05
    assert draft.impact.delta == pytest.approx(extra, abs=1e-3)
    assert draft.impact.revenue_28d == pytest.approx(extra * 100 * 0.4, abs=0.01)
    assert draft.impact.low < 0.2 * extra < 2 * extra < draft.impact.high
    assert draft.score == pytest.approx(draft.impact.revenue_28d * draft.confidence * draft.ease, abs=0.01)


@pytest.mark.parametrize("others_known", [True, False])
def test_a_cost_that_is_not_known_is_said_and_widens_the_interval(
    context: RecommenderContext, others_known: bool
) -> None:
    known = recommend(frames_of(baskets(*PLANTED)), context)
    margins = {} if others_known else {"margin_rate": None}
    rows = [product(n, **margins) for n in (1, 3, 4)]
    drafts = recommend(frames_of(baskets(*PLANTED), *rows, product(2, margin_rate=None)), context)
    sure, unsure = (next(one for one in found if one.target.gid == gid(1)) for found in (known, drafts))
    assert [check.name for check in unsure.checks if not check.passed] == ["costs are known"]
    notes = " ".join(row.note for row in unsure.evidence)
    assert ("shop's median margin" if others_known else "is assumed") in notes
    wide = (draft.impact.revenue_high / draft.impact.revenue_28d for draft in (sure, unsure))
    assert next(wide) < next(wide)


def test_it_is_the_same_again_whatever_the_order_of_the_rows(context: RecommenderContext) -> None:
    frames = frames_of(baskets(*PLANTED))
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in frames.items()}
    before = {name: frame.copy() for name, frame in frames.items()}
    assert recommend(frames, context) == recommend(shuffled, context)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])
