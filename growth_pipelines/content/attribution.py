"""Which template made which text of a draft, and what an operator's decision says of it.

A draft names its templates by part: ``{"title": ["en.titles.product.name_shop", …]}``. A part is a key of the
draft, whose ``variants`` have a template each, in the same order; or an entry of structured content, or a field of
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growth_pipelines.content.structured import structured_templates
from growth_pipelines.content.wording import templates

# Reasons to reject that are about the words. The others say that the change itself is not wanted.
ABOUT_THE_WORDS = frozenset({"incorrect", "tone", "other"})
APPROVED_STATES = frozenset({"approved", "executing", "executed", "measured", "failed", "rolled_back"})


@dataclass(frozen=True)
class Decided:
    """What was decided about a draft: the action's state, the reason of a rejection and the draft as it is now.

    ``originals`` holds the parts that an operator has edited as they were drafted.
    """

    draft: Mapping[str, Any]
    state: str
    reason: str = ""
    originals: Mapping[str, Any] | None = None


def entry_part(type_name: str, handle: str, field: str = "") -> str:
    """The name of an entry, or of one of its fields, among the parts of a draft."""
    return f"{type_name}/{handle}" + (f"#{field}" if field else "")


def model_template(model: str) -> str:
    """What a language model's wording is called among the templates."""
    return f"model.{model}"


def template_text(name: str) -> str:
    """The wording of a template by its name; empty where there is none (any more)."""
    language, _, path = name.partition(".")
    for tree in (templates(language), structured_templates(language)):
        found: Any = tree
        for step in path.split("."):
            found = _child(found, step)
        if isinstance(found, str):
            return found
    return ""


def _child(tree: Any, step: str) -> Any:
    """What stands under a name: a key, or the row of a list with that id (its question, or else its name)."""
    if isinstance(tree, list):
        return next((row.get("ask", row.get("name")) for row in tree if row.get("id") == step), None)
    return tree.get("opening" if step == "intro" else step) if isinstance(tree, dict) else None


def standing(draft: Mapping[str, Any]) -> set[str]:
    """The templates that made the texts which the draft says now."""
    return {_template(draft, part, _text(draft, part)) for part in draft.get("templates", {})} - {""}


def verdicts(decided: Decided) -> dict[str, bool]:
    """Whether each template's text was accepted; without those of which the decision says nothing.

    A text that an operator has replaced was not accepted, whatever became of the action. A rejection for reasons
    that are not about the words says nothing of the others.
    """
    approved = decided.state in APPROVED_STATES
    judged = approved or (decided.state == "rejected" and decided.reason in ABOUT_THE_WORDS)
    drafted = {**decided.draft, **(decided.originals or {})}
    found: dict[str, bool] = {}
    for part in decided.draft.get("templates", {}):
        first, last = _text(drafted, part), _text(decided.draft, part)
        if first != last and (replaced := _template(drafted, part, first)):
            found[replaced] = False
        if judged and (used := _template(decided.draft, part, last)):
            found[used] = approved and found.get(used, True)
    return found


def _template(draft: Mapping[str, Any], part: str, text: Any) -> str:
    """The template that made ``text``; empty where a person did."""
    names: list[str] = draft["templates"][part]
    variants = draft.get("variants", {}).get(part)
    if variants is None:
        return names[0]
    return names[variants.index(text)] if text in variants else ""


def _text(draft: Mapping[str, Any], part: str) -> Any:
    """What the draft says there: a text, or all fields of an entry."""
    if "/" not in part:
        return draft.get(part)
    name, _, field = part.partition("#")
    for entry in draft.get("entries", ()):
        if entry_part(entry["type"], entry["handle"]) == name:
            return entry["fields"].get(field) if field else entry["fields"]
    return None
