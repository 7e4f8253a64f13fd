"""What is sent unasked, to whom, and how loud: priorities, quiet hours, reminders, notices, the digest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.approvals.clocks import tell_late
from growth_pipelines.approvals.digest import digest_of
from growth_pipelines.approvals.operators import add_operator, remove_operator
from growth_pipelines.mail.messages import digest_mail
from growth_pipelines.store.tables import OutboxEntry
from tests.drafts import NOW, decided, seo_draft, submitted
from tests.integration.telegram.conftest import BO, EVA, Scene
from tests.outcomes_read import executed, outcome_row
from tests.telegram_server import BLOCKED, BROKEN, too_many

pytestmark = pytest.mark.usefixtures("bot")


def test_priority_decides_what_comes_and_how_loud(scene: Scene) -> None:
    drafts = [seo_draft(n, priority=p) for n, p in enumerate(("critical", "high", "medium", "low"), start=1)]
    critical, high, medium, low = submitted(scene.store, *drafts)
    loud = {a.ref: not scene.telegram.last(BO, a.ref).silent for a in (critical, high, medium)}
    assert loud == {critical.ref: True, high.ref: True, medium.ref: False}
    assert not any(low.ref in message.text for message in scene.telegram.messages)


def test_muted_chats_are_told_silently_but_for_what_is_critical(scene: Scene) -> None:
    scene.telegram.say(BO, "/mute 2h")
    scene.telegram.last(BO, "Silent until 22 Nov 2026, 16:00")
    critical, high = submitted(scene.store, seo_draft(1, priority="critical"), seo_draft(2, priority="high"))
    assert not scene.telegram.last(BO, critical.ref).silent
    assert scene.telegram.last(BO, high.ref).silent
    assert not scene.telegram.last(EVA, high.ref).silent
    scene.telegram.say(BO, "/mute for ever")
    scene.telegram.last(BO, "Write how long")
    scene.telegram.say(BO, "/mute off")
    scene.telegram.last(BO, "told aloud again")


def test_many_requests_of_medium_priority_are_counted_instead_of_sent(scene: Scene) -> None:
    submitted(scene.store, *(seo_draft(n) for n in range(1, 15)))
    assert scene.telegram.last(BO, "4 more wait").silent
    assert len([m for m in scene.telegram.in_chat(BO) if "Approve" in m.buttons()]) == 10


def test_a_blocked_bot_and_a_busy_telegram_keep_nobody_else_from_being_told(scene: Scene) -> None:
    scene.telegram.faults["sendMessage"] = [BLOCKED, BROKEN, too_many(1)]
    (action,) = submitted(scene.store, seo_draft())
    scene.telegram.last(EVA, action.ref)
    assert not scene.telegram.in_chat(BO)
    assert len(scene.telegram.in_chat(EVA)) == 1


def test_reminder_and_escalation_come_once_and_to_whom_they_concern(scene: Scene) -> None:
    add_operator(scene.store, scene.settings, "ada", "admin", NOW)
    remove_operator(scene.store, scene.settings, "eva", NOW)
    add_operator(scene.store, scene.settings, "eva", "admin", NOW)
    scene.link("eva", EVA)
    (action,) = submitted(scene.store, seo_draft(priority="high"))
    scene.telegram.last(BO, action.ref)
    scene.clock.move(hours=5)
    tell_late(scene.store, scene.clock.now())
    for chat in (BO, EVA):
        assert not scene.telegram.last(chat, "Still waits for a decision.").silent
    scene.clock.move(hours=3)
    tell_late(scene.store, scene.clock.now())
    scene.telegram.last(EVA, "Nobody has answered in time")
    assert len(scene.telegram.in_chat(BO)) == 2


def test_the_brake_is_told_at_once(scene: Scene) -> None:
    pause(scene.store, actor="bo", channel="cli", reason="orders <look> odd", now=NOW)
    assert scene.telegram.last(EVA, "All writes are paused by bo: orders <look> odd")


def test_alarms_ring_and_the_head_of_the_audit_chain_is_left_in_the_chat(scene: Scene) -> None:
    told = {"message": "The daily run failed: the shop is gone.", "at": NOW.isoformat()}
    head = {"date": "2026-11-22", "at": NOW.isoformat(), "seq": 7, "hash": "ab" * 32, "events": 3}
    with scene.store.session() as session:
        session.add(OutboxEntry(event="alarm.run_failed", payload=told, created_at=NOW))
        session.add(OutboxEntry(event="audit.head_published", payload=head, created_at=NOW))
    assert not scene.telegram.last(BO, "The daily run failed: the shop is gone.").silent
    assert scene.telegram.last(BO, f"event 7, {'ab' * 32}").silent


def test_what_needs_a_look_leads_to_it(scene: Scene) -> None:
    told = {"title": "A <title>", "ref": "abc", "action_id": "none"}
    with scene.store.session() as session:
        session.add(OutboxEntry(event="action.failed", payload=told, created_at=NOW))
    said = scene.telegram.last(BO, "A <title> (abc) failed and is not tried again. /details abc")
    assert not said.silent


def test_a_removed_operator_hears_and_says_nothing_more_and_must_link_again(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    card, seen = scene.telegram.last(BO, action.ref), scene.telegram.last(EVA, action.ref)
    remove_operator(scene.store, scene.settings, "eva", NOW)
    add_operator(scene.store, scene.settings, "eva", "operator", NOW)
    scene.telegram.say(EVA, f"/reject {action.ref} tone")
    scene.telegram.answer_to(scene.telegram.click(EVA, seen, "Approve"))
    scene.telegram.worked_off()
    assert scene.telegram.in_chat(EVA) == [seen]
    scene.telegram.answer_to(scene.telegram.click(BO, card, "Approve"))
    scene.telegram.until(lambda: seen.text == "This request is closed.")
    assert not seen.buttons()


def test_the_digest_comes_once_a_day_and_on_friday_for_the_week(scene: Scene) -> None:
    (low,) = submitted(scene.store, seo_draft(priority="low"))
    for day, title in ((23, "Today, 23 Nov 2026"), (27, "The week, 27 Nov 2026")):
        scene.clock.instant = datetime(2026, 11, day, 8, 0, tzinfo=UTC)
        digest = scene.telegram.last(BO, title)
        assert digest.silent
        assert f"/details {low.ref}" in digest.text
        assert "1 waits for a decision (1 low)" in digest.text
        scene.telegram.say(BO, "/whoami")
        scene.telegram.last(BO, "You speak for bo")
    assert len([m for m in scene.telegram.in_chat(BO) if "Today" in m.text]) == 1


def test_chat_and_mail_tell_the_same_digest(scene: Scene) -> None:
    one, two, three, _ = submitted(scene.store, *(seo_draft(n) for n in range(1, 5)))
    decided(scene.store, scene.settings, one)
    decided(scene.store, scene.settings, two, "reject", reason="tone")
    decided(scene.store, scene.settings, three, "defer", until=date(2026, 11, 26))
    done = executed(scene.store, 5)
    with scene.store.session() as session:
        record_outcomes(session, [outcome_row(done, 28, 45.0, "success")], NOW + timedelta(hours=1))
    pause(scene.store, actor="bo", channel="cli", reason="a sale", now=NOW)
    scene.clock.instant = at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    with scene.store.read() as session:
        digest = digest_of(session, at - timedelta(days=1), at, zone="UTC")
    mail = digest_mail(scene.settings, digest, None, weekly=False).get_body(("plain",)).get_content()
    chat = scene.telegram.last(BO, "Today, 23 Nov 2026").text
    for said, told in (
        ("1 waits for a decision", "Wait for a decision: 1"),
        ("2 decided", "Decided: 2"),
        ("1 put off", "Put off: 1"),
        *((one, one) for one in ("What actions did in 28 days: 1", "+45 search clicks, +40 to +50")),
        (digest.alarms[0], digest.alarms[0]),
    ):
        assert said in chat
        assert told in mail


def test_however_long_the_brake_s_reason_is_the_chat_is_told_how_things_are(scene: Scene) -> None:
    pause(scene.store, actor="bo", channel="cli", reason="🛑 odd orders " * 900, now=NOW)
    scene.telegram.say(BO, "/status")
    assert "All writes were paused by bo" in scene.telegram.last(BO, "for a decision").text
    scene.clock.instant = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert "All writes were paused by bo" in scene.telegram.last(BO, "Today, 23 Nov 2026").text
