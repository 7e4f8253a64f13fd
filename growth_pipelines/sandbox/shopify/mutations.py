"""The mutations of the Admin API that the machine uses, with Shopify's ``userErrors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.records import Resource
from growth_pipelines.sandbox.shopify.metafield_definitions import MUTATIONS, reference_problem
from growth_pipelines.sandbox.shopify.metafields import SEO_KEYS, Metafield, metafields_of
from growth_pipelines.sandbox.shopify.metaobject_mutations import metaobject_roots
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver

MAX_ALT = 512
MAX_METAFIELDS = 25


def _error(field: list[str] | None, message: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "message": message} | more


def _seo_update(kind: str, argument: str) -> Resolver:
    """productUpdate(product:) and collectionUpdate(collection:): their search fields only."""
    payload = kind.lower()

    def resolve(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
        context.require(f"{payload}Update")
        given = args.get(argument)
        if given is None:
            raise ApiError(f"{payload}Update needs {argument}: the older argument is deprecated.", "BAD_REQUEST")
        # The schema fills in its defaults (all false) by itself.
        unknown = {name for name, value in given.items() if name not in ("id", "seo") and value}
        if unknown:
            raise ApiError(
                f"The sandbox shop does not change {', '.join(sorted(unknown))}.", "SANDBOX_UNSUPPORTED"
            )
        record = context.shop.record(given.get("id") or "")
        if record is None or record.typename != kind:
            return {payload: None, "userErrors": [_error(["id"], f"{kind} does not exist")], "job": None}
        changes = {f"seo.{name}": value for name, value in (given.get("seo") or {}).items()}
        context.shop.write(f"{payload}Update", record, changes)
        return {payload: record, "userErrors": [], "job": None}

    return resolve


def _owner(context: Any, gid: str) -> Resource | None:
    record = context.shop.record(gid)
    return record if isinstance(record, Resource) else None


def _problem(context: Any, index: int, given: Mapping[str, Any]) -> dict[str, Any] | None:
    where = ["metafields", str(index)]
    if _owner(context, given["ownerId"]) is None:
        return _error([*where, "ownerId"], "Owner does not exist.", code="INVALID", elementIndex=index)
    if not given["value"]:
        return _error([*where, "value"], "Value can't be blank.", code="BLANK", elementIndex=index)
    defined = ("PRODUCT", given.get("namespace") or "custom", given["key"])
    if "metaobject_reference" in (given.get("type") or "") and defined not in context.shop.metafield_definitions:
        message = "A reference to metaobjects needs a metafield definition."
        return _error([*where, "type"], message, code="INVALID_TYPE", elementIndex=index)
    reference = reference_problem(context, given)
    if reference is not None:
        field, message, code = reference
        return _error([*where, field], message, code=code, elementIndex=index)
    digest = given.get("compareDigest")
    if digest is not None:
        owner = _owner(context, given["ownerId"])
        assert owner is not None
        identity = (given.get("namespace") or "custom", given["key"])
        now = metafields_of(owner).get(identity)
        if now is None or Metafield(owner, *identity, now).digest != digest:
            return _error(
                where,
                "The resource has been updated since it was loaded.",
                code="STALE_OBJECT",
                elementIndex=index,
            )
    return None


def _metafields_set(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """All or nothing, as Shopify's."""
    context.require("metafieldsSet")
    given = args["metafields"]
    if len(given) > MAX_METAFIELDS:
        problem = _error(
            ["metafields"],
            f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}.",
            code="LESS_THAN_OR_EQUAL_TO",
            elementIndex=None,
        )
        return {"metafields": None, "userErrors": [problem]}
    found = [_problem(context, index, one) for index, one in enumerate(given)]
    problems = [one for one in found if one is not None]
    if problems:
        return {"metafields": None, "userErrors": problems}
    written = []
    for one in given:
        owner = _owner(context, one["ownerId"])
        assert owner is not None
        identity = (one.get("namespace") or "custom", one["key"])
        context.shop.write("metafieldsSet", owner, {_field_name(identity): one["value"]})
        written.append(Metafield(owner, *identity, one["value"]))
    return {"metafields": written, "userErrors": []}


def _field_name(identity: tuple[str, str]) -> str:
    return f"seo.{SEO_KEYS[identity]}" if identity in SEO_KEYS else f"metafield.{identity[0]}.{identity[1]}"


def _metafields_delete(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metafieldsDelete")
    deleted: list[Any] = []
    for one in args["metafields"]:
        owner = _owner(context, one["ownerId"])
        identity = (one["namespace"], one["key"])
        if owner is None or identity not in metafields_of(owner):
            deleted.append(None)
            continue
        context.shop.write("metafieldsDelete", owner, {_field_name(identity): None})
        deleted.append({"ownerId": owner.gid, "namespace": identity[0], "key": identity[1]})
    return {"deletedMetafields": deleted, "userErrors": []}


def _file_update(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("fileUpdate")
    files = []
    for index, one in enumerate(args["files"]):
        where = ["files", str(index)]
        record = context.shop.record(one["id"])
        if record is None or record.typename != "MediaImage":
            problem = _error([*where, "id"], f"File id {one['id']} does not exist.", code="FILE_DOES_NOT_EXIST")
            return {"files": None, "userErrors": [problem]}
        if len(one.get("alt") or "") > MAX_ALT:
            problem = _error(
                [*where, "alt"],
                f"The alt value exceeds the maximum limit of {MAX_ALT} characters.",
                code="ALT_VALUE_LIMIT_EXCEEDED",
            )
            return {"files": None, "userErrors": [problem]}
        unknown = set(one) - {"id", "alt"}
        if unknown:
            raise ApiError(
                f"The sandbox shop does not change {', '.join(sorted(unknown))}.", "SANDBOX_UNSUPPORTED"
            )
        files.append((record, one))
    for record, one in files:
        if "alt" in one:
            context.shop.write("fileUpdate", record, {"image.alt": one["alt"]})
    return {"files": [record for record, _ in files], "userErrors": []}


def mutation_roots() -> dict[str, Resolver]:
    """The fields of Mutation that are answered."""
    return {
        "productUpdate": _seo_update("Product", "product"),
        "collectionUpdate": _seo_update("Collection", "collection"),
        "metafieldsSet": _metafields_set,
        "metafieldsDelete": _metafields_delete,
        "fileUpdate": _file_update,
        **metaobject_roots(),
        **MUTATIONS,
        "bulkOperationRunQuery": lambda root, args, context: context.bulk_operations.start(args["query"], context),
        "bulkOperationCancel": lambda root, args, context: context.bulk_operations.cancel(args["id"]),
    }
