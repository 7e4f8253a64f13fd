"""How a draft tells which of its operators' habits it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from growth_pipelines.actions.model import CheckRun
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


def _said(part: str, key: str) -> str:
    """A habit in words: "avoid:cheap" of the title → "without “cheap” (title)"."""
    copy = phrases("habits")
    sort, _, word = key.partition(":")
    return str(copy["said"].format(habit=copy["sorts"][sort].format(word=word), part=copy["parts"][part]))
