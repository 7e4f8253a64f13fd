"""The products that a product's page shows beside it, as a surface: a standard metafield of Shopify's and its
definition.

The definition is the shop's: it is enabled where it is not ("taken" counts as done), and it goes again only when
this action made it and no product uses it. Otherwise it stays and counts as given up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from growth_pipelines.actions.executors.structured_plan import InvalidDraft, checked_gid
from growth_pipelines.actions.executors.surfaces import Reading, ShopApi, Surface, document, found_in, refused
from growth_pipelines.actions.recommended_products import (
    LISTS,
    MOST_PRODUCTS,
    NAMESPACE,
    TYPE,
    ProductList,
    products_text,
)

TAKEN = "TAKEN"
# The shop keeps a definition that another app needs, or that somebody's metafield has come to use meanwhile.
_KEPT = {
    "METAFIELD_DEFINITION_IN_USE",
    "RESERVED_NAMESPACE_ORPHANED_METAFIELDS",
    "STANDARD_METAFIELD_DEFINITION_DEPENDENT_ON_APP",
}
_PRODUCT = re.compile(r"gid://shopify/Product/\d+")


@dataclass
class RecommendedProducts:
    """One product's list. Holds the definition's id, as last read."""

    kept_in: ProductList
    stepwise: bool = field(default=True, init=False)
    _definition: str = field(default="", init=False)
    _in_use: int = field(default=0, init=False)
    _given_up: bool = field(default=False, init=False)

    def read(self, shop: ShopApi, gid: str) -> Reading:
        """Raises ResourceGone when the product is."""
        wanted = {"id": gid, "namespace": NAMESPACE, "key": self.kept_in.key}
        found = shop.execute_text(document("recommended_products"), wanted)
        metafield = found_in(found, "product", gid)["metafield"] or {}
        definition = found["metafieldDefinition"] or {}
        self._definition, self._in_use = definition.get("id", ""), definition.get("metafieldsCount", 0)
        return Reading(
            {
                self.kept_in.definition: self.kept_in.defined if definition and not self._given_up else "",
                self.kept_in.field: metafield.get("value") or "",
            },
            versions={self.kept_in.field: metafield.get("compareDigest")},
        )

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        """Raises WriteRefused when the shop refuses a part; what went before it is then written."""
        if values.get(self.kept_in.definition):
            variables = {"ownerType": "PRODUCT", "namespace": NAMESPACE, "key": self.kept_in.key}
            answer = shop.mutate_text(document("enable_metafield_definition"), variables)
            _accept(answer, "standardMetafieldDefinitionEnable", {TAKEN})
        if self.kept_in.field in values:
            self._set(shop, gid, values[self.kept_in.field], seen)
        if values.get(self.kept_in.definition) == "":
            self._undefine(shop, gid)

    def _set(self, shop: ShopApi, gid: str, text: str, seen: Reading) -> None:
        identity = {"ownerId": gid, "namespace": NAMESPACE, "key": self.kept_in.key}
        if not text:
            answer = shop.mutate_text(document("delete_metafields"), {"metafields": [identity]})
            _accept(answer, "metafieldsDelete")
            return
        # A compareDigest of null says that the metafield must not exist yet.
        digest = {"compareDigest": seen.versions.get(self.kept_in.field)}
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


def recommended_plan(gid: str, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    """The product, the surface and the fields of a draft {metafield, kept, companions or alternatives}. Raises
    InvalidDraft."""
    if "metafield" not in draft:
        return gid, None, {}
    kept_in = LISTS.get(str(draft["metafield"]))
    if kept_in is None:
        raise InvalidDraft("The draft names a list that products don't have.", "Reject the action.")
    owner = checked_gid(gid, "Product")
    named = [_product(one) for part in ("kept", kept_in.part) for one in draft.get(part) or ()]
    if not draft.get(kept_in.part):
        raise InvalidDraft("The draft names no product to show.", "Reject the action.")
    if len(set(named)) != len(named) or owner in named:
        raise InvalidDraft("A product is shown twice, or with itself.", "Edit the draft, or reject the action.")
    if len(named) > MOST_PRODUCTS:
        raise InvalidDraft(f"The shop shows at most {MOST_PRODUCTS} products with one.", "Edit the draft.")
    wanted = {kept_in.definition: kept_in.defined, kept_in.field: products_text(named)}
    return owner, RecommendedProducts(kept_in), wanted


def _product(given: Any) -> str:
    gid = str(given.get("product")) if isinstance(given, Mapping) else ""
    if not _PRODUCT.fullmatch(gid):
        raise InvalidDraft("A product to show needs its id.", "Reject the action.")
    return gid
