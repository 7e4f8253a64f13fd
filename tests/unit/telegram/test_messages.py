"""What a chat shows of an action: everything escaped, never too long, and honest about what is left out."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from growth_pipelines.approvals.digest import HAPPENED, LISTED, Digest, DigestLine, DigestList
from growth_pipelines.approvals.inbox import Waiting
from growth_pipelines.approvals.known_outcomes import KnownOutcomes, OutcomeLine
from growth_pipelines.console.labels import label
from growth_pipelines.telegram.charts import chart_spec
from growth_pipelines.telegram.messages import (
    LIMIT,
    Reader,
    card,
    cut,
    outcome,
    pending_list,
    rendered,
    size,
    texts,
)
from tests.drafts import NOW, seo_draft, task_draft
from tests.telegram_server import shown_text

READER = Reader(NOW, "America/Denver", "USD", "https://console.example.com")
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400)


def document(draft: Any = None, **changes: Any) -> dict[str, Any]:
    """An action's document, as the store gives it."""
    made = (draft or seo_draft()).model_dump(mode="json")
    store = {
        "ref": "A1b2C3d4E5f6",
        "id": "id",
        "version": 1,
        "state": "pending",
        "digest": "0123456789abcdef" * 4,
        "expires_at": "2026-11-29T14:00:00+00:00",
        "deferred_until": None,
        "decided_by": None,
        "decided_at": None,
        "decided_channel": None,
    }
    return {**made, **store, **changes}


def change(name: str, before: str, after: str) -> dict[str, Any]:
    return {"field": name, "before": before, "after": after, "change_type": "change"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words, words, st.lists(st.tuples(words, words), max_size=8), words)
def test_any_text_is_shown_as_it_is_and_fits(
    title: str, rationale: str, fields: list[tuple[str, str]], undo: str
) -> None:
    diff = [change(f"text.part_{n}", before * 4, after * 4) for n, (before, after) in enumerate(fields)]
    action = document(title=title, rationale=rationale, rollback_plan=undo, diff=diff)
    for said in (
        card(action, READER).html,
        outcome(action, READER, 1, "rejected"),
        pending_list([action], 9, READER),
    ):
        assert size(said) <= LIMIT
        # Telegram's own reading of it: no tag but ours, and nothing lost.
        shown = shown_text(said, "HTML")
        assert "A1b2C3d4E5f6" in shown


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(1, 12))
def test_a_text_is_cut_as_telegram_counts(text: str, limit: int) -> None:
    shown = cut(text, limit)
    assert size(escape(shown)) <= limit
    whole = size(escape(text)) <= limit
    assert shown == text if whole else text.startswith(shown.removesuffix("…"))


def test_short_changes_are_lines_of_a_diff_and_long_ones_fold() -> None:
    diff = [change("seo.title", "Old <b>", "New & old"), change("text.intro", "", "word " * 100)]
    made = card(document(diff=diff), READER)
    assert "- Old &lt;b&gt;\n+ New &amp; old" in made.html
    assert "<blockquote expandable><b>word" in made.html
    assert made.complete


def test_what_is_left_out_is_counted_and_the_console_named() -> None:
    diff = [change(f"text.part_{n}", "", f"{n} " + "word " * 150) for n in range(14)]
    made = card(document(diff=diff), READER)
    assert not made.complete
    assert "14 changes, 3 shown in full" in made.html
    assert "https://console.example.com/actions/A1b2C3d4E5f6" in made.html
    lines = [change(f"text.part_{n}", "a", "b") for n in range(14)]
    assert "14 changes, 12 shown in full" in card(document(diff=lines), READER).html


def test_an_order_that_is_not_shown_to_its_end_is_not_shown_in_full() -> None:
    for places, complete in ((25, True), (26, False)):
        handles = [f"part-{n}" for n in range(places)]
        order = change("collection.order", " ".join(handles), " ".join(reversed(handles)))
        made = card(document(diff=[order]), READER)
        assert f"+ 1. part-{places - 1} (was {places})" in made.html
        assert made.complete is complete


def test_a_task_shows_its_steps() -> None:
    made = card(document(task_draft()), READER)
    assert "1. Open the theme\n2. Defer the script" in made.html
    assert made.complete


def test_personal_data_do_not_leave_for_the_chat() -> None:
    said = "Asked by jo.doe+x@shop.example, +1 (303) 555-0199 or 303-555-0142, about AN-6 and 10-32 and 12345-678."
    html = card(document(rationale=said, title=said), READER, note=said).html
    assert not any(part in html for part in ("jo.doe", "555-0199", "555-0142"))
    assert "about AN-6 and 10-32 and 12345-678." in html
    assert "jo.doe" not in outcome(document(title=said), READER, 1, "rejected", said)


@pytest.mark.parametrize(
    ("changes", "version", "shown", "said"),
    [
        (
            {"decided_by": "bo", "decided_channel": "cli"},
            1,
            "approved",
            "Approved</b> by bo, 22 Nov 2026, 07:00 MST on",
        ),
        ({"version": 2}, 1, "superseded", "Version 2 has taken its place."),
        ({"decided_by": "bo"}, 1, "expired", "Expired: nobody decided in time</b>\n"),
        ({"deferred_until": "2026-11-30T07:00:00+00:00"}, 1, "deferred", "It comes back on 30 Nov 2026."),
    ],
)
def test_the_outcome_says_what_who_when_and_where(
    changes: dict[str, Any], version: int, shown: str, said: str
) -> None:
    action = document(decided_at=NOW.isoformat(), **changes)
    assert said in outcome(action, READER, version, shown)


def test_every_state_that_ends_a_question_has_words() -> None:
    from growth_pipelines.store.tables import ACTION_STATES

    assert set(texts()["states"]) == set(ACTION_STATES) - {"pending"}


def test_the_chart_leaves_out_what_has_nothing_to_stand_beside() -> None:
    both = chart_spec(document(), "USD")
    assert [row["label"] for row in both["datasets"]["evidence"]] == ["0.03", "0.05"]
    alone = document()
    alone["evidence"] = [{**row, "baseline": None} for row in alone["evidence"]]
    assert len(chart_spec(alone, "USD")["vconcat"]) == 1


def test_the_fullest_digest_fits_into_a_message() -> None:
    long, many = "A better title of a page with a long name " * 9, 12_345
    line = DigestLine("A1b2C3d4E5f6", long, "seo_ctr", "pending", "critical", "medium", 1e6, NOW)
    lines = DigestList(many, (line,) * LISTED)
    one = OutcomeLine("A1b2C3d4E5f6", long, "clicks", "none", -12_345.0, -23_456.0, 12_345.0, is_overlapping=True)
    digest = Digest(
        begins=NOW,
        ends=NOW,
        waiting=Waiting(dict.fromkeys(("critical", "high", "medium", "low"), many), many, NOW),
        **dict.fromkeys(("pending", "expiring", *HAPPENED), lines),
        outcomes=KnownOutcomes(
            dict.fromkeys(("negative", "success", "partial", "none", "inconclusive"), many), (one,) * 10, many
        ),
        alarms=(long,) * 12,
        incidents=((1, long),) * 12,
    )
    text = rendered(
        "digest.html",
        READER,
        weekly=True,
        day="27 Nov 2026",
        digest=digest,
        outcomes=digest.outcomes,
        happened=dict.fromkeys((label("digests", name).lower() for name in HAPPENED), many),
        since="20 Nov 2026, 08:00",
        console_text=READER.link(),
    )
    assert size(text) <= LIMIT
