"""From decisions in the store to templates that are paused, and back by an operator."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from growth_pipelines.actions.template_pauses import (
    MayNotResume,
    NotPaused,
    pause_template,
    paused_templates,
    resume_template,
)
from growth_pipelines.commands.templates import templates
from growth_pipelines.drafts.text_monitors import (
    quality_of_texts,
    records_of,
    template_rows,
    watch_templates,
)
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ActionOutcome, AuditEvent, OutboxEntry
from tests.drafts import NOW, decided, seo_draft, submitted, with_operator

SHOP_TITLE, MAKER_TITLE = "en.titles.product.name_shop", "en.titles.product.name_maker"
LATER = timedelta(minutes=1)


def draft(number: int, quality: float = 0.8) -> Any:
    """A title with two variants, each of a template of its own."""
    title = f"Hose End {number} | Hot Rod Parts"
    plain = seo_draft(number, title)
    made = {
        **plain.draft,
        "variants": {"title": [title, f"Hose End {number} by Russell"]},
        "templates": {"title": [SHOP_TITLE, MAKER_TITLE]},
    }
    return plain.model_copy(update={"draft": made, "factors": {**plain.factors, "text_quality": quality}})


def rejected(store: Store, settings: Settings, *numbers: int, reason: str = "tone") -> None:
    for action in submitted(store, *map(draft, numbers)):
        decided(store, settings, action, "reject", reason=reason, note="so")


def figures(store: Store) -> dict[str, tuple[int, int]]:
    with store.read() as session:
        return {one.template: (one.decisions, one.rejected) for one in records_of(session, NOW)}


def test_rejected_ten_times_it_is_paused_once_on_record_and_told(store: Store, settings: Settings) -> None:
    rejected(store, settings, *range(1, 10))
    assert watch_templates(store, NOW) == frozenset()
    rejected(store, settings, 10)
    assert watch_templates(store, NOW) == {SHOP_TITLE}
    assert watch_templates(store, NOW) == {SHOP_TITLE}, "nor twice"
    with store.read() as session:
        assert verify_chain(session).intact
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.event == "template_paused"))
        assert event.payload["template"] == SHOP_TITLE
        assert (event.payload["decisions"], event.payload["rejected"]) == (10, 10)
        [told] = session.scalars(select(OutboxEntry).where(OutboxEntry.event == "template.paused"))
        assert (told.payload["template"], told.payload["audit_seq"]) == (SHOP_TITLE, event.seq)


def test_reasons_that_are_not_about_the_words_pause_nothing(store: Store, settings: Settings) -> None:
    rejected(store, settings, *range(1, 13), reason="not_relevant")
    assert watch_templates(store, NOW) == frozenset()
    assert figures(store) == {}


def test_an_edit_before_the_approval_counts_against_what_it_replaced(store: Store, settings: Settings) -> None:
    other, own, kept = submitted(store, draft(1), draft(2), draft(3))
    decided(store, settings, other, "approve_with_edits", draft={"title": "Hose End 1 by Russell"})
    decided(store, settings, own, "approve_with_edits", draft={"title": "The hose end that lasts"})
    decided(store, settings, kept)
    assert figures(store) == {SHOP_TITLE: (3, 2), MAKER_TITLE: (1, 0)}


def test_edited_twice_the_first_text_is_what_was_replaced(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, draft(1))
    result = decided(store, settings, action, "edit", draft={"title": "Mine, at first"})
    with store.read() as session:
        from growth_pipelines.actions.queue import find

        action = find(session, result.action["id"])
    decided(store, settings, action, "approve_with_edits", draft={"title": "Hose End 1 by Russell"})
    assert figures(store) == {SHOP_TITLE: (1, 1), MAKER_TITLE: (1, 0)}


def test_an_operator_resumes_it_and_earlier_decisions_no_longer_count(store: Store, settings: Settings) -> None:
    rejected(store, settings, *range(1, 11))
    watch_templates(store, NOW)
    with store.session() as session:
        resume_template(session, SHOP_TITLE, actor="bo", channel="cli", reason="reworded it", now=NOW + LATER)
    assert figures(store) == {}
    assert watch_templates(store, NOW + LATER) == frozenset()
    with store.read() as session:
        assert verify_chain(session).intact
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.event == "template_resumed"))
        assert (event.actor, event.channel, event.payload["reason"]) == ("bo", "cli", "reworded it")


def test_who_may_not_and_what_is_not_paused_is_refused_and_changes_nothing(
    store: Store, settings: Settings
) -> None:
    with_operator(store, settings, "vera", "viewer")
    with store.session() as session:
        pause_template(session, SHOP_TITLE, decisions=10, rejected=4, now=NOW)
    refusals: list[tuple[str, str, str, type[GrowthError]]] = [
        ("vera", SHOP_TITLE, "why not", MayNotResume),
        ("nobody", SHOP_TITLE, "why not", MayNotResume),
        ("bo", SHOP_TITLE, "  ", GrowthError),
        ("bo", MAKER_TITLE, "why not", NotPaused),
    ]
    for actor, template, reason, refusal in refusals:
        with pytest.raises(refusal), store.session() as session:
            resume_template(session, template, actor=actor, channel="cli", reason=reason, now=NOW)
    with store.read() as session:
        assert paused_templates(session) == {SHOP_TITLE}


def test_quality_is_that_of_the_recommender_s_own_new_texts(store: Store, settings: Settings) -> None:
    week = timedelta(days=7)
    submitted(store, *(draft(number, 0.8) for number in range(1, 7)), now=NOW - week)
    submitted(store, *(draft(number, 0.5) for number in range(11, 17)))
    submitted(store, seo_draft(20))  # without templates: written by none
    with store.read() as session:
        found = quality_of_texts(session, "seo_ctr", NOW)
        other = quality_of_texts(session, "metaobject_gen", NOW)
    assert (found.drafted, found.poor, found.drafted_before) == (6, 6, 6)
    assert found.is_poor
    assert found.is_declining
    assert other.drafted == 0


def test_what_came_of_a_template_s_texts_stands_beside_the_decisions(store: Store, settings: Settings) -> None:
    classes = ("success", "partial", "none", "inconclusive", None)
    actions = submitted(store, *map(draft, range(1, 7)))
    for action, edit in zip(actions, [*[None] * 5, {"title": "Hose End 6 by Russell"}], strict=True):
        decided(store, settings, action, "approve_with_edits" if edit else "approve", draft=edit)
    with store.session() as session:
        for action, outcome_class in zip(actions, (*classes, "negative"), strict=True):
            for days, told in ((7, "negative"), (28, outcome_class)):
                session.add(_outcome(action.id, days, told))
    with store.read() as session:
        rows = {row.template: row for row in template_rows(session, NOW)}
    assert (rows[SHOP_TITLE].worked, rows[SHOP_TITLE].measured) == (2, 3), "at last, and as far as it is known"
    assert (rows[MAKER_TITLE].worked, rows[MAKER_TITLE].measured) == (0, 1), "the text that an edit chose"
    low, high = rows[SHOP_TITLE].worked_between
    assert 0 < low < 2 / 3 < high < 1


def _outcome(action: str, days: int, outcome_class: str | None) -> ActionOutcome:
    return ActionOutcome(
        action_id=action,
        metric="clicks",
        horizon_days=days,
        slug="s",
        is_promised=True,
        outcome_class=outcome_class,
        days={},
        measured_at=NOW,
    )


def test_the_command_line_lists_paused_templates_first_and_resumes(store: Store, settings: Settings) -> None:
    rejected(store, settings, *range(1, 11))
    decided(store, settings, submitted(store, draft(11))[0], "approve_with_edits", draft={"title": "My own words"})
    watch_templates(store, NOW)
    with store.read() as session:
        assert [row.template for row in template_rows(session, NOW)] == [SHOP_TITLE]
    environment = {
        "GROWTH_HOME": str(settings.home),
        "GROWTH_NOW": (NOW + LATER).isoformat(),
        "GROWTH_OPERATOR": "bo",
        "GROWTH_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    run = CliRunner(env=environment).invoke
    rows = json.loads(run(templates, ["list", "--json"]).output)
    assert rows[0]["wording"] == "{title} | {shop}"
    assert (rows[0]["decisions"], rows[0]["rejected"], bool(rows[0]["paused_at"])) == (11, 11, True)
    assert "writes again" in run(templates, ["resume", SHOP_TITLE, "--reason", "reworded"]).output
    assert json.loads(run(templates, ["list", "--json"]).output) == []
    assert "Nothing has been decided" in run(templates, ["list"]).output
