"""A made-up large shop as the frames of the recommenders: pages, search, vitals, catalogue, stock and baskets."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from growth_pipelines.recommenders.ctr_curve import KNOTS, PRIOR_CTR

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

AS_OF = date(2026, 11, 22)
LAST_DAY = date(2026, 11, 19)
QUERIES_A_PAGE = 12
ORDERS = 100_000
# Pairs of products that orders hold together, and how many of them belong together.
_PAIRS_A_PRODUCT, _RELATED_SHARE = 5, 0.01
# Pages with field data: the shares of a shop's pages that have them, of those that are low and that regressed.
_FIELD_SHARE, _LOW_SHARE, _REGRESSED_SHARE = 0.1, 0.02, 0.02
_WEEKS = 25
# Products that need specifications because they come in many variants.
_BARE_SHARE = 0.1
_VARIANTS, _SALE_DAYS = 2, 84
_GOODS = {"product_id": "resource_gid", "page_key": "page_key", "handle": "handle", "product_title": "title"}
_LEVELS = {"lcp": 1900.0, "inp": 140.0, "cls": 0.05}
_PARTS = (
    "Hose End",
    "Fuel Filter",
    "Regulator",
    "Check Valve",
    "Adapter",
    "Bulkhead",
    "Braided Hose",
    "Fuel Rail",
)
_SHAPES = ("Straight", "45 Degree", "90 Degree", "Swivel", "Weld-On", "Push-On", "Banjo", "Y-Block")
_FINISHES = ("Black", "Blue", "Polished", "Clear", "Titanium", "Red")


def frames_of(pages: int, products: int, seed: int) -> dict[str, pd.DataFrame]:
    """The frames that the recommenders are given, for a shop of ``pages`` pages, ``products`` of them products."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    kinds = np.where(
        np.arange(pages) < products, "product", np.where(np.arange(pages) % 3, "article", "collection")
    )
    keys = np.array([f"/{kind}s/part-{one}" for one, kind in enumerate(kinds)])
    facts = _pages(keys, kinds, rng)
    performance = pd.DataFrame(
        {
            "page_key": keys,
            "window_end": pd.Timestamp(LAST_DAY),
            "impressions": rng.poisson(3_000, pages),
            "conversion_rate": rng.gamma(4, 0.005, pages),
            "conversion_basis": "sessions",
            "aov_cents": rng.integers(4_000, 30_000, pages),
            "margin_rate": rng.uniform(0.2, 0.6, pages),
            "orders": rng.poisson(5, pages),
            "sessions": rng.poisson(800, pages),
            "clicks": rng.poisson(300, pages),
        }
    )
    shop = pd.DataFrame(
        {
            "name": ["Bench"],
            "currency": ["USD"],
            "minor_units": [100],
            "shop_cvr": [0.02],
            "shop_aov": [120.0],
            "conversion_basis": ["sessions"],
        }
    )
    return {
        "search": _search(keys, rng),
        "pages": facts,
        "bodies": _bodies(facts),
        **_catalogue(facts, rng),
        **_topics(facts, rng),
        **_baskets(facts, rng),
        "questions": _questions(keys, rng),
        **_goods(facts, rng),
        "performance": performance,
        "shop": shop,
        "vitals": _vitals(keys, rng),
        "lab": pd.DataFrame(
            {
                "page_key": pd.Series(dtype=str),
                "strategy": pd.Series(dtype=str),
                "fetched_at": pd.Series(dtype="datetime64[us]"),
                "details": pd.Series(dtype=str),
            }
        ),
    }


