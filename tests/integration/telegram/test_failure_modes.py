"""What has gone wrong elsewhere with approvals in chats, and does not here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from growth_pipelines.approvals.chats import ChatProof
from growth_pipelines.approvals.decide import DecisionRequest, decide
from growth_pipelines.approvals.signatures import ProofRefused
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.tables import AuditEvent
from growth_pipelines.telegram.buttons import Button, checked, key_of, packed
from tests.drafts import NOW, decided, seo_draft, submitted
from tests.integration.telegram.conftest import BO, EVA, STRANGER, Scene
from tests.telegram_server import BLOCKED, BROKEN, QUERY_TOO_OLD, Refusal, checked_markup, too_many


def history(scene: Scene) -> list[str]:
    with scene.store.read() as session:
        assert verify_chain(session).intact
        return [event.event for event in session.query(AuditEvent).order_by(AuditEvent.seq)]


def test_looking_decides_nothing_and_no_message_has_a_preview(scene: Scene) -> None:
    """F1: links were used up by previews and scanners. Nothing here decides by being looked at."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card = scene.telegram.last(BO, action.ref)
        before = history(scene)
        for command in (
            f"/details {action.ref}",
            f"/approve {action.ref}",
            "/pending",
            "/status",
            "/whoami",
            "/help",
        ):
            scene.telegram.say(BO, command)
        scene.telegram.last(BO, "Nothing is decided by reading")
        scene.telegram.answer_to(scene.telegram.click(BO, card, "Reject"))
        scene.telegram.until(lambda: "Back" in card.buttons())
        scene.telegram.answer_to(scene.telegram.click(BO, card, "Back"))
        scene.telegram.worked_off()
        assert history(scene) == before
        assert scene.action(action).state == "pending"
        assert all(message.preview_off for message in scene.telegram.messages if message.photo is None)


def test_only_linked_people_in_allowed_chats_decide_and_others_get_nothing(scene: Scene) -> None:
    """F2: another paired channel decided. Here only linked humans do, and the channel is on record."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card = scene.telegram.last(BO, action.ref)
        # Whoever learns what a button carries: their tap ends, and says nothing.
        query = scene.telegram.click(STRANGER, card, "Approve")
        assert "text" not in scene.telegram.answer_to(query)
        for text in (
            f"/approve {action.ref}",
            f"/reject {action.ref} tone",
            "/pending",
            "/start",
            "/link AAAABBBB",
        ):
            scene.telegram.say(STRANGER, text)
            # Bo's account, but in a chat that is not allowed.
            scene.telegram.say(BO, text, chat=-900)
        scene.telegram.worked_off()
        assert not scene.telegram.in_chat(STRANGER)
        assert not scene.telegram.in_chat(-900)
        assert scene.action(action).state == "pending"
        refused = scene.events("chat_refused")
        assert len(refused) == 3
        assert not any(str(n) in str(event.payload) for event in refused for n in (STRANGER, BO))
        for account, chat in ((STRANGER, BO), (BO, -900), (STRANGER, STRANGER)):
            proof = ChatProof(account, chat, tuple(scene.settings.telegram.allowed_chats))
            with pytest.raises(ProofRefused):
                decide(
                    scene.store, scene.settings, DecisionRequest(action.id, "approve", action.digest), proof, NOW
                )
        # In a group that is allowed, those who are linked are heard.
        scene.telegram.say(BO, f"/reject {action.ref} tone", chat=-500)
        scene.telegram.last(-500, "is rejected")
        (event,) = scene.events("rejected")
        assert (event.actor, event.channel) == ("bo", "telegram")


def test_a_late_tap_after_a_restart_is_answered_once_and_left_behind(scene: Scene) -> None:
    """F3: an expired callback was tried again for ever. Here it ends: answer, no buttons, the offset moves on."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card = scene.telegram.last(BO, action.ref)
    scene.telegram.click(BO, card, "Approve")
    scene.clock.move(hours=25)
    scene.telegram.faults["answerCallbackQuery"] = [QUERY_TOO_OLD]
    scene.telegram.faults["getUpdates"] = [BROKEN, too_many(0), Refusal(409, "Conflict: terminated by other")]
    with scene.bot():
        scene.telegram.worked_off()
        scene.telegram.until(lambda: not card.buttons())
        assert scene.action(action).state == "pending"
        # The present draft has come with buttons that count.
        fresh = scene.telegram.last(BO, action.ref)
        assert fresh is not card
        assert scene.telegram.methods().count("answerCallbackQuery") == 1
        scene.telegram.answer_to(scene.telegram.click(BO, fresh, "Approve"))
        scene.telegram.until(lambda: "Approved by bo" in card.text and "Approved by bo" in fresh.text)


