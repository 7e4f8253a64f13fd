"""A draft and its diff, brought up to date with a resource that changed while the action waited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from growth_pipelines.actions.executors.surfaces import ALT, DESCRIPTION, TITLE, Reading, tidy
from growth_pipelines.actions.model import FieldChange

_DRAFT_KEYS = {TITLE: ("title",), DESCRIPTION: ("description",), ALT: ("alt", "media_gid")}


def redrafted(
    draft: Mapping[str, Any], diff: Sequence[FieldChange], wanted: Mapping[str, str], reading: Reading
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The draft without the fields that already hold what was wanted, and the diff against what is there now.

    Entries of the diff that are no fields (tasks) stay as they are. Structured content is decided as a whole, so
    those of its fields that hold what was wanted stay, too.
    """
    new_draft = dict(draft)
    new_diff: list[FieldChange] = []
    for change in diff:
        if change.field not in wanted:
            new_diff.append(change)
            continue
        now = reading.values[change.field]
        if tidy(now) == tidy(wanted[change.field]) and change.field in _DRAFT_KEYS:
            for key in _DRAFT_KEYS[change.field]:
                new_draft.pop(key, None)
            continue
        kind = "change" if now else "add"
        new_diff.append(change.model_copy(update={"before": now, "change_type": kind}))
    return new_draft, [change.model_dump(mode="json") for change in new_diff]
