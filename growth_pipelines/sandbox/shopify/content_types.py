"""Redirects, metaobjects and events as the API shows them."""

from __future__ import annotations

from typing import Any

from growth_pipelines.sandbox.content import Metaobject
from growth_pipelines.sandbox.shopify.fields import children, fixed, get, keys, of, time_of
from growth_pipelines.sandbox.shopify.projection import Resolver


def _fields(entry: Metaobject) -> list[dict[str, Any]]:
    rows = zip(entry.definition.fields, entry.values, strict=True)
    return [{"key": field["key"], "type": field["type"], "value": value} for field, value in rows]


def _definitions(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [field | {"type": {"name": field["type"]}} for field in fields]


FIELDS: dict[str, dict[str, Resolver]] = {
    "UrlRedirect": {"id": get("gid"), "path": get("path"), "target": get("target")},
    "MetaobjectDefinition": {
        "id": get("gid"),
        "type": get("type"),
        "name": get("name"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "displayNameKey": of(lambda definition: definition.fields[0]["key"]),
        "fieldDefinitions": of(lambda definition: _definitions(definition.fields)),
        "metaobjectsCount": of(lambda definition: len(definition.entries)),
        "metaobjects": children(lambda definition: definition.entries),
    },
    "MetaobjectFieldDefinition": keys("key", "name", "required", "type"),
    "MetafieldDefinitionType": keys("name"),
    "Metaobject": {
        "id": get("gid"),
        "type": get("definition.type"),
        "handle": get("handle"),
        "displayName": get("display_name"),
        "definition": get("definition"),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "fields": of(_fields),
    },
    "MetaobjectField": keys("key", "type", "value"),
    "BasicEvent": {
        "id": get("gid"),
        "action": get("action"),
        "createdAt": time_of("created_at"),
        "subjectId": get("subject_gid"),
        "subjectType": get("subject_type"),
        "attributeToApp": fixed(False),
        "attributeToUser": fixed(True),
    },
}
