"""What can't wait is said in one sentence, the same in every channel; everything else waits for the digest."""

from __future__ import annotations

import pytest

from growth_pipelines.actions.brake import pause, resume
from growth_pipelines.approvals.at_once import sentence_of, told_at_once
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import OutboxEntry
from tests.drafts import NOW, seo_draft, submitted

# As their sources write them; the brake's are made by the brake itself below.
SAID = {
    "action.failed": (
        {"title": "A better title", "ref": "abc"},
        "A better title (abc) failed and is not tried again.",
    ),
    "action.outcome_negative": (
        {"title": "A title", "ref": "abc", "horizon_days": 28, "effect": -41.6, "metric": "clicks"},
        "A title (abc) has made things worse after 28 days: -42 clicks. Look whether to roll it back.",
    ),
    "automatic.paused": (
        {"kind": "seo_ctr", "well": 1, "ended": 5},
        "Auto-approval of seo_ctr is paused: only 1 of 5 actions went well.",
    ),
    "template.paused": (
        {"template": "title 2", "rejected": 4, "decisions": 6},
        "The template title 2 is paused: 4 of 6 were rejected.",
    ),
    "experiment.harmful": (
        {"experiment": "bar", "reason": "bar: a guardrail is broken (sessions)"},
        "The experiment bar was stopped by the machine: bar: a guardrail is broken (sessions). "
        "Everybody sees control again.",
    ),
    "experiment.unfit": (
        {"experiment": "bar", "p_value": 0.000021},
        "The sizes of the arms of the experiment bar do not fit their weights (p = 2.1e-05): it can't be read. "
        "Find out who is missing from an arm, and stop it.",
    ),
    "alarm": ({"message": "It burns.", "recovery": ""}, "It burns."),
}


@pytest.mark.parametrize("event", SAID)
def test_what_cannot_wait_is_a_sentence(event: str) -> None:
    payload, said = SAID[event]
    name = f"{event}.of_any_sort" if event == "alarm" else event
    assert sentence_of(OutboxEntry(event=name, payload=payload, created_at=NOW)) == said


def test_the_brake_is_told_with_its_reason_and_nothing_else_cannot_wait(store: Store) -> None:
    assert set(told_at_once()) == {*SAID, "brake.paused", "brake.resumed"}
    submitted(store, seo_draft())
    pause(store, actor="bo", channel="cli", reason="", now=NOW)
    resume(store, actor="bo", channel="cli", reason="fixed {it}", now=NOW)
    with store.read() as session:
        told = [sentence_of(entry) for entry in session.query(OutboxEntry).order_by(OutboxEntry.seq)]
    assert [one for one in told if one] == [
        "All writes are paused by bo: no reason given",
        "Writes are allowed again by bo: fixed {it}",
    ]
