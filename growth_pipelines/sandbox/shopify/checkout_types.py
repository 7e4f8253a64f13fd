"""Abandoned checkouts as the API shows them."""

from __future__ import annotations

from operator import attrgetter

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.shopify.fields import bag, children, fixed, get, of, time_of
from growth_pipelines.sandbox.shopify.projection import Resolver

FIELDS: dict[str, dict[str, Resolver]] = {
    "AbandonedCheckout": {
        "id": get("gid"),
        "name": of(lambda checkout: f"#{checkout.number}"),
        "abandonedCheckoutUrl": of(
            lambda checkout: f"{options.PRIMARY_URL}/checkouts/ac/{checkout.number}/recover"
        ),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("updated_at"),
        "completedAt": time_of("completed_at"),
        "customer": get("customer"),
        "discountCodes": of(lambda checkout: [checkout.discount_code] if checkout.discount_code else []),
        "taxesIncluded": fixed(False),
        "totalLineItemsPriceSet": bag(attrgetter("gross_cents")),
        "totalDiscountSet": bag(attrgetter("discount_cents")),
        "subtotalPriceSet": bag(lambda checkout: checkout.gross_cents - checkout.discount_cents),
        "totalTaxSet": bag(lambda checkout: 0),
        "totalPriceSet": bag(attrgetter("total_cents")),
        "lineItems": children(attrgetter("lines")),
    },
    "AbandonedCheckoutLineItem": {
        "id": get("gid"),
        "title": get("title"),
        "sku": get("sku"),
        "quantity": get("quantity"),
        "variant": get("variant"),
        "product": of(lambda line: line.variant.product if line.variant else None),
        "variantTitle": of(lambda line: line.variant.title if line.variant else None),
        "originalUnitPriceSet": bag(attrgetter("unit_cents")),
        "originalTotalPriceSet": bag(lambda line: line.unit_cents * line.quantity),
    },
}
