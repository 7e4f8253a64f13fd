"""From decisions and outcomes in the store to what is shown next, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.queue import top
from growth_pipelines.actions.scoring import score
from growth_pipelines.errors import GrowthError
from growth_pipelines.feedback.capture import capture, edit_signals
from growth_pipelines.feedback.document import learning_document
from growth_pipelines.feedback.gate import evaluate
from growth_pipelines.feedback.habits import habits_followed
from growth_pipelines.feedback.learnt import learnt, signal_frame
from growth_pipelines.feedback.rankings import (
    BY_WIN_RATES,
    CHAINED,
    UNLEARNT,
    active_version,
    corrections_of,
    put_in_force,
    roll_back,
)
from growth_pipelines.feedback.showings import show
from growth_pipelines.feedback.switches import MayNotTeach, follow_habit
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import ActionOutcome, AuditEvent, FeedbackSignal, Showing
from tests.drafts import NOW, decided, seo_draft, submitted, task_draft, with_operator

LATER = NOW + timedelta(hours=1)


def _decide_ten(store: Store, settings: Settings) -> None:
    """Ten snippets are approved, ten task cards rejected."""
    for action in submitted(store, *(seo_draft(number) for number in range(1, 11))):
        decided(store, settings, action)
    for action in submitted(store, *(task_draft(number) for number in range(21, 31))):
        decided(store, settings, action, "reject", reason="not_relevant")


def test_each_decision_is_one_signal_however_often_it_is_captured(store: Store, settings: Settings) -> None:
    _decide_ten(store, settings)
    assert capture(store) == 20
    assert capture(store) == 0
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(FeedbackSignal)) == 20
        reasons = set(session.scalars(select(FeedbackSignal.reason)))
    assert reasons == {"", "not_relevant"}


def test_what_was_rejected_counts_less_from_then_on(store: Store, settings: Settings) -> None:
    with store.read() as session:
        assert corrections_of(signal_frame(session, NOW), CHAINED).of("seo_ctr", "title", 0.8) == {"win_rate": 1}
    _decide_ten(store, settings)
    capture(store)
    with store.read() as session:
        signals = signal_frame(session, LATER)
    for version in (CHAINED, BY_WIN_RATES):
        corrections = corrections_of(signals, version)
        assert corrections.of("seo_ctr", "title", 0.8)["win_rate"] > 1.2
        assert corrections.of("cwv_repair", "font", 0.8)["win_rate"] < 0.6


def test_a_score_counts_with_the_confidence_that_outcomes_bear_out(store: Store, settings: Settings) -> None:
    actions = submitted(store, *(seo_draft(number) for number in range(1, 41)))
    for action in actions:
        decided(store, settings, action)
    capture(store)
    with store.session() as session:
        # Half of what was 80 % sure did nothing.
        _measure(session, {one.id: 20.0 for one in actions[::2]})
        _measure(session, {one.id: 0.0 for one in actions[1::2]}, "none")
    with store.read() as session:
        learned = corrections_of(signal_frame(session, LATER), CHAINED)
        assert "calibration" not in corrections_of(signal_frame(session, LATER), BY_WIN_RATES).of(
            "seo_ctr", "a", 0.8
        )
        document = learning_document(session, LATER)
    factors = learned.of("seo_ctr", "title", 0.8)
    assert 0.45 < 0.8 * factors["calibration"] < 0.65
    # That half of them failed is in the confidence already: those that worked brought what was estimated.
    assert factors["realised"] == pytest.approx(1, abs=0.15)
    assert score(100, 0.8, 1, factors).value < score(100, 0.8, 1).value * 0.9
    own = document["calibration"][1]
    assert own["recommender"] == "seo_ctr"
    assert own["outcomes"] == 40
    assert own["low"] < own["works"] < 0.6


def test_three_edits_alike_are_a_habit_that_can_be_switched_off(store: Store, settings: Settings) -> None:
    for action in submitted(
        store, *(seo_draft(number, title=f"Cheap fuel line {number}") for number in (1, 2, 3))
    ):
        draft = {"title": action.draft["title"].replace("Cheap", "Affordable")}
        decided(store, settings, action, "approve_with_edits", draft=draft)
    capture(store)
    with store.session() as session:
        assert [one.category for one in edit_signals(session, LATER)] == ["tone"] * 3
        assert dict(learnt_habits(learnt(session, LATER))) == {"add:affordable": True, "avoid:cheap": True}
        follow_habit(session, "avoid:cheap", False, actor="bo", channel="test", now=LATER)
        assert dict(learnt_habits(learnt(session, LATER)))["avoid:cheap"] is False


def test_edits_of_work_for_people_teach_no_words_of_texts(store: Store, settings: Settings) -> None:
    for action in submitted(store, *(task_draft(number) for number in (1, 2, 3))):
        decided(store, settings, action, "edit", draft={"steps": ["Open the theme", "Remove the script"]})
    assert capture(store) == 3
    with store.read() as session:
        assert edit_signals(session, LATER) == []
        assert learnt(session, LATER).preferences == ()


def test_drafts_follow_what_is_learnt_until_it_fades_or_is_undone(store: Store, settings: Settings) -> None:
    def edit(numbers: tuple[int, ...], before: str, after: str, now: datetime) -> None:
        for action in submitted(store, *(seo_draft(number, title=f"{before} {number}") for number in numbers)):
            decided(
                store, settings, action, "edit", draft={"title": f"{after} {action.target['handle']}"}, now=now
            )
        capture(store)

    edit((1, 2, 3), "Cheap fuel line", "Fuel line", NOW)
    with store.read() as session:
        assert habits_followed(session, LATER).avoided == {"cheap"}
        assert not habits_followed(session, NOW + timedelta(days=91))
    edit((4, 5), "Fuel line", "Cheap fuel line", LATER)
    with store.read() as session:
        assert "cheap" not in habits_followed(session, LATER).avoided
    with store.session() as session:
        follow_habit(session, "shorter", False, actor="bo", channel="test", now=LATER)
        assert not habits_followed(session, LATER)


def learnt_habits(known) -> list[tuple[str, bool]]:  # type: ignore[no-untyped-def]
    return [(one.key, followed) for one, followed in known.preferences]


def test_one_place_in_ten_tries_something_and_its_probability_is_logged(store: Store) -> None:
    submitted(store, *(seo_draft(number, score=100.0 - number) for number in range(1, 21)))
    with store.session() as session:
        before = [action.id for action in top(session, 10, NOW)]
        showing = show(session, 10, (), CHAINED, NOW)
        assert show(session, 10, (), CHAINED, LATER).id == showing.id
    with store.read() as session:
        now_shown = [action.id for action in top(session, 10, LATER)]
        short = [action.id for action in top(session, 5, LATER)]
    assert now_shown[:9] == before[:9]
    assert now_shown[9] == showing.explored
    assert short == before[:5]
    assert [one["action_id"] for one in showing.shown] == now_shown
    assert sum(one["propensity"] for one in showing.pool) == pytest.approx(1)
    assert min(one["propensity"] for one in showing.pool) > 0


def test_what_is_logged_as_shown_is_what_the_operator_is_shown(store: Store) -> None:
    submitted(store, *(seo_draft(number, score=900.0 - number) for number in range(1, 21)))
    submitted(store, *(task_draft(number) for number in range(21, 41)))
    with store.session() as session:
        showing = show(session, 10, (), CHAINED, NOW)
        seen = {action.id for action in top(session, 10, NOW)}
        makers = [action.recommender for action in top(session, 10, NOW, trying=False)]
    assert {one["action_id"] for one in showing.shown} == seen
    assert makers.count("seo_ctr") == 5


def test_a_ranking_ships_only_through_the_gate_and_can_be_taken_back(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "vera", "viewer")
    with store.session() as session:
        evaluate(session, learnt(session, NOW), NOW)
        with pytest.raises(MayNotTeach):
            roll_back(session, actor="vera", channel="test", now=NOW)
        assert roll_back(session, actor="bo", channel="test", now=NOW) == BY_WIN_RATES
        assert roll_back(session, actor="bo", channel="test", now=NOW) == UNLEARNT
        assert active_version(session) == UNLEARNT
        with pytest.raises(GrowthError):
            roll_back(session, actor="bo", channel="test", now=NOW)
        put_in_force(session, CHAINED, actor="bo", channel="test", now=NOW)
        assert active_version(session) == CHAINED
    with store.read() as session:
        events = list(
            session.scalars(
                select(AuditEvent.event).where(AuditEvent.event.startswith("ranking_")).order_by(AuditEvent.seq)
            )
        )
        assert verify_chain(session).intact
    assert events == ["ranking_rolled_back", "ranking_rolled_back", "ranking_changed"]


def _measure(session: Session, effects: dict[str, float], found: str = "success") -> None:
    session.add_all(
        ActionOutcome(
            action_id=action,
            metric="clicks",
            horizon_days=28,
            slug="",
            is_promised=True,
            outcome_class=found,
            effect=effect,
            effect_low=effect - 8,
            effect_high=effect + 8,
            estimate=20.0,
            days={},
            measured_at=NOW,
        )
        for action, effect in effects.items()
    )
    session.flush()


def test_the_gate_passes_what_is_shown_to_bring_more(store: Store, settings: Settings) -> None:
    """Pools of two: what the plain score prefers is refused, what approvals speak for is taken."""
    good = submitted(store, *(seo_draft(number) for number in range(1, 231)))
    bad = submitted(store, *(task_draft(number) for number in range(301, 531)))
    for action in bad:
        decided(store, settings, action, "reject", reason="not_relevant")
    for action in good:
        decided(store, settings, action)
    capture(store)
    with store.session() as session:
        for place, (one, other) in enumerate(zip(good, bad, strict=True)):
            pool = [
                {"action_id": a.id, "recommender": a.recommender, "subtype": a.subtype, "base": base,
                 "revenue": 40.0, "propensity": 0.5}
                for a, base in ((one, 30.0), (other, 40.0))
            ]  # fmt: skip
            explored = (one, other)[place % 2].id
            session.add(
                Showing(
                    id=f"s{place}",
                    at=NOW,
                    ranking_version=UNLEARNT,
                    shown=[],
                    explored=explored,
                    pool=pool,
                )
            )
        _measure(session, {one.id: 20.0 + place % 5 for place, one in enumerate(good)})
        put_in_force(session, UNLEARNT, actor="bo", channel="test", now=NOW)
        found = {one.version: one for one in evaluate(session, learnt(session, LATER), LATER)}
    for version in (BY_WIN_RATES, CHAINED):
        assert found[version].passed, found[version]
        assert found[version].effective_sample_size >= 100
        assert found[version].low > 0
