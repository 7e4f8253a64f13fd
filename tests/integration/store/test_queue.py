"""What the operator is shown first."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from growth_pipelines.actions.lifecycle import expire_due, overdue, release_deferred, transition
from growth_pipelines.actions.queue import (
    NoSuchAction,
    as_document,
    count_states,
    find,
    history,
    list_actions,
    rank,
    top,
)
from growth_pipelines.actions.subject import conflict
from growth_pipelines.bench.many_actions import fill
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ACTION_STATES, Action
from tests.drafts import NOW, decided, seo_draft, settings_in, submitted, task_draft
from tests.new_stores import new_store
from tests.rows_read import rows_read

DAY = timedelta(days=1)


def shown(store: Store, n: int = 10) -> list[tuple[str, float]]:
    with store.read() as session:
        return [(action.recommender, action.score) for action in top(session, n, NOW)]


def test_the_best_come_first(store: Store) -> None:
    submitted(store, *(seo_draft(number, score=float(number)) for number in (2, 5, 1)))
    assert [score for _, score in shown(store)] == [5, 2, 1]


def test_at_equal_scores_fresher_evidence_then_lower_risk_goes_first(store: Store) -> None:
    newer = (seo_draft().evidence[0].model_copy(update={"end": NOW.date()}),)
    risky, plain, fresh = submitted(
        store, seo_draft(1, risk_tier="high"), seo_draft(2), seo_draft(3, evidence=newer, risk_tier="high")
    )
    with store.read() as session:
        assert [action.id for action in top(session, 10, NOW)] == [fresh.id, plain.id, risky.id]


def test_no_recommender_takes_more_than_half_while_others_are_worth_something(store: Store) -> None:
    submitted(store, *(seo_draft(number, score=100.0 + number) for number in range(12)))
    submitted(store, *(task_draft(number, score=float(number)) for number in range(1, 8)))
    found = shown(store)
    assert [name for name, _ in found].count("seo_ctr") == 5
    assert found == sorted(found, key=lambda pair: -pair[1])


def test_places_that_nobody_else_wants_go_to_the_one_that_has_more(store: Store) -> None:
    submitted(store, *(seo_draft(number, score=100.0 + number) for number in range(12)))
    submitted(store, task_draft(1, score=3.0), task_draft(2, score=0.0))
    names = [name for name, _ in shown(store)]
    assert (len(names), names.count("cwv_repair")) == (10, 1)


def test_two_actions_on_the_same_field_are_never_shown_together(store: Store) -> None:
    better, worse = submitted(store, seo_draft(1, score=9.0), seo_draft(2, score=8.0))
    with store.session() as session:  # as an import or an older release might have left it
        session.execute(update(Action).where(Action.id == worse.id).values(resource_gid=better.resource_gid))
    assert shown(store) == [("seo_ctr", 9.0)]


def test_decided_and_expired_actions_are_not_shown(store: Store, settings: Settings) -> None:
    one, _ = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    assert len(shown(store)) == 1
    with store.read() as session:
        assert top(session, 10, NOW + 7 * DAY) == []


def test_the_document_holds_what_scripts_rely_on(store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    document = as_document(action)
    assert {"id", "kind", "subtype", "state", "target", "title", "score", "confidence", "impact", "digest"} <= set(
        document
    )
    assert {"created_at", "expires_at", "evidence", "diff"} <= set(document)
    assert {"type", "gid", "url", "handle"} == set(document["target"])
    assert {"metric", "delta", "low", "high", "revenue_28d"} <= set(document["impact"])
    assert document["diff"][0]["before"] == "old title"


def test_lists_filter_and_lookups_refuse_unknown_ids(store: Store, settings: Settings) -> None:
    one, _, _ = submitted(store, seo_draft(1), seo_draft(2)) + submitted(store, task_draft(3))
    decided(store, settings, one)
    with store.read() as session:
        assert len(list_actions(session)) == 3
        assert [a.id for a in list_actions(session, state="approved")] == [one.id]
        assert len(list_actions(session, state="pending", kind="cwv_repair")) == 1
        with pytest.raises(NoSuchAction):
            find(session, "nothing")


def test_the_history_tells_who_did_what(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, "reject", reason="other", note="we renamed it")
    with store.read() as session:
        events = history(session, action)
    assert [(event["event"], event["actor"], event["channel"]) for event in events] == [
        ("created", "seo_ctr", "recommender"),
        ("rejected", "bo", "cli"),
    ]
    assert events[1]["payload"]["note"] == "we renamed it"


def test_pending_actions_expire_after_7_days_and_the_expiry_is_stored(store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    assert expire_due(store, NOW + 7 * DAY - timedelta(seconds=1)) == []
    assert expire_due(store, NOW + 7 * DAY) == [action.id]
    assert expire_due(store, NOW + 7 * DAY) == []
    with store.read() as session:
        assert find(session, action.id).state == "expired"


def test_approved_actions_expire_7_days_after_the_approval(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, now=NOW + 6 * DAY)
    assert expire_due(store, NOW + 12 * DAY) == []
    assert expire_due(store, NOW + 13 * DAY) == [action.id]


def test_a_deferred_action_comes_back_on_its_date_and_then_has_7_days(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    until = (NOW + 30 * DAY).date()
    decided(store, settings, action, "defer", until=until)
    midnight = NOW.replace(hour=0) + 30 * DAY
    assert expire_due(store, NOW + 29 * DAY) == []
    assert release_deferred(store, midnight - timedelta(seconds=1)) == []
    assert release_deferred(store, midnight) == [action.id]
    with store.read() as session:
        back = find(session, action.id)
    assert (back.state, back.decided_by, back.expires_at) == ("pending", None, midnight + 7 * DAY)
    assert expire_due(store, midnight + 7 * DAY) == [action.id]


def test_what_takes_too_long_is_reported(store: Store, settings: Settings) -> None:
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    decided(store, settings, two)
    with store.session() as session:
        transition(session, two.id, 1, "approved", "executing", actor="e", channel="e", now=NOW)
        assert overdue(session, NOW + timedelta(minutes=5)) == []
        assert [late.action_id for late in overdue(session, NOW + timedelta(minutes=6))] == [two.id]
        assert len(overdue(session, NOW + timedelta(hours=25))) == 2


def shown_by_definition(store: Store, n: int) -> list[str]:
    """The Top ``n`` as the rules say it, over every action at once."""
    with store.read() as session:
        everything = session.scalars(
            select(Action).where(Action.state == "pending", Action.expires_at > NOW)
        ).all()
    compatible: list[Action] = []
    for action in sorted(everything, key=rank, reverse=True):
        if not any(conflict(action, other) for other in compatible):
            compatible.append(action)
    chosen: list[Action] = []
    for action in compatible:
        mine = sum(other.recommender == action.recommender for other in chosen)
        if action.score > 0 and mine < max(1, n // 2) and len(chosen) < n:
            chosen.append(action)
    rest = [action for action in compatible if action not in chosen]
    return [action.id for action in sorted(chosen + rest[: n - len(chosen)], key=rank, reverse=True)]


@pytest.mark.parametrize(("resources", "scores"), [(5, 1000), (40, 3), (300, 1), (1000, 100_000)])
def test_the_top_is_what_the_rules_say_however_many_conflict_or_tie(
    store: Store, resources: int, scores: int
) -> None:
    fill(store, 600, seed=resources, now=NOW, resources=resources, scores=scores)
    for n in (1, 10, 30):
        with store.read() as session:
            found = top(session, n, NOW)
        assert [action.id for action in found] == shown_by_definition(store, n)
        assert not any(conflict(one, other) for one in found for other in found if one is not other)


@pytest.mark.postgres
def test_the_top_of_a_long_queue_reads_a_few_pages_of_it(postgres_url: str, tmp_path: Path) -> None:
    store = new_store(settings_in(tmp_path, postgres_url))
    fill(store, 10_000, seed=7, now=NOW, resources=2000, scores=3)
    with store.read() as session:
        assert len(top(session, 10, NOW)) == 10
        assert rows_read(session, "actions") < 1000


def test_states_are_counted_as_far_as_asked(store: Store) -> None:
    fill(store, 200, seed=7, now=NOW, resources=50)
    with store.read() as session:
        exact = Counter(session.scalars(select(Action.state)))
        assert count_states(session, 1000) == {state: exact[state] for state in sorted(ACTION_STATES)}
        assert count_states(session, 5) == {state: min(exact[state], 5) for state in sorted(ACTION_STATES)}


def test_lists_are_in_the_order_of_the_ranking(store: Store) -> None:
    fill(store, 300, seed=1, now=NOW, resources=50, scores=3)
    with store.read() as session:
        listed = list_actions(session)
    assert [action.id for action in listed] == [action.id for action in sorted(listed, key=rank, reverse=True)]
