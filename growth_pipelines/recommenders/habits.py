"""How a draft tells which of its operators' habits it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from growth_pipelines.actions.model import ActionDraft, CheckRun
from growth_pipelines.content.habits import Habits
from growth_pipelines.learning.edits import words_in
from growth_pipelines.recommenders.phrases import phrases

RECORD = "habits"


def habit_checks(record: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[CheckRun, ...]:
    """The check on a draft's ``habits`` (part → {followed, missed}, keys of habits), none where it has none.

    It fails where a word stays that operators take out: no text that fits does without it.
    """
    copy = phrases("habits")
    told = {}
    for fate in ("followed", "missed"):
        keys = [(part, key) for part, habits in record.items() for key in habits[fate]]
        if keys:
            told[fate] = copy[fate].format(habits=", ".join(_said(part, key) for part, key in keys))
    if not told:
        return ()
    return (CheckRun(name=copy["check"], passed="missed" not in told, note="; ".join(told.values())),)


def with_new_text(draft: ActionDraft, part: str, text: str, habits: Habits) -> ActionDraft:
    """The draft with its record and check as they are right where ``part`` says ``text``, which breaks no more."""
    record = draft.draft.get(RECORD, {})
    if part not in record:
        return draft
    said, broken = set(words_in(text)), habits.broken(text)
    told = {
        "followed": [
            key for key in record[part]["followed"] if not key.startswith("add:") or key[len("add:") :] in said
        ],
        "missed": [key for key in record[part]["missed"] if key in broken],
    }
    left = {name: one for name, one in {**record, part: told}.items() if any(one.values())}
    parts = {name: value for name, value in draft.draft.items() if name != RECORD}
    checks = [check for check in draft.checks if check.name != phrases("habits")["check"]]
    return draft.model_copy(
        update={
            "draft": {**parts, **({RECORD: left} if left else {})},
            "checks": (*checks, *habit_checks(left)),
        }
    )


def _said(part: str, key: str) -> str:
    """A habit in words: "avoid:cheap" of the title → "without “cheap” (title)"."""
    copy = phrases("habits")
    sort, _, word = key.partition(":")
    return str(copy["said"].format(habit=copy["sorts"][sort].format(word=word), part=copy["parts"][part]))
