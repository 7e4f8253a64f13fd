"""The texts of structured entries as parts that can be edited one by one: ``entries.PLACE.FIELD``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Which fields of which type of entry a person may reword, and as what kind of text each is judged.
_TEXTS: dict[str, dict[str, str]] = {
    "growth_faq": {"question": "", "answer": "faq"},
    "growth_specification": {"value": ""},
    "growth_how_to": {"step": ""},
    "growth_landing_page": {
        "h1": "h1",
        "title": "page_title",
        "meta_description": "page_meta",
        "intro": "intro",
    },
}
ENTRY_KINDS = {
    f"{kind}.{name}": judged for kind, names in _TEXTS.items() for name, judged in names.items() if judged
}


def entry_texts(entries: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Part → (``TYPE.FIELD``, text) of every text that can be reworded, in order."""
    found: dict[str, tuple[str, str]] = {}
    for place, entry in enumerate(entries):
        for name in _TEXTS.get(entry["type"], {}):
            if name in entry["fields"]:
                found[f"entries.{place}.{name}"] = (f"{entry['type']}.{name}", entry["fields"][name])
    return found


def reworded(entries: Sequence[Mapping[str, Any]], typed: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The entries with what was typed for their parts; None where none of them was typed at all."""
    parts = {name: text for name, text in typed.items() if name in entry_texts(entries)}
    if not parts:
        return None
    return [
        {
            **entry,
            "fields": {
                name: _plain(parts[key]) if (key := f"entries.{place}.{name}") in parts else value
                for name, value in entry["fields"].items()
            },
        }
        for place, entry in enumerate(entries)
    ]


def _plain(text: str) -> str:
    """Paragraphs as typed; within one, a line end typed by accident is a space."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