def test_an_update_is_worked_off_once_whatever_telegram_repeats(scene: Scene) -> None:
    """F3: the number of the last update is kept; a repetition changes nothing, also after a restart."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        scene.telegram.say(BO, f"/defer {action.ref} 1")
        scene.telegram.last(BO, "comes back on")
        scene.telegram.repeat()
        scene.telegram.worked_off()
    scene.telegram.repeat()
    with scene.bot():
        scene.telegram.say(BO, "/whoami")
        scene.telegram.last(BO, "You speak for bo")
        assert len([m for m in scene.telegram.in_chat(BO) if "comes back on" in m.text and "/" not in m.text]) == 1
        assert history(scene).count("decision_refused") == 0
        # After a week of silence Telegram may count from a lower number, also while the bot runs.
        scene.telegram.worked_off()
        scene.clock.move(days=7)
        asked = len(scene.telegram.calls)
        scene.telegram.until(
            lambda: any(m == "getUpdates" and "offset" not in p for m, p in scene.telegram.calls[asked:])
        )
        scene.telegram.next_update = 5
        scene.telegram.say(EVA, "/whoami")
        scene.telegram.last(EVA, "You speak for eva")


def test_two_taps_decide_once(scene: Scene) -> None:
    """A double click: the second is told what the first has done."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card, other = (scene.telegram.last(chat, action.ref) for chat in (BO, EVA))
        data = card.buttons()["Approve"]
        first, second = (scene.telegram.click(BO, card, "", data=data) for _ in range(2))
        third = scene.telegram.click(EVA, other, "", data=other.buttons()["Approve"])
        assert "is approved" in scene.telegram.answer_to(first)["text"]
        for query in (second, third):
            assert "was decided by bo" in scene.telegram.answer_to(query)["text"]
        assert history(scene).count("approved") == 1


def test_chat_and_command_line_race_and_exactly_one_decides(scene: Scene) -> None:
    """Racing doors: one decision a request, everyone else is told the truth, and every message shows it."""
    with scene.bot():
        for action in submitted(scene.store, *(seo_draft(n, priority="high") for n in range(6))):
            card, other = (scene.telegram.last(chat, action.ref) for chat in (BO, EVA))
            with ThreadPoolExecutor(1) as door:
                typed = door.submit(decided, scene.store, scene.settings, action, "reject", reason="tone")
                queries = [scene.telegram.click(*tap, "Approve") for tap in ((BO, card), (EVA, other))]
                told = [scene.telegram.answer_to(query)["text"] for query in queries]
                told.append("typed" if typed.exception() is None else str(typed.exception()))
            assert sum("was decided by" in line for line in told) == 2, told
            words = {"approved": "Approved by", "rejected": "Rejected by bo"}[scene.action(action).state]
            scene.telegram.until(lambda words=words, both=(card, other): all(words in m.text for m in both))
        events = history(scene)
        assert events.count("approved") + events.count("rejected") == 6


