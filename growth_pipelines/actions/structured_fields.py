"""How structured content is shown field by field: the text form that drafts, diffs, snapshots and reads share.

A field of the diff is ``definition.TYPE`` (the type's name), ``entry.TYPE.HANDLE`` (its fields, one a line)
or ``metafield.KEY`` (the metafield's value, entries named ``TYPE/HANDLE`` in it). An empty text: not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

NAMESPACE = "growth"
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def definition_field(type_name: str) -> str:
    return f"definition.{type_name}"


def entry_field(type_name: str, handle: str) -> str:
    return f"entry.{type_name}.{handle}"


def metafield_field(key: str) -> str:
    return f"metafield.{key}"


def entry_text(fields: Mapping[str, str]) -> str:
    """The set fields of an entry, one ``key: value`` a line; :func:`entry_fields` reads it back."""
    return "\n".join(f"{key}: {_escaped(value)}" for key, value in sorted(fields.items()) if value)


def entry_fields(text: str) -> dict[str, str]:
    """The fields that :func:`entry_text` wrote."""
    rows = (line.split(": ", 1) for line in text.split("\n") if line)
    return {key: _plain(value) for key, value in rows}


def reference_text(entries: Sequence[tuple[str, str]]) -> str:
    """A metafield that refers to these (type, handle) entries."""
    return json.dumps([f"{type_name}/{handle}" for type_name, handle in entries], separators=(",", ":"))


def json_text(value: object) -> str:
    """A JSON value as a metafield or a field of an entry keeps it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _escaped(value: str) -> str:
    for character, escape in _ESCAPES.items():
        value = value.replace(character, escape)
    return value


def _plain(value: str) -> str:
    plain, position = [], 0
    meaning = {escape: character for character, escape in _ESCAPES.items()}
    while position < len(value):
        pair = value[position : position + 2]
        plain.append(meaning.get(pair, value[position]))
        position += 2 if pair in meaning else 1
    return "".join(plain)
