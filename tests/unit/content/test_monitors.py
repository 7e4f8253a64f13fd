"""Which template a decision is about, when one is paused, and when texts are getting worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from growth_pipelines.content.attribution import Decided, entry_part, model_template, template_text, verdicts
from growth_pipelines.content.monitors import DraftedText, TemplateRecord, template_records, text_quality
from growth_pipelines.content.wording import load

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
DAY = timedelta(days=1)
SNIPPET = {
    "title": "Hose End | Hot Rod Parts",
    "variants": {"title": ["Hose End | Hot Rod Parts", "Hose End by Russell"]},
    "templates": {"title": ["en.titles.product.name_shop", "en.titles.product.name_maker"]},
}
ENTRIES = [
    {"type": "growth_faq", "handle": f"pump-{n}", "fields": {"question": f"What {n}?", "answer": f"A pump {n}."}}
    for n in (1, 2)
]
CONTENT = {
    "entries": ENTRIES,
    "templates": {"growth_faq/pump-1": ["en.questions.what"], "growth_faq/pump-2": ["en.questions.maker"]},
}


def reworded(entries: list[dict[str, Any]], position: int, text: str) -> list[dict[str, Any]]:
    changed = {**entries[position], "fields": {**entries[position]["fields"], "answer": text}}
    return [changed if n == position else entry for n, entry in enumerate(entries)]


@pytest.mark.parametrize("state", ["approved", "executing", "executed", "measured", "failed", "rolled_back"])
def test_an_approved_text_speaks_for_the_template_that_made_it(state: str) -> None:
    assert verdicts(Decided(SNIPPET, state)) == {"en.titles.product.name_shop": True}
    assert verdicts(Decided(CONTENT, state)) == {"en.questions.what": True, "en.questions.maker": True}


@pytest.mark.parametrize("reason", ["incorrect", "tone", "other"])
def test_a_rejection_of_the_words_speaks_against_it(reason: str) -> None:
    assert verdicts(Decided(SNIPPET, "rejected", reason)) == {"en.titles.product.name_shop": False}
    assert set(verdicts(Decided(CONTENT, "rejected", reason)).values()) == {False}


@pytest.mark.parametrize("state", ["pending", "deferred", "changes_requested", "expired", "superseded"])
def test_no_decision_says_nothing(state: str) -> None:
    assert verdicts(Decided(SNIPPET, state)) == {}


@pytest.mark.parametrize("reason", ["not_relevant", "too_risky"])
def test_a_rejection_of_the_idea_says_nothing_of_the_words(reason: str) -> None:
    assert verdicts(Decided(SNIPPET, "rejected", reason)) == {}


def test_another_variant_chosen_is_one_for_its_template_and_one_against_the_first() -> None:
    chosen = {**SNIPPET, "title": "Hose End by Russell"}
    found = verdicts(Decided(chosen, "approved", originals={"title": SNIPPET["title"]}))
    assert found == {"en.titles.product.name_shop": False, "en.titles.product.name_maker": True}


def test_a_person_s_own_text_is_one_against_the_template_and_for_none() -> None:
    own = {**SNIPPET, "title": "The hose end that lasts"}
    originals = {"title": SNIPPET["title"]}
    assert verdicts(Decided(own, "approved", originals=originals)) == {"en.titles.product.name_shop": False}
    # Whatever became of the action later.
    assert verdicts(Decided(own, "expired", originals=originals)) == {"en.titles.product.name_shop": False}


def test_an_entry_in_other_words_blames_its_own_template_only() -> None:
    edited = {**CONTENT, "entries": reworded(ENTRIES, 1, "Walbro makes it.")}
    found = verdicts(Decided(edited, "approved", originals={"entries": ENTRIES}))
    assert found == {"en.questions.what": True, "en.questions.maker": False}


def test_a_field_of_a_page_has_a_template_of_its_own() -> None:
    entry = {"type": "growth_landing_page", "handle": "valves", "fields": {"title": "Valves", "intro": "Looking?"}}
    parts = {name: entry_part("growth_landing_page", "valves", name) for name in ("title", "intro")}
    names = {parts["title"]: ["en.landing.titles.topic"], parts["intro"]: [model_template("small-1")]}
    edited = {**entry, "fields": {**entry["fields"], "intro": "Mine."}}
    found = verdicts(
        Decided({"entries": [edited], "templates": names}, "executed", originals={"entries": [entry]})
    )
    assert found == {"en.landing.titles.topic": True, "model.small-1": False}


def test_drafts_without_templates_say_nothing() -> None:
    assert verdicts(Decided({"summary": "Do it", "steps": ["Now"]}, "rejected", "tone")) == {}


def test_every_template_of_the_files_has_a_name_that_leads_back_to_its_wording() -> None:
    snippets, structured = load("templates/en.yaml"), load("templates/en.structured.yaml")
    named = {
        f"en.{kind}.{page}.{name}": text
        for kind in ("titles", "descriptions")
        for page, texts in snippets[kind].items()
        for name, text in texts.items()
    }
    named |= {f"en.questions.{row['id']}": row["ask"] for row in structured["questions"]}
    named |= {f"en.specifications.{row['id']}": row["name"] for row in structured["specifications"]}
    named |= {
        f"en.landing.{part}.{name}": text
        for part in ("titles", "metas")
        for name, text in structured["landing"][part].items()
    }
    named["en.landing.intro"] = structured["landing"]["opening"]
    for rows in (structured["questions"], structured["specifications"]):
        assert len({row["id"] for row in rows}) == len(rows)
    assert {name: template_text(name) for name in named} == named
    for unknown in ("en.titles.product.gone", "xx.titles.product.name", "model.small-1", "en", ""):
        assert template_text(unknown) == ""


# -- pausing ------------------------------------------------------------------------------------------------


def decisions(*accepted: bool, end: datetime = NOW) -> list[tuple[datetime, Decided]]:
    """One decision a day about one title, the last at ``end``."""
    return [
        (end - DAY * (len(accepted) - 1 - n), Decided(SNIPPET, "approved" if good else "rejected", "tone"))
        for n, good in enumerate(accepted)
    ]


@pytest.mark.parametrize(
    ("decided", "rejected", "fails"),
    [(10, 4, True), (10, 3, False), (9, 9, False), (20, 7, True), (20, 6, False), (0, 0, False)],
)
def test_a_template_fails_over_thirty_percent_of_ten_decisions(decided: int, rejected: int, fails: bool) -> None:
    assert TemplateRecord("t", decided, rejected).fails is fails


def test_only_the_newest_twenty_decisions_count() -> None:
    [record] = template_records(decisions(*[False] * 20, *[True] * 15), {})
    assert (record.decisions, record.rejected) == (20, 5)
    assert not record.fails


def test_what_was_decided_before_a_template_was_resumed_no_longer_counts() -> None:
    said = decisions(*[False] * 12, *[True] * 3)
    [record] = template_records(said, {"en.titles.product.name_shop": NOW - 3 * DAY})
    assert (record.decisions, record.rejected) == (3, 0)
    assert template_records(said, {"en.titles.product.name_shop": NOW}) == []


@pytest.mark.parametrize(("rate", "stated"), [(0.1, 0.05), (0.2, 0.43), (0.3, 0.86), (0.4, 0.99)])
def test_how_often_a_template_is_paused_within_forty_decisions(rate: float, stated: float) -> None:
    """Looked at after each decision; the figures are those of docs/content.md."""
    draws = np.random.default_rng(7).random((40_000, 40)) < rate
    totals = np.concatenate([np.zeros((40_000, 1), int), draws.cumsum(axis=1)], axis=1)
    paused = np.zeros(40_000, bool)
    for looks in range(10, 41):
        counted = min(looks, 20)
        rejected = totals[:, looks] - totals[:, looks - counted]
        paused |= np.array([TemplateRecord("t", counted, int(count)).fails for count in range(21)])[rejected]
    assert paused.mean() == pytest.approx(stated, abs=0.01)


# -- quality ------------------------------------------------------------------------------------------------


def texts(*quality: float, days_ago: float = 1) -> list[DraftedText]:
    return [DraftedText(NOW - DAY * days_ago, value) for value in quality]


def test_over_a_tenth_of_poor_texts_is_said_and_a_tenth_is_not() -> None:
    assert text_quality(texts(*[0.8] * 9, 0.54), NOW).is_poor is False
    found = text_quality(texts(*[0.8] * 8, 0.54, 0.2), NOW)
    assert (found.is_poor, found.poor, found.poor_share) == (True, 2, 0.2)
    # .55 is fair.
    assert text_quality(texts(*[0.55] * 10), NOW).poor == 0


def test_a_decline_of_over_five_percent_against_the_week_before_is_said() -> None:
    before = texts(*[0.80] * 5, days_ago=8)
    found = text_quality([*before, *texts(*[0.75] * 5)], NOW)
    assert found.is_declining
    assert found.decline == pytest.approx(0.0625)
    assert not text_quality([*before, *texts(*[0.77] * 5)], NOW).is_declining
    assert not text_quality([*before, *texts(*[0.95] * 5)], NOW).is_declining


def test_too_few_texts_are_not_judged() -> None:
    found = text_quality([*texts(0.9, 0.9, 0.9, 0.9, days_ago=8), *texts(*[0.2] * 4)], NOW)
    assert not found.is_poor
    assert not found.is_declining
    nothing = text_quality([], NOW)
    assert (nothing.mean, nothing.poor_share, nothing.decline, nothing.is_poor) == (None, None, None, False)


def test_a_week_begins_seven_days_ago_to_the_second_and_older_texts_do_not_count() -> None:
    edge = [
        DraftedText(NOW, 0.1),
        DraftedText(NOW - 7 * DAY, 0.2),
        DraftedText(NOW - 14 * DAY, 0.3),
        DraftedText(NOW + timedelta(seconds=1), 0.4),
    ]
    found = text_quality(edge, NOW)
    assert (found.drafted, found.mean, found.drafted_before, found.mean_before) == (1, 0.1, 1, 0.2)
