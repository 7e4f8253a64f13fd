"""The truths that are planted in the shop, and the decoys that must not be mistaken for them.

Only tests and evaluations may know what this module decides; the machine sees the consequences through the APIs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from growth_pipelines.sandbox.catalogue import WORDS, Catalogue
from growth_pipelines.sandbox.content import WORDS as CONTENT
from growth_pipelines.sandbox.content import listed, needs
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Resource
from growth_pipelines.sandbox.sales import Affinity
from growth_pipelines.sandbox.stock import on_its_way

CONTENT_STREAM, TOPIC_STREAM, AFFINITY_STREAM, QUESTION_STREAM, GOODS_STREAM = 13, 14, 15, 16, 17
LIST_STREAM = 19
WHY_OF = (
    ("image", "lcp"),
    ("script", "inp"),
    ("layout", "cls"),
    ("server", "lcp"),
    ("image", "lcp"),
    ("font", "cls"),
    ("script", "inp"),
    ("layout", "cls"),
)
# p75 before and after, by metric: into "needs improvement" and into "poor". Milliseconds; CLS has no unit.
LEVELS = {
    "lcp": (1950.0, (3200.0, 4700.0)),
    "inp": (140.0, (330.0, 620.0)),
    "cls": (0.05, (0.17, 0.32)),
}


@dataclass
class Snippet:
    """A page whose snippet wins only ``multiplier`` of the clicks that its position deserves."""

    page: int
    multiplier: float
    multiplier_if_fixed: float
    since: date | None


@dataclass
class Regression:
    """A page whose field data got worse on ``since``; ``fixed_on`` when a person repaired it."""

    page: int
    metric: str
    form_factor: str
    since: date
    why: str
    before: float
    after: float
    fixed_on: date | None = None


@dataclass
class Decoy:
    """Looks like a problem, is none (or another one)."""

    page: int
    kind: str
    since: date | None = None
    size: float = 0.0


@dataclass
class Topic:
    """What people search for and no page serves: ``page`` is shown for it, far down; (query, impressions in 28
    days, position) a query."""

    words: str
    page: int
    queries: list[tuple[str, float, float]]


@dataclass
class Plants:
    snippets: list[Snippet] = field(default_factory=list)
    regressions: list[Regression] = field(default_factory=list)
    decoys: list[Decoy] = field(default_factory=list)
    affinities: list[Affinity] = field(default_factory=list)
    stockouts: list[int] = field(default_factory=list)
    slow_movers: list[int] = field(default_factory=list)
    bare_products: dict[str, list[int]] = field(default_factory=dict)
    topics: list[Topic] = field(default_factory=list)
    questions: list[Topic] = field(default_factory=list)


def choose(
    options: Options,
    pages: list[Resource | None],
    weights: np.ndarray,
    clicks: np.ndarray,
    catalogue: Catalogue,
) -> Plants:
    """Decide the truths. ``pages`` are the landing pages (None = home), ``weights`` their visible non-brand
    impressions in 28 days, ``clicks`` their expected search clicks in 28 days.

    Planted pages have the traffic that a careful detector needs; counts grow with the number of products.
    """
    plants = Plants()
    rng = np.random.default_rng([options.seed, 3])
    plants.decoys = _thin_decoys(pages, weights, rng)
    _write_lists(options, catalogue)
    if options.healthy:
        plants.decoys += _moving_decoys(options, pages, weights, rng, set(), 3)
        return plants
    scale = options.products / 300
    used: set[int] = set()
    plants.snippets = _snippets(options, pages, weights, rng, used, max(4, round(12 * scale)))
    plants.regressions = _regressions(options, pages, clicks, rng, used, max(3, round(8 * scale)))
    plants.decoys += _moving_decoys(options, pages, weights, rng, used, max(4, round(12 * scale)))
    plants.affinities = _affinities(options, catalogue, rng)
    popular = np.argsort([-product.popularity for product in catalogue.products])
    # What is on its way is no stock-out.
    wanted = [int(i) for i in popular[3:] if not any(map(on_its_way, catalogue.products[i].variants))]
    plants.stockouts = wanted[: max(2, round(4 * scale))]
    plants.slow_movers = _slow_movers(options, popular, scale)
    for snippet in plants.snippets:
        _weaken(pages[snippet.page], rng)
    plants.bare_products = _bare_products(options, catalogue, scale)
    plants.topics = _searched(options, pages, WORDS["unserved_topics"], TOPIC_STREAM, max(2, round(5 * scale)))
    count = max(2, round(4 * scale))
    plants.questions = _searched(options, pages, WORDS["unanswered_questions"], QUESTION_STREAM, count)
    return plants


def _slow_movers(options: Options, popular: np.ndarray, scale: float) -> list[int]:
    """Of the tenth that is wanted least."""
    rng = np.random.default_rng([options.seed, GOODS_STREAM])
    least = popular[-max(2, len(popular) // 10) :]
    return sorted(int(i) for i in rng.choice(least, min(len(least), max(2, round(4 * scale))), replace=False))


def _write_lists(options: Options, catalogue: Catalogue) -> None:
    """Ordered lists into a tenth of the descriptions, every third of them no how-to."""
    rng = np.random.default_rng([options.seed, LIST_STREAM])
    products = catalogue.products
    chosen = rng.permutation(len(products))[: max(9, len(products) // 10)]
    instructions = [(row["heading"], row["steps"]) for row in CONTENT["how_tos"]]
    others = [(row["heading"], row["items"]) for row in CONTENT["other_lists"]]
    for place, index in enumerate(chosen):
        kinds = others if place % 3 == 2 else instructions
        products[index].body += listed(*kinds[place // 3 % len(kinds)])


def _bare_products(options: Options, catalogue: Catalogue, scale: float) -> dict[str, list[int]]:
    """Products that lack the answers, specifications or how-to they need, by type; popular ones rather."""
    rng = np.random.default_rng([options.seed, CONTENT_STREAM])
    found = {}
    for type_name, count in (("product_faq", 8), ("product_specification", 5), ("product_how_to", 5)):
        needing = [i for i, product in enumerate(catalogue.products) if needs(product, type_name)]
        popularity = np.array([catalogue.products[i].popularity for i in needing])
        wanted = min(len(needing), max(2, round(count * scale)))
        chosen = rng.choice(needing, wanted, replace=False, p=popularity / popularity.sum())
        found[type_name] = sorted(int(i) for i in chosen)
    return found


def _searched(
    options: Options, pages: list[Resource | None], rows: list[dict[str, Any]], stream: int, count: int
) -> list[Topic]:
    """So many of what people search for, with a page each that is shown for it far down."""
    rng = np.random.default_rng([options.seed, stream])
    by_title = {page.title: i for i, page in enumerate(pages) if page is not None}
    found = []
    for index in rng.permutation(len(rows))[:count]:
        row = rows[index]
        total = float(rng.uniform(1_500, 4_500))
        shares = np.arange(1, len(row["queries"]) + 1) ** -0.7
        position = float(rng.uniform(22, 45))
        queries = [
            (text, float(total * share), position + float(rng.normal(0, 2)))
            for text, share in zip(row["queries"], shares / shares.sum(), strict=True)
        ]
        found.append(Topic(row["words"], by_title[row["shown"]], queries))
    return found


def _eligible(pages: list[Resource | None], weights: np.ndarray, low: float, kinds: tuple[str, ...]) -> list[int]:
    return [i for i, page in enumerate(pages) if page is not None and page.typename in kinds and weights[i] >= low]


def _take(candidates: list[int], used: set[int], rng: np.random.Generator) -> int | None:
    free = [i for i in candidates if i not in used]
    if not free:
        return None
    chosen = free[int(rng.integers(len(free)))]
    used.add(chosen)
    return chosen


def _snippets(
    options: Options,
    pages: list[Resource | None],
    weights: np.ndarray,
    rng: np.random.Generator,
    used: set[int],
    count: int,
) -> list[Snippet]:
    found: list[Snippet] = []
    collections = [("Collection",)] * (2 if count >= 8 else 1)
    kinds: list[tuple[str, ...]] = [("Page", "Article"), *collections, *[("Product",)] * count]
    recent = max(1, round(count * 0.3))
    for index in range(count):
        page = _take(_eligible(pages, weights, 4_500, kinds[index]), used, rng)
        if page is None:
            page = _take(_eligible(pages, weights, 4_000, ("Product", "Collection", "Page", "Article")), used, rng)
        if page is None:
            break
        since = options.today - timedelta(days=int(rng.integers(31, 34))) if index >= count - recent else None
        multiplier = float(rng.uniform(0.42, 0.55) if since else rng.uniform(0.35, 0.53))
        found.append(Snippet(page, multiplier, float(rng.uniform(0.9, 1.05)), since))
    return found


def _weaken(page: Resource | None, rng: np.random.Generator) -> None:
    """Give a planted page the kind of title and description that nobody clicks."""
    assert page is not None
    number = page.number % 9_973
    page.seo.title = str(rng.choice(WORDS["weak_titles"])).format(number=number)
    page.seo.description = str(rng.choice(WORDS["weak_descriptions"]))


def _regressions(
    options: Options,
    pages: list[Resource | None],
    clicks: np.ndarray,
    rng: np.random.Generator,
    used: set[int],
    count: int,
) -> list[Regression]:
    found: list[Regression] = []
    for index in range(count):
        page = _take(_eligible(pages, clicks, 240, ("Product", "Collection")), used, rng)
        if page is None:
            break
        why, metric = WHY_OF[index % len(WHY_OF)]
        before, after = LEVELS[metric]
        worse = after[index % 2]
        since = options.today - timedelta(days=int(rng.integers(24, 70)))
        form_factor = "both" if why in ("server", "layout") and index % 3 == 0 else "phone"
        found.append(
            Regression(page, metric, form_factor, since, why, before, worse * float(rng.uniform(0.97, 1.05)))
        )
    return found


def _thin_decoys(pages: list[Resource | None], weights: np.ndarray, rng: np.random.Generator) -> list[Decoy]:
    thin = [i for i, page in enumerate(pages) if page is not None and weights[i] < 420]
    return [Decoy(int(i), "thin", size=0.1) for i in rng.permutation(thin)[:8]]


def _moving_decoys(
    options: Options,
    pages: list[Resource | None],
    weights: np.ndarray,
    rng: np.random.Generator,
    used: set[int],
    count: int,
) -> list[Decoy]:
    """Rank loss, seasonal demand loss, brand-heavy pages with poor brand clicks, mild loss to a search feature."""
    kinds = ("rank_loss", "demand_loss", "brand", "serp_feature")
    sizes = {"rank_loss": 2.6, "demand_loss": 0.5, "brand": 1.2, "serp_feature": 0.9}
    found: list[Decoy] = []
    for index in range(count):
        kind = kinds[index % len(kinds)]
        page = _take(_eligible(pages, weights, 2_500, ("Product", "Collection", "Page", "Article")), used, rng)
        if page is None:
            break
        since = options.today - timedelta(days=31) if kind in ("rank_loss", "demand_loss") else None
        found.append(Decoy(page, kind, since, sizes[kind]))
    return found


def _affinities(options: Options, catalogue: Catalogue, rng: np.random.Generator) -> list[Affinity]:
    order = np.argsort([-product.popularity for product in catalogue.products])
    pairs = [(0, 9), (1, 12), (2, 15), (4, 18)]
    later = np.random.default_rng([options.seed, AFFINITY_STREAM])
    return [
        Affinity(
            int(order[a]),
            int(order[b]),
            p=float(rng.uniform(0.38, 0.5)),
            # What a shown product gains: between a hundredth and an eighth.
            lift=float(later.uniform(0.01, 0.125)),
        )
        for a, b in pairs
        if b < len(order)
    ]
