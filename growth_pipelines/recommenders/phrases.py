"""The recommenders' copy, read once from the YAML files beside this module."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


@cache
def phrases(name: str) -> dict[str, Any]:
    """The copy of one recommender; callers must not change it."""
    import yaml

    text = (resources.files(__package__) / "wording" / f"{name}.yaml").read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree
