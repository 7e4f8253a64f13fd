"""The shop's discounts: those that its orders show, and some that ended or have not begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from growth_pipelines.sandbox.catalogue import Life
from growth_pipelines.sandbox.records import Order


@dataclass(slots=True)
class Discount:
    """``kind`` is its type in the API; ``code`` is None for automatic ones."""

    number: int
    kind: str
    title: str
    code: str | None
    summary: str
    classes: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    free_shipping: bool = False

    @property
    def typename(self) -> str:
        return self.kind

    def status(self, now: datetime) -> str:
        if now < self.starts_at:
            return "SCHEDULED"
        return "EXPIRED" if self.ends_at is not None and self.ends_at <= now else "ACTIVE"

    def usage(self, orders: list[Order]) -> int:
        """How many orders show it."""
        if self.free_shipping:
            return sum(order.shipping_cents == 0 for order in orders)
        return sum(order.discount_code == self.code for order in orders) if self.code else 0


@dataclass(frozen=True, slots=True)
class DiscountNode:
    """What the API's list holds; the discount is its content."""

    discount: Discount

    typename = "DiscountNode"

    @property
    def number(self) -> int:
        return self.discount.number

    @property
    def title(self) -> str:
        return self.discount.title

    @property
    def created_at(self) -> datetime:
        return self.discount.created_at

    @property
    def updated_at(self) -> datetime:
        return self.discount.updated_at

    @property
    def gid(self) -> str:
        return f"gid://shopify/DiscountNode/{self.number}"


def build_discounts(rows: list[dict[str, Any]], life: Life) -> list[DiscountNode]:
    """From the rows of ``data/shop.yaml``."""
    found = []
    for index, row in enumerate(rows):
        starts = life.now + timedelta(days=row["in_days"]) if "in_days" in row else life.at(row["from"])
        ends = life.at(row["until"]) if "until" in row else None
        created = min(starts, life.at(0.97))
        discount = Discount(
            number=1_400_000_000_000 + index * 32_768,
            kind=row["kind"],
            title=row["title"],
            code=row.get("code"),
            summary=row["summary"],
            classes=tuple(row["classes"]),
            created_at=created,
            updated_at=ends or created,
            starts_at=starts,
            ends_at=ends,
            free_shipping=row.get("free_shipping", False),
        )
        found.append(DiscountNode(discount))
    return found
