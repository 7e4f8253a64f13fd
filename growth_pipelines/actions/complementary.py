"""The products that a product's page shows with it: Shopify's own metafield, as themes read it.

``shopify--discovery--product_recommendation.complementary_products`` is a standard definition (list of products)
that Shopify's Search & Discovery app and the themes' complementary-products block share
(https://shopify.dev/docs/apps/build/custom-data/metafields/list-of-standard-definitions).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

NAMESPACE, KEY, TYPE = (
    "shopify--discovery--product_recommendation",
    "complementary_products",
    "list.product_reference",
)
# As many as Shopify's own app lets a merchant choose.
MOST_PRODUCTS = 10
# Fields of a diff: the shop's definition of the metafield, and the metafield of one product.
DEFINITION, COMPLEMENTARY = f"definition.{KEY}", f"metafield.{KEY}"
DEFINED = f"{NAMESPACE}.{KEY}"


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
