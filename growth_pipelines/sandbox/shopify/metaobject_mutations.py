"""Mutations of metaobjects: their definitions and entries, with Shopify's ``userErrors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growth_pipelines.sandbox.content import MetaobjectDefinition
from growth_pipelines.sandbox.shopify.projection import ApiError, Resolver

FIRST_DEFINITION = 5_700_000_000


def _error(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code, "elementIndex": None, "elementKey": None}


def _refusal(payload: str, *errors: dict[str, Any]) -> dict[str, Any]:
    return {payload: None, "userErrors": list(errors)}


def _definition_of(context: Any, type_name: str) -> MetaobjectDefinition | None:
    found: MetaobjectDefinition | None = next(
        (each for each in context.shop.definitions if each.type == type_name), None
    )
    return found


def _create_definition(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metaobjectDefinitionCreate")
    given = args["definition"]
    if _definition_of(context, given["type"]) is not None:
        taken = _error(["definition", "type"], "Type has already been taken", "TAKEN")
        return _refusal("metaobjectDefinition", taken)
    if not given["fieldDefinitions"]:
        blank = _error(["definition", "fieldDefinitions"], "Field definitions can't be blank", "BLANK")
        return _refusal("metaobjectDefinition", blank)
    fields = [
        {
            "key": field["key"],
            "name": field.get("name") or field["key"],
            "required": bool(field.get("required")),
            "type": field["type"],
        }
        for field in given["fieldDefinitions"]
    ]
    now = context.shop.now()
    number = FIRST_DEFINITION + len(context.shop.writes) * 1_009 + 1
    definition = MetaobjectDefinition(number, given["type"], given.get("name") or given["type"], fields, now, now)
    context.shop.define(definition)
    return {"metaobjectDefinition": definition, "userErrors": []}


def _delete_definition(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Deletes the entries with it, as Shopify does."""
    context.require("metaobjectDefinitionDelete")
    record = context.shop.record(args["id"])
    if record is None or record.typename != "MetaobjectDefinition":
        return _refusal("deletedId", _error(["id"], "Record not found", "RECORD_NOT_FOUND"))
    context.shop.undefine(record)
    return {"deletedId": record.gid, "userErrors": []}


def _upsert(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metaobjectUpsert")
    handle, given = args["handle"], args.get("metaobject") or {}
    if args.get("values") is not None or set(given) - {"fields", "handle"}:
        raise ApiError("The sandbox shop upserts metaobjects by their fields only.", "SANDBOX_UNSUPPORTED")
    definition = _definition_of(context, handle["type"])
    if definition is None:
        missing = _error(["handle", "type"], "No metaobject definition exists for type", "UNDEFINED_OBJECT_TYPE")
        return _refusal("metaobject", missing)
    fields = {field["key"]: field["value"] for field in given.get("fields") or ()}
    known = {row["key"]: row for row in definition.fields}
    for index, key in enumerate(fields):
        if key not in known:
            where = ["metaobject", "fields", str(index)]
            unknown = _error(where, f'Field definition "{key}" does not exist', "UNDEFINED_OBJECT_FIELD")
            return _refusal("metaobject", unknown)
    there = {entry.handle: entry for entry in definition.entries}.get(handle["handle"])
    for key, row in known.items():
        value = fields.get(key) if key in fields or there is None else there.value_of(key)
        if row["required"] and not value:
            blank = _error(["metaobject"], f"{row['name']} can't be blank", "OBJECT_FIELD_REQUIRED")
            return _refusal("metaobject", blank)
    return {"metaobject": context.shop.put_entry(definition, handle["handle"], fields), "userErrors": []}


def _delete(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metaobjectDelete")
    record = context.shop.record(args["id"])
    if record is None or record.typename != "Metaobject":
        return _refusal("deletedId", _error(["id"], "Record not found", "RECORD_NOT_FOUND"))
    context.shop.drop_entry(record)
    return {"deletedId": record.gid, "userErrors": []}


def _define_metafield(root: Any, args: Mapping[str, Any], context: Any) -> dict[str, Any]:
    context.require("metafieldDefinitionCreate")
    given = args["definition"]
    identity = (given["ownerType"], given.get("namespace") or "custom", given["key"])
    if identity in context.shop.metafield_definitions:
        taken = _error(["definition", "key"], "Key is in use for Product metafields.", "TAKEN")
        return _refusal("createdDefinition", taken)
    limits = {one["name"]: one["value"] for one in given.get("validations") or ()}
    refers = limits.get("metaobject_definition_id", "")
    if "metaobject_reference" in given["type"] and context.shop.record(refers) is None:
        where = ["definition", "validations"]
        invalid = _error(where, "Validations require that you select a metaobject.", "INVALID_OPTION")
        return _refusal("createdDefinition", invalid)
    context.shop.metafield_definitions[identity] = refers
    return {"createdDefinition": {"key": given["key"], "namespace": identity[1]}, "userErrors": []}


def metaobject_roots() -> dict[str, Resolver]:
    """The fields of Mutation that are answered here."""
    return {
        "metaobjectDefinitionCreate": _create_definition,
        "metaobjectDefinitionDelete": _delete_definition,
        "metaobjectUpsert": _upsert,
        "metaobjectDelete": _delete,
        "metafieldDefinitionCreate": _define_metafield,
    }
