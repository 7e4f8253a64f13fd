"""What is tapped and written in a chat, and what it decides, through the one decide()."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.policies.terms import shipped
from growth_pipelines.store.tables import Delivery
from tests.drafts import decided, seo_draft, submitted, with_operator
from tests.integration.telegram.conftest import BO, EVA, Scene

pytestmark = pytest.mark.usefixtures("bot")


def policies(scene: Scene, **terms: object) -> None:
    """Put a book in force that says this of every action."""
    with_operator(scene.store, scene.settings, "ada", "admin")
    book = shipped()
    first = book.rules[0].model_copy(update=terms)
    changed = book.model_copy(update={"rules": (first,)})
    with scene.store.session() as session:
        save_book(session, changed, actor="ada", channel="cli", now=scene.clock.now(), seen=0)


@pytest.mark.parametrize(
    "scene", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_one_tap_under_the_diff_approves_and_the_buttons_go_everywhere(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft(title="Fuel <line> & fittings"))
    card, other = (scene.telegram.last(chat, action.ref) for chat in (BO, EVA))
    assert "- old title\n+ Fuel <line> & fittings" in card.text
    assert card.silent
    assert set(card.buttons()) == {"Approve", "Reject", "Defer 7 days", "Details", "Open in console"}
    assert card.buttons()["Open in console"] == f"https://console.example.com/actions/{action.ref}"
    query = scene.telegram.click(BO, card, "Approve")
    assert "is approved" in scene.telegram.answer_to(query)["text"]
    for message in (card, other):
        scene.telegram.until(lambda message=message: "Approved by bo" in message.text)
        assert not message.buttons()
    now = scene.action(action)
    assert (now.state, now.decided_by, now.decided_channel) == ("approved", "bo", "telegram")


def test_high_risk_is_asked_twice_and_the_second_question_lasts_two_minutes(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft(risk_tier="high"))
    card = scene.telegram.last(BO, action.ref)
    query = scene.telegram.click(BO, card, "Approve")
    assert "2 minutes" in scene.telegram.answer_to(query)["text"]
    assert scene.action(action).state == "pending"
    scene.telegram.until(lambda: set(card.buttons()) == {"Confirm approve", "Back"})

    scene.telegram.answer_to(scene.telegram.click(BO, card, "Back"))
    scene.telegram.until(lambda: "Reject" in card.buttons())

    scene.telegram.answer_to(scene.telegram.click(BO, card, "Approve"))
    scene.telegram.until(lambda: "Confirm approve" in card.buttons())
    scene.clock.move(seconds=121)
    late = scene.telegram.answer_to(scene.telegram.click(BO, card, "Confirm approve"))
    assert "too old" in late["text"]
    assert scene.action(action).state == "pending"

    again = scene.telegram.until(lambda: (new := scene.telegram.last(BO, action.ref)) is not card and new)
    scene.telegram.answer_to(scene.telegram.click(BO, again, "Approve"))
    scene.telegram.until(lambda: "Confirm approve" in again.buttons())
    scene.telegram.answer_to(scene.telegram.click(BO, again, "Confirm approve"))
    scene.telegram.until(lambda: "Approved by bo" in again.text)
    assert scene.action(action).state == "approved"
    scene.telegram.until(lambda: "Approved by bo" in card.text)


def test_what_does_not_fit_into_a_message_is_never_approved_with_one_tap(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft(title="Short", description="words " * 800))
    card = scene.telegram.last(BO, action.ref)
    assert "2 changes, 1 shown in full" in card.text
    scene.telegram.answer_to(scene.telegram.click(BO, card, "Approve"))
    scene.telegram.until(lambda: "Confirm approve" in card.buttons())
    assert scene.action(action).state == "pending"


def test_a_quorum_counts_votes_and_says_how_many(scene: Scene) -> None:
    policies(scene, quorum=2)
    (action,) = submitted(scene.store, seo_draft())
    card, other = (scene.telegram.last(chat, action.ref) for chat in (BO, EVA))
    assert "0 of 2 approvals" in card.text
    assert scene.telegram.answer_to(scene.telegram.click(BO, card, "Approve"))["text"] == "Vote counted: 1 of 2."
    scene.telegram.until(lambda: "1 of 2 approvals" in other.text)
    scene.telegram.until(lambda: "Vote counted: 1 of 2." in card.text)
    assert scene.action(action).state == "pending"
    scene.telegram.answer_to(scene.telegram.click(EVA, other, "Approve"))
    for message in (card, other):
        scene.telegram.until(lambda message=message: "Approved by eva" in message.text)


def test_a_policy_can_keep_approvals_out_of_the_chat(scene: Scene) -> None:
    policies(scene, chat="console")
    (action,) = submitted(scene.store, seo_draft())
    card = scene.telegram.last(BO, action.ref)
    assert set(card.buttons()) == {"Details", "Open in console"}


def test_a_viewer_may_look_but_gets_no_buttons_to_decide(scene: Scene) -> None:
    with scene.store.session() as session:
        from growth_pipelines.store.tables import Operator

        session.get_one(Operator, "eva").role = "viewer"
    (action,) = submitted(scene.store, seo_draft())
    card, viewers = (scene.telegram.last(chat, action.ref) for chat in (BO, EVA))
    assert "Approve" not in viewers.buttons()
    scene.telegram.say(EVA, f"/reject {action.ref} tone")
    assert "may look but not decide" in scene.telegram.last(EVA, "eva is a viewer").text
    assert scene.action(action).state == "pending"
    assert "Approve" in card.buttons()


def test_rejecting_asks_for_a_reason_with_buttons(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    card = scene.telegram.last(BO, action.ref)
    scene.telegram.answer_to(scene.telegram.click(BO, card, "Reject"))
    scene.telegram.until(lambda: "The tone is off" in card.buttons())
    assert scene.action(action).state == "pending"
    scene.telegram.answer_to(scene.telegram.click(BO, card, "The tone is off"))
    scene.telegram.until(lambda: "Rejected by bo" in card.text)
    (event,) = scene.events("rejected")
    assert event.payload["reason"] == "tone"


def test_another_reason_is_asked_for_in_words_and_no_answer_in_time_decides_nothing(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    scene.telegram.say(BO, f"/reject {action.ref}")
    card = scene.telegram.last(BO, "Why is it rejected?")
    scene.telegram.until(lambda: "Something else" in card.buttons())
    scene.telegram.answer_to(scene.telegram.click(BO, card, "Something else"))
    question = scene.telegram.last(BO, "Answer this message")
    assert question.markup["force_reply"]

    scene.telegram.say(BO, "The hose is not braided", to=question, late=301)
    scene.telegram.last(BO, "still waits")
    assert scene.action(action).state == "pending"

    scene.telegram.say(BO, "The hose is not braided", to=question, late=60)
    scene.telegram.last(BO, "is rejected")
    (event,) = scene.events("rejected")
    assert (event.payload["reason"], event.payload["note"]) == ("other", "The hose is not braided")
    # The question answered once more decides nothing.
    scene.telegram.say(BO, "Again", to=question, late=61)
    scene.telegram.last(BO, "was decided by bo")


def test_commands_reject_and_defer_at_once_and_approve_only_shows(scene: Scene) -> None:
    first, second, third = submitted(scene.store, *(seo_draft(n) for n in (1, 2, 3)))
    scene.telegram.say(BO, f"/reject {first.ref} not_relevant nobody searches this")
    scene.telegram.last(BO, f"{first.ref} is rejected")
    scene.telegram.say(BO, f"/defer {second.ref} 3")
    scene.telegram.last(BO, f"{second.ref} comes back on 2026-11-25")
    before = len(scene.telegram.in_chat(BO))
    scene.telegram.say(BO, f"/approve@growth_bot {third.ref}")
    scene.telegram.until(lambda: len(scene.telegram.in_chat(BO)) > before)
    states = [scene.action(action).state for action in (first, second, third)]
    assert states == ["rejected", "deferred", "pending"]
    scene.telegram.say(BO, f"/defer {third.ref} soon")
    scene.telegram.last(BO, "Write a number of days")
    scene.telegram.say(BO, f"/defer {third.ref} 400")
    scene.telegram.last(BO, "Deferring needs a date")
    scene.telegram.say(BO, "/approve nosuchaction")
    scene.telegram.last(BO, "There is no action nosuchaction")
    scene.telegram.say(BO, "/reject")
    scene.telegram.last(BO, "Which one?")


@pytest.mark.parametrize("scene", [{"GROWTH_ACTIONS__DEFER_DAYS_MAX": "3"}], indirect=True)
def test_who_names_no_day_defers_for_no_longer_than_is_allowed(scene: Scene) -> None:
    first, second = submitted(scene.store, *(seo_draft(n) for n in (1, 2)))
    scene.telegram.click(BO, scene.telegram.last(BO, first.ref), "Defer 3 days")
    scene.telegram.until(lambda: scene.action(first).state == "deferred")
    scene.telegram.say(BO, f"/defer {second.ref}")
    scene.telegram.last(BO, f"{second.ref} comes back on 2026-11-25")
    scene.telegram.say(BO, "/help")
    scene.telegram.last(BO, "3 days if you name none")


def test_what_was_deferred_comes_back_in_a_message_of_its_own(scene: Scene) -> None:
    from growth_pipelines.actions.lifecycle import release_deferred

    (action,) = submitted(scene.store, seo_draft())
    card = scene.telegram.last(BO, action.ref)
    scene.telegram.answer_to(scene.telegram.click(BO, card, "Defer 7 days"))
    scene.telegram.until(lambda: "Deferred by bo" in card.text)
    assert "29 Nov 2026" in card.text
    assert scene.action(action).deferred_until.date() == date(2026, 11, 29)
    scene.clock.move(days=8)
    release_deferred(scene.store, scene.clock.now())
    new = scene.telegram.until(
        lambda: next((m for m in scene.telegram.in_chat(BO) if m.id > card.id and "Approve" in m.buttons()), None)
    )
    assert "Deferred by bo" in card.text
    scene.telegram.answer_to(scene.telegram.click(BO, new, "Approve"))
    for message in (card, new):
        scene.telegram.until(lambda message=message: "Approved by bo" in message.text)


def test_a_new_draft_replaces_the_old_message_and_its_button_decides_nothing(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft(title="First wording"))
    card = scene.telegram.last(BO, "First wording")
    old = card.buttons()["Approve"]
    decided(scene.store, scene.settings, action, "edit", draft={"title": "Second wording"})
    new = scene.telegram.last(BO, "Second wording")
    scene.telegram.until(lambda: "Version 2 has taken its place" in card.text)
    answer = scene.telegram.answer_to(scene.telegram.click(BO, card, "", data=old))
    assert "changed since you looked" in answer["text"]
    assert scene.action(action).state == "pending"
    scene.telegram.answer_to(scene.telegram.click(BO, new, "Approve"))
    scene.telegram.until(lambda: "Approved by bo" in new.text)
    assert scene.action(action).draft["title"] == "Second wording"


def test_details_bring_a_chart_and_pending_lists_by_urgency(scene: Scene) -> None:
    low, high = submitted(
        scene.store,
        seo_draft(1, title="Low one", priority="low"),
        seo_draft(2, title="High one", priority="high", score=1.0),
    )
    scene.telegram.say(BO, "/pending")
    found = scene.telegram.last(BO, "2 wait for a decision")
    assert found.text.index(high.ref) < found.text.index(low.ref)
    scene.telegram.answer_to(scene.telegram.click(BO, found, "2"))
    picture = scene.telegram.until(lambda: next((m for m in scene.telegram.messages if m.photo), None))
    assert picture.photo.startswith(b"\x89PNG")
    assert low.ref in scene.telegram.last(BO, "+ Low one").text


def test_time_that_is_over_is_shown_before_anybody_has_stored_it(scene: Scene) -> None:
    (action,) = submitted(scene.store, seo_draft())
    card = scene.telegram.last(BO, action.ref)
    scene.clock.instant = action.expires_at + timedelta(seconds=1)
    scene.telegram.until(lambda: "Expired: nobody decided in time" in card.text)
    assert not card.buttons()

    def shown() -> set[str]:
        with scene.store.read() as session:
            return {row.shown for row in session.query(Delivery)}

    scene.telegram.until(lambda: shown() == {"expired"})
