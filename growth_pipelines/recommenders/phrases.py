"""The recommenders' copy, read once from the YAML files beside this module."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


class Chance(float):
    """A probability as copy tells it: of an estimate, neither "100%" nor "0%" is meant by what rounds to it."""

    def __format__(self, spec: str) -> str:
        if spec.endswith("%") and not 0.01 <= self <= 0.99:
            return "over 99%" if self > 0.5 else "under 1%"
        return super().__format__(spec)


@cache
def phrases(name: str) -> dict[str, Any]:
    """The copy of one recommender; callers must not change it."""
    import yaml

    text = (resources.files(__package__) / "wording" / f"{name}.yaml").read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree
