"""What the shop has beside its catalogue: redirects of old paths, and metaobjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from growth_pipelines.sandbox.catalogue import Catalogue, Life, slug
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Product

STREAM = 9
WORDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "shop.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Redirect:
    number: int
    path: str
    target: str
    created_at: datetime

    typename = "UrlRedirect"

    @property
    def gid(self) -> str:
        return f"gid://shopify/UrlRedirect/{self.number}"


@dataclass(slots=True)
class MetaobjectDefinition:
    """``fields`` are rows of key, name, required and type; the first is the display name."""

    number: int
    type: str
    name: str
    fields: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    entries: list[Metaobject] = field(default_factory=list)

    typename = "MetaobjectDefinition"

    @property
    def gid(self) -> str:
        return f"gid://shopify/MetaobjectDefinition/{self.number}"


@dataclass(slots=True)
class Metaobject:
    number: int
    definition: MetaobjectDefinition
    values: list[str | None]
    created_at: datetime
    updated_at: datetime
    own_handle: str = ""

    typename = "Metaobject"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Metaobject/{self.number}"

    @property
    def display_name(self) -> str:
        return str(self.values[0])

    @property
    def handle(self) -> str:
        return self.own_handle or slug(self.display_name)

    def value_of(self, key: str) -> str | None:
        """The value of one field; None where it is unset."""
        return self.values[[row["key"] for row in self.definition.fields].index(key)]


def build_redirects(options: Options, catalogue: Catalogue, life: Life) -> list[Redirect]:
    """A few old paths of pages that still exist."""
    rng = np.random.default_rng([options.seed, STREAM])
    pages = catalogue.landing_resources
    chosen = rng.choice(len(pages), size=min(8, len(pages)), replace=False)
    return [
        Redirect(
            number=320_000_000_000 + index * 97,
            path=WORDS["old_paths"][index % len(WORDS["old_paths"])].format(handle=pages[page].handle),
            target=pages[page].path,
            created_at=life.at(0.1 + 0.05 * index),
        )
        for index, page in enumerate(chosen)
    ]


def build_metaobjects(
    life: Life, products: list[Product], bare: Mapping[str, set[str]]
) -> list[MetaobjectDefinition]:
    """The definitions with their entries: the same in every shop, and what is said of each product that needs it.

    ``bare`` names the products (gids) of which nothing is said, by type of metaobject.
    """
    found = _of_the_shop(life)
    for index, row in enumerate(WORDS["product_content"]):
        made = life.at(0.35 + 0.05 * index)
        number = 5_600_000_000 + index * 1_009
        definition = MetaobjectDefinition(number, row["type"], row["name"], row["fields"], made, made)
        for position, product in enumerate(products):
            if needs(product, row["type"]) and product.gid not in bare.get(row["type"], set()):
                values = [text.format(title=product.title, gid=product.gid) for text in row["values"]]
                entry = Metaobject(91_000_000_000 + index * 10**8 + position, definition, values, made, made)
                definition.entries.append(entry)
        found.append(definition)
    return found


def needs(product: Product, type_name: str) -> bool:
    """Whether a careful merchant says this of the product: answers for what is dear or technical, a table of
    specifications for what comes in many variants, a how-to where the description tells its steps."""
    if type_name == "product_faq":
        return "technical" in product.tags or min(v.price_cents for v in product.variants) > 20_000
    if type_name == "product_how_to":
        return any(listed(row["heading"], row["steps"]) in product.body for row in WORDS["how_tos"])
    return len(product.variants) > 3


def listed(heading: str, items: list[str]) -> str:
    """An ordered list under its heading, as merchants' editors write it."""
    return f"<h3>{heading}</h3><ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>"


def _of_the_shop(life: Life) -> list[MetaobjectDefinition]:
    found = []
    for index, row in enumerate(WORDS["metaobjects"]):
        made = life.at(0.1 + 0.1 * index)
        number = 5_500_000_000 + index * 1_009
        definition = MetaobjectDefinition(number, row["type"], row["name"], row["fields"], made, made)
        for position, values in enumerate(row["entries"]):
            at = life.at(0.3 + 0.1 * index + 0.08 * position)
            entry = Metaobject(90_000_000_000 + number % 10**7 * 100 + position, definition, values, at, at)
            definition.entries.append(entry)
        found.append(definition)
    return found