def _pages(keys: np.ndarray, kinds: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    part, shape, finish = (rng.choice(np.array(words), len(keys)) for words in (_PARTS, _SHAPES, _FINISHES))
    size = rng.choice(np.array(["-4", "-6", "-8", "-10", "-12"]), len(keys))
    title = [
        f"AN{n} {s} {p} No {i}, {f}" for i, (n, s, p, f) in enumerate(zip(size, shape, part, finish, strict=True))
    ]
    return pd.DataFrame(
        {
            "page_key": keys,
            "page_type": kinds,
            "resource_gid": [f"gid://shopify/{kind.title()}/{number}" for number, kind in enumerate(kinds)],
            "url": keys,
            "handle": [f"part-{number}" for number in range(len(keys))],
            "is_published": True,
            "title": title,
            "effective_title": title,
            "effective_description": [f"Buy {name} online." for name in title],
            "description": [
                f"{name}. Billet 6061 aluminium with a hard finish. Reusable hose end for PTFE hose. Made for "
                "return and feed lines."
                for name in title
            ],
            "product_type": [f"AN {name}s" for name in part],
            "vendor": "Torque Line",
            "price": rng.integers(900, 30_000, len(keys)) / 100,
            "tags": "an",
            "image_gid": None,
            "image_url": None,
            "image_alt": "",
        }
    )


def _catalogue(pages: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """The products behind their pages, one in ten dear or with many variants; no structured content yet."""
    import numpy as np
    import pandas as pd

    sold = pages[pages["page_type"] == "product"]
    products = pd.DataFrame(
        {
            "product_id": sold["resource_gid"].to_numpy(),
            "page_key": sold["page_key"].to_numpy(),
            "handle": sold["handle"].to_numpy(),
            "title": sold["title"].to_numpy(),
            "product_type": sold["product_type"].to_numpy(),
            "complementary_products": None,
            "related_products": None,
            "variants_out": 0,
            "available": rng.integers(0, 500, len(sold)),
            "margin_rate": rng.uniform(0.05, 0.6, len(sold)),
            "status": "active",
            "variants": np.where(rng.random(len(sold)) < _BARE_SHARE, 6, 1),
            "price_min_cents": np.rint(sold["price"].to_numpy() * 100).astype(int),
        }
    )
    nothing = pd.Series(dtype=str)
    metaobjects = pd.DataFrame(
        {"type": nothing, "handle": nothing, "fields": nothing, "updated_at": pd.Series(dtype="datetime64[us]")}
    )
    return {"products": products, "metaobjects": metaobjects}


def _goods(pages: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Stock and sales of products with two variants each: one in fifty runs out, one in fifty does not sell."""
    import numpy as np
    import pandas as pd

    sold = pages[pages["page_type"] == "product"].reset_index(drop=True)
    count = len(sold)
    daily = rng.gamma(0.5, 0.4, count) * np.where(np.arange(count) % 50 == 1, 0.0, 1.0)
    product = np.repeat(np.arange(count), _VARIANTS)
    variant = np.array([f"gid://shopify/ProductVariant/{number}" for number in range(len(product))])
    short = np.arange(count) % 50 == 0
    have = np.where(short, daily * 3, daily * 90 + 20)[product] / _VARIANTS
    stock = pd.DataFrame(
        {
            "variant_id": variant,
            **{name: sold[of].to_numpy()[product] for name, of in _GOODS.items()},
            "variant_title": "Default Title",
            "sku": variant,
            "price_cents": 5_000,
            "cost_cents": 2_500,
            "is_tracked": True,
            "available": np.floor(have),
            "incoming": 0,
            "stock_read_on": pd.Timestamp(AS_OF),
        }
    )
    units = rng.poisson(daily[product, None] / _VARIANTS, (len(product), _SALE_DAYS))
    item, day = np.nonzero(units)
    days = pd.Timestamp(AS_OF) - pd.to_timedelta(_SALE_DAYS - np.arange(_SALE_DAYS), unit="D")
    recent = pd.Series(units[:, -28:].sum(axis=1)).groupby(product).sum().to_numpy()
    placed = _members(sold, rng)
    nothing = pd.Series(dtype=str)
    return {
        "stock": stock,
        "variant_days": pd.DataFrame(
            {"variant_id": variant[item], "date_day": days[day], "units": units[item, day]}
        ),
        "days_out": pd.DataFrame({"variant_id": nothing, "date_day": pd.Series(dtype="datetime64[us]")}),
        "stock_age": pd.DataFrame(
            {
                "product_id": sold["resource_gid"],
                "published_on": pd.Timestamp("2024-01-01"),
                "units_28d": recent,
                "units_year": np.rint(daily * 364),
            }
        ),
        "sell_through": pd.DataFrame(
            {
                "product_id": sold["resource_gid"],
                "title": sold["title"],
                "margin_rate": rng.uniform(0.2, 0.6, count),
                "available": np.floor(have)[::_VARIANTS] * _VARIANTS,
                "visits": rng.poisson(600, count),
                "orders": rng.poisson(daily * 20),
            }
        ),
        "collection_products": placed,
        "bundle_pairs": _pairs(sold, rng),
        "past_actions": pd.DataFrame(
            dict.fromkeys(("recommender", "subtype", "resource_gid", "state", "ended_on"), nothing)
        ),
    }


def _members(sold: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each product is in three collections of a hundred."""
    import numpy as np
    import pandas as pd

    size = min(100, len(sold))
    collections = max(3 * len(sold) // size, 1)
    member = np.concatenate([rng.permutation(len(sold))[:size] for _ in range(collections)])
    number = np.repeat(np.arange(collections), size)
    # Pages of the bench that are collections, in their order.
    name = np.array([f"collection-{one}" for one in range(collections)])[number]
    return pd.DataFrame(
        {
            "collection_id": [f"gid://shopify/Collection/{one}" for one in number],
            "page_key": sold["page_key"].to_numpy()[number % len(sold)],
            "collection_handle": name,
            "collection_title": name,
            "sort_order": "MANUAL",
            "products": size,
            "product_id": sold["resource_gid"].to_numpy()[member],
            "product_position": np.tile(np.arange(size), collections),
            "handle": sold["handle"].to_numpy()[member],
        }
    )


def _pairs(sold: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    import pandas as pd

    a, b = rng.integers(0, len(sold), (2, len(sold)))
    both = rng.poisson(12, len(a))
    return pd.DataFrame(
        {
            "product_id": sold["resource_gid"].to_numpy()[a],
            "paired_product_id": sold["resource_gid"].to_numpy()[b],
            **{name: sold[name].to_numpy()[a] for name in ("page_key", "handle", "title")},
            "paired_title": sold["title"].to_numpy()[b],
            "orders_both": both,
            "buyers_both": both,
            "orders_product": rng.integers(24, 240, len(a)),
            "orders_paired": rng.integers(24, 480, len(a)),
            "confidence": rng.uniform(0.05, 0.5, len(a)),
            "lift": rng.uniform(1, 8, len(a)),
            "q_value": 0.001,
            "since": AS_OF - timedelta(days=700),
        }
    )


def _topics(pages: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Topics that people search for; one in ten is served by no page."""
    import numpy as np
    import pandas as pd

    count = max(len(pages) // 100, 20)
    kinds = pages["product_type"].to_numpy()
    about = [f"{kind.lower()} for project {one}" for one, kind in enumerate(rng.choice(kinds, count))]
    topics = pd.DataFrame(
        {
            "cluster": about,
            "queries": 3,
            "clicks": rng.poisson(20, count),
            "impressions": rng.integers(200, 5_000, count),
            "intent": "commercial",
            "main_page_key": rng.choice(pages["page_key"].to_numpy(), count),
            "main_page_position": rng.uniform(8, 60, count),
            "is_served_well": np.arange(count) % 10 > 0,
            "contested_queries": 0,
        }
    )
    unserved = topics[~topics["is_served_well"]]
    queries = pd.DataFrame(
        {
            "cluster": unserved["cluster"].repeat(3).to_numpy(),
            "query": [f"{how} {one}" for one in unserved["cluster"] for how in ("buy", "best", "cheap")],
            "impressions": rng.integers(50, 1_000, 3 * len(unserved)),
        }
    )
    return {"topics": topics, "topic_queries": queries}


def _baskets(pages: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Pairs of products in 100,000 orders, five pairs a product; one in a hundred is more than chance."""
    import numpy as np
    import pandas as pd

    sold = pages.loc[pages["page_type"] == "product", "resource_gid"].to_numpy()
    orders = rng.poisson(ORDERS / (10 * rng.permutation(np.arange(1, len(sold) + 1)) ** 0.7)) + 20
    pairs = rng.integers(0, len(sold), (_PAIRS_A_PRODUCT * len(sold), 2))
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    fewer = orders[pairs].min(axis=1)
    share = np.where(rng.random(len(pairs)) < _RELATED_SHARE, 0.5, 0.02)
    both = np.minimum(fewer, np.maximum(5, rng.binomial(fewer, share)))
    tested = len(sold) * (len(sold) - 1) // 2
    parts = [
        pd.DataFrame(
            {
                "product_id": sold[pairs[:, here]],
                "paired_product_id": sold[pairs[:, there]],
                "orders_product": orders[pairs[:, here]],
                "orders_paired": orders[pairs[:, there]],
                "orders_both": both,
                "buyers_both": both,
                "orders_total": ORDERS,
                "pairs_tested": tested,
                "since": AS_OF - timedelta(days=700),
            }
        )
        for here, there in ((0, 1), (1, 0))
    ]
    sales = pd.DataFrame({"product_id": sold, "orders": orders // 8, "units": orders // 6})
    return {"affinity": pd.concat(parts, ignore_index=True), "product_orders": sales}


def _questions(keys: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """A query of every page; one in ten is a question, and a third of these stand where nobody looks."""
    import numpy as np
    import pandas as pd

    count = len(keys)
    asked = np.arange(count) % 10 == 0
    return pd.DataFrame(
        {
            "query": [f"how does project {n} work" if q else f"part {n} price" for n, q in enumerate(asked)],
            "cluster": [f"part {n}" for n in range(count)],
            "main_page_key": keys,
            "clicks": rng.poisson(5, count),
            "impressions": rng.integers(10, 2_000, count),
            "position": rng.uniform(1, 15, count),
            "other_clicks": rng.poisson(300, count),
            "other_impressions": rng.integers(1_000, 9_000, count),
            "other_position": rng.uniform(1, 15, count),
        }
    )


def _bodies(facts: pd.DataFrame) -> pd.DataFrame:
    """Every page has an image in its text: more than any shop has."""
    import pandas as pd

    image = '<img src="https://cdn.shopify.com/files/' + facts["handle"] + '.jpg" loading="lazy">'
    return pd.DataFrame(
        {
            "page_key": facts["page_key"],
            "page_type": facts["page_type"],
            "body_html": "<p>" + facts["description"] + "</p>" + image,
            "related_links": None,
            "images": None,
        }
    )


def _search(keys: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Page × query × window, dated by the window's last day, as the frame's query gives them."""
    import numpy as np
    import pandas as pd

    pages = len(keys)
    # All pages have traffic enough to be judged: the most work there can be.
    demand = rng.permutation(40_000 / np.arange(1, pages + 1) ** 0.5) + 700
    healthy = np.exp(rng.normal(0, 0.1, pages))
    low = np.where(rng.random(pages) < _LOW_SHARE, rng.uniform(0.35, 0.55, pages), 1.0)
    share = 1 / np.arange(1, QUERIES_A_PAGE + 1) ** 0.9
    share /= share.sum()
    position = np.clip(rng.uniform(1.2, 12, pages)[:, None] + rng.normal(0, 0.7, (pages, QUERIES_A_PAGE)), 1, 60)
    page = np.repeat(np.arange(pages), QUERIES_A_PAGE)
    query = np.array([f"part {number} query {one}" for number in range(pages) for one in range(QUERIES_A_PAGE)])
    parts = []
    for end in (LAST_DAY, LAST_DAY - timedelta(days=28)):
        impressions = rng.poisson(demand[:, None] * share)
        chance = np.interp(position, KNOTS, PRIOR_CTR) * (healthy * low)[:, None]
        clicks = rng.binomial(impressions, np.clip(chance, 0, 1))
        parts.append(
            pd.DataFrame(
                {
                    "page_key": keys[page],
                    "query": query,
                    "date_day": pd.Timestamp(end),
                    "is_brand": False,
                    "clicks": clicks.ravel(),
                    "impressions": impressions.ravel(),
                    "position": position.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _vitals(keys: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    count = int(len(keys) * _FIELD_SHARE)
    ends = np.array([pd.Timestamp(LAST_DAY - timedelta(days=7 * (_WEEKS - 1 - week))) for week in range(_WEEKS)])
    parts = []
    for metric, level in _LEVELS.items():
        for device in ("phone", "desktop"):
            noise = rng.normal(0, 0.03, (count, _WEEKS + 3)).cumsum(axis=1)
            mean = (noise[:, 3:] - noise[:, :-3]) / 3
            worse = np.where(rng.random(count) < _REGRESSED_SHARE, 1.8, 1.0)[:, None]
            ramp = worse ** np.clip((np.arange(_WEEKS) - 16) / 4, 0, 1)
            parts.append(
                pd.DataFrame(
                    {
                        "page_key": np.repeat(keys[:count], _WEEKS),
                        "form_factor": device,
                        "metric": metric,
                        "period_start": np.tile(ends, count) - pd.Timedelta(days=27),
                        "period_end": np.tile(ends, count),
                        "p75": (level * np.exp(mean) * ramp).ravel(),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