def test_every_delivered_message_is_edited_wherever_it_was_decided(scene: Scene) -> None:
    """F4: only the last approver's message was updated. Here all are, through failures and restarts."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        scene.telegram.last(BO, action.ref)
        scene.telegram.last(EVA, action.ref)
        scene.telegram.say(BO, f"/approve {action.ref}")
        scene.telegram.until(lambda: len(scene.telegram.in_chat(BO)) == 2)
        # One can't be edited for good; another only after a failure and a wait.
        scene.telegram.faults["editMessageText"] = [BLOCKED, BROKEN, too_many(1)]
        decided(scene.store, scene.settings, action, "reject", reason="tone")
        settled = scene.telegram.until(
            lambda: (
                len(found := [m for m in scene.telegram.messages if "Rejected by bo" in m.text]) == 2 and found
            ),
            20,
        )
        assert not any(message.buttons() for message in settled)
        # What is refused for good is not tried again.
        scene.telegram.say(EVA, "/whoami")
        scene.telegram.last(EVA, "You speak for eva")
        assert scene.telegram.methods().count("editMessageText") == 5


def test_an_edit_that_failed_is_made_up_for_after_a_restart(scene: Scene) -> None:
    """F4: what a message shows is compared with what is, so a bot that was down catches up."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card = scene.telegram.last(BO, action.ref)
    decided(scene.store, scene.settings, action)
    assert "Approve" in card.buttons()
    scene.telegram.faults["editMessageText"] = [Refusal(500, "Internal Server Error")] * 2
    with scene.bot():
        scene.telegram.until(lambda: "Approved by bo" in card.text)
        assert not card.buttons()


def test_no_button_is_longer_than_telegram_takes() -> None:
    """F5: callback data of 71 bytes. 65 are refused before they are sent, and Telegram would refuse them."""
    longest = packed(
        b"k" * 32, -(2**52), Button("W" * 12, "confirm", "f" * 64, NOW + timedelta(days=30000), "o" * 6)
    )
    assert len(longest.encode()) <= 64
    for data in ("x" * 65, "é" * 33):
        with pytest.raises(ValueError):
            checked(data)
        with pytest.raises(Refusal):
            checked_markup({"inline_keyboard": [[{"text": "x", "callback_data": data}]]})


def test_a_button_counts_for_its_action_and_draft_and_chat_only(scene: Scene) -> None:
    """F11: one answer authorised the wrong request. Here id and digest must both fit, and the signature both."""
    with scene.bot():
        one, two = submitted(scene.store, seo_draft(1), seo_draft(2))
        card, other = scene.telegram.last(BO, one.ref), scene.telegram.last(EVA, two.ref)
        key, ends = key_of(scene.settings), NOW + timedelta(hours=1)
        good = packed(key, BO, Button(one.ref, "approve", one.digest, ends))
        mixed = packed(key, BO, Button(one.ref, "approve", two.digest, ends))
        # The same in its first 32 bits, which is all that a button knew once.
        near = packed(key, BO, Button(one.ref, "approve", one.digest[:8] + two.digest[8:], ends))
        unsigned = good[:-1] + ("A" if good[-1] != "A" else "B")
        foreign = other.buttons()["Approve"]
        for data in (mixed, near, unsigned, foreign, "v1:::::", "approve", f"v2:{one.ref}:a"):
            answer = scene.telegram.answer_to(scene.telegram.click(BO, card, "", data=data))
            assert "does not count here" in answer["text"]
        assert {scene.action(action).state for action in (one, two)} == {"pending"}


def test_a_button_of_before_brings_the_present_draft_and_decides_nothing(scene: Scene) -> None:
    """It knew 32 bits of its draft's digest; messages in chats keep it for ever."""
    with scene.bot():
        (action,) = submitted(scene.store, seo_draft())
        card = scene.telegram.last(BO, action.ref)
        former = f"v1:{action.ref}:a:{action.digest[:8]}:t2f8rk::AbCdEfGhIjK"
        answer = scene.telegram.answer_to(scene.telegram.click(BO, card, "", data=former))
        assert "too old" in answer["text"]
        assert "present draft" in answer["text"]
        scene.telegram.worked_off()
        assert not card.buttons()
        assert scene.action(action).state == "pending"
        fresh = scene.telegram.last(BO, action.ref)
        assert fresh is not card
        scene.telegram.answer_to(scene.telegram.click(BO, fresh, "Approve"))
        scene.telegram.until(lambda: "Approved by bo" in fresh.text)
