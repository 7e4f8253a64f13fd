"""Discounts, those with codes and automatic ones. One with several codes is known by its first."""

from __future__ import annotations

from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Stream
from growth_pipelines.ingestion.streams.reading import Connection, Node, whole
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.warehouse.raw_tables import Column, raw_table


def _with_first_code(node: Node) -> Node:
    codes = node["discount"].pop("codes", None) or {}
    first = next(iter(codes.get("nodes") or ()), None)
    return {**node, "code": first["code"] if first else None}


TABLE = raw_table(
    "discounts",
    "Discounts of the shop. code is the first of codes_count codes; null where the discount is automatic.",
    Column("discount_id", "text", at="id"),
    Column("kind", "text", at="discount.__typename"),
    Column("title", "text", at="discount.title"),
    Column("summary", "text", at="discount.summary"),
    Column("code", "text", at="code"),
    Column("codes_count", "bigint", at="discount.codesCount.count"),
    Column("status", "text", at="discount.status"),
    Column("classes", "json", at="discount.discountClasses"),
    Column("used_count", "bigint", at="discount.asyncUsageCount"),
    Column("starts_at", "timestamp", at="discount.startsAt"),
    Column("ends_at", "timestamp", at="discount.endsAt"),
    Column("created_at", "timestamp", at="discount.createdAt"),
    Column("updated_at", "timestamp", at="discount.updatedAt"),
    key="discount_id",
)
DISCOUNTS = Stream(
    name="discounts",
    source=SHOPIFY,
    group="orders",
    description="Discounts with their codes, dates and how often they were used.",
    parts=(Part(TABLE.name),),
    fetch=whole(
        Connection("discounts", "discountNodes", page=100, counted="discounts_count", shape=_with_first_code)
    ),
    scopes=("read_discounts",),
)
