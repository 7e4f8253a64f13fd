"""Shopify's standard definitions of metafields: enabled from a template, deleted when nothing uses them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.shopify.fields import get, keys
from growth_pipelines.sandbox.shopify.metafields import metafields_of
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver

Identity = tuple[str, str, str]
# Owner, namespace and key → type. Of Shopify's list, those that the sandbox knows.
TEMPLATES: dict[Identity, tuple[str, str]] = {
    ("PRODUCT", "shopify--discovery--product_recommendation", "complementary_products"): (
        "Complementary products",
        "list.product_reference",
    ),
    ("PRODUCT", "shopify--discovery--product_recommendation", "related_products"): (
        "Related products",
        "list.product_reference",
    ),
}
RESERVED = "shopify--"


class Definition:
    """One definition, made when asked for."""

    typename = "MetafieldDefinition"

    def __init__(self, shop: Any, identity: Identity) -> None:
        self.identity = identity
        self.owner_type, self.namespace, self.key = identity
        number = int.from_bytes(hashlib.sha256("/".join(identity).encode()).digest()[:5], "big")
        self.gid = f"gid://shopify/MetafieldDefinition/{number}"
        self.name = TEMPLATES.get(identity, (self.key, ""))[0]
        # Of the owners that the machine writes to, only products have definitions.
        self.used = sum((self.namespace, self.key) in metafields_of(one) for one in shop.catalogue.products)


def _error(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code}


def _definition(root: Any, args: Mapping[str, Any], context: Any) -> Definition | None:
    wanted = args.get("identifier")
    if not wanted:
        raise ApiError("The sandbox shop finds definitions by their identifier.", "SANDBOX_UNSUPPORTED")
    identity = (wanted["ownerType"], wanted.get("namespace") or "custom", wanted["key"])
    return Definition(context.shop, identity) if identity in context.shop.metafield_definitions else None


def _enable(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("standardMetafieldDefinitionEnable")
    identity = (args["ownerType"], args.get("namespace") or "", args.get("key") or "")
    if identity not in TEMPLATES:
        missing = _error(None, "A standard definition was not found.", "TEMPLATE_NOT_FOUND")
        return {"createdDefinition": None, "userErrors": [missing]}
    if identity in context.shop.metafield_definitions:
        taken = _error(None, "The standard definition is enabled already.", "TAKEN")
        return {"createdDefinition": None, "userErrors": [taken]}
    context.shop.define_metafield(identity)
    return {"createdDefinition": Definition(context.shop, identity), "userErrors": []}


def _delete(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metafieldDefinitionDelete")
    if args.get("deleteAllAssociatedMetafields"):
        raise ApiError("The sandbox shop deletes no metafields with their definition.", "SANDBOX_UNSUPPORTED")
    known = [Definition(context.shop, identity) for identity in context.shop.metafield_definitions]
    found = next((one for one in known if one.gid == args.get("id")), None)
    problem = None
    if found is None:
        problem = _error(["id"], "Definition not found.", "NOT_FOUND")
    elif found.used and found.namespace.startswith(RESERVED):
        message = "Deleting this definition would orphan metafields in a reserved namespace."
        problem = _error(["id"], message, "RESERVED_NAMESPACE_ORPHANED_METAFIELDS")
    if problem or found is None:
        return {"deletedDefinitionId": None, "userErrors": [problem]}
    context.shop.undefine_metafield(found.identity)
    return {"deletedDefinitionId": found.gid, "userErrors": []}


def reference_problem(context: Any, given: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """What is wrong with a metafield in a reserved namespace or of products: field, message, code."""
    identity = ("PRODUCT", given.get("namespace") or "custom", given["key"])
    if identity[1].startswith(RESERVED) and identity not in context.shop.metafield_definitions:
        return (
            "namespace",
            "Access to this namespace and key on Metafields for this resource type is not allowed.",
            "APP_NOT_AUTHORIZED",
        )
    kind = TEMPLATES.get(identity, ("", given.get("type") or ""))[1]
    if kind != "list.product_reference":
        return None
    if given.get("type") not in (None, kind):
        return (
            "type",
            f"Type '{given['type']}' must be consistent with the definition's type: '{kind}'.",
            "INVALID_TYPE",
        )
    try:
        named = json.loads(given["value"])
    except ValueError:
        named = None
    records = [context.shop.record(str(gid)) for gid in named] if isinstance(named, list) else [None]
    if any(record is None or record.typename != "Product" for record in records):
        return "value", "Value references non-existent resource.", "INVALID_VALUE"
    return None


FIELDS: dict[str, dict[str, Resolver]] = {
    "MetafieldDefinition": {
        "id": get("gid"),
        "key": get("key"),
        "namespace": get("namespace"),
        "name": get("name"),
        "metafieldsCount": get("used"),
    },
    "StandardMetafieldDefinitionEnablePayload": keys("createdDefinition", "userErrors"),
    "StandardMetafieldDefinitionEnableUserError": keys("field", "message", "code"),
    "MetafieldDefinitionDeletePayload": keys("deletedDefinitionId", "userErrors"),
    "MetafieldDefinitionDeleteUserError": keys("field", "message", "code"),
}
QUERIES: dict[str, Resolver] = {"metafieldDefinition": _definition}
MUTATIONS: dict[str, Resolver] = {
    "standardMetafieldDefinitionEnable": _enable,
    "metafieldDefinitionDelete": _delete,
}
