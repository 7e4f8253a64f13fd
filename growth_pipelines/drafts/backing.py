"""An operator's own words that nothing here backs: approved only after they were read and confirmed.

What no text may say at all is refused where edits are made. Here it is about claims that may well be true and that
only a person can know: they are confirmed by name, and the note of the decision says so. Every channel that takes
edits asks here first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growth_pipelines.actions.queue import find
from growth_pipelines.canonical import digest
from growth_pipelines.content.claims import check_claims
from growth_pipelines.drafts.edits import FIELDS, LINK_LIST, edited
from growth_pipelines.drafts.entries import ENTRY_KINDS, entry_texts
from growth_pipelines.drafts.page_facts import Facts, facts_of
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action

_LONGEST_NOTE = 2000
_READ_IN_LINKS = ("section", "anchor")


class Unbacked(GrowthError):
    """The edit says what nothing here backs; ``confirm`` stands for having read ``problems``."""

    def __init__(self, problems: list[str], hint: str = "") -> None:
        self.problems = problems
        self.confirm = confirmation(problems)
        super().__init__(
            f"Nothing here backs what the edit says: {' '.join(problems)}",
            hint or f"If you know that it is so, send the decision again with `confirm`: {self.confirm}.",
        )


def confirmed_note(
    settings: Settings, store: Store, id_or_ref: str, draft: Mapping[str, Any] | None, confirm: str, note: str
) -> str:
    """The note of a decision with this edit: it names the claims that are vouched for. Raises Unbacked."""
    problems = _unbacked_by(settings, store, id_or_ref, draft)
    if not problems:
        return note
    if confirm != confirmation(problems):
        raise Unbacked(problems)
    told = _vouched_for(problems)
    # What was vouched for stays whole; a note that leaves no room for it is cut.
    room = max(0, _LONGEST_NOTE - len(told) - 1)
    return f"{note[:room]} {told}".strip()


def check_vouched(
    settings: Settings, store: Store, id_or_ref: str, draft: Mapping[str, Any] | None, note: str
) -> None:
    """Raise Unbacked unless the note, which was signed with the edit, names the claims that are vouched for."""
    problems = _unbacked_by(settings, store, id_or_ref, draft)
    if problems and not note.endswith(told := _vouched_for(problems)):
        raise Unbacked(problems, f"If you know that it is so, sign the edit with the note: {told}")


def unbacked(text: str, facts: Facts) -> list[str]:
    """Claims of ``text`` that neither the page's facts nor the checked draft says."""
    return check_claims(text, facts.evidence())


def confirmation(problems: list[str]) -> str:
    """What stands for having read exactly these problems."""
    return digest(sorted(problems))[:16] if problems else ""


def edited_texts(parts: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Part → (kind to score it as, or "", and text) of every text of an edit that shoppers read; steps of a task
    are none."""
    texts = {name: (name, str(parts[name])) for name in FIELDS if name in parts}
    entries = entry_texts(parts.get("entries", []))
    return texts | {name: (ENTRY_KINDS.get(kind, ""), text) for name, (kind, text) in entries.items()}


def _vouched_for(problems: list[str]) -> str:
    return f"Vouched for: {' '.join(problems)}"[:_LONGEST_NOTE]


def _unbacked_by(settings: Settings, store: Store, id_or_ref: str, draft: Mapping[str, Any] | None) -> list[str]:
    """What an edit of this action claims and nothing here backs."""
    if not draft:
        return []
    with store.read() as session:
        action = find(session, id_or_ref)
    try:
        changed = {one["part"]: one["after"] for one in edited(action, draft).changed}
    except (GrowthError, ValueError):
        # It can't be carried out; whoever decides says why.
        return []
    if not changed:
        return []
    facts = facts_of(settings, action)
    texts = [*(text for _, text in edited_texts(changed).values()), *_new_in_links(action, changed)]
    return list(dict.fromkeys(problem for text in texts for problem in unbacked(text, facts)))


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
