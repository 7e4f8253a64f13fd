"""Collections in their order: the connection of their products, and the mutation that moves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.records import Collection
from growth_pipelines.sandbox.reordering import shown_order
from growth_pipelines.sandbox.shopify.connections import Slice, paginate
from growth_pipelines.sandbox.shopify.fields import get, keys
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver

MAX_MOVES = 250


def products_in_order(collection: Collection, args: Mapping[str, Any], context: Any) -> Slice:
    """``products(sortKey:)``: COLLECTION_DEFAULT as visitors see them, MANUAL as they were placed by hand."""
    context.shop.jobs.settle()
    key = args.get("sortKey") or "COLLECTION_DEFAULT"
    if key not in ("COLLECTION_DEFAULT", "MANUAL"):
        raise ApiError(f"The sandbox shop does not sort a collection by {key}.", "SANDBOX_UNSUPPORTED")
    order = collection.products if key == "MANUAL" else shown_order(collection)
    places = {product.number: place for place, product in enumerate(order)}
    return paginate(order, args, lambda product: places[product.number], presorted=True, everything=context.bulk)


def _refusal(code: str, message: str, where: list[str]) -> dict[str, Any]:
    return {"job": None, "userErrors": [{"code": code, "field": where, "message": message}]}


def _reorder(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("collectionReorderProducts")
    moves = [(move["id"], int(move["newPosition"])) for move in args["moves"]]
    if len(moves) > MAX_MOVES:
        message = f"The input array size of {len(moves)} is greater than the maximum allowed of {MAX_MOVES}."
        raise ApiError(message, "MAX_INPUT_SIZE_EXCEEDED")
    context.shop.jobs.settle()
    collection = context.shop.record(args["id"])
    if collection is None or collection.typename != "Collection":
        return _refusal("COLLECTION_NOT_FOUND", "Collection not found", ["id"])
    if collection.sort_order != "MANUAL":
        message = "Can't reorder products unless collection is manually sorted"
        return _refusal("MANUALLY_SORTED_COLLECTION", message, ["id"])
    there = {product.gid for product in collection.products}
    if any(gid not in there for gid, _ in moves):
        return _refusal("INVALID_MOVE", "The move is invalid.", ["moves"])
    return {"job": context.shop.jobs.start(collection, moves), "userErrors": []}


FIELDS: dict[str, dict[str, Resolver]] = {
    "Job": {"id": get("gid"), "done": get("done")},
    "CollectionReorderProductsPayload": keys("job", "userErrors"),
    "CollectionReorderProductsUserError": keys("code", "field", "message"),
}
QUERIES: dict[str, Resolver] = {"job": lambda root, args, context: context.shop.jobs.get(args["id"])}
MUTATIONS: dict[str, Resolver] = {"collectionReorderProducts": _reorder}
