"""Policies as people meet them: who may approve, how many must, who stands in, what changes when they change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from growth_pipelines.actions.authority import authority
from growth_pipelines.actions.lifecycle import expire_due
from growth_pipelines.actions.model import SUBTYPES
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.transitions import request_of
from growth_pipelines.approvals.absences import BadAbsence, add_absence, end_absence
from growth_pipelines.approvals.automatic import save_book
from growth_pipelines.approvals.clocks import tell_late
from growth_pipelines.approvals.decide import AlreadyDecided, NotAllowed, TimeIsOver
from growth_pipelines.approvals.operators import change_role, remove_operator
from growth_pipelines.commands.doctor import diagnose
from growth_pipelines.commands.serve import supervisor
from growth_pipelines.policies.book import MayNotSave, Outdated, check_people, in_force
from growth_pipelines.policies.terms import BadBook, book_of, shipped
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalRequest, AuditEvent, OutboxEntry
from tests.drafts import NOW, decided, seo_draft, submitted, with_operator

HOUR = timedelta(hours=1)


@pytest.fixture
def people(store: Store, settings: Settings) -> None:
    """The admin ada and the operators bo and cy; the viewer dee."""
    with_operator(store, settings, "ada", "admin")
    with_operator(store, settings, "cy")
    with_operator(store, settings, "dee", "viewer")


def put_in_force(store: Store, *rules: dict[str, Any], actor: str = "ada", now: datetime = NOW) -> None:
    document = shipped().document()
    with store.session() as session:
        book = book_of({**document, "rules": [*document["rules"], *rules]})
        seen = in_force(session).version
        save_book(session, book, actor=actor, channel="cli", now=now, seen=seen)


def present(store: Store, action: Action) -> tuple[Action, ApprovalRequest]:
    with store.read() as session:
        found = find(session, action.id)
        request = request_of(session, found)
    assert request is not None
    return found, request


def valid(store: Store, action: Action) -> Any:
    with store.read() as session:
        return authority(session, find(session, action.id), NOW)


@pytest.mark.usefixtures("people")
def test_two_must_approve_where_the_policy_says_two(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    (action,) = submitted(store, seo_draft())
    first = decided(store, settings, action)
    assert (first.outcome, first.votes, first.state) == ("voted", {"have": 1, "need": 2}, "pending")
    assert not valid(store, action).valid
    with pytest.raises(NotAllowed, match="bo has approved it already; 1 more must"):
        decided(store, settings, action, note="again")
    last = decided(store, settings, action, operator="cy")
    assert (last.outcome, last.state) == ("decided", "approved")
    assert valid(store, action).valid
    # The first vote is part of the authority: whoever gave it and is removed takes it along.
    remove_operator(store, settings, "bo", NOW)
    assert "bo may not decide" in valid(store, action).why
    with store.read() as session:
        assert verify_chain(session).intact


@pytest.mark.usefixtures("people")
def test_one_no_ends_it_and_a_new_version_starts_without_votes(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    assert decided(store, settings, one, "reject", operator="cy", reason="tone").state == "rejected"
    decided(store, settings, two)
    decided(store, settings, two, "edit", operator="cy", draft={"title": "AN-6 hose, 10 ft, black"})
    newer, _ = present(store, two)
    assert decided(store, settings, newer, operator="ada").votes == {"have": 1, "need": 2}


@pytest.mark.usefixtures("people")
def test_a_vote_counts_no_longer_than_the_right_that_it_was_given_by(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "eve", "admin")
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    decided(store, settings, one)
    decided(store, settings, two, operator="cy")
    # Left to admins meanwhile: what an operator said before is not one of the two.
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2, "roles": ["admin"]})
    assert decided(store, settings, one, operator="ada").votes == {"have": 1, "need": 2}
    assert decided(store, settings, one, operator="eve").state == "approved"
    assert valid(store, one).valid
    # Who was removed takes the vote along, and with it no approval that would never be carried out.
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    remove_operator(store, settings, "cy", NOW)
    assert decided(store, settings, two, operator="ada").votes == {"have": 1, "need": 2}
    assert decided(store, settings, two).state == "approved"
    assert valid(store, two).valid


@pytest.mark.usefixtures("people")
def test_fewer_votes_asked_for_than_there_are_hold_up_nobody(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "quorum": 3})
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action)
    decided(store, settings, action, operator="cy")
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    assert decided(store, settings, action, note="with cy").state == "approved"
    assert valid(store, action).valid
    with store.read() as session:
        assert verify_chain(session).intact


@pytest.mark.usefixtures("people")
def test_the_right_of_one_who_is_away_makes_no_second_vote(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "eve", "admin")
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2, "roles": ["admin"]})
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, operator="ada")
    with store.session() as session:
        times = {"begins_at": NOW - HOUR, "ends_at": NOW + HOUR, "now": NOW}
        add_absence(session, operator="ada", delegate="cy", actor="ada", channel="console", **times)
    with pytest.raises(NotAllowed, match="by the right of ada already"):
        decided(store, settings, action, operator="cy")
    assert decided(store, settings, action, operator="eve").state == "approved"


@pytest.mark.usefixtures("people")
def test_with_four_eyes_nobody_approves_what_they_wrote(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "four_eyes": True})
    (action,) = submitted(store, seo_draft())
    edit = {"title": "AN-6 hose, 10 ft, black"}
    with pytest.raises(NotAllowed, match="bo proposed or edited it") as refused:
        decided(store, settings, action, "approve_with_edits", draft=edit)
    untouched, _ = present(store, action)
    assert untouched.version == 1
    # What is told and recorded of a refusal is the action as it is, not as the refused edit would have made it.
    assert (refused.value.action["version"], refused.value.action["digest"]) == (1, untouched.digest)
    with store.read() as session:
        record = session.query(AuditEvent).filter(AuditEvent.event == "decision_refused").one()
        assert (record.version, record.after_digest) == (1, untouched.digest)
    decided(store, settings, action, "edit", draft=edit)
    newer, _ = present(store, action)
    with pytest.raises(NotAllowed, match="bo proposed or edited it"):
        decided(store, settings, newer)
    assert decided(store, settings, newer, operator="cy").state == "approved"


@pytest.mark.usefixtures("people")
def test_what_is_left_to_admins_an_operator_may_refuse_but_not_approve(store: Store, settings: Settings) -> None:
    put_in_force(store, {"risk": "low", "roles": ["admin"]})
    one, two = submitted(store, seo_draft(1), seo_draft(2))
    with pytest.raises(NotAllowed, match="leave this to admins; bo is an operator"):
        decided(store, settings, one)
    assert decided(store, settings, one, "reject", reason="tone").state == "rejected"
    assert decided(store, settings, two, operator="ada").state == "approved"
    with store.read() as session:
        refusals = session.query(AuditEvent).filter(AuditEvent.event == "decision_refused").all()
        assert [event.actor for event in refusals] == ["bo"]


@pytest.mark.usefixtures("people")
def test_a_delegate_approves_for_who_is_away_and_only_then(store: Store, settings: Settings) -> None:
    put_in_force(store, {"approvers": ["ada"], "roles": ["admin"]})
    (action,) = submitted(store, seo_draft())
    away = {"operator": "ada", "delegate": "cy", "actor": "ada", "channel": "console", "now": NOW}
    with store.session() as session:
        noted = add_absence(session, begins_at=NOW - HOUR, ends_at=NOW + HOUR, **away)
        with pytest.raises(BadAbsence, match="away already"):
            add_absence(session, begins_at=NOW, ends_at=NOW + 2 * HOUR, **away)
    with pytest.raises(NotAllowed, match="bo is an operator"):
        decided(store, settings, action)
    assert decided(store, settings, action, operator="cy").state == "approved"
    assert valid(store, action).valid
    with store.read() as session:
        told = session.query(AuditEvent).filter(AuditEvent.event == "approved").one()
        assert (told.actor, told.payload["for"]) == ("cy", "ada")
    change_role(store, settings, "ada", "viewer", NOW)
    assert valid(store, action).why == "ada may not decide (any more)"
    change_role(store, settings, "ada", "admin", NOW)
    with store.session() as session:
        end_absence(session, noted.id, actor="ada", channel="console", now=NOW)
    (other,) = submitted(store, seo_draft(2))
    with pytest.raises(NotAllowed, match="leave this to admins"):
        decided(store, settings, other, operator="cy")


@pytest.mark.usefixtures("people")
def test_new_policies_hold_for_what_waits_and_keep_its_clock(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    _, before = present(store, action)
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2, "answer_hours": 1})
    _, after = present(store, action)
    assert after.terms is not None
    assert after.terms["quorum"] == 2
    assert (after.due_at, after.remind_at) == (before.due_at, before.remind_at)
    assert (before.policy_version, after.policy_version) == (0, 1)
    assert decided(store, settings, action).outcome == "voted"


@pytest.mark.usefixtures("people")
def test_only_admins_save_policies_and_nobody_over_another(store: Store) -> None:
    with pytest.raises(MayNotSave):
        put_in_force(store, {"quorum": 2}, actor="bo")
    put_in_force(store, {"kind": "seo_ctr", "quorum": 2})
    with store.session() as session, pytest.raises(Outdated, match="at version 1 now"):
        save_book(session, shipped(), actor="ada", channel="cli", now=NOW, seen=0)
    with store.read() as session:
        saved = session.query(AuditEvent).filter(AuditEvent.event == "policy_saved").one()
        assert saved.payload["version"] == 1


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"quorum": 4}, "more than the 3 who may approve"),
        ({"kind": "seo"}, "there is no kind seo"),
        ({"escalate_to": "eve"}, "eve is no active operator"),
        ({"approvers": ["dee"]}, "none of its approvers has one of the roles"),
        ({"at_the_end": "approve"}, "at_the_end"),
        ({"quorum": 0}, "quorum"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_book_that_cannot_work_is_refused_and_says_where(store: Store, rule: dict[str, Any], why: str) -> None:
    with pytest.raises(BadBook, match=why):
        put_in_force(store, rule)
    with store.read() as session:
        assert in_force(session).version == 0


def test_four_eyes_need_two_pairs(store: Store, settings: Settings) -> None:
    with_operator(store, settings, "ada", "admin")
    remove_operator(store, settings, "bo", NOW)
    with pytest.raises(BadBook, match="four eyes need two operators; there are 1"):
        put_in_force(store, {"four_eyes": True})


@pytest.mark.usefixtures("people")
def test_rules_that_only_together_ask_for_too_many_are_refused(store: Store) -> None:
    with pytest.raises(BadBook, match="seo_ctr, risk high: a quorum of 2 is more than the 1 who may approve"):
        put_in_force(store, {"kind": "seo_ctr", "quorum": 2}, {"risk": "high", "roles": ["admin"]})


@pytest.mark.usefixtures("people")
def test_the_machine_does_not_start_while_too_few_are_left_to_approve(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "quorum": 3})
    with store.read() as session:
        check_people(session, SUBTYPES)
    remove_operator(store, settings, "cy", NOW)
    with store.read() as session, pytest.raises(BadBook, match="Nobody can approve some actions any more"):
        check_people(session, SUBTYPES)
    with pytest.raises(BadBook, match="seo_ctr, risk low: a quorum of 3 is more than the 2"):
        supervisor(settings, lambda _: None)
    assert [finding.state for finding in diagnose(settings) if finding.check == "policies"] == ["fail"]


@pytest.mark.usefixtures("people")
def test_people_are_reminded_at_half_time_and_the_second_contact_is_told_at_its_end(
    store: Store, settings: Settings
) -> None:
    put_in_force(store, {"escalate_to": "ada"})
    with store.session() as session:
        add_absence(
            session,
            operator="ada",
            delegate="cy",
            begins_at=NOW,
            ends_at=NOW + 48 * HOUR,
            actor="ada",
            channel="cli",
            now=NOW,
        )
    urgent, calm, gone = submitted(
        store, seo_draft(1, priority="critical"), seo_draft(2, priority="low"), seo_draft(3, priority="critical")
    )
    decided(store, settings, gone, "reject", reason="tone")
    assert tell_late(store, NOW + 0.9 * HOUR) == tell_late(store, NOW)
    assert tell_late(store, NOW + HOUR).reminded == (urgent.ref,)
    assert tell_late(store, NOW + HOUR).reminded == ()
    assert tell_late(store, NOW + 2 * HOUR).escalated == (urgent.ref,)
    # A machine that was off for long tells of the end alone.
    late = tell_late(store, NOW + 80 * HOUR)
    assert (late.reminded, late.escalated) == ((), (calm.ref,))
    with store.read() as session:
        entries = session.query(OutboxEntry).filter(OutboxEntry.event == "action.escalated").all()
        assert [entry.payload["contacts"] for entry in entries] == [["cy"], ["ada"]]
        assert verify_chain(session).intact


@pytest.mark.usefixtures("people")
def test_silence_is_a_no_where_the_policy_says_so_and_never_a_yes(store: Store, settings: Settings) -> None:
    put_in_force(store, {"kind": "seo_ctr", "subtype": "title", "at_the_end": "reject"})
    rejected, expired = submitted(store, seo_draft(1), seo_draft(2, title=None, description="AN-6 hose, black."))
    later = NOW + timedelta(days=8)
    for action, state in ((rejected, "rejected"), (expired, "expired")):
        with pytest.raises(TimeIsOver, match=f"is {state} since"):
            decided(store, settings, action, now=later)
    expire_due(store, later)
    assert [present(store, action)[0].state for action in (rejected, expired)] == ["rejected", "expired"]
    # Nobody said no to the draft: it may be proposed again.
    (again,) = submitted(store, seo_draft(1), now=later)
    assert again.id != rejected.id


@pytest.mark.usefixtures("people")
def test_the_late_are_told_who_was_first(store: Store, settings: Settings) -> None:
    (action,) = submitted(store, seo_draft())
    decided(store, settings, action, operator="cy")
    with pytest.raises(AlreadyDecided, match=r"decided by cy at 2026-11-22 14:00 UTC \(cli\): it is approved"):
        decided(store, settings, action, "reject", reason="tone")
