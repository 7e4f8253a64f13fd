"""Better products: the same thing, dearer, earning more, in stock, and bought as readily beyond doubt."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.actions.recommended_products import RELATED, products_of, products_text
from growth_pipelines.recommenders.alternatives import find_alternatives
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.likeness import likeness, makeup
from growth_pipelines.recommenders.registry import RECOMMENDERS
from tests.basket_frames import Frames, baskets, frames_of, gid, product

HOSE = "AN-6 PTFE Fuel Hose, 10 ft"
# 60 orders with the hose in 3,000 visits, 60 with the longer one in 1,500.
ORDERS = [(60, [1]), (60, [2]), (200, [3]), (200, [4])]


def hose(number: int, title: str, **more: Any) -> dict[str, Any]:
    return product(number, **{"title": title, "product_type": "Fuel Hose", "visits": 3_000, **more})


def shop(*changed: dict[str, Any], extra: tuple[tuple[int, list[int]], ...] = (), **better: Any) -> Frames:
    """The hose (1), a longer one (2) as ``better`` says, and other goods."""
    long = hose(2, **{"title": "AN-6 PTFE Fuel Hose, 20 ft", "visits": 1_500, "price_min_cents": 14_000, **better})
    others = (product(3, visits=9_000), product(4, visits=9_000))
    return frames_of(baskets(*ORDERS, *extra), hose(1, HOSE), long, *others, *changed)


def upsells(frames: Frames, context: RecommenderContext, **more: Any) -> list[ActionDraft]:
    drafts = RECOMMENDERS["guided_selling"].recommend(frames, context, GuidedSellingConfig(**more))
    return [draft for draft in drafts if draft.subtype == "upsell_rule"]


def shown(drafts: list[ActionDraft]) -> dict[str, list[str]]:
    """Product → the better ones to show, as numbers."""
    return {
        draft.target.gid.rpartition("/")[2]: [
            one["product"].rpartition("/")[2] for one in draft.draft["alternatives"]
        ]
        for draft in drafts
    }


# -- when it speaks -----------------------------------------------------------------------------------------


def test_a_better_version_is_shown_with_the_cheaper_one_and_not_the_other_way_round(
    context: RecommenderContext,
) -> None:
    assert shown(upsells(shop(), context)) == {"1": ["2"]}


@pytest.mark.parametrize(
    ("case", "better"),
    [
        ("sold out", {"variants_out": 1, "available": 0}),
        ("gone in days", {"available": 3}),
        ("not active", {"status": "draft"}),
        ("not in the online store", {"is_published": False}),
        ("cheaper", {"price_min_cents": 9_000}),
        ("hardly dearer", {"price_min_cents": 10_900}),
        ("far dearer", {"price_min_cents": 16_100}),
        ("earns less", {"margin_rate": 0.28}),
        ("earns hardly more", {"margin_rate": 0.31}),
        ("hardly earns", {"price_min_cents": 14_000, "margin_rate": 0.09}),
        ("another type", {"product_type": "Oil Hose"}),
        ("another size", {"title": "AN-8 PTFE Fuel Hose, 20 ft"}),
        ("another thing", {"title": "AN-6 Rubber Fuel Hose, 20 ft"}),
        ("no amount", {"title": "AN-6 PTFE Fuel Hose"}),
        ("less of it", {"title": "AN-6 PTFE Fuel Hose, 5 ft"}),
        ("too few visits to say", {"visits": 200}),
        ("a dud", {"visits": 9_000}),
        ("hardly sold as readily", {"visits": 2_900}),
    ],
)
def test_what_is_no_better_choice_is_not_pushed(
    context: RecommenderContext, case: str, better: dict[str, Any]
) -> None:
    assert upsells(shop(**better), context) == [], case


def test_a_product_that_nobody_sees_or_buys_is_not_worth_it(context: RecommenderContext) -> None:
    assert upsells(shop(hose(1, HOSE, visits=299)), context) == []
    assert upsells(shop(), context, upsell_orders=61) == []


def test_visits_that_can_t_be_read_are_not_replaced_by_clicks(context: RecommenderContext) -> None:
    frames = shop()
    frames["shop"]["conversion_basis"] = "clicks_proxy"
    assert upsells(frames, context) == []


def test_what_is_bought_together_is_no_choice_between_the_two(context: RecommenderContext) -> None:
    assert upsells(shop(extra=((30, [1, 2]),)), context) == []
    assert shown(upsells(shop(extra=((5, [1, 2]),)), context)) == {"1": ["2"]}


def test_what_the_merchant_chose_stays_first_and_is_not_shown_twice(context: RecommenderContext) -> None:
    chosen = [gid(3), gid(4)]
    [draft] = upsells(shop(hose(1, HOSE, related_products=products_text(chosen))), context)
    change = next(one for one in draft.diff if one.field == RELATED.field)
    assert products_of(change.before) == chosen
    assert products_of(change.after) == [*chosen, gid(2)]
    assert "2 related products that you chose" in draft.why_now
    full = hose(1, HOSE, related_products=products_text([*chosen, gid(5)]))
    for already in (
        {"related_products": products_text([gid(2)])},
        {"complementary_products": products_text([gid(2)])},
    ):
        assert upsells(shop(hose(1, HOSE, **already)), context) == []
    assert upsells(shop(full), context) == []


def test_of_many_the_ones_that_bring_most_are_shown(context: RecommenderContext) -> None:
    sizes = {5: 12_000, 6: 15_000, 7: 15_500}
    more = [hose(n, f"AN-6 PTFE Fuel Hose, {n * 5} ft", visits=1_500, price_min_cents=p) for n, p in sizes.items()]
    frames = shop(*more, extra=tuple((60, [n]) for n in sizes))
    assert shown(upsells(frames, context))["1"] == ["7", "6", "2"]
    assert shown(upsells(frames, context, max_alternatives=1))["1"] == ["7"]


@pytest.mark.parametrize(("state", "days_ago", "rests"), [("rejected", 83, True), ("executed", 84, False)])
def test_it_rests_where_it_was_done_or_turned_down(
    context: RecommenderContext, state: str, days_ago: int, rests: bool
) -> None:
    ended = pd.Timestamp(context.as_of) - pd.Timedelta(days=days_ago)
    past = [{"recommender": "guided_selling", "subtype": "upsell_rule", "resource_gid": gid(1), "state": state}]
    frames = {**shop(), "past_actions": pd.DataFrame(past).assign(ended_on=ended)}
    assert (upsells(frames, context) == []) is rests


# -- how sure it is -----------------------------------------------------------------------------------------


def test_a_cost_that_is_not_known_is_said_and_believed_less(context: RecommenderContext) -> None:
    [sure], [unsure] = upsells(shop(), context), upsells(shop(margin_rate=None), context)
    assert {check.name for check in sure.checks if not check.passed} == set()
    [failed] = [check for check in unsure.checks if not check.passed]
    assert (failed.name, failed.note) == ("costs are known", "cost not known: AN-6 PTFE Fuel Hose, 20 ft")
    assert unsure.confidence == pytest.approx(0.85 * sure.confidence, abs=1e-3)
    assert "the shop's usual one" in " ".join(row.note for row in unsure.evidence)
    assert "as far as costs are known" in unsure.rationale
    assert unsure.impact.revenue_high == pytest.approx(1.5 * sure.impact.revenue_high, abs=0.02)


def test_of_products_bought_alike_few_pairs_pass_and_those_sold_better_are_found(
    context: RecommenderContext,
) -> None:
    """With one true rate for all, a tenth of the pairs may pass at a chance of nine in ten."""
    false = 0
    prices = [9_000 + 400 * n for n in range(1, 21)]
    pairs = 20 * sum(1.1 <= dear / cheap <= 1.6 for dear in prices for cheap in prices)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = [hose(n, f"AN-6 PTFE Fuel Hose, {n} ft", price_min_cents=prices[n - 1]) for n in range(1, 21)]
        frames = frames_of(baskets(*((int(rng.poisson(60)), [n]) for n in range(1, 21))), *rows)
        false += len(find_alternatives(frames, GuidedSellingConfig(max_alternatives=20)))
    assert 0 < false / pairs < 0.1
    rows[10]["visits"] = 1_000
    frames = frames_of(baskets(*((60, [n]) for n in range(1, 21))), *rows)
    found = find_alternatives(frames, GuidedSellingConfig(max_alternatives=20))
    assert set(found["paired_product_id"]) == {rows[10]["product_id"]}


# -- what it writes and is worth ----------------------------------------------------------------------------


def test_the_draft_is_what_the_executor_writes_and_the_diff_shows(context: RecommenderContext) -> None:
    [draft] = upsells(shop(), context)
    made = plan_of(draft.kind, draft.target, draft.draft, draft.diff)
    assert made.gid == gid(1)
    assert json.loads(made.wanted[RELATED.field]) == [gid(2)]
    assert set(made.wanted) == {change.field for change in draft.diff}
    assert draft.title == f"Show the better “AN-6 PTFE Fuel Hose, 20 ft” with “{HOSE}”"
    assert "40% dearer, $16 more earned a piece" in draft.rationale


def test_the_impact_is_orders_times_share_times_what_is_earned_more(context: RecommenderContext) -> None:
    [draft] = upsells(shop(), context)
    trade_ups = 60 * 28 / 84 * 0.02
    assert draft.impact.metric == "trade_ups"
    assert draft.impact.delta == pytest.approx(trade_ups, abs=0.01)
    assert draft.impact.revenue_28d == pytest.approx(trade_ups * 0.4 * (140 - 100), abs=0.01)
    assert draft.impact.low < 0.15 * trade_ups < 3 * trade_ups < draft.impact.high
    chance = draft.factors["finding_certainty"]
    draws = np.random.default_rng(1)
    prior, mean = 50, 520 / 22_500
    one, other = (
        stats.gamma.rvs(prior + 60, scale=1 / (prior / mean + visits), size=200_000, random_state=draws)
        for visits in (3_000, 1_500)
    )
    assert chance == pytest.approx((other > one).mean(), abs=0.03)
    assert draft.confidence == pytest.approx(chance * 0.75, abs=1e-3)


def test_it_is_the_same_again_whatever_the_order_of_the_rows(context: RecommenderContext) -> None:
    frames = shop()
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in frames.items()}
    before = {name: frame.copy() for name, frame in frames.items()}
    assert upsells(frames, context) == upsells(shuffled, context) != []
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


@pytest.mark.parametrize(
    ("title", "core", "amounts"),
    [
        ("AN-6 PTFE Fuel Hose, 10 ft", "an-6 ptfe fuel hose", {"ft": 10}),
        ("AN-8 Male to 3/8 NPT Adapter, Black", "an-8 male to 3/8 npt adapter", {}),
        ("340 lph In-Tank Fuel Pump, E85 Safe", "in-tank fuel pump e85 safe", {"lph": 340}),
        ("Akazienhonig 1,5kg", "akazienhonig", {"g": 1500}),
        ("2 Litre Oil Catch Can, Polished", "oil catch can", {"ml": 2000}),
        ("Leather Case for iPhone 15 Pro", "case for iphone 15", {}),
        ("10 Micron Filter, Long Body", "10 micron filter", {}),
    ],
)
def test_words_say_what_a_thing_is_unless_they_tell_its_amount_finish_or_grade(
    title: str, core: str, amounts: dict[str, float]
) -> None:
    found = makeup(title)
    assert (set(found.core), dict(found.amounts)) == (set(core.split()), amounts)


def test_an_operator_s_own_words_of_grade_count(context: RecommenderContext) -> None:
    frames = shop(title="AN-6 PTFE Fuel Hose Nomex, 20 ft")
    assert upsells(frames, context) == []
    assert shown(upsells(frames, context, upsell_grades=("Nomex",))) == {"1": ["2"]}


def test_likeness_is_the_share_of_words_in_common() -> None:
    assert likeness("AN-6 Hose End, Black", "6AN hose end blue") == pytest.approx(3 / 5)
    assert likeness("Hose", "Filter") == 0
