"""The products that a product's page shows with it, as a surface: Shopify's standard metafield and its definition.

The definition is the shop's: it is enabled where it is not ("taken" counts as done), and it goes again only when
this action made it and no product uses it. Otherwise it stays and counts as given up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from growth_pipelines.actions.complementary import (
    COMPLEMENTARY,
    DEFINED,
    DEFINITION,
    KEY,
    MOST_PRODUCTS,
    NAMESPACE,
    TYPE,
    products_text,
)
from growth_pipelines.actions.executors.structured_plan import InvalidDraft, checked_gid
from growth_pipelines.actions.executors.surfaces import Reading, ShopApi, Surface, document, found_in, refused

TAKEN = "TAKEN"
# The shop keeps a definition that another app needs, or that somebody's metafield has come to use meanwhile.
_KEPT = {
    "METAFIELD_DEFINITION_IN_USE",
    "RESERVED_NAMESPACE_ORPHANED_METAFIELDS",
    "STANDARD_METAFIELD_DEFINITION_DEPENDENT_ON_APP",
}
_PRODUCT = re.compile(r"gid://shopify/Product/\d+")


@dataclass
class ComplementaryProducts:
    """One product's list. Holds the definition's id, as last read."""

    stepwise: bool = field(default=True, init=False)
    _definition: str = field(default="", init=False)
    _in_use: int = field(default=0, init=False)
    _given_up: bool = field(default=False, init=False)

    def read(self, shop: ShopApi, gid: str) -> Reading:
        """Raises ResourceGone when the product is."""
        wanted = {"id": gid, "namespace": NAMESPACE, "key": KEY}
        found = shop.execute_text(document("complementary_products"), wanted)
        metafield = found_in(found, "product", gid)["metafield"] or {}
        definition = found["metafieldDefinition"] or {}
        self._definition, self._in_use = definition.get("id", ""), definition.get("metafieldsCount", 0)
        return Reading(
            {
                DEFINITION: DEFINED if definition and not self._given_up else "",
                COMPLEMENTARY: metafield.get("value") or "",
            },
            versions={COMPLEMENTARY: metafield.get("compareDigest")},
        )

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        """Raises WriteRefused when the shop refuses a part; what went before it is then written."""
        if values.get(DEFINITION):
            variables = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": KEY}
            answer = shop.mutate_text(document("enable_metafield_definition"), variables)
            _accept(answer, "standardMetafieldDefinitionEnable", {TAKEN})
        if COMPLEMENTARY in values:
            self._set(shop, gid, values[COMPLEMENTARY], seen)
        if values.get(DEFINITION) == "":
            self._undefine(shop, gid)

    def _set(self, shop: ShopApi, gid: str, text: str, seen: Reading) -> None:
        identity = {"ownerId": gid, "namespace": NAMESPACE, "key": KEY}
        if not text:
            answer = shop.mutate_text(document("delete_metafields"), {"metafields": [identity]})
            _accept(answer, "metafieldsDelete")
            return
        # A compareDigest of null says that the metafield must not exist yet.
        digest = {"compareDigest": seen.versions.get(COMPLEMENTARY)}
        answer = shop.mutate_text(
            document("set_metafields"), {"metafields": [{**identity, "type": TYPE, "value": text, **digest}]}
        )
        _accept(answer, "metafieldsSet")

    def _undefine(self, shop: ShopApi, gid: str) -> None:
        self.read(shop, gid)
        if not self._definition:
            return
        if self._in_use:
            self._given_up = True
            return
        answer = shop.mutate_text(document("delete_metafield_definition"), {"id": self._definition})
        kept = _accept(answer, "metafieldDefinitionDelete", _KEPT)
        self._given_up = kept


def _accept(answer: Mapping[str, Any], mutation: str, passable: frozenset[str] | set[str] = frozenset()) -> bool:
    """Whether the shop declined for a reason that may pass. Raises WriteRefused with its other user errors."""
    errors = (answer[mutation] or {}).get("userErrors") or []
    grave = [error for error in errors if error.get("code") not in passable]
    if grave:
        raise refused(mutation, grave)
    return bool(errors)


def cross_sell_plan(gid: str, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    """The product, the surface and the fields of a draft {companions, kept}. Raises InvalidDraft."""
    if "companions" not in draft:
        return gid, None, {}
    owner = checked_gid(gid, "Product")
    named = [_product(one) for part in ("kept", "companions") for one in draft.get(part) or ()]
    if not draft["companions"]:
        raise InvalidDraft("The draft names no product to show.", "Reject the action.")
    if len(set(named)) != len(named) or owner in named:
        raise InvalidDraft("A product is shown twice, or with itself.", "Edit the draft, or reject the action.")
    if len(named) > MOST_PRODUCTS:
        raise InvalidDraft(f"The shop shows at most {MOST_PRODUCTS} products with one.", "Edit the draft.")
    return owner, ComplementaryProducts(), {DEFINITION: DEFINED, COMPLEMENTARY: products_text(named)}


def _product(given: Any) -> str:
    gid = str(given.get("product")) if isinstance(given, Mapping) else ""
    if not _PRODUCT.fullmatch(gid):
        raise InvalidDraft("A companion needs the id of a product.", "Reject the action.")
    return gid
