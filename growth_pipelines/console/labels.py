"""The words of ``labels.yaml``, and plain words for names that it does not hold."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml


@lru_cache(maxsize=1)
def all_labels() -> dict[str, dict[str, str]]:
    """Every group of labels, read once."""
    labels: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("labels.yaml").read_text(encoding="utf-8")
    )
    return labels


def label(group: str, name: str) -> str:
    """The label of ``name`` in ``group``, of its kind (``entry.…``), or the name itself in plain words."""
    known = all_labels()[group]
    return known.get(name) or known.get(name.partition(".")[0]) or humane(name)


def humane(name: str) -> str:
    """``not_relevant`` → ``Not relevant``; a text that already reads like one stays as it is."""
    if not name or " " in name:
        return name
    words = name.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]
