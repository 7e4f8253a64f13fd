"""What the sandbox answers: for each type of the real schema the fields it knows, as functions of a record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.records import Article, Order, Picture, Resource
from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.projection import Resolver

SEO_KEYS = {("global", "title_tag"): "title", ("global", "description_tag"): "description"}


def timestamp(value: datetime | None) -> str | None:
    """An ISO 8601 time in UTC, as every DateTime of the API."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decimal(cents: int) -> str:
    """Money as Shopify writes it: at least one decimal, no needless zeros ("10.0", "9.95")."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    units, rest = divmod(cents, 100)
    return f"{sign}{units}.{rest // 10}" if rest % 10 == 0 else f"{sign}{units}.{rest:02d}"


def money(cents: int) -> dict[str, Any]:
    """A MoneyV2."""
    return {"amount": decimal(cents), "currencyCode": options.CURRENCY}


def _bag(get: Callable[[Any], int]) -> Resolver:
    """A MoneyBag: the shop and the presentment currency are the same here."""

    def resolve(record: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
        amount = money(get(record))
        return {"shopMoney": amount, "presentmentMoney": amount}

    return resolve


def _get(path: str) -> Resolver:
    get = attrgetter(path)
    return lambda record, args, context: get(record)


def _time(path: str) -> Resolver:
    get = attrgetter(path)
    return lambda record, args, context: timestamp(get(record))


def _of(function: Callable[[Any], Any]) -> Resolver:
    return lambda record, args, context: function(record)


def _fixed(value: Any) -> Resolver:
    return lambda record, args, context: value


def _keys(*names: str) -> dict[str, Resolver]:
    """Fields of records that are plain dictionaries already."""
    return {name: (lambda record, args, context, name=name: record[name]) for name in names}  # type: ignore[misc]


def _children(get: Callable[[Any], Any]) -> Resolver:
    """A nested connection in its own order (by number)."""

    def resolve(record: Any, args: Mapping[str, Any], context: Any) -> Slice:
        return paginate(get(record), args, lambda child: child.number, presorted=True, everything=context.bulk)

    return resolve


def _listed(get: Callable[[Any], list[Any]]) -> Resolver:
    """A plain list with a ``first`` argument."""
    return lambda record, args, context: get(record)[: args.get("first")]


def plain(html: str) -> str:
    """HTML as text, as Shopify's ``description`` gives it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def _description(record: Resource, args: Mapping[str, Any], context: Any) -> str:
    text, limit = plain(record.body), args.get("truncateAt")
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 3)].rstrip() + "..."


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
        self.type = "single_line_text_field"


def _metafield(record: Resource, args: Mapping[str, Any], context: Any) -> Metafield | None:
    namespace, key = args.get("namespace"), args["key"]
    if namespace is None and "." in key:
        namespace, key = key.split(".", 1)
    value = metafields_of(record).get((namespace or "custom", key))
    return None if value is None else Metafield(record, namespace or "custom", key, value)


def _metafields(record: Resource, args: Mapping[str, Any], context: Any) -> Slice:
    found = [
        Metafield(record, namespace, key, value)
        for (namespace, key), value in sorted(metafields_of(record).items())
        if args.get("namespace") in (None, namespace)
        and (not args.get("keys") or f"{namespace}.{key}" in args["keys"])
    ]
    return paginate(found, args, lambda field: field.number, everything=context.bulk)


def _url(record: Resource) -> str:
    return options.PRIMARY_URL + record.path


def _journey(order: Order) -> dict[str, Any] | None:
    if order.landing_path is None:
        return {
            "ready": True,
            "lastVisit": None,
            "firstVisit": None,
            "customerOrderIndex": None,
            "daysToConversion": None,
        }
    visit = {
        "id": f"gid://shopify/CustomerVisit/{order.number}",
        "landingPage": options.PRIMARY_URL + order.landing_path,
        "occurredAt": timestamp(order.processed_at),
        "source": "Google",
        "referrerUrl": "https://www.google.com/",
    }
    return {
        "ready": True,
        "lastVisit": visit,
        "firstVisit": visit,
        "customerOrderIndex": None,
        "daysToConversion": 0,
    }


def _image(picture: Picture) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ImageSource/{picture.number}",
        "altText": picture.alt or None,
        "url": picture.url,
        "width": picture.width,
        "height": picture.height,
    }


