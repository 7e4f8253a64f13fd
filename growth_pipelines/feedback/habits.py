"""The habits that operators' edits show, and which of them the next drafts follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from growth_pipelines.content.habits import Habits
from growth_pipelines.content.wording import load
from growth_pipelines.feedback.capture import edit_signals
from growth_pipelines.feedback.switches import switched_off
from growth_pipelines.learning import EditSignal, Preference, preferences


def known_habits(session: Session, edits: Iterable[EditSignal]) -> list[tuple[Preference, bool]]:
    """Each habit of the edits, and whether it is followed: all are but those that were switched off."""
    off, glossary = switched_off(session), load("glossary.yaml")
    joining = {*glossary["joining_words"], *glossary["small_words"]}
    return [(one, one.key not in off) for one in preferences(edits, joining)]


def habits_followed(session: Session, now: datetime) -> Habits:
    """What drafts that are made now should be like."""
    known = known_habits(session, edit_signals(session, now))
    return Habits.of(one for one, followed in known if followed)
