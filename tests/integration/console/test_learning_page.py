"""Habits on the console: what an operator edits three times is listed, told by drafts, and can be switched off."""

from __future__ import annotations

import re

from growth_pipelines.feedback.capture import capture
from growth_pipelines.feedback.habits import habits_followed
from growth_pipelines.feedback.rankings import BY_WIN_RATES, CHAINED, EXPECTED_VALUE, UNLEARNT
from growth_pipelines.recommenders.habits import habit_checks
from growth_pipelines.store.tables import RankingVersion
from tests.console_shop import NOW
from tests.drafts import seo_draft, submitted

from .conftest import Visitor


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_habits_of_edits_are_listed_with_what_they_go_for_and_can_be_switched_off(maria: Visitor) -> None:
    store = maria.shop.store
    drafts = [seo_draft(number, title=f"Cheap braided fuel line {number}") for number in (801, 802, 803)]
    for action in submitted(store, *drafts):
        title = action.draft["title"].replace("Cheap ", "")
        maria.decide(maria.action(action.ref), "edit", **{"draft.title": title}).raise_for_status()
    capture(store)
    page = text_of(maria.get("/learning").text)
    assert "Takes out “cheap” in 3 edits" in page
    assert "Makes texts shorter in 3 edits of title" in page
    with store.read() as session:
        followed = habits_followed(session, NOW)
    assert (followed.avoided, followed.of_length) == ({"cheap"}, {"title"})

    answer = maria.http.post(
        "/learning/habits", data={"csrf": maria.csrf(), "habit": "avoid:cheap", "followed": "no"}
    )
    assert "Takes out “cheap” in 3 edits; switched off" in text_of(answer.text)
    with store.read() as session:
        assert not habits_followed(session, NOW).avoided


def test_an_action_s_page_says_which_habits_its_draft_follows_and_which_not(maria: Visitor) -> None:
    record = {"title": {"followed": ["avoid:cheap", "shorter"], "missed": ["avoid:hose"]}}
    draft = seo_draft(810, draft={"title": "AN-6 hose", "habits": record}, checks=habit_checks(record))
    [action] = submitted(maria.shop.store, draft)
    page = text_of(maria.get(f"/actions/{action.ref}").text)
    assert "Habits of your edits follows your habit: without “cheap” (title), shorter (title);" in page
    assert "not followed, since no other text fits: without “hose” (title)" in page


def test_a_ranking_that_the_gate_has_not_passed_is_told_but_not_offered(maria: Visitor) -> None:
    def offered() -> set[str]:
        return set(re.findall(r'name="version" value="([^"]+)"', maria.get("/learning").text))

    assert offered() == {UNLEARNT, BY_WIN_RATES}
    assert f"{EXPECTED_VALUE} Not judged yet." in text_of(maria.get("/learning").text)
    with maria.shop.store.session() as session:
        judged = {
            "passed": True,
            "against": CHAINED,
            "why": "It would have brought more than the present ranking.",
        }
        session.add(
            RankingVersion(
                version=EXPECTED_VALUE, status="proposed", gate=judged, changed_at=NOW, changed_by="gate"
            )
        )
    assert offered() == {UNLEARNT, BY_WIN_RATES, EXPECTED_VALUE}


def test_an_action_s_page_says_what_is_expected_of_its_page(maria: Visitor) -> None:
    draft = seo_draft(820, page_visits=1_234.0, factors={**seo_draft().factors, "expected": 1.4})
    [action] = submitted(maria.shop.store, draft)
    page = text_of(maria.get(f"/actions/{action.ref}").text)
    assert "140 % expected of its page" in page
    assert "Its page had 1,234 visits in 28 days and no known place in search." in page
