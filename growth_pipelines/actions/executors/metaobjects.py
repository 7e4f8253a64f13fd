"""Structured content as a surface: definitions, entries and the product's metafields that refer to them.

Writing takes several calls, so a write that was cut short is taken up where it stopped: every call can be made
twice. What comes into being goes in the order definition, entries, reference; what goes away, in the opposite one.
A definition is deleted only when it holds no entry; otherwise it stays for those who use it, and counts as given
up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from growth_pipelines.actions.executors.surfaces import Reading, ShopApi, document, found_in, refused
from growth_pipelines.actions.structured_fields import (
    NAMESPACE,
    definition_field,
    entry_field,
    entry_fields,
    entry_text,
    metafield_field,
)

TAKEN = "TAKEN"
ENTRIES_A_CALL = 8  # as many as documents/metaobjects.graphql asks for


@cache
def types() -> dict[str, Any]:
    """The types that may be written, by name, and ``metafields``; callers must not change it."""
    import yaml

    text = (resources.files(__package__) / "metaobject_types.yaml").read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree


def reference_key(type_name: str) -> str:
    """The key of the product's metafield that refers to entries of a type; empty where none does."""
    return str(types()[type_name].get("metafield", {}).get("key", ""))


@dataclass
class StructuredContent:
    """The ``entries`` (type, handle) and the ``owner``'s metafields (keys) of one action.

    Holds the ids that the shop gives its entries and definitions, as last read.
    """

    entries: Sequence[tuple[str, str]]
    owner: str = ""
    metafields: Sequence[str] = ()
    stepwise: bool = field(default=True, init=False)
    _ids: dict[str, str] = field(default_factory=dict, init=False)
    _given_up: set[str] = field(default_factory=set, init=False)

    @property
    def _types(self) -> list[str]:
        return list(dict.fromkeys(type_name for type_name, _ in self.entries))

    # -- read -----------------------------------------------------------------------------------------------

    def read(self, shop: ShopApi, gid: str) -> Reading:
        """Raises ResourceGone when the product is."""
        values = {definition_field(name): self._read_definition(shop, name) for name in self._types}
        for start in range(0, len(self.entries), ENTRIES_A_CALL):
            values |= self._read_entries(shop, self.entries[start : start + ENTRIES_A_CALL])
        versions: dict[str, str | None] = {}
        if self.metafields:
            kept = self._read_metafields(shop)
            for name, key in ((metafield_field(key), key) for key in self.metafields):
                values[name], versions[name] = kept.get(key, ("", None))
        return Reading(values, versions=versions)

    def _read_definition(self, shop: ShopApi, type_name: str) -> str:
        found = shop.execute_text(document("metaobject_definition"), {"type": type_name})
        definition = found["metaobjectDefinitionByType"]
        self._ids[type_name] = definition["id"] if definition else ""
        return type_name if definition and type_name not in self._given_up else ""

    def _read_entries(self, shop: ShopApi, named: Sequence[tuple[str, str]]) -> dict[str, str]:
        """By name and not by search, whose index is behind. The call asks for so many; the last is asked again."""
        padded = [*named, *[named[-1]] * (ENTRIES_A_CALL - len(named))]
        wanted = {f"handle{i}": {"type": of, "handle": handle} for i, (of, handle) in enumerate(padded, start=1)}
        found = shop.execute_text(document("metaobjects"), wanted)
        values = {}
        for i, (type_name, handle) in enumerate(named, start=1):
            entry = found[f"entry{i}"]
            self._ids[f"{type_name}/{handle}"] = entry["id"] if entry else ""
            fields = {row["key"]: row["value"] or "" for row in entry["fields"]} if entry else {}
            values[entry_field(type_name, handle)] = entry_text(fields)
        return values

    def _read_metafields(self, shop: ShopApi) -> dict[str, tuple[str, str | None]]:
        wanted = {"id": self.owner, "namespace": NAMESPACE}
        product = found_in(shop.execute_text(document("product_metafields"), wanted), "product", self.owner)
        return {
            one["key"]: (self._named(str(one["value"])), one["compareDigest"])
            for one in product["metafields"]["nodes"]
        }

    def _named(self, value: str) -> str:
        """The value with this action's entries by name instead of by id."""
        for name, entry_id in self._ids.items():
            if entry_id and "/" in name:
                value = value.replace(f'"{entry_id}"', f'"{name}"')
        return value

    # -- write ----------------------------------------------------------------------------------------------

    def write(self, shop: ShopApi, gid: str, values: Mapping[str, str], seen: Reading) -> None:
        """Raises WriteRefused when the shop refuses a part; what went before it is then written."""
        definitions = {
            name: values[definition_field(name)] for name in self._types if definition_field(name) in values
        }
        entries = {
            (type_name, handle): values[entry_field(type_name, handle)]
            for type_name, handle in self.entries
            if entry_field(type_name, handle) in values
        }
        for type_name in (name for name, wanted in definitions.items() if wanted):
            self._define(shop, type_name)
        for (type_name, handle), text in entries.items():
            if text:
                self._upsert(shop, type_name, handle, entry_fields(text), seen)
        for key in self.metafields:
            if metafield_field(key) in values:
                self._set_metafield(shop, key, values[metafield_field(key)], seen)
        for (type_name, handle), text in entries.items():
            if not text:
                self._delete(shop, f"{type_name}/{handle}")
        for type_name in (name for name, wanted in definitions.items() if not wanted):
            self._undefine(shop, type_name)

    def _define(self, shop: ShopApi, type_name: str) -> None:
        known = types()[type_name]
        definition = {
            "type": type_name,
            "name": known["name"],
            "displayNameKey": known["display"],
            "access": {"storefront": "PUBLIC_READ"},
            "fieldDefinitions": known["fields"],
        }
        answer = shop.mutate_text(document("create_metaobject_definition"), {"definition": definition})
        made = _accepted(answer, "metaobjectDefinitionCreate", taken_is_done=True)["metaobjectDefinition"]
        if made:
            self._ids[type_name] = made["id"]
        else:
            self._read_definition(shop, type_name)

    def _upsert(
        self, shop: ShopApi, type_name: str, handle: str, fields: Mapping[str, str], seen: Reading
    ) -> None:
        # A field that the entry has and the wanted text has not is emptied: what is shown is all of it.
        emptied = dict.fromkeys(entry_fields(seen.values[entry_field(type_name, handle)]), "")
        given = [{"key": key, "value": value} for key, value in {**emptied, **fields}.items()]
        variables = {"handle": {"type": type_name, "handle": handle}, "metaobject": {"fields": given}}
        answer = shop.mutate_text(document("upsert_metaobject"), variables)
        self._ids[f"{type_name}/{handle}"] = _accepted(answer, "metaobjectUpsert")["metaobject"]["id"]

    def _set_metafield(self, shop: ShopApi, key: str, text: str, seen: Reading) -> None:
        identity = {"ownerId": self.owner, "namespace": NAMESPACE, "key": key}
        if not text:
            answer = shop.mutate_text(document("delete_metafields"), {"metafields": [identity]})
            _accepted(answer, "metafieldsDelete")
            return
        of_type = next((name for name in self._types if reference_key(name) == key), "")
        if of_type:
            self._define_metafield(shop, key, of_type)
        for name, entry_id in self._ids.items():
            if entry_id and "/" in name:
                text = text.replace(f'"{name}"', f'"{entry_id}"')
        kind = "list.metaobject_reference" if of_type else types()["metafields"][key]["type"]
        # A compareDigest of null says that the metafield must not exist yet.
        digest = {"compareDigest": seen.versions.get(metafield_field(key))}
        answer = shop.mutate_text(
            document("set_metafields"), {"metafields": [{**identity, "type": kind, "value": text, **digest}]}
        )
        _accepted(answer, "metafieldsSet")

    def _define_metafield(self, shop: ShopApi, key: str, type_name: str) -> None:
        """References to metaobjects need a definition of the metafield that names theirs; it goes with theirs."""
        definition = {
            "ownerType": "PRODUCT",
            "namespace": NAMESPACE,
            "key": key,
            "name": types()[type_name]["metafield"]["name"],
            "type": "list.metaobject_reference",
            "validations": [{"name": "metaobject_definition_id", "value": self._ids[type_name]}],
        }
        answer = shop.mutate_text(document("create_metafield_definition"), {"definition": definition})
        _accepted(answer, "metafieldDefinitionCreate", taken_is_done=True)

    def _delete(self, shop: ShopApi, name: str) -> None:
        if self._ids.get(name):
            answer = shop.mutate_text(document("delete_metaobject"), {"id": self._ids[name]})
            _accepted(answer, "metaobjectDelete")

    def _undefine(self, shop: ShopApi, type_name: str) -> None:
        found = shop.execute_text(document("metaobject_definition"), {"type": type_name})
        definition = found["metaobjectDefinitionByType"]
        if definition is None:
            return
        if definition["metaobjectsCount"]:
            self._given_up.add(type_name)
            return
        answer = shop.mutate_text(document("delete_metaobject_definition"), {"id": definition["id"]})
        _accepted(answer, "metaobjectDefinitionDelete")


def _accepted(answer: Mapping[str, Any], mutation: str, *, taken_is_done: bool = False) -> dict[str, Any]:
    """The mutation's payload. Raises WriteRefused with the shop's user errors; "taken" may count as done."""
    payload: dict[str, Any] = answer[mutation] or {}
    errors = payload.get("userErrors") or []
    if taken_is_done:
        errors = [error for error in errors if error.get("code") != TAKEN]
    if errors:
        raise refused(mutation, errors)
    return payload
