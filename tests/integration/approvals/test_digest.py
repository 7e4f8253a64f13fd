"""A digest tells what waits, what happened in its time and what is wrong; no more, and nothing twice."""

from __future__ import annotations

from datetime import timedelta

from growth_pipelines.actions.brake import pause
from growth_pipelines.actions.lifecycle import transition
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.approvals.digest import LISTED, digest_of
from growth_pipelines.mail.messages import digest_mail
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from tests.drafts import NOW, decided, seo_draft, submitted
from tests.outcomes_read import executed, outcome_row

DAY = timedelta(days=1)


def test_a_digest_tells_what_waits_and_what_happened_since_the_last_one(store: Store, settings: Settings) -> None:
    actions = submitted(store, *(seo_draft(number) for number in range(LISTED + 4)))
    decided(store, settings, actions[0])
    decided(store, settings, actions[1], "reject", reason="tone")
    with store.session() as session:
        for before, after, hours in (("approved", "executing", 1), ("executing", "executed", 2)):
            at = NOW + timedelta(hours=hours)
            moved = transition(session, actions[0].id, 1, before, after, actor="x", channel="executor", now=at)
            assert moved
    pause(store, actor="bo", channel="cli", reason="a sale", now=NOW + DAY)
    with store.read() as session:
        first = digest_of(session, NOW - DAY, NOW, zone="UTC")
        second = digest_of(session, NOW, NOW + DAY, zone="UTC")
        last = digest_of(session, NOW + 5 * DAY, NOW + 6.5 * DAY, zone="UTC")
    assert (first.pending.count, len(first.pending.lines)) == (LISTED + 2, LISTED)
    assert {(line.ref, line.state, line.by, line.channel) for line in first.decided.lines} == {
        (actions[0].ref, "approved", "bo", "cli"),
        (actions[1].ref, "rejected", "bo", "cli"),
    }
    assert (first.executed.count, first.expiring.count) == (0, 0)
    assert [line.ref for line in second.executed.lines] == [actions[0].ref]
    assert second.decided.count == 0, "told by the digest before"
    assert "paused by bo" in second.alarms[0]
    assert last.expiring.count == LISTED + 2


def test_what_waits_is_counted_by_priority_and_what_is_put_off_with_its_day(
    store: Store, settings: Settings
) -> None:
    low, *_, later = submitted(store, seo_draft(1, priority="low"), *(seo_draft(n) for n in range(2, 5)))
    decided(store, settings, later, "defer", until=NOW.date() + 3 * DAY)
    with store.read() as session:
        digest = digest_of(session, NOW - DAY, NOW, zone="UTC")
        gone = digest_of(session, NOW, low.expires_at + DAY, zone="UTC")
    assert (dict(digest.waiting.by_priority), digest.pending.count) == ({"medium": 2, "low": 1}, 3)
    assert (digest.waiting.oldest, digest.waiting.late) == (NOW, 0)
    assert [(line.ref, line.at.date()) for line in digest.deferred.lines] == [(later.ref, NOW.date() + 3 * DAY)]
    assert digest.decided.count == 0
    assert gone.pending.count == 0, "whose time is over waits no more, whether anybody has stored that or not"


def test_a_shop_where_nothing_happens_has_an_empty_digest(store: Store) -> None:
    with store.read() as session:
        assert digest_of(session, NOW - DAY, NOW, zone="UTC").is_empty


def test_what_is_approved_is_late_only_where_something_is_written(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    with store.read() as session:
        alarms = {
            mode: digest_of(session, NOW, NOW + 2 * DAY, mode=mode, zone="UTC").alarms
            for mode in ("live", "propose", "observe")
        }
    assert alarms == {
        "live": (f"{action.ref}: {action.title}: approved but not executed for more than 24 hours",),
        "propose": (),
        "observe": (),
    }


def test_what_actions_did_is_told_once_when_their_28_days_are_measured(store: Store, settings: Settings) -> None:
    harmed, noisy, worked, early, unknown = (executed(store, number) for number in range(1, 6))
    rows = [
        outcome_row(noisy, 28, 2.0, "inconclusive"),
        outcome_row(worked, 28, 45.0, "success", is_overlapping=True),
        outcome_row(harmed, 28, -9.0, "negative"),
        outcome_row(early, 14, 45.0, "success"),
        outcome_row(worked, 28, 800.0, "success", metric="revenue", is_promised=False),
        outcome_row(unknown, 28, None, None, skipped="Only 3 untouched ones."),
    ]
    with store.session() as session:
        record_outcomes(session, rows, NOW + 28 * DAY)
        record_outcomes(session, rows, NOW + 30 * DAY)
    with store.read() as session:
        digest, later = (
            digest_of(session, NOW + days * DAY, NOW + (days + 1) * DAY, zone="UTC") for days in (27, 29)
        )
    told = digest.outcomes
    assert [(line.ref, line.effect) for line in told.lines] == [
        (harmed.ref, -9.0),
        (worked.ref, 45.0),
        (noisy.ref, 2.0),
    ]
    assert (told.count, told.not_measurable) == (3, 1)
    assert not digest.is_empty
    assert later.outcomes.is_empty
    for kind in ("plain", "html"):
        body = digest_mail(settings, digest, None, weekly=True).get_body((kind,))
        assert body is not None
        said = body.get_content()
        assert "1 worse than without it, 1 as promised, 1 too noisy to tell" in said
        assert "+45 search clicks, +40 to +50 with 95 % certainty: as promised (something else was" in said
        assert "+2 search clicks, −3 to +7 with 95 % certainty: too noisy to tell" in said
        assert "What 1 executed action did can&#39;t" in said or "What 1 executed action did can't" in said
        assert "Nothing waits" not in said
