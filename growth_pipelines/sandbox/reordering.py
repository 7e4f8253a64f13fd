"""The order of a collection's products: how it is shown, and the jobs that move products about."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from growth_pipelines.sandbox.records import Collection, Product

# A job is run so many seconds after it was accepted, whoever looks first.
DELAY_SECONDS = 0.15
SORTED_BY: dict[str, tuple[Callable[[Product], Any], bool]] = {
    "ALPHA_ASC": (attrgetter("title"), False),
    "ALPHA_DESC": (attrgetter("title"), True),
    "BEST_SELLING": (attrgetter("popularity"), True),
    "CREATED": (attrgetter("created_at"), False),
    "CREATED_DESC": (attrgetter("created_at"), True),
    "PRICE_ASC": (lambda product: product.variants[0].price_cents, False),
    "PRICE_DESC": (lambda product: product.variants[0].price_cents, True),
}


def shown_order(collection: Collection) -> list[Product]:
    """The products as visitors see them; those placed by hand stand in ``products``."""
    if collection.sort_order not in SORTED_BY:
        return collection.products
    value, descending = SORTED_BY[collection.sort_order]
    return sorted(collection.products, key=value, reverse=descending)


def moved(order: Sequence[Product], moves: Sequence[tuple[str, int]]) -> list[Product]:
    """``order`` after (gid, new position) moves, one after the other, as Shopify applies them."""
    found = list(order)
    for gid, position in moves:
        product = next(one for one in found if one.gid == gid)
        found.remove(product)
        found.insert(position, product)
    return found


@dataclass
class Job:
    """A reordering that was accepted; ``done`` once it was run."""

    number: int
    collection: Collection
    moves: list[tuple[str, int]]
    due: float
    done: bool = False

    typename = "Job"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Job/{self.number:08d}-0000-4000-8000-000000000000"


@dataclass
class Jobs:
    """The jobs of a shop, oldest first; ``write`` records that a collection was given another order."""

    write: Callable[[Collection, list[Product]], None]
    clock: Callable[[], float] = time.monotonic
    kept: list[Job] = field(default_factory=list)

    def start(self, collection: Collection, moves: list[tuple[str, int]]) -> Job:
        job = Job(len(self.kept) + 1, collection, moves, self.clock() + DELAY_SECONDS)
        self.kept.append(job)
        return job

    def settle(self) -> None:
        """Run what is due."""
        for job in self.kept:
            if not job.done and self.clock() >= job.due:
                job.done = True
                there = {product.gid for product in job.collection.products}
                order = moved(job.collection.products, [one for one in job.moves if one[0] in there])
                if order != job.collection.products:
                    self.write(job.collection, order)

    def get(self, gid: str) -> Job | None:
        self.settle()
        return next((job for job in self.kept if job.gid == gid), None)
