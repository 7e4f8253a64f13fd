"""Orders, line items, refunds and customers as the API shows them."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.records import SALES_TAX, Order, transactions_of
from growth_pipelines.sandbox.shopify.fields import RECORD, bag, children, fixed, get, keys, listed, of, time_of
from growth_pipelines.sandbox.shopify.formats import timestamp
from growth_pipelines.sandbox.shopify.projection import Resolver


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


CANCEL_REASONS = ("CUSTOMER", "CUSTOMER", "INVENTORY", "FRAUD", "OTHER")


def _cancel_reason(order: Order) -> str | None:
    """One of the usual reasons, always the same for an order."""
    return CANCEL_REASONS[order.number // 32_768 % len(CANCEL_REASONS)] if order.cancelled_at else None


FIELDS: dict[str, dict[str, Resolver]] = {
    "Order": RECORD
    | {
        "taxLines": of(lambda order: [order] if order.tax_cents else []),
        "name": get("name"),
        "number": of(lambda order: int(order.name.lstrip("#"))),
        "processedAt": time_of("processed_at"),
        "cancelledAt": time_of("cancelled_at"),
        "cancelReason": of(_cancel_reason),
        "closedAt": time_of("cancelled_at"),
        "closed": of(lambda order: order.cancelled_at is not None),
        "confirmed": fixed(True),
        "edited": of(lambda order: any(line.current_quantity != line.quantity for line in order.lines)),
        "test": get("test"),
        "displayFinancialStatus": get("financial_status"),
        "displayFulfillmentStatus": of(lambda order: "UNFULFILLED" if order.cancelled_at else "FULFILLED"),
        "currencyCode": fixed(options.CURRENCY),
        "presentmentCurrencyCode": fixed(options.CURRENCY),
        "sourceName": get("source_name"),
        "tags": fixed([]),
        "note": fixed(None),
        "customerLocale": fixed(options.LOCALE),
        "discountCode": get("discount_code"),
        "discountCodes": of(lambda order: [order.discount_code] if order.discount_code else []),
        "taxesIncluded": fixed(False),
        "customer": get("customer"),
        "customerJourneySummary": of(_journey),
        "lineItems": children(attrgetter("lines")),
        "refunds": listed(attrgetter("refunds")),
        "transactions": listed(transactions_of),
        "shippingAddress": of(lambda order: order),
        "billingAddress": of(lambda order: order),
        "subtotalLineItemsQuantity": of(lambda order: sum(line.quantity for line in order.lines)),
        "currentSubtotalLineItemsQuantity": of(lambda order: sum(line.current_quantity for line in order.lines)),
        "totalPriceSet": bag(attrgetter("total_cents")),
        "originalTotalPriceSet": bag(attrgetter("total_cents")),
        "currentTotalPriceSet": bag(lambda order: order.total_cents - order.refunded_cents),
        "subtotalPriceSet": bag(lambda order: order.gross_cents - order.discount_cents),
        "totalDiscountsSet": bag(attrgetter("discount_cents")),
        "currentTotalDiscountsSet": bag(attrgetter("discount_cents")),
        "totalTaxSet": bag(attrgetter("tax_cents")),
        "totalShippingPriceSet": bag(attrgetter("shipping_cents")),
        "totalRefundedSet": bag(attrgetter("refunded_cents")),
        "netPaymentSet": bag(lambda order: order.total_cents - order.refunded_cents),
        "totalReceivedSet": bag(attrgetter("total_cents")),
    },
    "MailingAddress": {"country": get("country"), "countryCodeV2": get("country")},
    "CustomerJourneySummary": keys("ready", "firstVisit", "lastVisit", "customerOrderIndex", "daysToConversion"),
    "CustomerVisit": keys("id", "landingPage", "occurredAt", "source", "referrerUrl"),
    "LineItem": {
        "id": get("gid"),
        "title": get("title"),
        "name": get("title"),
        "sku": get("sku"),
        "quantity": get("quantity"),
        "currentQuantity": get("current_quantity"),
        "refundableQuantity": get("current_quantity"),
        "variant": get("variant"),
        "product": of(lambda line: line.variant.product if line.variant else None),
        "vendor": of(lambda line: line.variant.product.vendor if line.variant else None),
        "variantTitle": of(lambda line: line.variant.title if line.variant else None),
        "originalUnitPriceSet": bag(attrgetter("unit_cents")),
        "originalTotalSet": bag(lambda line: line.unit_cents * line.quantity),
        "discountedTotalSet": bag(lambda line: line.unit_cents * line.quantity),
        "discountedUnitPriceSet": bag(attrgetter("unit_cents")),
        "totalDiscountSet": bag(lambda line: 0),
        "taxLines": of(lambda line: [line] if line.tax_cents else []),
        "discountAllocations": of(lambda line: [line] if line.discount_cents else []),
    },
    "TaxLine": {
        "title": fixed("Sales tax"),
        "rate": fixed(SALES_TAX),
        "priceSet": bag(attrgetter("tax_cents")),
    },
    "DiscountAllocation": {"allocatedAmountSet": bag(attrgetter("discount_cents"))},
    "Refund": {
        "id": get("gid"),
        "legacyResourceId": of(lambda refund: str(refund.number)),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("created_at"),
        "processedAt": time_of("created_at"),
        "note": fixed(None),
        "order": get("order"),
        "totalRefundedSet": bag(attrgetter("total_cents")),
        "refundLineItems": children(attrgetter("lines")),
    },
    "OrderTransaction": {
        "id": get("gid"),
        "kind": get("kind"),
        "status": fixed("SUCCESS"),
        "gateway": of(lambda one: "shopify_payments" if one.order.source_name == "web" else "cash"),
        "test": get("order.test"),
        "processedAt": time_of("created_at"),
        "createdAt": time_of("created_at"),
        "amountSet": bag(attrgetter("amount_cents")),
        "parentTransaction": get("parent"),
        "order": get("order"),
    },
    "RefundLineItem": {
        "id": get("gid"),
        "lineItem": get("line"),
        "quantity": get("quantity"),
        "restocked": fixed(True),
        "restockType": fixed("RETURN"),
        "priceSet": bag(lambda line: line.subtotal_cents // max(line.quantity, 1)),
        "subtotalSet": bag(attrgetter("subtotal_cents")),
        "totalTaxSet": bag(lambda line: 0),
    },
    "Customer": RECORD
    | {
        "numberOfOrders": of(lambda customer: str(customer.orders_count)),
        "firstName": get("first_name"),
        "lastName": get("last_name"),
        "displayName": of(lambda customer: f"{customer.first_name} {customer.last_name}"),
        "defaultEmailAddress": of(lambda customer: {"emailAddress": customer.email}),
        "defaultAddress": of(lambda customer: customer),
        "state": fixed("DISABLED"),
        "tags": fixed([]),
        "locale": fixed(options.LOCALE),
        "verifiedEmail": fixed(True),
        "taxExempt": fixed(False),
        "note": fixed(None),
    },
    "CustomerEmailAddress": keys("emailAddress"),
}
