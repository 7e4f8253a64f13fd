"""What an approved draft means in fields and tasks, checked before anything is touched.

A plan holds only what the operator was shown: a field that the draft would write but the diff doesn't show,
or shows differently, makes the draft invalid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from growth_pipelines.actions.body_html import LINKS
from growth_pipelines.actions.executors.body_plan import images_plan, links_plan
from growth_pipelines.actions.executors.collection_order import order_plan
from growth_pipelines.actions.executors.recommended_products import recommended_plan
from growth_pipelines.actions.executors.structured_plan import InvalidDraft, checked_gid, structured_plan
from growth_pipelines.actions.executors.surfaces import (
    ALT,
    DESCRIPTION,
    IMAGE_SURFACE,
    SEO_SURFACES,
    TITLE,
    Surface,
    tidy,
)
from growth_pipelines.actions.model import FieldChange, Target
from growth_pipelines.errors import GrowthError

# The longest that Shopify's own admin takes; what is good for a reader is judged when drafting.
LONGEST = {TITLE: 70, DESCRIPTION: 320, ALT: 512}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MARKUP = re.compile(r"</?[a-zA-Z][^>]*>")


@dataclass(frozen=True)
class TaskDraft:
    """Work for a person: what is to be done, step by step."""

    summary: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """``wanted`` fields of the resource ``gid`` through ``surface`` (None: no field), and a ``task`` or None.

    ``before`` is what the operator saw in those fields.
    """

    gid: str
    surface: Surface | None
    wanted: dict[str, str]
    before: dict[str, str]
    task: TaskDraft | None = None


def plan_of(kind: str, target: Target, draft: Mapping[str, Any], diff: Iterable[FieldChange]) -> Plan:
    """The plan of one action. Raises InvalidDraft with the reason."""
    diff = tuple(diff)
    if kind == "seo_ctr":
        gid, surface, wanted = _snippet(target, draft)
        # Links that the diff does not show are a suggestion.
        if any(change.field == LINKS for change in diff):
            gid, surface, wanted = links_plan(target, draft, surface, wanted)
    elif kind == "cwv_repair" and "images" in draft:
        gid, surface, wanted = images_plan(target, draft, diff)
    elif kind == "cwv_repair":
        gid, surface, wanted = _image(target, draft)
    elif kind == "metaobject_gen":
        gid, surface, wanted = structured_plan(target.gid, draft)
    elif kind == "guided_selling":
        gid, surface, wanted = recommended_plan(target.gid, draft)
    elif kind == "merch_playbook":
        gid, surface, wanted = order_plan(target.gid, draft)
    elif kind == "experiment":
        gid, surface, wanted = _experiment(target.gid, draft)
    else:
        raise InvalidDraft(f"There is no executor for actions of kind {kind}.", "Reject it, or do it by hand.")
    task = _task(draft, target)
    if not wanted and task is None:
        raise InvalidDraft("The draft writes no field and holds no task.", "Edit the draft, or reject the action.")
    for name, value in wanted.items():
        if name in LONGEST:
            _check_text(name, value)
    return Plan(gid, surface, wanted, _as_shown(wanted, diff), task)


def _snippet(target: Target, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    wanted = {name: draft[key] for key, name in (("title", TITLE), ("description", DESCRIPTION)) if key in draft}
    if not wanted:
        return target.gid, None, {}
    if target.type not in SEO_SURFACES:
        raise InvalidDraft(
            f"SEO fields of a {target.type or 'resource without type'} can't be written.",
            f"They can for: {', '.join(SEO_SURFACES)}.",
        )
    surface, gid_type = SEO_SURFACES[target.type]
    return checked_gid(target.gid, gid_type), surface, wanted


def _image(target: Target, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    if "alt" not in draft:
        return target.gid, None, {}
    surface, gid_type = IMAGE_SURFACE
    return checked_gid(str(draft.get("media_gid", "")), gid_type), surface, {ALT: draft["alt"]}


def _experiment(gid: str, draft: Mapping[str, Any]) -> tuple[str, Surface | None, dict[str, str]]:
    from growth_pipelines.actions.experiments.switch import switch_plan

    try:
        return switch_plan(gid, draft)
    except GrowthError as error:
        raise InvalidDraft(error.message, error.hint) from error


def _task(draft: Mapping[str, Any], target: Target) -> TaskDraft | None:
    steps = draft.get("steps")
    if not steps:
        return None
    if not isinstance(steps, list) or not all(isinstance(step, str) and step.strip() for step in steps):
        raise InvalidDraft("The draft's steps must be a list of texts.", "Edit the draft, or reject the action.")
    return TaskDraft(str(draft.get("summary") or f"Repair {target.url}"), tuple(steps))


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidDraft(f"{name} must be a text that isn't empty.", "Edit the draft, or reject the action.")
    if len(value) > LONGEST[name]:
        raise InvalidDraft(
            f"{name} has {len(value)} characters; the shop takes {LONGEST[name]}.", "Edit the draft to shorten it."
        )
    if _CONTROL.search(value) or _MARKUP.search(value):
        raise InvalidDraft(f"{name} holds line breaks, control characters or markup.", "Edit the draft.")


def _as_shown(wanted: Mapping[str, str], diff: Iterable[FieldChange]) -> dict[str, str]:
    shown = {change.field: change for change in diff}
    for name, value in wanted.items():
        if name not in shown or tidy(shown[name].after) != tidy(value):
            raise InvalidDraft(
                f"The draft of {name} isn't the text that the diff shows.", "Reject it; it will be drafted again."
            )
    return {name: shown[name].before for name in wanted}
