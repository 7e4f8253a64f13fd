"""The package's copy: templates, glossary and policy words, read once from the YAML files beside this module."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The parsed content of ``name`` (e.g. "glossary.yaml"); callers must not change it."""
    import yaml

    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree


def language_of(locale: str) -> str:
    """The language of a locale: "en-US" → en."""
    return locale.replace("_", "-").split("-")[0].lower()


@cache
def templates(locale: str) -> dict[str, Any] | None:
    """The templates of a locale's language ("en-US" → en), or None when there are none."""
    language = language_of(locale)
    if not language.isalpha() or not (resources.files(__package__) / "templates" / f"{language}.yaml").is_file():
        return None
    return load(f"templates/{language}.yaml")
