"""The catalogue: products with variants and images, collections, pages and articles, made from a seed."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import (
    Article,
    Blog,
    Collection,
    ContentPage,
    Picture,
    Product,
    Resource,
    Seo,
    Variant,
)

FIRST_NUMBER = 8_100_000_000_000
WORDS: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "data" / "catalogue.yaml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Life:
    """How long the shop has existed: from ``opened`` until ``now``."""

    opened: datetime
    now: datetime

    def at(self, share: float) -> datetime:
        """The moment when this share of the shop's life had passed, to the second."""
        return (self.opened + (self.now - self.opened) * share).replace(microsecond=0)


@dataclass
class Catalogue:
    """What the shop sells and says. ``by_gid`` holds everything with a page, variants, images and the blog;
    ``made`` every product ever, so that an index always names the same one."""

    products: list[Product]
    collections: list[Collection]
    pages: list[ContentPage]
    articles: list[Article]
    blog: Blog

    def __post_init__(self) -> None:
        self.made = tuple(self.products)
        self.by_gid: dict[str, Any] = {record.gid: record for record in self.landing_resources}
        for product in self.products:
            self.by_gid.update({variant.gid: variant for variant in product.variants})
            self.by_gid.update({picture.gid: picture for picture in product.pictures})
        self.by_gid[self.blog.gid] = self.blog

    @property
    def landing_resources(self) -> list[Resource]:
        return [*self.products, *self.collections, *self.pages, *self.articles]

    @property
    def variants(self) -> list[Variant]:
        return [variant for product in self.products for variant in product.variants]


def slug(text: str) -> str:
    """A handle as Shopify makes it: lower case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _products(options: Options, rng: np.random.Generator, life: Life) -> list[Product]:
    families = WORDS["families"]
    weights = np.array([family["weight"] for family in families], dtype=float)
    quota = np.floor(weights / weights.sum() * options.products).astype(int)
    queues = []
    for family in families:
        combinations = [
            dict(zip(family["choices"], values, strict=True))
            for values in itertools.product(*family["choices"].values())
        ]
        queues.append([combinations[i] for i in rng.permutation(len(combinations))])
    chosen = [(f, queues[f].pop()) for f in range(len(families)) for _ in range(min(quota[f], len(queues[f])))]
    edition = 2
    while len(chosen) < options.products:
        open_families = [f for f in range(len(families)) if queues[f]]
        if not open_families:  # every combination is used: sell new editions of the same parts
            first = [(g, words) for g, words in chosen if "edition" not in words]
            queues = [
                [dict(words, edition=str(edition)) for g, words in first if g == f] for f in range(len(families))
            ]
            edition += 1
            continue
        f = int(rng.choice(open_families))
        chosen.append((f, queues[f].pop()))
    popularity = (np.arange(1, len(chosen) + 1) ** -0.75)[rng.permutation(len(chosen))]
    return [
        _product(index, families[f], words, float(popularity[index]), rng, life)
        for index, (f, words) in enumerate(chosen)
    ]


def _product(
    index: int,
    family: dict[str, Any],
    words: dict[str, str],
    popularity: float,
    rng: np.random.Generator,
    life: Life,
) -> Product:
    number = FIRST_NUMBER + index * 32_768 + 257
    title = family["title"].format(**words)
    if "edition" in words:
        title = f"{title}, Series {words['edition']}"
    share = float(rng.uniform(0, 0.08))
    created, updated = life.at(share), life.at(share + float(rng.uniform(0.01, 0.8)))
    tags = [slug(family["type"]), *(["technical"] if family["technical"] else [])]
    if "size" in words:
        tags.append(f"an-{slug(words['size'])}")
    body = "".join(f"<p>{part}.</p>" for part in family["description"].format(**words).rstrip(".").split(". "))
    product = Product(
        number=number,
        handle=slug(title),
        title=title,
        body=body,
        seo=_seo(title, rng),
        created_at=created,
        updated_at=updated,
        product_type=family["type"],
        vendor=str(rng.choice(WORDS["vendors"])),
        tags=tuple(tags),
        words=dict(words),
        popularity=popularity,
    )
    low, high = family["price"]
    price = round(float(rng.uniform(low, high)) * 100) // 100 * 100 + 95
    count = int(rng.choice([1, 1, 1, 2, 3, 5]))
    for position in range(1, count + 1):
        product.variants.append(_variant(product, index, position, count, price, rng))
    for picture in range(1, int(rng.integers(1, 4)) + 1):
        product.pictures.append(_picture(product, index, picture, rng))
    return product


def _variant(
    product: Product, index: int, position: int, count: int, price: int, rng: np.random.Generator
) -> Variant:
    cents = price + (position - 1) * int(rng.integers(2, 9)) * 100
    return Variant(
        number=FIRST_NUMBER + 30_000_000_000 + index * 4_096 + position,
        product=product,
        title="Default Title" if count == 1 else f"Pack of {position}",
        sku=f"HRP-{index + 1001}-{position}",
        price_cents=cents,
        compare_at_cents=cents + 1000 if rng.random() < 0.1 else None,
        cost_cents=round(cents * float(rng.uniform(0.42, 0.68))) if rng.random() < 0.85 else None,
        on_hand=int(rng.integers(15, 140)),
        updated_at=product.updated_at,
        position=position,
    )


def _picture(product: Product, index: int, position: int, rng: np.random.Generator) -> Picture:
    width = int(rng.choice([1200, 1600, 2048]))
    alt = str(rng.choice(WORDS["image_alts"])).format(title=product.title) if position > 1 else product.title
    return Picture(
        number=FIRST_NUMBER + 60_000_000_000 + index * 64 + position,
        alt=alt,
        url=f"https://cdn.shopify.com/s/files/1/0777/files/{product.handle}-{position}.jpg?v=17",
        width=width,
        height=width * 3 // 4,
        created_at=product.created_at,
        updated_at=product.created_at,
    )


def _seo(title: str, rng: np.random.Generator) -> Seo:
    """Half of the merchants' pages have a typed title, a third a typed description."""
    typed = str(rng.choice(WORDS["seo_titles"])).format(title=title) if rng.random() < 0.5 else None
    described = str(rng.choice(WORDS["seo_descriptions"])).format(title=title) if rng.random() < 0.35 else None
    return Seo(typed, described)


