"""From drafts to actions: what is refused, what refreshes, what revises."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.actions.lifecycle import SubmitResult, SubmitRules, lift_suppression, submit, transition
from growth_pipelines.actions.model import ActionDraft, FieldChange, action_digest
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.suppression import MayNotLift, NotSuppressed
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.guided_selling import recommend as guided_selling
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, Batch, OutboxEntry
from tests.basket_frames import baskets, frames_of
from tests.drafts import NOW, SHOP, decided, seo_draft, submitted, task_draft, with_operator

DAY = timedelta(days=1)


def hand_in(
    store: Store, *drafts: ActionDraft, recommender: str = "seo_ctr", now: datetime = NOW, **rules: Any
) -> SubmitResult:
    return submit(store, drafts, recommender=recommender, shop_id=SHOP, now=now, rules=SubmitRules(**rules))


def reason(result: SubmitResult) -> str:
    assert result.created == result.revised == result.refreshed == []
    ((_, why),) = result.refused
    return why


def executed(store: Store, settings: Settings, action: Action, now: datetime = NOW) -> None:
    decided(store, settings, action, now=now)
    with store.session() as session:
        for step in (("approved", "executing"), ("executing", "executed")):
            assert transition(session, action.id, action.version, *step, actor="e", channel="e", now=now)


def test_a_draft_becomes_a_pending_action_with_its_request_event_and_outbox_entry(store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    assert (action.state, action.version, len(action.ref)) == ("pending", 1, 12)
    assert action.ref.isalnum()
    assert action.digest == action_digest(seo_draft().draft, seo_draft().target, 1)
    assert action.expires_at == NOW + 7 * DAY
    with store.read() as session:
        request = session.scalars(select(ApprovalRequest)).one()
        assert (request.status, request.version, request.digest) == ("pending", 1, action.digest)
        assert request.due_at == NOW + DAY  # medium priority
        assert find(session, action.ref).id == find(session, action.id).id == action.id
        events = [entry.event for entry in session.scalars(select(OutboxEntry))]
    assert events == ["action.created", "batch.submitted"]


ENDLESS = seo_draft().evidence[0].model_copy(update={"baseline": float("inf")})
NOWHERE = seo_draft().target.model_copy(update={"gid": "", "url": "", "handle": ""})
BACKWARDS = "the impact's interval ends before it begins"
FLAWED = [
    (seo_draft(evidence=()), "no evidence"),
    (seo_draft(rollback_plan=" "), "no rollback plan"),
    (seo_draft(diff=()), "empty diff"),
    (seo_draft(diff=(FieldChange(field="seo.title", before="same", after="same"),)), "empty diff"),
    (seo_draft(draft={}), "empty diff"),
    (seo_draft(confidence=0.59), "confidence 0.59 is under 0.60"),
    (task_draft(confidence=0.49), "confidence 0.49 is under 0.50"),
    (seo_draft().model_copy(update={"kind": "astrology"}), "unknown kind astrology"),
    (seo_draft(subtype="image"), "unknown subtype image of seo_ctr"),
    (seo_draft(title="a\0b"), "a text holds a NUL character"),
    (seo_draft(factors={"x": float("nan")}), "the impact is not a number"),
    (seo_draft(score=float("inf")), "the impact is not a number"),
    (seo_draft(evidence=(ENDLESS,)), "the evidence holds a value that is not a number"),
    (seo_draft(draft={"title": float("nan")}), "the draft holds what JSON can't"),
    (seo_draft(draft={"title": object()}), "the draft holds what JSON can't"),
    (seo_draft(title="half \ud83d"), "a text holds half a character"),
    (seo_draft(target=NOWHERE), "no target: neither a gid, a URL nor a handle"),
    (seo_draft(impact=seo_draft().impact.model_copy(update={"low": 31.0})), BACKWARDS),
    (seo_draft(impact=seo_draft().impact.model_copy(update={"revenue_low": 61.0})), BACKWARDS),
]


def test_a_flawed_draft_is_refused_with_the_reason(store: Store) -> None:
    for draft, why in FLAWED:
        assert reason(hand_in(store, draft)) == why


def test_confidence_at_the_limit_is_enough(store: Store) -> None:
    assert len(hand_in(store, seo_draft(confidence=0.6), task_draft(confidence=0.5)).created) == 2


def test_one_flawed_draft_does_not_hold_up_the_others(store: Store) -> None:
    result = hand_in(store, seo_draft(1, evidence=()), seo_draft(2))
    assert (len(result.created), len(result.refused)) == (1, 1)


def test_the_same_draft_again_refreshes_the_evidence_and_keeps_digest_version_and_expiry(store: Store) -> None:
    (before,) = submitted(store, seo_draft())
    result = hand_in(store, seo_draft(score=50.0, rationale="newer"), now=NOW + DAY)
    with store.read() as session:
        after = find(session, before.id)
        assert session.query(ApprovalRequest).count() == 1
    assert result.refreshed == [before.id]
    assert (after.score, after.rationale) == (50.0, "newer")
    assert (after.digest, after.version, after.expires_at) == (before.digest, 1, before.expires_at)
    assert after.created_at == before.created_at


def test_what_a_product_is_called_by_now_is_no_other_change(store: Store) -> None:
    """Names in a diff are for reading: the digest stands, and the page has the newest ones."""
    change = seo_draft().diff[0]
    (before,) = submitted(store, seo_draft())  # as it was stored before changes had names
    result = hand_in(store, seo_draft(diff=(change.model_copy(update={"names": {"p1": "Hose"}}),)))
    with store.read() as session:
        after = find(session, before.id)
    assert result.refreshed == [before.id]
    assert (after.digest, after.version) == (before.digest, 1)
    assert "names" not in before.diff[0]
    assert after.diff[0]["names"] == {"p1": "Hose"}


def test_another_draft_is_the_next_version_on_the_same_id(store: Store) -> None:
    (before,) = submitted(store, seo_draft())
    result = hand_in(store, seo_draft(title="AN-6 line, braided"), now=NOW + DAY)
    with store.read() as session:
        after = find(session, before.id)
        requests = session.scalars(select(ApprovalRequest).order_by(ApprovalRequest.version)).all()
        told = session.scalars(select(OutboxEntry.event).where(OutboxEntry.event == "action.revised")).all()
    assert result.revised == [before.id]
    assert (after.version, after.state, after.expires_at) == (2, "pending", before.expires_at)
    assert after.digest != before.digest
    assert [request.status for request in requests] == ["superseded", "pending"]
    assert requests[1].digest == after.digest
    assert told == ["action.revised"]  # the reviewers hear of it


def test_a_changed_before_text_is_another_version_too(store: Store) -> None:
    """The operator decides on what is overwritten as well, so that must not change under the same digest."""
    (before,) = submitted(store, seo_draft())
    diff = (FieldChange(field="seo.title", before="someone changed this", after="AN-6 fuel line, 10 ft"),)
    hand_in(store, seo_draft(diff=diff))
    with store.read() as session:
        assert find(session, before.id).version == 2


def test_a_revised_draft_brings_changes_requested_back_and_leaves_deferred_deferred(
    store: Store, settings: Settings
) -> None:
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one, "request_changes", note="shorter")
    decided(store, settings, two, "defer", until=NOW.date() + 5 * DAY)
    hand_in(store, seo_draft(1, title="new"), seo_draft(2, title="new"))
    with store.read() as session:
        states = [(a.state, a.version) for a in (find(session, one.id), find(session, two.id))]
    assert states == [("pending", 2), ("deferred", 2)]


def test_an_operators_words_are_not_replaced_by_the_next_run(store: Store, settings: Settings) -> None:
    (before,) = submitted(store, seo_draft())
    decided(store, settings, before, "edit", draft={"title": "Bo's title"})
    result = hand_in(store, seo_draft(score=50.0), now=NOW + DAY)
    with store.read() as session:
        after = find(session, before.id)
    assert (result.refreshed, after.version, after.score) == ([before.id], 2, 50.0)
    assert after.draft == {"title": "Bo's title"}
    assert after.digest == action_digest(after.draft, seo_draft().target, 2)
    decided(store, settings, after, "request_changes", note="another one")
    assert hand_in(store, seo_draft(title="new"), now=NOW + DAY).revised == [before.id]


def test_an_approved_action_is_left_alone(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    result = hand_in(store, seo_draft(title="another"))
    with store.read() as session:
        after = find(session, action.id)
    assert (result.kept, result.revised, result.created) == ([action.id], [], [])
    assert (after.state, after.version, after.digest) == ("approved", 1, action.digest)


def test_another_recommenders_open_action_on_the_same_field_refuses_the_draft(store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    why = reason(hand_in(store, seo_draft(), recommender="other"))
    assert why == f"seo.title already has an open action of seo_ctr ({action.ref})"
    assert hand_in(store, seo_draft(title=None, description="free"), recommender="other").created
    assert hand_in(store, seo_draft(2), recommender="other").created


def test_after_the_open_action_is_closed_another_recommender_may_draft(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, "reject", reason="tone")
    assert hand_in(store, seo_draft(title="another"), recommender="other").created


def test_two_drafts_on_the_same_field_in_one_batch_make_one_action_of_the_better(store: Store) -> None:
    result = hand_in(store, seo_draft(score=1.0, title="worse"), seo_draft(score=2.0, title="better"))
    assert (len(result.created), len(result.refused)) == (1, 1)
    with store.read() as session:
        assert find(session, result.created[0]).draft == {"title": "better"}


def test_a_draft_that_covers_two_open_actions_revises_one_and_supersedes_the_other(store: Store) -> None:
    one, two = submitted(store, seo_draft(), seo_draft(title=None, description="desc"))
    result = hand_in(store, seo_draft(title="t", description="d"))
    assert len(result.revised) == len(result.superseded) == 1
    assert {*result.revised, *result.superseded} == {one.id, two.id}


def test_task_cards_of_different_problems_on_one_page_are_separate_actions(store: Store) -> None:
    assert len(hand_in(store, task_draft(), task_draft(subtype="layout", metric="cls")).created) == 2
    assert len(hand_in(store, task_draft(), task_draft(subtype="layout", metric="cls")).refreshed) == 2


def test_a_kit_stays_one_action_when_another_of_its_parts_is_wanted_most(store: Store) -> None:
    context = RecommenderContext(NOW.date(), "Hot Rod Parts", "https://www.hotrodparts.example", "USD")
    orders = [(60, [1, 2, 3]), (10, [1]), (20, [2]), (30, [3]), (900, [4])]
    results = []
    for more in ([], [(40, [1])]):
        frames = frames_of(baskets(*orders, *more))
        [kit] = [
            one for one in guided_selling(frames, context, GuidedSellingConfig()) if one.subtype == "kit_rule"
        ]
        results.append((kit, hand_in(store, kit, recommender="guided_selling")))
    (one, first), (other, again) = results
    assert (
        one.rationale.partition("orders that hold")[2][:20]
        != other.rationale.partition("orders that hold")[2][:20]
    )
    assert again.refreshed == first.created
    assert (len(first.created), again.created, again.revised) == (1, [], [])


def test_a_rolled_back_kind_is_suppressed_on_its_resource_until_an_operator_lifts_it(
    store: Store, settings: Settings
) -> None:
    (action,) = submitted(store, seo_draft())
    executed(store, settings, action)
    with store.session() as session:
        transition(session, action.id, 1, "executed", "rolled_back", actor="e", channel="e", now=NOW + DAY)
    later = NOW + 60 * DAY
    assert "was rolled back; an operator must lift that" in reason(hand_in(store, seo_draft(title="x"), now=later))
    with store.session() as session:
        lift_suppression(session, find(session, action.id), actor="bo", channel="cli", now=NOW + 2 * DAY)
    assert hand_in(store, seo_draft(title="x"), now=later).created


def test_what_is_not_suppressed_can_not_be_lifted_nor_by_anyone(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "vi", "viewer")
    (action,) = submitted(store, seo_draft())
    executed(store, settings, action)
    with store.session() as session:
        with pytest.raises(NotSuppressed, match="seo_ctr is not suppressed for https"):
            lift_suppression(session, find(session, action.id), actor="bo", channel="cli", now=NOW)
        transition(session, action.id, 1, "executed", "rolled_back", actor="e", channel="e", now=NOW + DAY)
        for nobody in ("vi", "stranger"):
            with pytest.raises(MayNotLift):
                lift_suppression(session, find(session, action.id), actor=nobody, channel="cli", now=NOW + DAY)
        lift_suppression(session, find(session, action.id), actor="bo", channel="cli", now=NOW + DAY)
        with pytest.raises(NotSuppressed):
            lift_suppression(session, find(session, action.id), actor="bo", channel="cli", now=NOW + DAY)


def test_a_title_changes_at_most_once_in_14_days(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    executed(store, settings, action)
    again = seo_draft(title="again")
    assert "the title was changed on 2026-11-22" in reason(hand_in(store, again, now=NOW + 13 * DAY))
    assert hand_in(store, seo_draft(title=None, description="free"), now=NOW + DAY).created
    assert hand_in(store, seo_draft(2), now=NOW + DAY).created
    assert hand_in(store, again, now=NOW + 14 * DAY).created


def test_a_rollback_suppresses_although_another_action_of_the_kind_came_after_it(
    store: Store, settings: Settings
) -> None:
    (title,) = submitted(store, seo_draft())
    executed(store, settings, title)
    (description,) = submitted(store, seo_draft(title=None, description="d"), now=NOW + DAY)
    decided(store, settings, description, "reject", reason="tone", now=NOW + 2 * DAY)
    with store.session() as session:
        transition(session, title.id, 1, "executed", "rolled_back", actor="e", channel="e", now=NOW + DAY)
    assert "was rolled back" in reason(hand_in(store, seo_draft(title="x"), now=NOW + 60 * DAY))


def test_an_open_action_is_no_way_round_the_14_days(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    executed(store, settings, action)
    hand_in(store, seo_draft(title=None, description="d"), now=NOW + DAY)
    both = seo_draft(title="again", description="d")
    assert "the title was changed on 2026-11-22" in reason(hand_in(store, both, now=NOW + 2 * DAY))


def test_a_task_is_the_same_one_with_and_without_a_field_that_it_also_writes(store: Store) -> None:
    alt = FieldChange(field="image.alt", before="", after="A fuel line", change_type="add")
    task = task_draft(subtype="image", metric="lcp")
    both = task.model_copy(update={"draft": {**task.draft, "alt": "A fuel line"}, "diff": (alt, *task.diff)})
    (created,) = hand_in(store, both).created
    assert hand_in(store, task).revised == [created]
    assert hand_in(store, both).revised == [created]


def test_what_the_operator_rejected_is_not_proposed_again_at_once(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, "reject", reason="tone")
    assert "bo rejected this same draft on 2026-11-22" in reason(hand_in(store, seo_draft(), now=NOW + DAY))
    assert hand_in(store, seo_draft(title="another"), now=NOW + DAY).created


def test_the_weekly_cap_keeps_the_best_and_counts_seven_days(store: Store) -> None:
    drafts = [seo_draft(number, score=float(number)) for number in range(1, 6)]
    result = hand_in(store, *drafts, weekly_cap=3)
    with store.read() as session:
        assert sorted(find(session, i).score for i in result.created) == [3.0, 4.0, 5.0]
    assert {why for _, why in result.refused} == {"seo_ctr has drafted 3 actions in 7 days, its cap"}
    assert len(hand_in(store, *drafts, weekly_cap=3, now=NOW + 6 * DAY).created) == 0
    assert len(hand_in(store, *drafts, weekly_cap=3, now=NOW + 7 * DAY).created) == 2
    assert len(hand_in(store, *drafts, weekly_cap=0).refused) == 0


def test_the_batch_digest_depends_on_the_drafts_alone(store: Store) -> None:
    first = hand_in(store, seo_draft(1), seo_draft(2))
    again = hand_in(store, seo_draft(2, score=9.0), seo_draft(1), now=NOW + DAY)
    other = hand_in(store, seo_draft(2, title="other"), seo_draft(1), now=NOW + DAY)
    assert first.batch_digest == again.batch_digest != other.batch_digest
    with store.read() as session:
        assert session.query(Batch).count() == 3
        assert {a.batch_digest for a in session.scalars(select(Action))} == {other.batch_digest}


def test_an_empty_batch_is_a_batch(store: Store) -> None:
    assert hand_in(store).action_ids == []


def test_pages_without_a_resource_id_are_told_apart_by_their_url(store: Store) -> None:
    home = seo_draft().target.model_copy(update={"gid": "", "url": "https://x.example/"})
    other = home.model_copy(update={"url": "https://x.example/other"})
    assert len(hand_in(store, seo_draft(target=home), seo_draft(target=other)).created) == 2
