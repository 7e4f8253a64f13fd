"""What the sandbox answers: for each type of the real schema the fields it knows, as functions of a record."""

from __future__ import annotations

from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.shopify import (
    catalogue_types,
    checkout_types,
    content_types,
    discount_types,
    metafield_definitions,
    metafields,
    sales_types,
    stock_types,
)
from growth_pipelines.sandbox.shopify.fields import fixed, get, keys, of
from growth_pipelines.sandbox.shopify.projection import Resolver

_SHOP: dict[str, Any] = {
    "id": "gid://shopify/Shop/77700012345",
    "name": options.SHOP_NAME,
    "myshopifyDomain": options.MYSHOPIFY_DOMAIN,
    "url": options.PRIMARY_URL,
    "currencyCode": options.CURRENCY,
    "ianaTimezone": options.TIMEZONE,
    "email": "owner@hotrodparts.example",
    "taxesIncluded": False,
    "unitSystem": "IMPERIAL_SYSTEM",
    "weightUnit": "POUNDS",
    "primaryDomain": {
        "id": "gid://shopify/Domain/77700054321",
        "host": options.PRIMARY_HOST,
        "url": options.PRIMARY_URL,
        "sslEnabled": True,
    },
    "plan": {"publicDisplayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False},
}

FIELDS: dict[str, dict[str, Resolver]] = {
    **sales_types.FIELDS,
    **catalogue_types.FIELDS,
    **metafields.FIELDS,
    **metafield_definitions.FIELDS,
    **checkout_types.FIELDS,
    **content_types.FIELDS,
    **discount_types.FIELDS,
    **stock_types.FIELDS,
    "Shop": {name: fixed(value) for name, value in _SHOP.items()},
    "Domain": keys("id", "host", "url", "sslEnabled"),
    "ShopPlan": keys("publicDisplayName", "partnerDevelopment", "shopifyPlus"),
    "ShopLocale": keys("locale", "name", "primary", "published"),
    "MoneyBag": keys("shopMoney", "presentmentMoney"),
    "MoneyV2": keys("amount", "currencyCode"),
    "Count": keys("count", "precision"),
    "SEO": {"title": get("title"), "description": get("description")},
    "AppInstallation": {
        "id": fixed("gid://shopify/AppInstallation/777000999"),
        "accessScopes": of(lambda scopes: [{"handle": scope, "description": scope} for scope in scopes]),
    },
    "AccessScope": keys("handle", "description"),
    "PageInfo": {
        "hasNextPage": get("has_next"),
        "hasPreviousPage": get("has_previous"),
        "startCursor": of(lambda page: page.cursor_of(page.items[0]) if page.items else None),
        "endCursor": of(lambda page: page.cursor_of(page.items[-1]) if page.items else None),
    },
    "ShopifyqlQueryResponse": keys("tableData", "parseErrors"),
    "ShopifyqlTableData": keys("columns", "rows"),
    "ShopifyqlTableDataColumn": keys("name", "dataType", "displayName"),
    "BulkOperation": keys(
        "id",
        "status",
        "errorCode",
        "createdAt",
        "completedAt",
        "objectCount",
        "rootObjectCount",
        "fileSize",
        "url",
        "partialDataUrl",
        "query",
        "type",
    ),
    "BulkOperationRunQueryPayload": keys("bulkOperation", "userErrors"),
    "BulkOperationCancelPayload": keys("bulkOperation", "userErrors"),
    "BulkOperationUserError": keys("field", "message", "code"),
    "UserError": keys("field", "message"),
    "MetafieldsSetUserError": keys("field", "message", "code", "elementIndex"),
    "FilesUserError": keys("field", "message", "code"),
    "ProductUpdatePayload": keys("product", "userErrors"),
    "CollectionUpdatePayload": keys("collection", "userErrors", "job"),
    "MetafieldsSetPayload": keys("metafields", "userErrors"),
    "MetafieldsDeletePayload": keys("deletedMetafields", "userErrors"),
    "FileUpdatePayload": keys("files", "userErrors"),
    "MetaobjectUserError": keys("field", "message", "code", "elementIndex", "elementKey"),
    "MetaobjectDefinitionCreatePayload": keys("metaobjectDefinition", "userErrors"),
    "MetaobjectDefinitionDeletePayload": keys("deletedId", "userErrors"),
    "MetaobjectUpsertPayload": keys("metaobject", "userErrors"),
    "MetaobjectDeletePayload": keys("deletedId", "userErrors"),
    "MetafieldDefinitionCreatePayload": keys("createdDefinition", "userErrors"),
    "MetafieldDefinitionCreateUserError": keys("field", "message", "code"),
}

_CONNECTION: dict[str, Resolver] = {
    "nodes": get("items"),
    "edges": of(lambda page: [(record, page.cursor_of) for record in page.items]),
    "pageInfo": of(lambda page: page),
}
_EDGE: dict[str, Resolver] = {"node": of(lambda edge: edge[0]), "cursor": of(lambda edge: edge[1](edge[0]))}


def find(type_name: str, field_name: str) -> Resolver | None:
    """The resolver of a field, or None where the sandbox does not answer it."""
    if type_name in FIELDS:
        return FIELDS[type_name].get(field_name)
    if type_name.endswith("Connection"):
        return _CONNECTION.get(field_name)
    if type_name.endswith("Edge"):
        return _EDGE.get(field_name)
    return None