_SHARED: dict[str, Resolver] = {
    "id": _get("gid"),
    "legacyResourceId": _of(lambda record: str(record.number)),
    "createdAt": _time("created_at"),
    "updatedAt": _time("updated_at"),
}
_RESOURCE: dict[str, Resolver] = _SHARED | {
    "handle": _get("handle"),
    "title": _get("title"),
    "metafield": _metafield,
    "metafields": _metafields,
    "publishedAt": _time("created_at"),
    "isPublished": _fixed(True),
    "templateSuffix": _fixed(None),
}
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
    "Shop": {name: _fixed(value) for name, value in _SHOP.items()},
    "Domain": _keys("id", "host", "url", "sslEnabled"),
    "ShopPlan": _keys("publicDisplayName", "partnerDevelopment", "shopifyPlus"),
    "ShopLocale": _keys("locale", "name", "primary", "published"),
    "MoneyBag": _keys("shopMoney", "presentmentMoney"),
    "MoneyV2": _keys("amount", "currencyCode"),
    "Count": _keys("count", "precision"),
    "SEO": {"title": _get("title"), "description": _get("description")},
    "Order": _SHARED
    | {
        "name": _get("name"),
        "number": _of(lambda order: int(order.name.lstrip("#"))),
        "processedAt": _time("processed_at"),
        "cancelledAt": _time("cancelled_at"),
        "cancelReason": _of(lambda order: "CUSTOMER" if order.cancelled_at else None),
        "closedAt": _time("cancelled_at"),
        "closed": _of(lambda order: order.cancelled_at is not None),
        "confirmed": _fixed(True),
        "edited": _of(lambda order: any(line.current_quantity != line.quantity for line in order.lines)),
        "test": _get("test"),
        "displayFinancialStatus": _get("financial_status"),
        "displayFulfillmentStatus": _of(lambda order: "UNFULFILLED" if order.cancelled_at else "FULFILLED"),
        "currencyCode": _fixed(options.CURRENCY),
        "presentmentCurrencyCode": _fixed(options.CURRENCY),
        "sourceName": _get("source_name"),
        "tags": _fixed([]),
        "note": _fixed(None),
        "customerLocale": _fixed(options.LOCALE),
        "discountCode": _get("discount_code"),
        "discountCodes": _of(lambda order: [order.discount_code] if order.discount_code else []),
        "taxesIncluded": _fixed(False),
        "customer": _get("customer"),
        "customerJourneySummary": _of(_journey),
        "lineItems": _children(attrgetter("lines")),
        "refunds": _listed(attrgetter("refunds")),
        "shippingAddress": _of(lambda order: order),
        "billingAddress": _of(lambda order: order),
        "subtotalLineItemsQuantity": _of(lambda order: sum(line.quantity for line in order.lines)),
        "currentSubtotalLineItemsQuantity": _of(lambda order: sum(line.current_quantity for line in order.lines)),
        "totalPriceSet": _bag(attrgetter("total_cents")),
        "originalTotalPriceSet": _bag(attrgetter("total_cents")),
        "currentTotalPriceSet": _bag(lambda order: order.total_cents - order.refunded_cents),
        "subtotalPriceSet": _bag(lambda order: order.gross_cents - order.discount_cents),
        "totalDiscountsSet": _bag(attrgetter("discount_cents")),
        "currentTotalDiscountsSet": _bag(attrgetter("discount_cents")),
        "totalTaxSet": _bag(attrgetter("tax_cents")),
        "totalShippingPriceSet": _bag(attrgetter("shipping_cents")),
        "totalRefundedSet": _bag(attrgetter("refunded_cents")),
        "netPaymentSet": _bag(lambda order: order.total_cents - order.refunded_cents),
        "totalReceivedSet": _bag(attrgetter("total_cents")),
    },
    "MailingAddress": {"country": _get("country"), "countryCodeV2": _get("country")},
    "CustomerJourneySummary": _keys("ready", "firstVisit", "lastVisit", "customerOrderIndex", "daysToConversion"),
    "CustomerVisit": _keys("id", "landingPage", "occurredAt", "source", "referrerUrl"),
    "LineItem": {
        "id": _get("gid"),
        "title": _get("title"),
        "name": _get("title"),
        "sku": _get("sku"),
        "quantity": _get("quantity"),
        "currentQuantity": _get("current_quantity"),
        "refundableQuantity": _get("current_quantity"),
        "variant": _get("variant"),
        "product": _of(lambda line: line.variant.product if line.variant else None),
        "vendor": _of(lambda line: line.variant.product.vendor if line.variant else None),
        "variantTitle": _of(lambda line: line.variant.title if line.variant else None),
        "originalUnitPriceSet": _bag(attrgetter("unit_cents")),
        "originalTotalSet": _bag(lambda line: line.unit_cents * line.quantity),
        "discountedTotalSet": _bag(lambda line: line.unit_cents * line.quantity),
        "discountedUnitPriceSet": _bag(attrgetter("unit_cents")),
        "totalDiscountSet": _bag(lambda line: 0),
        "discountAllocations": _of(lambda line: [line] if line.discount_cents else []),
    },
    "DiscountAllocation": {"allocatedAmountSet": _bag(attrgetter("discount_cents"))},
    "Refund": {
        "id": _get("gid"),
        "legacyResourceId": _of(lambda refund: str(refund.number)),
        "createdAt": _time("created_at"),
        "updatedAt": _time("created_at"),
        "processedAt": _time("created_at"),
        "note": _fixed(None),
        "order": _get("order"),
        "totalRefundedSet": _bag(attrgetter("total_cents")),
        "refundLineItems": _children(attrgetter("lines")),
    },
    "RefundLineItem": {
        "id": _get("gid"),
        "lineItem": _get("line"),
        "quantity": _get("quantity"),
        "restocked": _fixed(True),
        "restockType": _fixed("RETURN"),
        "priceSet": _bag(lambda line: line.subtotal_cents // max(line.quantity, 1)),
        "subtotalSet": _bag(attrgetter("subtotal_cents")),
        "totalTaxSet": _bag(lambda line: 0),
    },
    "Product": _RESOURCE
    | {
        "description": _description,
        "descriptionHtml": _get("body"),
        "productType": _get("product_type"),
        "vendor": _get("vendor"),
        "tags": _of(lambda product: sorted(product.tags)),
        "status": _fixed("ACTIVE"),
        "seo": _get("seo"),
        "isGiftCard": _fixed(False),
        "onlineStoreUrl": _of(_url),
        "totalInventory": _of(lambda product: sum(variant.on_hand for variant in product.variants)),
        "tracksInventory": _fixed(True),
        "hasOnlyDefaultVariant": _of(lambda product: len(product.variants) == 1),
        "variantsCount": _of(lambda product: {"count": len(product.variants), "precision": "EXACT"}),
        "mediaCount": _of(lambda product: {"count": len(product.pictures), "precision": "EXACT"}),
        "featuredMedia": _of(lambda product: product.pictures[0] if product.pictures else None),
        "media": _children(attrgetter("pictures")),
        "variants": _children(attrgetter("variants")),
        "collections": _children(lambda product: sorted(product.collections, key=attrgetter("number"))),
    },
    "ProductVariant": {
        "id": _get("gid"),
        "legacyResourceId": _of(lambda variant: str(variant.number)),
        "title": _get("title"),
        "displayName": _of(lambda variant: f"{variant.product.title} - {variant.title}"),
        "sku": _get("sku"),
        "price": _of(lambda variant: decimal(variant.price_cents)),
        "compareAtPrice": _of(lambda v: None if v.compare_at_cents is None else decimal(v.compare_at_cents)),
        "inventoryQuantity": _get("on_hand"),
        "inventoryPolicy": _fixed("DENY"),
        "availableForSale": _of(lambda variant: variant.on_hand > 0),
        "position": _get("position"),
        "product": _get("product"),
        "inventoryItem": _of(lambda variant: variant),
        "createdAt": _time("product.created_at"),
        "updatedAt": _time("updated_at"),
        "barcode": _fixed(None),
    },
    "InventoryItem": {
        "id": _of(lambda variant: f"gid://shopify/InventoryItem/{variant.number}"),
        "sku": _get("sku"),
        "tracked": _fixed(True),
        "unitCost": _of(lambda variant: None if variant.cost_cents is None else money(variant.cost_cents)),
        "updatedAt": _time("updated_at"),
    },
    "MediaImage": {
        "id": _get("gid"),
        "alt": _of(lambda picture: picture.alt or None),
        "createdAt": _time("created_at"),
        "updatedAt": _time("updated_at"),
        "fileStatus": _fixed("READY"),
        "status": _fixed("READY"),
        "mediaContentType": _fixed("IMAGE"),
        "mimeType": _fixed("image/jpeg"),
        "image": _of(_image),
    },
    "Image": _keys("id", "altText", "url", "width", "height"),
    "Customer": _SHARED
    | {
        "numberOfOrders": _of(lambda customer: str(customer.orders_count)),
        "firstName": _get("first_name"),
        "lastName": _get("last_name"),
        "displayName": _of(lambda customer: f"{customer.first_name} {customer.last_name}"),
        "defaultEmailAddress": _of(lambda customer: {"emailAddress": customer.email}),
        "defaultAddress": _of(lambda customer: customer),
        "state": _fixed("DISABLED"),
        "tags": _fixed([]),
        "locale": _fixed(options.LOCALE),
        "verifiedEmail": _fixed(True),
        "taxExempt": _fixed(False),
        "note": _fixed(None),
    },
    "CustomerEmailAddress": _keys("emailAddress"),
    "Collection": _RESOURCE
    | {
        "description": _description,
        "descriptionHtml": _get("body"),
        "seo": _get("seo"),
        "sortOrder": _fixed("MANUAL"),
        "productsCount": _of(lambda collection: {"count": len(collection.products), "precision": "EXACT"}),
        "products": _children(attrgetter("products")),
        "image": _fixed(None),
    },
    "Page": _RESOURCE | {"body": _get("body"), "bodySummary": _of(lambda page: plain(page.body)[:150])},
    "Article": _RESOURCE
    | {
        "body": _get("body"),
        "summary": _of(lambda article: None),
        "blog": _get("blog"),
        "tags": _fixed([]),
        "author": _of(lambda article: {"name": options.SHOP_NAME}),
        "image": _fixed(None),
    },
    "ArticleAuthor": _keys("name"),
    "Blog": {
        "id": _get("gid"),
        "handle": _get("handle"),
        "title": _get("title"),
        "createdAt": _time("created_at"),
        "updatedAt": _time("created_at"),
        "tags": _fixed([]),
        "articles": lambda blog, args, context: paginate(
            [record for record in context.shop.catalogue.articles if isinstance(record, Article)],
            args,
            lambda article: article.number,
            everything=context.bulk,
        ),
    },
    "Metafield": {
        "id": _get("gid"),
        "namespace": _get("namespace"),
        "key": _get("key"),
        "value": _get("value"),
        "jsonValue": _get("value"),
        "type": _get("type"),
        "compareDigest": _get("digest"),
        "createdAt": _time("owner.created_at"),
        "updatedAt": _time("owner.updated_at"),
        "ownerType": _of(lambda field: field.owner.typename.upper()),
        "owner": _get("owner"),
    },
    "MetafieldIdentifier": _keys("key", "namespace", "ownerId"),
    "BasicEvent": {
        "id": _get("gid"),
        "action": _get("action"),
        "createdAt": _time("created_at"),
        "message": _get("message"),
        "subjectId": _get("subject_gid"),
        "subjectType": _of(lambda event: event.subject_gid.split("/")[-2].upper()),
    },
    "AppInstallation": {
        "id": _fixed("gid://shopify/AppInstallation/777000999"),
        "accessScopes": _of(lambda scopes: [{"handle": scope, "description": scope} for scope in scopes]),
    },
    "AccessScope": _keys("handle", "description"),
    "PageInfo": {
        "hasNextPage": _get("has_next"),
        "hasPreviousPage": _get("has_previous"),
        "startCursor": _of(lambda page: page.cursor_of(page.items[0]) if page.items else None),
        "endCursor": _of(lambda page: page.cursor_of(page.items[-1]) if page.items else None),
    },
    "ShopifyqlQueryResponse": _keys("tableData", "parseErrors"),
    "ShopifyqlTableData": _keys("columns", "rows"),
    "ShopifyqlTableDataColumn": _keys("name", "dataType", "displayName"),
    "BulkOperation": _keys(
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
    "BulkOperationRunQueryPayload": _keys("bulkOperation", "userErrors"),
    "BulkOperationCancelPayload": _keys("bulkOperation", "userErrors"),
    "BulkOperationUserError": _keys("field", "message", "code"),
    "UserError": _keys("field", "message"),
    "MetafieldsSetUserError": _keys("field", "message", "code", "elementIndex"),
    "FilesUserError": _keys("field", "message", "code"),
    "ProductUpdatePayload": _keys("product", "userErrors"),
    "CollectionUpdatePayload": _keys("collection", "userErrors", "job"),
    "MetafieldsSetPayload": _keys("metafields", "userErrors"),
    "MetafieldsDeletePayload": _keys("deletedMetafields", "userErrors"),
    "FileUpdatePayload": _keys("files", "userErrors"),
}

_CONNECTION: dict[str, Resolver] = {
    "nodes": _get("items"),
    "edges": _of(lambda page: [(record, page.cursor_of) for record in page.items]),
    "pageInfo": _of(lambda page: page),
}
_EDGE: dict[str, Resolver] = {"node": _of(lambda edge: edge[0]), "cursor": _of(lambda edge: edge[1](edge[0]))}


def find(type_name: str, field_name: str) -> Resolver | None:
    """The resolver of a field, or None where the sandbox does not answer it."""
    if type_name in FIELDS:
        return FIELDS[type_name].get(field_name)
    if type_name.endswith("Connection"):
        return _CONNECTION.get(field_name)
    if type_name.endswith("Edge"):
        return _EDGE.get(field_name)
    return None
