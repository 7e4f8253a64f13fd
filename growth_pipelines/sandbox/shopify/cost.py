"""What a query costs, and the bucket it is paid from.

An object costs 1, a scalar 0, a mutation 10, and a connection grows with the logarithm of its size:
1.5·log2(n + 1) × the cost of one node, which fits what live shops report. ``nodes(ids:)`` costs what each of its
records does, by its dearest type, as often as there are ids. Clients must read the answer's cost
block; nothing but this file knows the formula.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from graphql import GraphQLObjectType, InlineFragmentNode, get_named_type, is_leaf_type

from growth_pipelines.sandbox.shopify.projection import Projection, Selected

MUTATION_COST = 10


def requested_cost(projection: Projection, root: list[Selected], mutation: bool) -> int:
    """The cost of a document before it runs, from its page sizes."""
    if mutation:
        return MUTATION_COST * len(root)
    return max(1, round(sum(_cost(projection, selected) for selected in root)))


def _cost(projection: Projection, selected: Selected) -> float:
    named = get_named_type(selected.return_type)
    if named is None or is_leaf_type(named):
        return 0.0
    if "ids" in selected.args:
        return len(selected.args["ids"]) * (1.0 + _dearest(projection, selected))
    concrete = named if isinstance(named, GraphQLObjectType) else None
    inner = _children_cost(projection, concrete, selected)
    if named.name.endswith("Connection"):
        size = selected.args.get("first") or selected.args.get("last") or 1
        return 1.5 * math.log2(size + 1) * max(1.0, inner)
    if named.name == "PageInfo":
        return 0.0
    if named.name.endswith("Edge"):
        return inner
    return 1.0 + inner


def _dearest(projection: Projection, selected: Selected) -> float:
    """The cost inside one record of an interface, if it is of the dearest type that is asked about."""
    parts = [part for selection in selected.selections for part in selection.selections]
    conditions = {part.type_condition.name.value for part in parts if isinstance(part, InlineFragmentNode)}
    types = [projection.schema.type_map[name] for name in conditions]
    objects = [each for each in types if isinstance(each, GraphQLObjectType)]
    return max((_children_cost(projection, each, selected) for each in objects), default=0.0)


def _children_cost(projection: Projection, parent: GraphQLObjectType | None, selected: Selected) -> float:
    if parent is None:  # an interface or union: its members are few here, and the dearest is not known yet
        return 1.0
    return sum(_cost(projection, child) for child in projection.fields(parent, selected.selections))


@dataclass
class CostBucket:
    """Shopify's leaky bucket. Points; ``restore`` in points a second."""

    maximum: float
    restore: float
    query_maximum: float
    clock: Callable[[], float] = time.monotonic
    throttled: int = 0
    _available: float = field(init=False)
    _at: float = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._available = self.maximum
        self._at = self.clock()

    def _refill(self) -> None:
        now = self.clock()
        self._available = min(self.maximum, self._available + (now - self._at) * self.restore)
        self._at = now

    def take(self, cost: float) -> bool:
        """Pay ``cost`` if the bucket holds it; otherwise nothing is paid and the request is throttled."""
        with self._lock:
            self._refill()
            if cost > self._available:
                self.throttled += 1
                return False
            self._available -= cost
            return True

    def give_back(self, cost: float) -> None:
        """The part of the requested cost that was not used."""
        with self._lock:
            self._refill()
            self._available = min(self.maximum, self._available + max(0.0, cost))

    def status(self) -> dict[str, float]:
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": float(math.floor(self._available)),
                "restoreRate": float(self.restore),
            }


def cost_block(requested: int, actual: int | None, bucket: CostBucket) -> dict[str, Any]:
    """``extensions.cost`` of an answer; ``actual`` is None when the query did not run."""
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}
