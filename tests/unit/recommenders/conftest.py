"""A simulated shop with known truths: search rows drawn from a CTR curve, pages, and what a visit is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.recommenders.context import RecommenderContext

CURVE = np.array([0.29, 0.15, 0.1, 0.075, 0.058, 0.047, 0.04, 0.034, 0.03, 0.026, 0.02])
LAST_DAY = date(2026, 11, 19)
DAYS = 56


@dataclass
class SimulatedShop:
    """``low`` are pages whose snippet underperforms, ``fell`` those that fell recently while shown more."""

    frames: dict[str, pd.DataFrame]
    low: list[str] = field(default_factory=list)
    fell: list[str] = field(default_factory=list)
    rank_loss: list[str] = field(default_factory=list)


def simulate_shop(
    seed: int,
    pages: int = 300,
    *,
    low: int = 0,
    fell: int = 0,
    rank_loss: int = 0,
    noise: float = 0.08,
    curve: np.ndarray = CURVE,
    one_bad_query: int = 0,
) -> SimulatedShop:
    """Zipf demand over pages, 15 queries a page, log-normal page noise on CTR, binomial clicks per day."""
    rng = np.random.default_rng(seed)
    keys = [f"/products/part-{number:03d}" for number in range(pages)]
    per_day = 12_000 * pages / 300 / np.arange(1, pages + 1) ** 0.85
    order = rng.permutation(pages)
    demand = per_day[order]
    position = rng.uniform(1.2, 11, pages)
    factor = np.exp(rng.normal(0, noise, pages))
    seen = [index for index in np.argsort(-demand) if demand[index] * 28 > 2600]
    picked = list(rng.permutation(seen[: max(len(seen), 1)])[: low + fell + rank_loss + one_bad_query])
    lows, falls = picked[:low], picked[low : low + fell]
    losses, bad = picked[low + fell : low + fell + rank_loss], picked[low + fell + rank_loss :]
    multiplier = np.tile(factor, (DAYS, 1))
    multiplier[:, lows] *= rng.uniform(0.35, 0.6, len(lows))
    multiplier[DAYS // 2 :, falls] *= rng.uniform(0.45, 0.65, len(falls))
    growth = np.ones((DAYS, pages))
    growth[DAYS // 2 :, falls] = 1.4
    shift = np.zeros((DAYS, pages))
    shift[DAYS // 2 :, losses] = 3.0
    share = 1 / np.arange(1, 16) ** 0.9
    share /= share.sum()
    rows = []
    for query in range(15):
        impressions = rng.poisson(demand * growth * share[query])
        offset = rng.normal(0, 0.7, pages)
        where = np.clip(position + offset + shift + rng.normal(0, 0.15, (DAYS, pages)), 1, 60)
        chance = np.interp(where, np.arange(1, 12), curve) * multiplier
        if query == 0:
            chance[:, bad] *= 0.2
        clicks = rng.binomial(impressions, np.clip(chance, 0, 1))
        day, page = np.nonzero(impressions)
        rows.append(
            pd.DataFrame(
                {
                    "page_key": np.array(keys)[page],
                    "query": [f"part {number} query {query}" for number in page],
                    "date_day": np.array(
                        [LAST_DAY - timedelta(days=DAYS - 1 - int(number)) for number in range(DAYS)]
                    )[day],
                    "is_brand": False,
                    "clicks": clicks[day, page],
                    "impressions": impressions[day, page],
                    "position": where[day, page],
                }
            )
        )
    search = pd.concat(rows, ignore_index=True)
    brand = search[search["query"].str.endswith(" query 3")].assign(is_brand=True, query="hot rod parts")
    brand["clicks"] = (brand["impressions"] * 0.6).astype(int)
    return SimulatedShop(
        {"search": pd.concat([search, brand], ignore_index=True), **shop_frames(keys)},
        [keys[index] for index in lows],
        [keys[index] for index in falls],
        [keys[index] for index in losses],
    )


def shop_frames(keys: list[str]) -> dict[str, pd.DataFrame]:
    """The frames besides search: pages with facts, performance and the shop."""
    title = [f"AN-6 Straight Hose End No {key[-3:]}, Black" for key in keys]
    pages = pd.DataFrame(
        {
            "page_key": keys,
            "page_type": "product",
            "resource_gid": [f"gid://shopify/Product/{index + 1}" for index in range(len(keys))],
            "url": [f"https://www.hotrodparts.example{key}" for key in keys],
            "handle": [key.rpartition("/")[2] for key in keys],
            "title": title,
            "seo_title": None,
            "seo_description": None,
            "effective_title": [f"HRP item {index}" for index in range(len(keys))],
            "effective_description": "Buy online.",
            "description": "Reusable straight hose end for AN-6 PTFE hose. Billet 6061 aluminium, black finish.",
            "product_type": "AN Hose Ends",
            "vendor": "Torque Line",
            "price": 24.95,
            "tags": "an-6",
            "image_gid": [f"gid://shopify/MediaImage/{index + 1}" for index in range(len(keys))],
            "image_url": None,
            "image_alt": "",
        }
    )
    performance = pd.DataFrame(
        {
            "page_key": keys,
            "window_end": pd.NaT,
            "impressions": 0,
            "conversion_rate": 0.02,
            "conversion_basis": "sessions",
            "aov_cents": 10_000,
            "margin_rate": 0.4,
            "orders": 12,
            "sessions": 7000,
            "clicks": 2000,
        }
    )
    shop = pd.DataFrame(
        {
            "name": ["Hot Rod Parts"],
            "currency": ["USD"],
            "shop_cvr": [0.02],
            "shop_aov": [100.0],
            "conversion_basis": ["sessions"],
        }
    )
    return {"pages": pages, "performance": performance, "shop": shop}


@pytest.fixture(scope="session")
def simulate() -> Callable[..., SimulatedShop]:
    return simulate_shop


@pytest.fixture(scope="session")
def frames_of() -> Callable[[list[str]], dict[str, pd.DataFrame]]:
    return shop_frames


@pytest.fixture
def context() -> RecommenderContext:
    return RecommenderContext(
        as_of=date(2026, 11, 22),
        shop_name="Hot Rod Parts",
        primary_url="https://www.hotrodparts.example",
        currency="USD",
        brand_terms=("hot rod parts", "hotrodparts"),
    )
