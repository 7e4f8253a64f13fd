"""An operator's edit of a draft: which parts may change, what the diff then shows, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.executors.structured_plan import structured_plan
from growth_pipelines.actions.model import FieldChange, Target
from growth_pipelines.actions.transitions import changes_of, plain_json
from growth_pipelines.content.structured import with_matching_data
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action

# The part of a draft → the field of the diff that shows it.
FIELDS = {"title": "seo.title", "description": "seo.description", "alt": "image.alt"}
TASK_PARTS = ("summary", "steps")
ENTRIES = "entries"


class BadEdit(GrowthError):
    """The edited draft can't be carried out; nothing was changed."""


@dataclass(frozen=True)
class Edit:
    """The edited draft, its diff against the shop, and ``changed``: the edit itself, part by part."""

    draft: dict[str, Any]
    diff: list[dict[str, Any]]
    changed: list[dict[str, Any]]


def edited(action: Action, parts: Mapping[str, Any]) -> Edit:
    """The action's draft with ``parts`` replaced. Raises BadEdit with the reason."""
    wanted = {name: value for name, value in plain_json(dict(parts)).items() if value != action.draft.get(name)}
    for name in wanted:
        if name not in action.draft or name not in (*FIELDS, *TASK_PARTS, ENTRIES):
            editable = [name for name in action.draft if name in (*FIELDS, *TASK_PARTS, ENTRIES)]
            raise BadEdit(
                f"{name} can't be edited in this action.", f"What can be: {', '.join(editable) or 'nothing'}."
            )
    draft = {**action.draft, **wanted}
    target = Target.model_validate(action.target)
    try:
        diff = [_shown(change, draft) for change in changes_of(action)]
        if ENTRIES in wanted:
            draft, diff = _structured(draft, diff, target)
        plan_of(action.kind, target, draft, diff)
    except GrowthError as error:
        raise BadEdit(error.message, error.hint) from error
    if all(change.before == change.after for change in diff):
        raise BadEdit("The edit leaves nothing to change.", "Reject the action instead.")
    changed = [{"part": name, "before": action.draft[name], "after": value} for name, value in wanted.items()]
    return Edit(draft, [change.model_dump(mode="json") for change in diff], changed)


def _structured(
    draft: dict[str, Any], diff: list[FieldChange], target: Target
) -> tuple[dict[str, Any], list[FieldChange]]:
    """Entries in other words, with the structured data that repeat them; none may come or go."""
    structured_plan(target.gid, draft)  # nothing is made of entries that can't be written
    draft = with_matching_data(draft)
    _, _, fields = structured_plan(target.gid, draft)
    if set(fields) != {change.field for change in diff}:
        raise BadEdit("Entries can't be added, removed or renamed by an edit.", "Reject the action instead.")
    return draft, [change.model_copy(update={"after": fields[change.field]}) for change in diff]


def _shown(change: FieldChange, draft: Mapping[str, Any]) -> FieldChange:
    for part, field in FIELDS.items():
        if change.field == field and part in draft:
            return change.model_copy(update={"after": str(draft[part])})
    if change.change_type == "task" and "steps" in draft:
        return change.model_copy(update={"after": "\n".join(map(str, draft["steps"]))})
    return change
