"""Inventory items, levels and locations as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.fields import RECORD, fixed, get, keys, of, time_of
from growth_pipelines.sandbox.shopify.formats import money
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver
from growth_pipelines.sandbox.stock import InventoryItem, InventoryLevel, Location


def _levels(item: InventoryItem, args: Mapping[str, Any], context: Any) -> Slice:
    found = item.levels(context.shop.locations)
    return paginate(found, args, lambda level: level.number, everything=context.bulk)


def _quantities(level: InventoryLevel, args: Mapping[str, Any], context: Any) -> list[dict[str, Any]]:
    known = level.quantities
    unknown = [name for name in args["names"] if name not in known]
    if unknown:
        raise ApiError(f"The quantity name '{unknown[0]}' is invalid.", "INVALID")
    return [{"name": name, "quantity": known[name]} for name in args["names"]]


def _location(level: InventoryLevel, args: Mapping[str, Any], context: Any) -> Location:
    context.require("locations")
    return level.location


def _cost(item: InventoryItem) -> dict[str, Any] | None:
    cents = item.variant.cost_cents
    return None if cents is None else money(cents)


FIELDS: dict[str, dict[str, Resolver]] = {
    "InventoryItem": RECORD
    | {
        "sku": get("sku"),
        "tracked": fixed(True),
        "requiresShipping": fixed(True),
        "unitCost": of(_cost),
        "variant": get("variant"),
        "inventoryLevels": _levels,
    },
    "InventoryLevel": {
        "id": get("gid"),
        "createdAt": time_of("item.created_at"),
        "updatedAt": time_of("updated_at"),
        "isActive": fixed(True),
        "item": get("item"),
        "location": _location,
        "quantities": _quantities,
    },
    "InventoryQuantity": keys("name", "quantity"),
    "Location": {
        "id": get("gid"),
        "legacyResourceId": of(lambda location: str(location.number)),
        "name": get("name"),
        "isActive": fixed(True),
        "createdAt": time_of("created_at"),
        "updatedAt": time_of("created_at"),
    },
}
