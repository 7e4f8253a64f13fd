"""The plots' Vega-Lite specs, as they stand in the JSON files beside this module, with data filled in.

A colour is named by what it means (``@line``, ``@event``): the drawing carries the name as a class, and the
page's sheet gives it a colour for the light and for the dark. ``theme.json`` holds what all of them share.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

# Stand-ins for the names while Vega, which knows colours only, draws; nothing else draws in these.
INKS = ("ink", "soft", "grid", "line", "bar", "good", "poor", "event", "next", "card")
_STAND_INS = {f"@{name}": f"#0000{place:02x}" for place, name in enumerate(INKS, start=1)}
CLASSES = {colour: name.removeprefix("@") for name, colour in _STAND_INS.items()}


def names() -> list[str]:
    """Every plot's name."""
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(".vl.json") for file in files if file.name.endswith(".vl.json"))


@cache
def load(file: str) -> dict[str, Any]:
    """The JSON of ``file``; callers must not change it."""
    tree: dict[str, Any] = json.loads((resources.files(__package__) / file).read_text(encoding="utf-8"))
    return tree


def spec_of(name: str, datasets: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The plot ``name`` with its data, ready to be drawn."""
    spec: dict[str, Any] = _coloured({**load(f"{name}.vl.json"), "config": load("theme.json")})
    return {**spec, "datasets": dict(datasets)}


def _coloured(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _coloured(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_coloured(value) for value in part]
    return _STAND_INS.get(part, part) if isinstance(part, str) else part
