"""A collection's order as a surface: how it is sorted, and the places that its products were given by hand.

Products can be moved only while the collection is sorted by hand (``MANUAL``), so going there sets that first and
coming back sets it last. Shopify moves them in a job; a write waits for it. Each call can be made twice, and what
was cut short is taken up where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from growth_pipelines.actions.executors.structured_plan import InvalidDraft, checked_gid
from growth_pipelines.actions.executors.surfaces import (
    Reading,
    ShopApi,
    WriteRefused,
    document,
    found_in,
    refused,
    tidy,
)
from growth_pipelines.errors import TransientError

SORT_ORDER, ORDER = "collection.sort_order", "collection.order"
MANUAL = "MANUAL"
# What documents/collection_order.graphql reads, and the moves that Shopify takes in one call.
MOST_PRODUCTS = 250
_JOB_SECONDS, _FIRST_WAIT, _LONGEST_WAIT = 45.0, 0.1, 2.0


@dataclass(frozen=True)
class OrderReading(Reading):
    """``values`` has the order by hand; ``fallbacks`` the one that visitors see, and how it is sorted."""

    def still_shows(self, name: str, before: str) -> bool:
        """An order that Shopify keeps (by sales, by price …) moves by itself: there, only who is in it counts."""
        if name != ORDER:
            return tidy(self.values[name]) == tidy(before)
        shown = self.fallbacks[ORDER].split()
        if self.fallbacks[SORT_ORDER] == MANUAL:
            return shown == before.split()
        return sorted(shown) == sorted(before.split())


@dataclass(frozen=True)
class CollectionOrder:
    """Both fields of a collection; the order is its products' handles, one a line."""

    sleep: Callable[[float], None] = time.sleep
    stepwise: ClassVar[bool] = True

    def read(self, shop: ShopApi, gid: str) -> Reading:
        found = self._collection(shop, gid)
        shown, placed = (_text(row["handle"] for row in found[part]["nodes"]) for part in ("shown", "placed"))
        sort_order = str(found["sortOrder"])
        return OrderReading({SORT_ORDER: sort_order, ORDER: placed}, {SORT_ORDER: sort_order, ORDER: shown})

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        """Raises WriteRefused, before anything is written, when other products are in the collection by now."""
        wanted = values.get(ORDER, "").split()
        if wanted and sorted(wanted) != sorted(seen.values[ORDER].split()):
            raise WriteRefused("Products have come into the collection or left it.", "Its order is proposed anew.")
        sort_order = values.get(SORT_ORDER, "")
        if sort_order == MANUAL:
            self._sort(shop, gid, MANUAL)
        if wanted:
            self._place(shop, gid, wanted)
        if sort_order not in ("", MANUAL):
            self._sort(shop, gid, sort_order)

    def _collection(self, shop: ShopApi, gid: str) -> dict[str, Any]:
        return found_in(shop.execute_text(document("collection_order"), {"id": gid}), "collection", gid)

    def _sort(self, shop: ShopApi, gid: str, sort_order: str) -> None:
        variables = {"id": gid, "sortOrder": sort_order}
        answer = shop.mutate_text(document("set_collection_sort"), variables)["collectionUpdate"] or {}
        if answer.get("userErrors"):
            raise refused("collectionUpdate", answer["userErrors"])

    def _place(self, shop: ShopApi, gid: str, wanted: Sequence[str]) -> None:
        """Read once more: the places by hand are sure only once the collection is sorted by hand."""
        placed = self._collection(shop, gid)["placed"]["nodes"]
        ids = {row["handle"]: row["id"] for row in placed}
        moves = [
            {"id": ids[handle], "newPosition": str(position)}
            for handle, position in moves_between([row["handle"] for row in placed], wanted)
        ]
        if not moves:
            return
        variables = {"id": gid, "moves": moves}
        answer = shop.mutate_text(document("reorder_collection"), variables)["collectionReorderProducts"] or {}
        if answer.get("userErrors"):
            raise refused("collectionReorderProducts", answer["userErrors"])
        self._await(shop, answer.get("job"))

    def _await(self, shop: ShopApi, job: Mapping[str, Any] | None) -> None:
        """Until the job is done; a job that is not known any more is."""
        for wait in _waits():
            if job is None or job["done"]:
                return
            self.sleep(wait)
            job = shop.execute_text(document("job"), {"id": job["id"]})["job"]
        raise TransientError("Shopify has not moved the products yet.", "The next `growth execute` looks again.")


def _waits() -> Iterator[float]:
    total, wait = 0.0, _FIRST_WAIT
    while total < _JOB_SECONDS:
        yield wait
        total, wait = total + wait, min(wait * 1.5, _LONGEST_WAIT)


def _text(handles: Iterator[str]) -> str:
    return "\n".join(handles)


def moves_between(order: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, int]]:
    """The moves (handle, new position), one after the other, that turn ``order`` into ``wanted``."""
    current = list(order)
    moves = []
    for position, handle in enumerate(wanted):
        if current[position] != handle:
            current.remove(handle)
            current.insert(position, handle)
            moves.append((handle, position))
    return moves


def order_plan(gid: str, draft: Mapping[str, Any]) -> tuple[str, CollectionOrder | None, dict[str, str]]:
    """The collection's gid, the surface and the fields of a draft {sort_order, order}. Raises InvalidDraft."""
    order = draft.get("order")
    if not order:
        return gid, None, {}
    if not isinstance(order, list) or not all(isinstance(one, str) and one.strip() for one in order):
        raise InvalidDraft("The order must be a list of handles.", "Reject the action.")
    if len(set(order)) != len(order) or len(order) > MOST_PRODUCTS or any(one != one.strip() for one in order):
        raise InvalidDraft(f"An order names each product once, and at most {MOST_PRODUCTS}.", "Reject the action.")
    wanted = {ORDER: "\n".join(order)}
    if "sort_order" in draft:
        if draft["sort_order"] != MANUAL:
            raise InvalidDraft("Products are placed only where they are sorted by hand.", "Reject the action.")
        wanted = {SORT_ORDER: MANUAL, **wanted}
    return checked_gid(gid, "Collection"), CollectionOrder(), wanted
