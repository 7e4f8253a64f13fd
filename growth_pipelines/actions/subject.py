"""What an action is about: which resource, which of its fields, and when two of them are about the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.store.tables import Action

TASK = "task"


def written_fields(fields: Iterable[str]) -> set[str]:
    """The fields that a write would touch: task cards change nothing by themselves."""
    return {name for name in fields if name != TASK}


def changed_fields(draft: ActionDraft) -> list[str]:
    """The field paths of the draft's diff."""
    return [change.field for change in draft.diff]


def resource_of(draft: ActionDraft) -> str:
    """What the draft is about: the target's gid; its URL where Shopify has no resource (the home page); else its
    handle (what is no page at all)."""
    return draft.target.gid or draft.target.url or draft.target.handle


def page_of(url: str) -> str:
    """The page of an address, as the marts name it: by its path alone."""
    return urlsplit(url).path.lower().rstrip("/") or "/"


def is_same_subject(action: Action, draft: ActionDraft) -> bool:
    """Whether the draft is about what the action is about: a shared field, or a task for the same problem."""
    fields = changed_fields(draft)
    if action.resource_gid != resource_of(draft):
        return False
    if written_fields(action.fields) & written_fields(fields):
        return True
    # A field may come or go beside the task, as when somebody has set a missing alt text meanwhile.
    both_tasks = TASK in action.fields and TASK in fields
    return both_tasks and (action.kind, action.subtype, action.impact.get("metric")) == (
        draft.kind,
        draft.subtype,
        draft.impact.metric,
    )


class Touching(Protocol):
    """What changes fields of a resource."""

    @property
    def resource_gid(self) -> str: ...

    @property
    def fields(self) -> list[str]: ...


def conflict(one: Touching, other: Touching) -> bool:
    """Whether both would write the same field of the same resource."""
    shared = written_fields(one.fields) & written_fields(other.fields)
    return bool(shared) and one.resource_gid == other.resource_gid
