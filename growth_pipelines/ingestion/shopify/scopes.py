"""The access scopes that the machine reads with, and what each missing one costs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.shopify.client import ShopifyClient

# Without read_all_orders Shopify shows no older orders, and says nothing about it.
ORDERS_WITHOUT_ALL = timedelta(days=60)
ALL_ORDERS = "read_all_orders"
REPORTS = "read_reports"
# Scope → what can't be read without it. Streams that need one of these are left out, and say so.
NEEDED = {
    "read_products": "products, collections and their search fields can't be read",
    "read_orders": "orders, refunds and abandoned checkouts can't be read",
    "read_customers": "customers can't be read, and there are no cohorts",
    "read_content": "pages and articles can't be read",
}
WISHED = {
    ALL_ORDERS: "only the last 60 days of orders can be read",
    REPORTS: "sessions can't be read: conversion is orders ÷ search clicks, a proxy",
    "read_inventory": "stock by location can't be read",
    "read_locations": "stock by location can't be read",
    "read_discounts": "discounts can't be read",
    "read_online_store_navigation": "redirects can't be read",
    "read_metaobjects": "metaobjects can't be read",
    "read_metaobject_definitions": "definitions of metaobjects can't be read",
}
CONSEQUENCES = NEEDED | WISHED


def granted_scopes(client: ShopifyClient) -> frozenset[str]:
    """The scopes of this installation. One that writes includes the one that reads."""
    handles = client.retried(lambda: _handles(client))
    writing = {handle.removeprefix("write_") for handle in handles if handle.startswith("write_")}
    return frozenset(handles | {f"read_{what}" for what in writing})


def _handles(client: ShopifyClient) -> set[str]:
    installation = client.execute("installation").get("currentAppInstallation")
    scopes = installation.get("accessScopes") if isinstance(installation, dict) else None
    if not isinstance(scopes, list):  # That would be access to nothing, and every stream left out.
        raise TransientError("Shopify did not tell the scopes of the app.", "Try again later.")
    return {scope["handle"] for scope in scopes}


def missing(needed: Collection[str], granted: Collection[str]) -> str:
    """What follows from the first of ``needed`` that is not granted, in words; empty when all are."""
    lacking = next((scope for scope in needed if scope not in granted), "")
    return f"no {lacking} scope: {CONSEQUENCES[lacking]}" if lacking else ""
