"""One decision, many doors: proof, first-wins, digest binding, and what each decision does."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from growth_pipelines.actions.lifecycle import release_deferred, revise, transition
from growth_pipelines.actions.model import Target, action_digest
from growth_pipelines.actions.queue import NoSuchAction, find
from growth_pipelines.approvals.decide import (
    AlreadyDecided,
    DecisionRequest,
    NotAllowed,
    SessionProof,
    SignatureProof,
    StaleDigest,
    decide,
)
from growth_pipelines.approvals.operators import new_link, remove_operator
from growth_pipelines.approvals.sessions import log_in, log_out
from growth_pipelines.approvals.signatures import AT_ONCE, DecisionRecord, ProofRefused, sign
from growth_pipelines.drafts.edits import BadEdit
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, OutboxEntry
from tests.drafts import NOW, decided, seo_draft, submitted, task_draft, with_operator

DAY = timedelta(days=1)


@pytest.fixture
def action(store: Store) -> Action:
    (action,) = submitted(store, seo_draft())
    return action


@pytest.fixture
def console(store: Store, settings: Settings) -> SessionProof:
    """bo, signed in to the console."""
    person = log_in(store, settings, new_link(store, settings, "bo", NOW).link_token, NOW)
    return SessionProof(person.token, person.csrf)


def now_is(store: Store, action: Action) -> Action:
    with store.read() as session:
        return find(session, action.id)


def request_row(store: Store, action: Action, version: int = 1) -> ApprovalRequest:
    with store.read() as session:
        wanted = select(ApprovalRequest).where(
            ApprovalRequest.action_id == action.id, ApprovalRequest.version == version
        )
        return session.scalars(wanted).one()


def events(store: Store, event: str) -> list[AuditEvent]:
    with store.read() as session:
        assert verify_chain(session).intact
        return list(session.scalars(select(AuditEvent).where(AuditEvent.event == event)))


def test_approving_on_the_console_changes_action_request_chain_and_outbox_together(
    store: Store, settings: Settings, action: Action, console: SessionProof
) -> None:
    result = decide(store, settings, DecisionRequest(action.ref, "approve", action.digest, "good"), console, NOW)
    assert (result.state, result.request_status) == ("approved", "approved")
    request = request_row(store, action)
    assert (request.decided_by, request.channel, request.comment, request.decided_at) == (
        "bo",
        "console",
        "good",
        NOW,
    )
    assert [(e.actor, e.channel, e.after_digest) for e in events(store, "approved")] == [
        ("bo", "console", action.digest)
    ]
    with store.read() as session:
        told = session.scalars(select(OutboxEntry).where(OutboxEntry.event == "action.approved")).one()
    assert (told.payload["action_id"], told.payload["actor"]) == (action.id, "bo")
    assert now_is(store, action).expires_at == NOW + 7 * DAY


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("live", "is approved and will be executed by 2026-11-29 14:00 UTC or not at all."),
        ("propose", "is approved; in propose mode nothing is written to the shop."),
    ],
)
def test_who_approves_is_told_what_comes_of_it(
    store: Store, settings: Settings, action: Action, mode: str, told: str
) -> None:
    actions = settings.actions.model_copy(update={"mode": mode})
    settings = settings.model_copy(update={"actions": actions})
    assert decided(store, settings, action).message == f"{action.ref} {told}"


def test_who_approves_work_is_told_that_its_card_opens(store: Store, settings: Settings) -> None:
    settings = settings.model_copy(update={"actions": settings.actions.model_copy(update={"mode": "live"})})
    [work] = submitted(store, task_draft())
    told = decided(store, settings, work).message
    assert told == f"{work.ref} is approved; its task card with the steps to do opens next."


def test_the_first_decision_wins_and_the_second_is_told_who_when_and_where(
    store: Store, settings: Settings, action: Action, console: SessionProof
) -> None:
    decided(store, settings, action)
    with pytest.raises(AlreadyDecided) as late:
        decide(store, settings, DecisionRequest(action.id, "reject", action.digest, reason="tone"), console, NOW)
    assert "was decided by bo at 2026-11-22 14:00 UTC (cli): it is approved" in str(late.value)
    assert late.value.action["state"] == "approved"
    assert now_is(store, action).state == "approved"


def test_a_stale_digest_is_refused_and_the_current_draft_comes_along(
    store: Store, settings: Settings, action: Action, console: SessionProof
) -> None:
    with store.session() as session:
        revise(
            session,
            action.id,
            1,
            "pending",
            draft={"title": "newer"},
            diff=[{"field": "seo.title", "before": "old title", "after": "newer", "change_type": "change"}],
            actor="seo_ctr",
            channel="recommender",
            now=NOW,
        )
    with pytest.raises(StaleDigest) as stale:
        decide(store, settings, DecisionRequest(action.id, "approve", action.digest), console, NOW)
    assert (stale.value.action["draft"], stale.value.action["version"]) == ({"title": "newer"}, 2)
    assert now_is(store, action).state == "pending"


@pytest.mark.parametrize("made", ["approve", "reject", "defer", "request_changes"])
def test_only_a_pending_action_can_be_edited_or_decided(
    store: Store, settings: Settings, action: Action, made: str
) -> None:
    parts: dict[str, Any] = {"note": "n", "reason": "tone", "until": (NOW + DAY).date(), "draft": {"title": "x"}}
    decided(store, settings, action, made, **parts)
    before = now_is(store, action)
    for decision in ("approve", "edit", "request_changes", "reject", "defer"):
        with pytest.raises(AlreadyDecided):
            decided(store, settings, before, decision, **{**parts, "note": "again"})
    after = now_is(store, action)
    assert (after.state, after.version, after.digest) == (before.state, before.version, before.digest)


def test_an_expired_action_cannot_be_approved_although_no_sweep_has_run(
    store: Store, settings: Settings, action: Action
) -> None:
    with pytest.raises(AlreadyDecided, match="is expired since"):
        decided(store, settings, action, now=NOW + 7 * DAY)
    assert now_is(store, action).state == "expired"
    assert request_row(store, action).status == "expired"


def test_a_deferred_action_whose_day_has_come_can_be_decided_although_no_sweep_has_run(
    store: Store, settings: Settings, action: Action
) -> None:
    decided(store, settings, action, "defer", until=(NOW + DAY).date())
    assert decided(store, settings, action, now=NOW + DAY).state == "approved"


@pytest.mark.parametrize(
    ("decision", "parts", "message"),
    [
        ("reject", {}, "needs a reason"),
        ("reject", {"reason": "boring"}, "needs a reason"),
        ("reject", {"reason": "other"}, "needs a note"),
        ("request_changes", {"note": " "}, "needs a note"),
        ("defer", {}, "needs a date from tomorrow on"),
        ("defer", {"until": NOW.date()}, "needs a date from tomorrow on"),
        ("defer", {"until": (NOW + 61 * DAY).date()}, "at most 60 days ahead"),
        ("edit", {}, "needs the edited draft"),
        ("edit", {"draft": {"description": "x"}}, "description can't be edited"),
        ("edit", {"draft": {"title": ""}}, "isn't empty"),
        ("edit", {"draft": {"title": "x" * 400}}, "400 characters"),
        ("edit", {"draft": {"title": ["x"]}}, "must be a text"),
        ("edit", {"draft": {"title": "old title"}}, "nothing to change"),
    ],
)
def test_an_incomplete_decision_changes_nothing_and_says_what_is_missing(
    store: Store, settings: Settings, action: Action, decision: str, parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(GrowthError, match=message):
        decided(store, settings, action, decision, **parts)
    after = now_is(store, action)
    assert (after.state, after.version, after.digest) == ("pending", 1, action.digest)
    assert request_row(store, action).decided_by is None
    assert len(events(store, "decision_refused")) == 1


@pytest.mark.parametrize(
    "parts",
    [
        {"note": "a\0b"},
        {"draft": {"title": "a\0b"}},
        {"draft": {"title": "\ud800"}},
        {"draft": {"title": float("nan")}},
    ],
)
def test_what_is_no_text_is_refused_on_the_console(
    store: Store, settings: Settings, action: Action, console: SessionProof, parts: dict[str, Any]
) -> None:
    asked = DecisionRequest(
        action.id, "approve_with_edits" if "draft" in parts else "approve", action.digest, **parts
    )
    with pytest.raises(GrowthError, match="is no text"):
        decide(store, settings, asked, console, NOW)
    with pytest.raises(GrowthError, match="is no text"):
        decided(store, settings, action, asked.decision, **parts)
    with pytest.raises(NoSuchAction):
        decide(store, settings, DecisionRequest("a\0b", "approve", action.digest), console, NOW)
    assert now_is(store, action).state == "pending"


def test_approving_with_edits_approves_the_operators_text_as_the_next_version(
    store: Store, settings: Settings, action: Action
) -> None:
    result = decided(store, settings, action, "approve_with_edits", draft={"title": "Bo's title"})
    after = now_is(store, action)
    assert (result.state, after.version, after.draft) == ("approved", 2, {"title": "Bo's title"})
    assert after.digest == action_digest(after.draft, Target.model_validate(after.target), 2)
    assert after.diff[0]["after"] == "Bo's title"
    assert (request_row(store, action).status, request_row(store, action, 2).status) == ("superseded", "approved")
    (event,) = events(store, "approved")
    assert event.payload["edit"] == [{"part": "title", "before": "AN-6 fuel line, 10 ft", "after": "Bo's title"}]
    assert event.payload["seen"] == action.digest


def test_an_edit_makes_a_new_version_that_waits_for_its_own_decision(
    store: Store, settings: Settings, action: Action
) -> None:
    decided(store, settings, action, "edit", draft={"title": "Bo's title"})
    with pytest.raises(StaleDigest):
        decided(store, settings, action)
    assert decided(store, settings, now_is(store, action)).state == "approved"


def test_the_steps_of_a_task_can_be_edited(store: Store, settings: Settings) -> None:
    (task,) = submitted(store, task_draft())
    decided(store, settings, task, "edit", draft={"steps": ["Remove the app"]})
    assert now_is(store, task).diff[0]["after"] == "Remove the app"
    with pytest.raises(BadEdit):
        decided(store, settings, now_is(store, task), "edit", draft={"steps": [1]})


def test_requesting_changes_closes_the_question_until_there_is_a_new_draft(
    store: Store, settings: Settings, action: Action
) -> None:
    result = decided(store, settings, action, "request_changes", note="shorter")
    request = request_row(store, action)
    assert (result.state, request.status, request.comment) == ("changes_requested", "superseded", "shorter")


def test_deferring_moves_the_expiry_and_leaves_the_question_open(
    store: Store, settings: Settings, action: Action
) -> None:
    decided(store, settings, action, "defer", until=(NOW + 60 * DAY).date())
    request = request_row(store, action)
    assert now_is(store, action).expires_at == request.expires_at == NOW.replace(hour=0) + 67 * DAY
    assert (request.status, request.decided_by) == ("pending", None)


def test_a_deferred_action_comes_back_when_the_day_begins_where_the_shop_is(
    store: Store, settings: Settings, action: Action
) -> None:
    """Nobody sets the zone: it is what the shop said of itself when it was last read."""
    settings.shop_file.write_text('{"timezone": "America/Denver"}', encoding="utf-8")
    decided(store, settings, action, "defer", until=(NOW + DAY).date())
    assert now_is(store, action).deferred_until == NOW.replace(day=23, hour=7)


def test_a_rollback_needs_an_executed_action_and_a_reason(
    store: Store, settings: Settings, action: Action
) -> None:
    with pytest.raises(AlreadyDecided, match="is pending"):
        decided(store, settings, action, "rollback", reason="clicks fell")
    decided(store, settings, action)
    with store.session() as session:
        for step in (("approved", "executing"), ("executing", "executed")):
            transition(session, action.id, 1, *step, actor="e", channel="e", now=NOW)
    with pytest.raises(GrowthError, match="needs a reason"):
        decided(store, settings, action, "rollback")
    assert decided(store, settings, action, "rollback", reason="clicks fell").state == "executed"
    later = NOW + timedelta(seconds=1)
    with pytest.raises(AlreadyDecided, match="bo asked for that at 2026-11-22 14:00 UTC"):
        decided(store, settings, action, "rollback", reason="once more", now=later)
    assert [e.payload["reason"] for e in events(store, "rollback_requested")] == ["clicks fell"]


def test_a_refusal_keeps_the_beginning_of_what_was_sent(
    store: Store, settings: Settings, console: SessionProof
) -> None:
    with pytest.raises(NoSuchAction):
        decide(store, settings, DecisionRequest("x" * 9999, "approve", "y" * 9999), console, NOW)
    (told,) = events(store, "decision_refused")
    assert (told.actor, told.channel) == ("bo", "console")
    assert (told.payload["action"], told.payload["digest"]) == ("x" * 64, "y" * 64)
    assert len(told.payload["why"]) == 500


def test_a_viewer_may_sign_in_but_decides_nothing(store: Store, settings: Settings, action: Action) -> None:
    with_operator(store, settings, "vi", "viewer")
    with pytest.raises(NotAllowed, match="vi is a viewer"):
        decided(store, settings, action, operator="vi")
    assert [e.actor for e in events(store, "decision_refused")] == ["vi"]
    assert now_is(store, action).state == "pending"


def test_a_browser_needs_a_live_session_and_its_own_form(
    store: Store, settings: Settings, action: Action, console: SessionProof
) -> None:
    request = DecisionRequest(action.id, "approve", action.digest)
    for proof in (
        SessionProof("", ""),
        SessionProof("guessed", console.csrf),
        SessionProof(console.token, ""),
        SessionProof(console.token, "guessed"),
    ):
        with pytest.raises(ProofRefused):
            decide(store, settings, request, proof, NOW)
    with pytest.raises(ProofRefused, match="Nobody is signed in"):
        decide(store, settings, request, console, NOW + timedelta(hours=12))
    log_out(store, console.token, NOW)
    with pytest.raises(ProofRefused, match="Nobody is signed in"):
        decide(store, settings, request, console, NOW)
    assert now_is(store, action).state == "pending"


Forge = Callable[[DecisionRecord, Settings], Any]


@pytest.mark.parametrize(
    ("forge", "flaw"),
    [
        (lambda record, _: "not json", "malformed"),
        (lambda record, _: "1" * 5000, "malformed"),
        (lambda record, _: "[" * 100_000, "malformed"),
        (lambda record, _: {}, "malformed"),
        (lambda record, _: [record.model_dump(mode="json")], "malformed"),
        (lambda record, _: {**record.model_dump(mode="json"), "passed": True}, "malformed"),
        (lambda record, _: {**record.model_dump(mode="json"), "signature": ""}, "bad_signature"),
        (lambda record, _: {**record.model_dump(mode="json"), "signature": "§§"}, "bad_signature"),
        (lambda record, _: {**record.model_dump(mode="json"), "note": "changed"}, "bad_signature"),
        (lambda record, _: {**record.model_dump(mode="json"), "operator": "eve"}, "unknown_operator"),
        (lambda record, _: {**record.model_dump(mode="json"), "operator": "al"}, "bad_signature"),
        (
            lambda record, _: {**record.model_dump(mode="json"), "expires_at": (NOW + DAY).isoformat()},
            "bad_signature",
        ),
        (
            lambda record, settings: sign(settings, record.model_copy(update={"expires_at": NOW})),
            "expired",
        ),
    ],
)
def test_a_forged_or_stale_record_decides_nothing_and_is_on_record(
    store: Store, settings: Settings, action: Action, forge: Forge, flaw: str
) -> None:
    with_operator(store, settings, "al")
    record = sign(
        settings,
        DecisionRecord(
            action_id=action.id,
            version=1,
            digest=action.digest,
            decision="approve",
            operator="bo",
            expires_at=NOW + AT_ONCE,
        ),
    )
    proof = SignatureProof(forge(record, settings), "dagster")
    with pytest.raises(ProofRefused) as refused:
        decide(store, settings, DecisionRequest.of(record), proof, NOW)
    assert refused.value.flaw == flaw
    assert now_is(store, action).state == "pending"
    assert [(e.actor, e.channel) for e in events(store, "decision_refused")] == [("unknown", "dagster")]


def test_a_signature_over_one_decision_is_no_proof_of_another(
    store: Store, settings: Settings, action: Action
) -> None:
    (other,) = submitted(store, seo_draft(2))
    common = {"version": 1, "digest": action.digest, "operator": "bo", "expires_at": NOW + AT_ONCE}
    record = sign(settings, DecisionRecord(action_id=action.id, decision="reject", reason="tone", **common))
    for request in (
        DecisionRequest(action.id, "approve", action.digest),
        DecisionRequest(other.id, "reject", action.digest, reason="tone"),
        DecisionRequest(action.id, "reject", action.digest, reason="incorrect"),
    ):
        with pytest.raises(ProofRefused, match="over another decision"):
            decide(store, settings, request, SignatureProof(record), NOW)
    assert now_is(store, action).state == now_is(store, other).state == "pending"


def test_a_removed_operators_signature_is_no_proof(store: Store, settings: Settings, action: Action) -> None:
    record = sign(
        settings,
        DecisionRecord(
            action_id=action.id,
            version=1,
            digest=action.digest,
            decision="approve",
            operator="bo",
            expires_at=NOW + AT_ONCE,
        ),
    )
    remove_operator(store, settings, "bo", NOW)
    with pytest.raises(ProofRefused) as refused:
        decide(store, settings, DecisionRequest.of(record), SignatureProof(record), NOW)
    assert refused.value.flaw == "unknown_operator"


def test_a_replayed_signature_changes_nothing(store: Store, settings: Settings, action: Action) -> None:
    until = (NOW + DAY).date()
    record = sign(
        settings,
        DecisionRecord(
            action_id=action.id,
            version=1,
            digest=action.digest,
            decision="defer",
            until=until,
            operator="bo",
            expires_at=NOW + 30 * DAY,
        ),
    )
    decide(store, settings, DecisionRequest.of(record), SignatureProof(record), NOW)
    release_deferred(store, NOW + DAY)
    # The last letter of a signature before its padding holds four bits that nobody reads.
    respelt = record.model_copy(update={"signature": _respelt(record.signature)})
    for copy in (record, respelt):
        with pytest.raises(AlreadyDecided, match="counts once"):
            decide(store, settings, DecisionRequest.of(copy), SignatureProof(copy), NOW)
    assert now_is(store, action).state == "pending"


def _respelt(signature: str) -> str:
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    other = signature[:-3] + letters[letters.index(signature[-3]) ^ 1] + "=="
    assert base64.b64decode(other) == base64.b64decode(signature)
    return other


def test_a_record_pasted_as_text_counts_like_the_record_itself(
    store: Store, settings: Settings, action: Action
) -> None:
    record = sign(
        settings,
        DecisionRecord(
            action_id=action.id,
            version=1,
            digest=action.digest,
            decision="approve",
            operator="bo",
            expires_at=NOW + AT_ONCE,
        ),
    )
    proof = SignatureProof(record.model_dump_json(indent=2), "dagster")
    assert decide(store, settings, DecisionRequest.of(record), proof, NOW).state == "approved"
    assert [e.channel for e in events(store, "approved")] == ["dagster"]
