"""Small makers of field resolvers: an attribute, a time, a money bag, a nested connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.formats import money, timestamp
from growth_pipelines.sandbox.shopify.projection import Resolver


def bag(amount: Callable[[Any], int]) -> Resolver:
    """A MoneyBag: the shop and the presentment currency are the same here."""

    def resolve(record: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
        value = money(amount(record))
        return {"shopMoney": value, "presentmentMoney": value}

    return resolve


def get(path: str) -> Resolver:
    """An attribute, dots allowed."""
    read = attrgetter(path)
    return lambda record, args, context: read(record)


def time_of(path: str) -> Resolver:
    """A time attribute as text."""
    read = attrgetter(path)
    return lambda record, args, context: timestamp(read(record))


def of(function: Callable[[Any], Any]) -> Resolver:
    """A function of the record alone."""
    return lambda record, args, context: function(record)


def fixed(value: Any) -> Resolver:
    """The same for every record."""
    return lambda record, args, context: value


def keys(*names: str) -> dict[str, Resolver]:
    """Fields of records that are plain dictionaries already."""
    return {name: (lambda record, args, context, name=name: record[name]) for name in names}  # type: ignore[misc]


def children(read: Callable[[Any], Any]) -> Resolver:
    """A nested connection in its own order (by number)."""

    def resolve(record: Any, args: Mapping[str, Any], context: Any) -> Slice:
        return paginate(read(record), args, lambda child: child.number, presorted=True, everything=context.bulk)

    return resolve


def listed(read: Callable[[Any], list[Any]]) -> Resolver:
    """A plain list with a ``first`` argument."""
    return lambda record, args, context: read(record)[: args.get("first")]


RECORD: dict[str, Resolver] = {
    "id": get("gid"),
    "legacyResourceId": of(lambda record: str(record.number)),
    "createdAt": time_of("created_at"),
    "updatedAt": time_of("updated_at"),
}
