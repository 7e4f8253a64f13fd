"""The products that a product's page shows beside it: Shopify's own metafields, as themes read them.

``shopify--discovery--product_recommendation`` has two standard definitions, lists of products, that Shopify's
Search & Discovery app and the themes' blocks share: complementary products go with it, related ones may be bought
instead
(https://shopify.dev/docs/apps/build/custom-data/metafields/list-of-standard-definitions).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

NAMESPACE, TYPE = "shopify--discovery--product_recommendation", "list.product_reference"
# As many as Shopify's own app lets a merchant choose.
MOST_PRODUCTS = 10


@dataclass(frozen=True)
class ProductList:
    """One of the lists; ``part`` names the products in a draft that are to be added to it."""

    key: str
    part: str

    @property
    def field(self) -> str:
        """The metafield of one product, as a field of a diff."""
        return f"metafield.{self.key}"

    @property
    def definition(self) -> str:
        """The shop's definition of the metafield, as a field of a diff."""
        return f"definition.{self.key}"

    @property
    def defined(self) -> str:
        """The metafield's full name."""
        return f"{NAMESPACE}.{self.key}"


COMPLEMENTARY = ProductList("complementary_products", "companions")
RELATED = ProductList("related_products", "alternatives")
LISTS = {one.defined: one for one in (COMPLEMENTARY, RELATED)}


def products_text(gids: Sequence[str]) -> str:
    """The metafield's value for these products, as Shopify keeps it; empty for none, when it is not there."""
    return json.dumps(list(gids), separators=(",", ":")) if gids else ""


def products_of(text: object) -> list[str]:
    """The products that a metafield's value names; none where it is not there or not readable."""
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
