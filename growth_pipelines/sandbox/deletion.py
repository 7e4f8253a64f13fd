"""Deleting records: they leave every list and every record that points to them, and an event tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from growth_pipelines.sandbox.catalogue import FIRST_NUMBER, Life
from growth_pipelines.sandbox.discounts import DiscountNode
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.records import Collection, Customer, Order, Picture, Product, Variant

STREAM = 11
KEPT = timedelta(days=365)  # how long Shopify keeps events
SUBJECTS = {
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCT_VARIANT",
    "Collection": "COLLECTION",
    "Page": "PAGE",
    "Article": "ARTICLE",
    "Order": "ORDER",
    "Customer": "CUSTOMER",
    "DiscountNode": "DISCOUNT_NODE",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A destroy event: the subject itself is gone."""

    number: int
    created_at: datetime
    subject_gid: str
    subject_type: str

    typename = "BasicEvent"
    action = "destroy"

    @property
    def gid(self) -> str:
        return f"gid://shopify/BasicEvent/{self.number}"


class Events:
    """All destroy events, oldest first. Some tell of products that were gone before anyone read the shop."""

    def __init__(self, options: Options, life: Life) -> None:
        self._events: list[Event] = []
        rng = np.random.default_rng([options.seed, STREAM])
        for index, share in enumerate(np.sort(rng.uniform(0.05, 1.0, 8))):
            self._add(
                life.at(float(share)), f"gid://shopify/Product/{FIRST_NUMBER - (index + 1) * 32_768}", "PRODUCT"
            )

    def kept(self, now: datetime) -> list[Event]:
        """Those of the last year."""
        return [event for event in self._events if event.created_at >= now - KEPT]

    def destroyed(self, record: Any, at: datetime) -> None:
        """Tell of a deleted record; of some types (redirects) Shopify keeps no events."""
        if record.typename in SUBJECTS:
            self._add(at, record.gid, SUBJECTS[record.typename])

    def _add(self, at: datetime, gid: str, kind: str) -> None:
        self._events.append(Event(160_000_000_000_000 + len(self._events) * 4_096, at, gid, kind))


def _product(shop: Any, product: Product, at: datetime) -> list[Any]:
    """It leaves its collections; the lines that sold it keep its title only."""
    if len(shop.catalogue.products) == 1:
        raise ValueError("the last product cannot be deleted here: the shop would have nothing to sell")
    shop.catalogue.products.remove(product)
    for collection in product.collections:
        collection.products.remove(product)
        collection.updated_at = max(collection.updated_at, at)
    for owner in (*shop.sales.orders, *shop.checkouts.checkouts):
        for line in owner.lines:
            if line.variant is not None and line.variant.product is product:
                line.variant = None
    shop.sales.withdraw(product)
    parts: list[Product | Variant | Picture] = [product, *product.variants, *product.pictures]
    for part in parts:
        del shop.catalogue.by_gid[part.gid]
    return [*product.variants, product]


def _collection(shop: Any, collection: Collection, at: datetime) -> list[Any]:
    shop.catalogue.collections.remove(collection)
    for product in collection.products:
        product.collections.remove(collection)
    del shop.catalogue.by_gid[collection.gid]
    return [collection]


def _content(source: str) -> Callable[[Any, Any, datetime], list[Any]]:
    def remove(shop: Any, record: Any, at: datetime) -> list[Any]:
        getattr(shop.catalogue, source).remove(record)
        del shop.catalogue.by_gid[record.gid]
        return [record]

    return remove


def _order(shop: Any, order: Order, at: datetime) -> list[Any]:
    shop.sales.forget(order)
    if order.customer:
        order.customer.orders_count -= 1
        order.customer.updated_at = max(order.customer.updated_at, at)
    return [order]


def _customer(shop: Any, customer: Customer, at: datetime) -> list[Any]:
    """What the customer ordered stays, as a guest's."""
    shop.sales.customers.remove(customer)
    for owner in (*shop.sales.orders, *shop.checkouts.checkouts):
        if owner.customer is customer:
            owner.customer = None
            owner.updated_at = max(owner.updated_at, at)
    return [customer]


def _redirect(shop: Any, redirect: Any, at: datetime) -> list[Any]:
    shop.redirects.remove(redirect)
    return [redirect]


def _discount(shop: Any, node: DiscountNode, at: datetime) -> list[Any]:
    shop.discounts.remove(node)
    shop.sales.codes.discard(node.discount.code)
    return [node]


_REMOVE: dict[str, Callable[[Any, Any, datetime], list[Any]]] = {
    "Product": _product,
    "Collection": _collection,
    "Page": _content("pages"),
    "Article": _content("articles"),
    "Order": _order,
    "Customer": _customer,
    "UrlRedirect": _redirect,
    "DiscountNode": _discount,
}


def remove(shop: Any, record: Any, at: datetime) -> list[Any]:
    """Take a record out of the shop; what is gone with it, the record last. ValueError for other types."""
    if record.typename not in _REMOVE:
        raise ValueError(f"{record.gid} cannot be deleted here; known are {', '.join(_REMOVE)}")
    return _REMOVE[record.typename](shop, record, at)
