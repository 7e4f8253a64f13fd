"""Where stock lies: one or two locations a variant, whose available quantities add up to what it has for sale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from growth_pipelines.sandbox.records import Variant

SINGLE_LOCATION = 60  # of 100 variants lie at the first location only


@dataclass(frozen=True, slots=True)
class Location:
    number: int
    name: str
    created_at: datetime

    typename = "Location"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Location/{self.number}"


def _draw(variant: Variant, salt: int) -> int:
    """0 to 99, always the same for a variant."""
    return ((variant.number + salt) * 2_654_435_761 >> 7) % 100


def on_its_way(variant: Variant) -> int:
    """Pieces that were ordered and have not arrived."""
    return 24 if _draw(variant, 3) < 8 else 0


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """The stock-keeping side of a variant; it changes when the variant's stock moves."""

    variant: Variant

    typename = "InventoryItem"

    @property
    def number(self) -> int:
        return self.variant.number

    @property
    def gid(self) -> str:
        return f"gid://shopify/InventoryItem/{self.number}"

    @property
    def created_at(self) -> datetime:
        return self.variant.product.created_at

    @property
    def updated_at(self) -> datetime:
        return self.variant.updated_at

    @property
    def sku(self) -> str:
        return self.variant.sku

    def levels(self, locations: list[Location]) -> list[InventoryLevel]:
        first, second = (InventoryLevel(self, location, n == 0) for n, location in enumerate(locations))
        return [first] if _draw(self.variant, 0) < SINGLE_LOCATION else [first, second]


@dataclass(frozen=True, slots=True)
class InventoryLevel:
    """One item's quantities at one location, always those of the present."""

    item: InventoryItem
    location: Location
    first: bool

    typename = "InventoryLevel"

    @property
    def number(self) -> int:
        return self.location.number

    @property
    def gid(self) -> str:
        return f"gid://shopify/InventoryLevel/{self.number}?inventory_item_id={self.item.number}"

    @property
    def updated_at(self) -> datetime:
        return self.item.updated_at

    @property
    def quantities(self) -> dict[str, int]:
        """By Shopify's names; on hand = available + committed."""
        variant = self.item.variant
        shared = _draw(variant, 0) >= SINGLE_LOCATION
        elsewhere = variant.on_hand * (20 + _draw(variant, 1) % 30) // 100 if shared else 0
        available = variant.on_hand - elsewhere if self.first else elsewhere
        committed = max(0, _draw(variant, 2) - 96) if self.first else 0
        incoming = on_its_way(variant) if self.first else 0
        return {
            "available": available,
            "committed": committed,
            "incoming": incoming,
            "on_hand": available + committed,
            "reserved": 0,
            "damaged": 0,
            "safety_stock": 0,
            "quality_control": 0,
        }
