"""What an approved draft of structured content means: which entries, which references, in which types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from growth_pipelines.actions.executors.metaobjects import StructuredContent, reference_key, types
from growth_pipelines.actions.executors.surfaces import Surface
from growth_pipelines.actions.structured_fields import (
    definition_field,
    entry_field,
    entry_text,
    metafield_field,
    reference_text,
)
from growth_pipelines.errors import GrowthError

# What Shopify takes of a single line and of a text; what is good for a reader is judged when drafting.
LONGEST_LINE, LONGEST_TEXT, LONGEST_HANDLE = 255, 5_000, 255
_HANDLE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MARKUP = re.compile(r"</?[a-zA-Z][^>]*>")


class InvalidDraft(GrowthError):
    """The draft can't be carried out as it is; nothing was written."""


def structured_plan(gid: str, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    """The owner's gid, the surface and the fields of a draft {entries, structured_data}. Raises InvalidDraft."""
    entries = [_entry(one) for one in draft.get("entries") or ()]
    if not entries:
        return gid, None, {}
    named = [(type_name, handle) for type_name, handle, _ in entries]
    if len(set(named)) != len(named):
        raise InvalidDraft("The draft has two entries of one name.", "Reject the action.")
    owned = [name for name in dict.fromkeys(type_name for type_name, _ in named) if reference_key(name)]
    data = draft.get("structured_data") or {}
    owner = checked_gid(gid, "Product") if owned or data else ""
    wanted = {definition_field(name): name for name in dict.fromkeys(type_name for type_name, _ in named)}
    wanted |= {entry_field(type_name, handle): entry_text(fields) for type_name, handle, fields in entries}
    for type_name in owned:
        of_type = [one for one in named if one[0] == type_name]
        wanted[metafield_field(reference_key(type_name))] = reference_text(of_type)
    for key, value in data.items():
        if key not in types()["metafields"]:
            raise InvalidDraft(f"{key} is no metafield that is written here.", "Reject the action.")
        wanted[metafield_field(key)] = _json(key, value)
    metafields = [name.removeprefix("metafield.") for name in wanted if name.startswith("metafield.")]
    return owner, StructuredContent(named, owner, metafields), wanted


def checked_gid(gid: str, gid_type: str) -> str:
    """The gid, if it is one of this type. Raises InvalidDraft."""
    if not re.fullmatch(rf"gid://shopify/{gid_type}/\d+", gid):
        raise InvalidDraft(f"{gid or 'An empty id'} is not the id of a {gid_type}.", "Reject the action.")
    return gid


def _entry(given: Any) -> tuple[str, str, dict[str, str]]:
    if not isinstance(given, Mapping) or not isinstance(given.get("fields"), Mapping):
        raise InvalidDraft("An entry needs a type, a handle and fields.", "Reject the action.")
    type_name, handle, fields = str(given.get("type")), str(given.get("handle")), dict(given["fields"])
    if type_name not in types() or type_name == "metafields":
        raise InvalidDraft(f"{type_name} is no type of content that is written here.", "Reject the action.")
    if len(handle) > LONGEST_HANDLE or not _HANDLE.fullmatch(handle):
        raise InvalidDraft(f"{handle!r} can't be the name of an entry.", "Reject the action.")
    known = {row["key"]: row for row in types()[type_name]["fields"]}
    for key, value in fields.items():
        if key not in known:
            raise InvalidDraft(f"{type_name} has no field {key}.", "Reject the action.")
        _check(f"{handle}.{key}", known[key]["type"], value)
    missing = [key for key, row in known.items() if row["required"] and not fields.get(key)]
    if missing:
        raise InvalidDraft(f"{handle} lacks {', '.join(missing)}.", "Edit the draft, or reject the action.")
    return type_name, handle, fields


def _check(name: str, kind: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidDraft(f"{name} must be a text.", "Edit the draft, or reject the action.")
    if kind == "json" or kind.startswith("list."):
        _json(name, value)
        return
    several_lines = kind.startswith("multi_line")
    longest = LONGEST_TEXT if several_lines else LONGEST_LINE
    if len(value) > longest:
        raise InvalidDraft(f"{name} has {len(value)} characters; the shop takes {longest}.", "Edit the draft.")
    if _CONTROL.search(value.replace("\n", "") if several_lines else value) or _MARKUP.search(value):
        raise InvalidDraft(f"{name} holds line breaks, control characters or markup.", "Edit the draft.")


def _json(name: str, value: Any) -> str:
    try:
        json.loads(value)
    except (TypeError, ValueError) as error:
        raise InvalidDraft(f"{name} is not JSON.", "Reject the action.") from error
    if "</" in value:  # it ends up inside a script element of the page
        raise InvalidDraft(f"{name} holds markup.", "Reject the action.")
    return str(value)
