"""Discounts as the API shows them: a node around one of several types."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox.discounts import Discount
from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.fields import get, of, time_of
from growth_pipelines.sandbox.shopify.projection import Resolver


def _codes(discount: Discount, args: Mapping[str, Any], context: Any) -> Slice:
    return paginate([discount], args, attrgetter("number"), everything=context.bulk)


def _usage(discount: Discount, args: Mapping[str, Any], context: Any) -> int:
    return discount.usage(context.shop.sales.orders)


def _status(discount: Discount, args: Mapping[str, Any], context: Any) -> str:
    return discount.status(context.shop.now())


_AUTOMATIC: dict[str, Resolver] = {
    "title": get("title"),
    "status": _status,
    "startsAt": time_of("starts_at"),
    "endsAt": time_of("ends_at"),
    "createdAt": time_of("created_at"),
    "updatedAt": time_of("updated_at"),
    "asyncUsageCount": _usage,
    "summary": get("summary"),
    "discountClasses": of(lambda discount: list(discount.classes)),
}
_CODE = _AUTOMATIC | {"codes": _codes, "codesCount": of(lambda discount: {"count": 1, "precision": "EXACT"})}

FIELDS: dict[str, dict[str, Resolver]] = {
    "DiscountNode": {"id": get("gid"), "discount": get("discount")},
    "DiscountCodeBasic": _CODE,
    "DiscountCodeBxgy": _CODE,
    "DiscountCodeFreeShipping": _CODE,
    "DiscountAutomaticBxgy": _AUTOMATIC,
    "DiscountAutomaticFreeShipping": _AUTOMATIC,
    "DiscountRedeemCode": {
        "id": of(lambda discount: f"gid://shopify/DiscountRedeemCode/{discount.number + 7}"),
        "code": get("code"),
        "asyncUsageCount": _usage,
    },
}
