"""The made-up shop: the same seed gives the same shop, and what is planted can be seen in what the APIs show."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, timedelta

import numpy as np
import pytest

from growth_pipelines.sandbox import truth
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.vitals import METRICS, SHORT, THRESHOLDS
from growth_pipelines.sandbox.world import Shop

from .conftest import SMALL, TODAY, Admin


def _visible(shop: Shop, last: date, days: int = 28) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per page over a window: clicks, impressions and expected clicks of visible non-brand queries."""
    count = len(shop.demand.pages)
    clicks, impressions, expected = np.zeros(count), np.zeros(count), np.zeros(count)
    for offset in range(days):
        rows = shop.demand.day(last - timedelta(days=offset))
        kept = ~shop.demand.brand[rows.query] & shop.demand.visible[rows.query]
        page, shown = rows.page[kept], rows.impressions[kept]
        clicks += np.bincount(page, rows.clicks[kept], count)
        impressions += np.bincount(page, shown, count)
        expected += np.bincount(page, shown * shop.demand.expected_ctr(rows.position[kept]), count)
    return clicks, impressions, expected


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    one, again = truth.document(Shop(SMALL)), truth.document(Shop(SMALL))
    other = truth.document(Shop(dataclasses.replace(SMALL, seed=8)))
    assert json.dumps(one) == json.dumps(again)
    assert one["snippets"] != other["snippets"]
    assert one["counts"]["gross"] != other["counts"]["gross"]


@pytest.mark.parametrize("products", [60, 300])
@pytest.mark.parametrize("seed", [7, 11, 23])
def test_planted_snippets_stand_out_and_other_pages_do_not(seed: int, products: int) -> None:
    shop = Shop(Options(TODAY, seed=seed, orders=100, products=products, months=4))
    clicks, impressions, expected = _visible(shop, shop.search_complete_until)
    planted = {one.page for one in shop.plants.snippets}
    assert len(planted) >= (12 if products == 300 else 3)
    for page in planted:
        assert impressions[page] >= 2_000
        assert clicks[page] / expected[page] < 0.68, shop.demand.paths[page]
    quiet = [
        page
        for page in range(len(shop.demand.pages))
        if page not in planted and impressions[page] >= 2_000 and expected[page] >= 100
    ]
    low = [page for page in quiet if clicks[page] / expected[page] < 0.7]
    assert len(quiet) > 10
    assert len(low) <= 1, "healthy pages win about what their position deserves"


def test_recent_snippets_fell_while_their_impressions_grew() -> None:
    shop = Shop(Options(TODAY, orders=100, months=4))
    last = shop.search_complete_until
    now, before = _visible(shop, last), _visible(shop, last - timedelta(days=28))
    recent = [one.page for one in shop.plants.snippets if one.since]
    assert len(recent) >= 3
    for page in recent:
        assert now[1][page] > 1.1 * before[1][page]
        assert now[0][page] / now[1][page] < 0.8 * before[0][page] / before[1][page]


def test_every_planted_page_has_field_data_that_got_worse_when_the_truth_says() -> None:
    shop = Shop(Options(TODAY, orders=100, months=4))
    assert len(shop.plants.regressions) == 8
    assert {one.why for one in shop.plants.regressions} == {"image", "script", "layout", "font", "server"}
    for one in shop.plants.regressions:
        assert shop.field_data.covered(one.page)
        metric, good = SHORT[one.metric], THRESHOLDS[SHORT[one.metric]][0]
        earlier = shop.field_data.window(one.page, "phone", metric, one.since - timedelta(days=1))
        newest = shop.field_data.window(one.page, "phone", metric, shop.field_data.newest(shop.today))
        assert earlier.p75 < good < newest.p75, one
        assert newest.good + newest.needs_improvement + newest.poor == pytest.approx(1)


@pytest.mark.parametrize("seed", [7, 11, 23])
def test_a_healthy_shop_has_only_good_vitals_and_nothing_planted(seed: int) -> None:
    shop = Shop(Options(TODAY, seed=seed, orders=100, months=4, healthy=True))
    document = truth.document(shop)
    assert document["snippets"] == document["vitals"] == document["stockouts"] == document["affinities"] == []
    for page in [None, *range(len(shop.demand.pages))]:
        for metric in METRICS:
            for form in ("phone", "desktop"):
                window = shop.field_data.window(page, form, metric, TODAY - timedelta(days=2))
                assert window.p75 <= THRESHOLDS[metric][0]


def test_a_repair_by_hand_ends_a_regression_in_the_field_a_window_later(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    one = shop.plants.regressions[0]
    resource = shop.demand.pages[one.page]
    assert resource is not None
    shop.edit(resource.gid, "vitals", "repaired")
    shop.advance(32)
    window = shop.field_data.window(one.page, "phone", SHORT[one.metric], shop.field_data.newest(shop.today))
    assert window.p75 < THRESHOLDS[SHORT[one.metric]][0]


def test_orders_hold_the_traps_of_real_shops() -> None:
    shop = Shop(Options(TODAY, orders=5000, products=120))
    orders = shop.sales.orders
    assert len(orders) == 5000
    assert any(order.customer is None for order in orders)
    assert any(order.test for order in orders)
    assert any(order.cancelled_at for order in orders)
    assert any(line.variant is None for order in orders for line in order.lines)
    assert any(len(order.lines) > 50 for order in orders), "more lines than one nested page"
    assert any(order.processed_at < order.created_at for order in orders)
    assert any(
        line.current_quantity < line.quantity for order in orders if not order.refunds for line in order.lines
    )
    assert all(order.refunded_cents <= order.total_cents for order in orders)
    assert all(line.current_quantity >= 0 for order in orders for line in order.lines)
    assert any(refund.created_at.month != order.created_at.month for order in orders for refund in order.refunds)


def test_planted_affinities_show_in_the_baskets() -> None:
    document = truth.document(Shop(Options(TODAY, orders=5000, months=24)))
    assert len(document["affinities"]) == 4
    for pair in document["affinities"]:
        assert pair["p_b_given_a"] > 0.3
        assert pair["lift"] > 1.2
        assert pair["orders_with_both"] > 10


def test_everything_was_made_and_changed_in_the_past() -> None:
    shop = Shop(dataclasses.replace(SMALL, months=3))
    assert all(record.created_at <= record.updated_at <= shop.now() for record in shop.catalogue.landing_resources)


def test_a_large_catalogue_has_no_handle_twice() -> None:
    shop = Shop(Options(TODAY, orders=10, products=1500, months=3))
    handles = [product.handle for product in shop.catalogue.products]
    assert len(set(handles)) == len(handles) == 1500