def _collections(products: list[Product], rng: np.random.Generator, life: Life) -> list[Collection]:
    titles = [row[0] for row in WORDS["collections"]] + [family["type"] for family in WORDS["families"]]
    titles += [f"AN-{size} Parts" for size in ("4", "6", "8", "10", "12")]
    titles += [
        "LS Swap Parts",
        "E85 Parts",
        "Black Series",
        "Gifts for Builders",
        "New Arrivals",
        "Sale",
        "Racing",
    ]
    titles += ["Under 50 Dollars"]
    collections = []
    for index, title in enumerate(titles):
        collection = Collection(
            number=450_000_000_000 + index * 977,
            handle=slug(title),
            title=title,
            body=WORDS["collection_body"].format(title=title),
            seo=_seo(title, rng),
            created_at=life.at(0.001 * index),
            updated_at=life.at(0.05 + 0.02 * index),
        )
        for product in products:
            if _belongs(product, title, rng):
                collection.products.append(product)
                product.collections.append(collection)
        collections.append(collection)
    return collections


def _belongs(product: Product, title: str, rng: np.random.Generator) -> bool:
    name = product.product_type
    if title == name:
        return True
    if title == "AN Fittings":
        return name.startswith("AN ") or name == "Bulkheads and Valves"
    if title == "Fuel Systems":
        return name.startswith("Fuel") or name == "LS Swap Kits"
    if title == "Oil Systems":
        return name.startswith("Oil")
    if title.startswith("AN-"):
        return f"{slug(title.split()[0])}" in product.tags
    if title == "LS Swap Parts":
        return "LS" in product.title
    if title == "Black Series":
        return "Black" in product.title
    if title == "Under 50 Dollars":
        return product.variants[0].price_cents < 5000
    if title in {"E85 Parts", "Racing", "Sale", "New Arrivals", "Gifts for Builders"}:
        return bool(rng.random() < 0.08)
    return False


def build_catalogue(options: Options, life: Life) -> Catalogue:
    """The whole catalogue; deterministic in ``options.seed``. Everything was made and changed within ``life``."""
    rng = np.random.default_rng([options.seed, 1])
    products = _products(options, rng, life)
    collections = _collections(products, rng, life)
    blog = Blog(90_000_000_001, "workshop", "Workshop", life.opened)
    pages = [
        ContentPage(
            number=110_000_000_000 + index * 311,
            handle=slug(title),
            title=title,
            body=WORDS["article_body"].format(title=title),
            seo=_seo(title, rng),
            created_at=life.at(0.001 * index),
            updated_at=life.at(0.03 + 0.002 * index),
        )
        for index, (title, _) in enumerate(WORDS["pages"])
    ]
    articles = [
        Article(
            number=560_000_000_000 + index * 433,
            handle=slug(title),
            title=title,
            body=WORDS["article_body"].format(title=title),
            seo=_seo(title, rng),
            created_at=life.at(0.02 + 0.03 * index),
            updated_at=life.at(0.021 + 0.03 * index),
            blog=blog,
        )
        for index, (title, _) in enumerate(WORDS["articles"])
    ]
    return Catalogue(products, collections, pages, articles, blog)
