"""The query root: top-level connections with search and sorting, single records, counts and analytics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox.shopify import metafield_definitions
from growth_pipelines.sandbox.shopify.analytics import shopifyql
from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver
from growth_pipelines.sandbox.shopify.search import Getter, Search, parse_search
from growth_pipelines.sandbox.stock import InventoryItem

_TIMES: dict[str, Getter] = {"created_at": attrgetter("created_at"), "updated_at": attrgetter("updated_at")}
_NUMBER: dict[str, Getter] = {"id": attrgetter("number")}
_TEXTS: dict[str, Getter] = {"title": attrgetter("title"), "handle": attrgetter("handle")}

# Only the names that Shopify's tables list for each connection; customers and variants know no created_at.
SEARCH_FIELDS: dict[str, dict[str, Getter]] = {
    "orders": _NUMBER
    | _TIMES
    | {
        "processed_at": attrgetter("processed_at"),
        "name": attrgetter("name"),
        "test": attrgetter("test"),
        "financial_status": lambda order: order.financial_status.lower(),
        "status": lambda order: "cancelled" if order.cancelled_at else "closed",
        "customer_id": lambda order: order.customer.number if order.customer else None,
        "source_name": attrgetter("source_name"),
    },
    "products": _NUMBER
    | _TIMES
    | _TEXTS
    | {
        "status": lambda product: "active",
        "product_type": attrgetter("product_type"),
        "vendor": attrgetter("vendor"),
        "tag": attrgetter("tags"),
        "published_at": attrgetter("created_at"),
    },
    "productVariants": _NUMBER
    | {
        "updated_at": attrgetter("updated_at"),
        "sku": attrgetter("sku"),
        "product_id": attrgetter("product.number"),
    },
    "customers": _NUMBER
    | {
        "updated_at": attrgetter("updated_at"),
        "customer_date": attrgetter("created_at"),
        "country": attrgetter("country"),
        "orders_count": attrgetter("orders_count"),
    },
    "collections": _NUMBER | _TEXTS | {"updated_at": attrgetter("updated_at")},
    "pages": _NUMBER | _TIMES | _TEXTS,
    "articles": _NUMBER | _TIMES | _TEXTS,
    "blogs": _NUMBER | _TEXTS,
    "files": _NUMBER | _TIMES,
    "abandonedCheckouts": _NUMBER
    | _TIMES
    | {
        "recovery_state": lambda checkout: "recovered" if checkout.completed_at else "not_recovered",
        "status": lambda checkout: "closed" if checkout.completed_at else "open",
    },
    "discountNodes": _NUMBER
    | {
        "title": attrgetter("title"),
        "code": attrgetter("discount.code"),
        "created_at": attrgetter("created_at"),
        "updated_at": attrgetter("updated_at"),
        "starts_at": attrgetter("discount.starts_at"),
        "ends_at": attrgetter("discount.ends_at"),
        "method": lambda node: "code" if node.discount.code else "automatic",
    },
    "inventoryItems": _NUMBER | _TIMES | {"sku": attrgetter("sku")},
    "locations": _NUMBER | {"name": attrgetter("name"), "created_at": attrgetter("created_at")},
    "urlRedirects": _NUMBER
    | {"path": attrgetter("path"), "target": attrgetter("target"), "created_at": attrgetter("created_at")},
    "metaobjectDefinitions": {},
    "metaobjects": _NUMBER
    | {
        "handle": attrgetter("handle"),
        "display_name": attrgetter("display_name"),
        "updated_at": attrgetter("updated_at"),
    },
    "events": _NUMBER
    | {
        "action": attrgetter("action"),
        "created_at": attrgetter("created_at"),
        "subject_type": attrgetter("subject_type"),
    },
}
# A count's table of names is its connection's, but for customers.
COUNT_FIELDS = SEARCH_FIELDS | {"customers": _NUMBER | _TIMES}
SORT_KEYS: dict[str, Getter] = {
    "ID": attrgetter("number"),
    "CREATED_AT": attrgetter("created_at"),
    "UPDATED_AT": attrgetter("updated_at"),
    "PROCESSED_AT": attrgetter("processed_at"),
    "TITLE": attrgetter("title"),
    "NAME": attrgetter("name"),
    "PATH": attrgetter("path"),
    "DISPLAY_NAME": attrgetter("display_name"),
}


def _records(context: Any, name: str, args: Mapping[str, Any]) -> list[Any]:
    shop, since = context.shop, context.orders_since
    sources: dict[str, Callable[[], list[Any]]] = {
        "orders": lambda: [order for order in shop.sales.orders if since is None or order.created_at >= since],
        "customers": lambda: shop.sales.customers,
        "products": lambda: shop.catalogue.products,
        "productVariants": lambda: shop.catalogue.variants,
        "collections": lambda: shop.catalogue.collections,
        "pages": lambda: shop.catalogue.pages,
        "articles": lambda: shop.catalogue.articles,
        "blogs": lambda: [shop.catalogue.blog],
        "files": lambda: [picture for product in shop.catalogue.products for picture in product.pictures],
        "abandonedCheckouts": lambda: shop.checkouts.checkouts,
        "discountNodes": lambda: shop.discounts,
        "inventoryItems": lambda: [InventoryItem(variant) for variant in shop.catalogue.variants],
        "locations": lambda: shop.locations,
        "urlRedirects": lambda: shop.redirects,
        "metaobjectDefinitions": lambda: shop.definitions,
        "metaobjects": lambda: [
            entry
            for definition in shop.definitions
            if definition.type == args["type"]
            for entry in definition.entries
        ],
        "events": lambda: shop.events.kept(shop.now()),
    }
    return sources[name]()


def _search(name: str, args: Mapping[str, Any], fields: Mapping[str, Getter], context: Any) -> Search:
    search = parse_search(args.get("query"), fields)
    if search.warnings:
        context.search_warnings.append(
            {"path": [name], "query": args.get("query"), "warnings": list(search.warnings)}
        )
    return search


def _connection(name: str) -> Resolver:
    def resolve(root: Any, args: Mapping[str, Any], context: Any) -> Slice:
        context.require(name)
        key = (args.get("sortKey") or "ID").upper()
        if key not in SORT_KEYS:
            raise ApiError(f"The sandbox shop does not sort {name} by {key}.", "SANDBOX_UNSUPPORTED")
        search = _search(name, args, SEARCH_FIELDS[name], context)

        def select() -> list[Any]:
            found = [record for record in _records(context, name, args) if search.matches(record)]
            value = SORT_KEYS[key]
            return sorted(found, key=lambda record: (value(record), record.number))

        ordered = context.shop.selected((name, args.get("type"), args.get("query"), key), select)
        return paginate(ordered, args, SORT_KEYS[key], presorted=True, everything=context.bulk)

    return resolve


def _count(name: str) -> Resolver:
    def resolve(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
        context.require(name)
        search = _search(f"{name}Count", args, COUNT_FIELDS[name], context)
        count = sum(1 for record in _records(context, name, args) if search.matches(record))
        limit = args.get("limit")
        if limit is not None and count > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": count, "precision": "EXACT"}

    return resolve


def lookup(context: Any, gid: str) -> Any:
    """The record of a gid, whatever its type; None when there is none."""
    kind = gid.split("/")[-2] if gid.startswith("gid://shopify/") and gid.count("/") == 4 else ""
    if not kind:
        raise ApiError(f"Invalid global id '{gid}'", "INVALID_VARIABLE")
    if kind == "BulkOperation":
        return context.bulk_operations.get(gid)
    record = context.shop.record(gid)
    since = context.orders_since
    if since is not None and kind == "Order" and record is not None and record.created_at < since:
        return None
    return record


def _one(kind: str) -> Resolver:
    def resolve(root: Any, args: Mapping[str, Any], context: Any) -> Any:
        record = lookup(context, args["id"])
        return record if record is not None and record.typename == kind else None

    return resolve


def _bulk_operation(root: Any, args: Mapping[str, Any], context: Any) -> Any:
    return context.bulk_operations.get(args["id"])


def _bulk_operations(root: Any, args: Mapping[str, Any], context: Any) -> Slice:
    return paginate(context.bulk_operations.all(), args, attrgetter("number"))


def _definition(root: Any, args: Mapping[str, Any], context: Any) -> Any:
    context.require("metaobjectDefinitions")
    return next((each for each in context.shop.definitions if each.type == args["type"]), None)


def _entry(root: Any, args: Mapping[str, Any], context: Any) -> Any:
    context.require("metaobjects")
    wanted = args["handle"]
    of_type = [each for each in context.shop.definitions if each.type == wanted["type"]]
    entries = [entry for definition in of_type for entry in definition.entries]
    return next((entry for entry in entries if entry.handle == wanted["handle"]), None)


def _installation(root: Any, args: Mapping[str, Any], context: Any) -> Any:
    return context.options.scopes


def _shopifyql(root: Any, args: Mapping[str, Any], context: Any) -> Any:
    context.require("shopifyqlQuery")
    return shopifyql(context.shop, args["query"])


def query_roots() -> dict[str, Resolver]:
    """The fields of QueryRoot that are answered."""
    roots: dict[str, Resolver] = {name: _connection(name) for name in SEARCH_FIELDS}
    roots |= {
        singular: _one(kind)
        for singular, kind in {
            "order": "Order",
            "product": "Product",
            "productVariant": "ProductVariant",
            "customer": "Customer",
            "collection": "Collection",
            "page": "Page",
            "article": "Article",
            "blog": "Blog",
            "inventoryItem": "InventoryItem",
            "discountNode": "DiscountNode",
            "urlRedirect": "UrlRedirect",
            "metaobject": "Metaobject",
        }.items()
    }
    roots |= {
        f"{name}Count": _count(name)
        for name in (
            *("orders", "products", "productVariants", "customers", "collections"),
            *("abandonedCheckouts", "urlRedirects", "discountNodes", "pages", "events"),
        )
    }
    roots |= {
        "shop": lambda root, args, context: context.shop,
        "node": lambda root, args, context: lookup(context, args["id"]),
        "nodes": lambda root, args, context: [lookup(context, gid) for gid in args["ids"]],
        "bulkOperation": _bulk_operation,
        "bulkOperations": _bulk_operations,
        "metaobjectDefinitionByType": _definition,
        "metaobjectByHandle": _entry,
        **metafield_definitions.QUERIES,
        "currentBulkOperation": lambda root, args, context: context.bulk_operations.current(),
        "currentAppInstallation": _installation,
        "shopifyqlQuery": _shopifyql,
        "shopLocales": lambda root, args, context: [
            {"locale": "en", "name": "English", "primary": True, "published": True}
        ],
    }
    return roots
