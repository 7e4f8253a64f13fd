"""What is planted among the goods: good sellers that nobody sees, and a supplier who is late."""

from __future__ import annotations

from growth_pipelines.sandbox import truth
from growth_pipelines.sandbox.deliveries import LATE_DAYS, NEWS_DAYS
from growth_pipelines.sandbox.hidden import RATIO, margin_of
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.world import Shop

from .conftest import TODAY, Admin


def test_hidden_sellers_stand_last_in_their_only_collection_and_earn_more_than_it() -> None:
    shop = Shop(Options(TODAY, orders=5000))
    assert len(shop.hidden) == 2
    for one in shop.hidden:
        assert one.product.collections == [one.collection]
        assert one.collection.products[-1] is one.product
        assert [c for c in shop.catalogue.collections if one.product in c.products] == [one.collection]
        assert one.collection not in shop.misplaced
        assert one.ratio >= RATIO
        known = [margin for product in one.collection.products if (margin := margin_of(product)) is not None]
        assert (margin_of(one.product) or 0) > sum(known) / len(known)
        # The orders show it: the product is bought more often than its neighbours in the collection are.
        own = {product.gid: 0 for product in one.collection.products}
        for order in shop.sales.orders:
            for gid in {line.variant.product.gid for line in order.lines if line.variant} & own.keys():
                own[gid] += 1
        assert own[one.product.gid] > 2 * sum(own.values()) / len(own)
    told = truth.document(shop)["hidden_sellers"]
    assert [row["gid"] for row in told] == [one.product.gid for one in shop.hidden]


def test_a_late_supplier_delivers_in_the_end_and_is_news_for_a_week(fresh_admin: Admin) -> None:
    shop = fresh_admin.shop
    [(late, day)] = shop.due.items()
    product = shop.catalogue.made[late]

    def told(part: str) -> set[str]:
        return {row["gid"] for row in truth.document(shop)[part]}

    others = told("stockouts") - {product.gid}
    assert others
    for _ in range(LATE_DAYS):
        assert sum(variant.on_hand for variant in product.variants) == 0
        assert product.gid in told("stockouts")
        assert told("returned") == set()
        shop.advance(1)
    assert shop.today == day
    assert all(variant.on_hand > 0 for variant in product.variants)
    assert (told("stockouts"), told("returned")) == (others, {product.gid})
    shop.advance(NEWS_DAYS)
    assert told("returned") == {product.gid}
    shop.advance(1)
    assert (told("stockouts"), told("returned")) == (others, set())


def test_a_healthy_shop_hides_nothing_and_waits_for_nothing() -> None:
    shop = Shop(Options(TODAY, orders=100, months=4, healthy=True))
    document = truth.document(shop)
    assert document["hidden_sellers"] == document["bundles"] == document["returned"] == []
