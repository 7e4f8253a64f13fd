"""Metafields. What a merchant typed for search engines is two of them: global.title_tag and .description_tag."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.records import Resource
from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.fields import get, keys, of, time_of
from growth_pipelines.sandbox.shopify.projection import Resolver

_TEXT = "single_line_text_field"
_LISTS = {
    '["gid://shopify/Metaobject/': "list.metaobject_reference",
    '["gid://shopify/Product/': "list.product_reference",
}
SEO_KEYS = {("global", "title_tag"): "title", ("global", "description_tag"): "description"}


def metafields_of(owner: Resource) -> dict[tuple[str, str], str]:
    """All metafields; the SEO fields of products and collections are two of them, as in Shopify."""
    found = dict(owner.metafields)
    for identity, name in SEO_KEYS.items():
        value = getattr(owner.seo, name)
        if value is not None:
            found[identity] = value
    return found


class Metafield:
    """One metafield of one owner, made when asked for."""

    typename = "Metafield"

    def __init__(self, owner: Resource, namespace: str, key: str, value: str) -> None:
        self.owner, self.namespace, self.key, self.value = owner, namespace, key, value
        identity = hashlib.sha256(f"{owner.gid}/{namespace}.{key}".encode()).digest()
        self.number = 20_000_000_000_000 + int.from_bytes(identity[:5], "big")
        self.gid = f"gid://shopify/Metafield/{self.number}"
        self.digest = hashlib.sha256(value.encode()).hexdigest()
        self.type = next((kind for start, kind in _LISTS.items() if value.startswith(start)), _TEXT)


def metafield(record: Resource, args: Mapping[str, Any], context: Any) -> Metafield | None:
    namespace, key = args.get("namespace"), args["key"]
    if namespace is None and "." in key:
        namespace, key = key.split(".", 1)
    value = metafields_of(record).get((namespace or "custom", key))
    return None if value is None else Metafield(record, namespace or "custom", key, value)


def metafields(record: Resource, args: Mapping[str, Any], context: Any) -> Slice:
    found = [
        Metafield(record, namespace, key, value)
        for (namespace, key), value in sorted(metafields_of(record).items())
        if args.get("namespace") in (None, namespace)
        and (not args.get("keys") or f"{namespace}.{key}" in args["keys"])
    ]
    return paginate(found, args, lambda field: field.number, everything=context.bulk)


FIELDS: dict[str, dict[str, Resolver]] = {
    "Metafield": {
        "id": get("gid"),
        "namespace": get("namespace"),
        "key": get("key"),
        "value": get("value"),
        "jsonValue": get("value"),
        "type": get("type"),
        "compareDigest": get("digest"),
        "createdAt": time_of("owner.created_at"),
        "updatedAt": time_of("owner.updated_at"),
        "ownerType": of(lambda field: field.owner.typename.upper()),
        "owner": get("owner"),
    },
    "MetafieldIdentifier": keys("key", "namespace", "ownerId"),
}
