"""An operator's own words that nothing here backs: approved only after they were read and confirmed.

What no text may say at all is refused where edits are made, for every channel. Here it is about claims that may
well be true and that only a person can know: they are confirmed by name, and the note of the decision says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from growth_pipelines.actions.queue import find
from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.judging import confirmation, facts_of, judge, unbacked
from growth_pipelines.console.observed import observe
from growth_pipelines.drafts.edits import LINK_LIST
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action

_LONGEST_NOTE = 2000
_READ_IN_LINKS = ("section", "anchor")


class Unbacked(BadRequest):
    """The edit says what nothing here backs; ``confirm`` stands for having read ``problems``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            f"Nothing here backs what the edit says: {' '.join(problems)}",
            f"If you know that it is so, send the decision again with `confirm`: {confirmation(problems)}.",
        )
        self.problems = problems
        self.confirm = confirmation(problems)


def confirmed_note(
    settings: Settings,
    store: Store,
    id_or_ref: str,
    draft: Mapping[str, Any] | None,
    confirm: str,
    note: str,
    now: datetime,
) -> str:
    """The note of a decision with this edit: it names the claims that are vouched for. Raises Unbacked."""
    if not draft:
        return note
    with store.read() as session:
        action = find(session, id_or_ref)
    changed = {name: value for name, value in draft.items() if value != action.draft.get(name)}
    if not changed:
        return note
    facts = facts_of(settings, action, observe(settings, now).shop.name)
    found = [
        *(problem for one in judge(action, changed, facts) for problem in one.unbacked),
        *(problem for text in _new_in_links(action, changed) for problem in unbacked(text, facts)),
    ]
    problems = list(dict.fromkeys(found))
    if not problems:
        return note
    if confirm != confirmation(problems):
        raise Unbacked(problems)
    told = f"Vouched for: {' '.join(problems)}"[:_LONGEST_NOTE]
    # What was vouched for stays whole; a note that leaves no room for it is cut.
    room = max(0, _LONGEST_NOTE - len(told) - 1)
    return f"{note[:room]} {told}".strip()


def _new_in_links(action: Action, changed: Mapping[str, Any]) -> list[str]:
    """What links say to shoppers that they did not say as drafted; what is no list of links is refused later."""
    drafted = _said_in(action.draft.get(LINK_LIST))
    return [text for text in _said_in(changed.get(LINK_LIST)) if text not in drafted]


def _said_in(links: Any) -> list[str]:
    if not isinstance(links, list):
        return []
    return [
        str(link[name]) for link in links if isinstance(link, Mapping) for name in _READ_IN_LINKS if name in link
    ]
