"""An operator's edit of a draft: which parts may change, what the diff then shows, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growth_pipelines.actions.body_html import LINKS, links_text
from growth_pipelines.actions.executors.plan import plan_of
from growth_pipelines.actions.executors.structured_plan import structured_plan
from growth_pipelines.actions.model import FieldChange, Target
from growth_pipelines.actions.recommended_products import LISTS, products_text
from growth_pipelines.actions.transitions import changes_of, plain_json
from growth_pipelines.content.structured import with_matching_data
from growth_pipelines.errors import GrowthError
from growth_pipelines.store.tables import Action

# The part of a draft → the field of the diff that shows it.
FIELDS = {"title": "seo.title", "description": "seo.description", "alt": "image.alt"}
TASK_PARTS = ("summary", "steps")
ENTRIES, LINK_LIST = "entries", "internal_links"
# Products to show → the field of the diff with the list that they are shown in.
SHOWN = {one.part: one.field for one in LISTS.values()}


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
        may_change = _editable(action)
        if name not in action.draft or name not in may_change:
            editable = [name for name in action.draft if name in may_change]
            raise BadEdit(
                f"{name} can't be edited in this action.", f"What can be: {', '.join(editable) or 'nothing'}."
            )
    for name in SHOWN.keys() & wanted.keys():
        _check_shown(action.draft[name], wanted[name])
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
    draft, diff = _without_empty_links(draft, diff)
    changed = [{"part": name, "before": action.draft[name], "after": value} for name, value in wanted.items()]
    return Edit(draft, [change.model_dump(mode="json") for change in diff], changed)


def _editable(action: Action) -> tuple[str, ...]:
    """The parts that may be edited; links only where they are written."""
    written = any(change.field == LINKS for change in changes_of(action))
    return (*FIELDS, *TASK_PARTS, ENTRIES, *SHOWN, *((LINK_LIST,) if written else ()))


def _check_shown(proposed: Any, wanted: Any) -> None:
    """Raise BadEdit for a product that was not proposed: nobody has looked at its stock, or at what it is."""
    if not isinstance(wanted, list) or any(one not in proposed for one in wanted):
        raise BadEdit(
            "Only products that were proposed can be shown.", "Leave some of them out, or change their order."
        )


def _without_empty_links(
    draft: dict[str, Any], diff: list[FieldChange]
) -> tuple[dict[str, Any], list[FieldChange]]:
    """Links that were all taken out of a page without any are no part of the action any more."""
    left = [change for change in diff if change.field != LINKS or change.before or change.after]
    if len(left) == len(diff):
        return draft, diff
    return {name: part for name, part in draft.items() if name != LINK_LIST}, left


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
    for part, field in SHOWN.items():
        if change.field == field and part in draft:
            shown = [one["product"] for name in ("kept", part) for one in draft.get(name) or ()]
            return change.model_copy(update={"after": products_text(shown)})
    if change.field == LINKS:
        return change.model_copy(update={"after": _links_text(draft[LINK_LIST])})
    if change.change_type == "task" and "steps" in draft:
        return change.model_copy(update={"after": "\n".join(map(str, draft["steps"]))})
    return change


def _links_text(links: Any) -> str:
    """The links as the diff shows them; what is no list of links is refused when the plan is made."""
    try:
        return links_text(links)
    except (TypeError, KeyError) as error:
        raise BadEdit("Links are a list of {section, anchor, url}.", "Correct the edited draft.") from error
