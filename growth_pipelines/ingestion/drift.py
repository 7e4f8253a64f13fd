"""Schema drift: fields that a source has begun to send and that no column is made of.

They are counted in a sample of a file's first records and reported, never refused: what they hold stays in the
landing file. Fields that change their type are errors of the parse; one that vanishes turns into nulls, which the
check of null rates sees.
"""

from __future__ import annotations

import json
from typing import Any

from growth_pipelines.ingestion.queries import query

# Records of one file are alike, so the first of them tell what there is.
SAMPLE = 2_000


def unknown_fields(native: Any, path: str) -> dict[str, int]:
    """Field paths of the sample that the table ``landed`` does not declare, with how many records have each.

    ``native`` is a DuckDB connection with a relation ``landed``; lists are passed through, so ``a.b`` is the field
    ``b`` of each element of ``a``. Below a column of type JSON everything is known.
    """
    declared: set[str] = set()
    opaque: set[str] = set()
    for name, kind, *_ in native.execute("describe landed").fetchall():
        _declare(name.lower(), kind, declared, opaque)
    unknown: dict[str, int] = {}
    for structure, records in native.execute(query("sample_structure"), [path, SAMPLE]).fetchall():
        for field in _fields("", json.loads(structure)):
            if field not in declared and not any(field.startswith(f"{known}.") for known in opaque):
                unknown[field] = unknown.get(field, 0) + records
    return unknown


def _fields(prefix: str, structure: Any) -> list[str]:
    """The paths of a structure as json_structure describes it, in lower case: DuckDB's names know no case."""
    if isinstance(structure, list):
        return [field for element in structure for field in _fields(prefix, element)]
    if not isinstance(structure, dict):
        return []
    found = []
    for name, inner in structure.items():
        path = f"{prefix}{name.lower()}"
        found += [path, *_fields(f"{path}.", inner)]
    return found


def _declare(path: str, kind: str, declared: set[str], opaque: set[str]) -> None:
    """Add the paths that a declared column of type ``kind`` (as DuckDB spells it) reads."""
    declared.add(path)
    kind = kind.removesuffix("[]")
    if kind == "JSON":
        opaque.add(path)
    if not kind.startswith("STRUCT("):
        return
    for member in _members(kind[len("STRUCT(") : -1]):
        name, _, inner = member.partition(" ")
        _declare(f"{path}.{name.strip(chr(34)).lower()}", inner, declared, opaque)


def _members(text: str) -> list[str]:
    """The members of a struct's type, split at the commas that are not inside of one of them."""
    members, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            members.append(text[start:place].strip())
            start = place + 1
    return [*members, text[start:].strip()]
