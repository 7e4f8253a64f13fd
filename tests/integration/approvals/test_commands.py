"""The command line: what it prints, what it refuses, its exit codes."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.actions.lifecycle import transition
from growth_pipelines.actions.outcomes import record_outcomes
from growth_pipelines.actions.queue import find
from growth_pipelines.cli import main
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent
from tests.drafts import NOW, seo_draft, settings_in, submitted, task_draft, with_operator
from tests.new_stores import new_store
from tests.outcomes_read import executed, outcome_row


class Terminal:
    """Runs `growth …` in this process as a user would, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        captured = self._capsys.readouterr()
        self.err = captured.err
        return int(ended.value.code or 0), captured.out

    def json(self, *words: str) -> Any:
        code, out = self(*words, "--json")
        assert code == 0, self.err
        return json.loads(out)


@pytest.fixture
def growth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.setenv("GROWTH_HOME", str(tmp_path))
    monkeypatch.setenv("GROWTH_NOW", NOW.isoformat())
    monkeypatch.setenv("GROWTH_OPERATOR", "bo")
    monkeypatch.setenv("COLUMNS", "140")
    return Terminal(capsys)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    settings = settings_in(tmp_path)
    store = new_store(settings)
    with_operator(store, settings)
    return store


def state_of(store: Store, action: Action) -> tuple[str, int]:
    with store.read() as session:
        found = find(session, action.id)
    return found.state, found.version


def test_list_shows_every_action_and_filters(growth: Terminal, store: Store) -> None:
    submitted(store, seo_draft(1, score=5.0), seo_draft(2, score=9.0))
    submitted(store, task_draft(3, score=1.0))
    assert [d["score"] for d in growth.json("actions", "list")] == [9.0, 5.0, 1.0]
    assert len(growth.json("actions", "list", "--kind", "cwv_repair", "--state", "pending")) == 1
    assert growth.json("actions", "list", "--state", "approved") == []
    assert len(growth.json("actions", "list", "--top", "2")) == 2
    assert "A better snippet" in growth("actions", "list")[1]
    assert growth("actions", "list", "--state", "odd")[0] == 1


def test_what_an_action_did_is_shown_with_its_interval_and_how_it_reads(growth: Terminal, store: Store) -> None:
    action = executed(store, draft=task_draft())
    rows = [
        outcome_row(action, 28, 45.0, "success", metric="sessions"),
        outcome_row(action, 28, -420.0, None, metric="inp_phone", is_promised=False, estimate=None),
        outcome_row(action, 28, 0.01, None, metric="cls_phone", is_promised=False, estimate=None),
        outcome_row(action, 28, None, None, metric="revenue", is_promised=False, skipped="Too few are alike."),
    ]
    with store.session() as session:
        record_outcomes(session, rows, NOW)
    code, out = growth("actions", "show", action.ref)
    assert code == 0
    for told in (
        r"sessions\W+28\W+45\W+40 to \+50\W+success",
        r"inp_phone\W+28\W+−420\W+−425 to −415\W+better",
        r"cls_phone\W+28\W+0\.01\W+.*no difference shown",
        r"revenue\W+28\W+not known\W+Too few are alike",
    ):
        assert re.search(told, out), told
    still_to_come = "The page had just got worse when the repair was proposed."
    assert still_to_come not in out
    with store.session() as session:
        slower = outcome_row(action, 28, 45.0, None, metric="lcp_phone", is_promised=False, estimate=None)
        record_outcomes(session, [slower], NOW)
    assert still_to_come not in growth("actions", "show", action.ref)[1], "nothing had regressed before"
    with store.session() as session:
        session.get_one(Action, action.id).labels = ["regressed"]
    out = growth("actions", "show", action.ref)[1]
    assert re.search(r"lcp_phone\W+28\W+45\W+40 to \+50\W+worse", out)
    assert still_to_come in out


def test_show_tells_the_diff_the_evidence_and_the_digest(growth: Terminal, store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    code, out = growth("actions", "show", action.ref)
    assert code == 0
    for text in (action.digest, "old title", "AN-6 fuel line, 10 ft", "Write the old title back.", "created"):
        assert text in out
    assert growth.json("actions", "show", action.id)["history"][0]["event"] == "created"


def test_approving_needs_the_digest_of_what_was_seen(growth: Terminal, store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    assert growth("actions", "approve", action.ref)[0] == 2
    code, _ = growth("actions", "approve", action.ref, "--digest", "0" * 64)
    assert (code, "has changed since you looked at it" in growth.err) == (1, True)
    assert growth("actions", "approve", action.ref, "--digest", action.digest)[0] == 0
    assert state_of(store, action) == ("approved", 1)
    code, _ = growth("actions", "approve", action.ref, "--digest", action.digest)
    assert (code, "was decided by bo" in growth.err) == (1, True)


def test_the_other_decisions(growth: Terminal, store: Store, tmp_path: Path) -> None:
    one, two, three, four = submitted(store, *(seo_draft(number) for number in range(4)))
    assert growth("actions", "reject", one.ref, "--reason", "tone")[0] == 0
    assert growth("actions", "request-changes", two.ref, "--note", "shorter")[0] == 0
    assert growth("actions", "defer", three.ref, "--until", f"{NOW + timedelta(days=9):%Y-%m-%d}")[0] == 0
    (tmp_path / "edit.json").write_text('{"title": "Edited"}')
    assert growth("actions", "edit", four.ref, "--file", str(tmp_path / "edit.json"))[0] == 0
    states = [state_of(store, action) for action in (one, two, three, four)]
    assert states == [("rejected", 1), ("changes_requested", 1), ("deferred", 1), ("pending", 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "must hold the draft's parts"), ("{", "can't be read"), ('{"alt": "x"}', "alt can't be edited")],
)
def test_a_bad_edit_file_is_one_clear_line(
    growth: Terminal, store: Store, tmp_path: Path, content: str, message: str
) -> None:
    (action,) = submitted(store, seo_draft())
    (tmp_path / "edit.json").write_text(content)
    assert growth("actions", "edit", action.ref, "--file", str(tmp_path / "edit.json"))[0] == 1
    assert message in growth.err.splitlines()[-1]
    assert state_of(store, action) == ("pending", 1)


@pytest.mark.parametrize("operator", ["", "eve"])
def test_nobody_in_particular_decides_nothing(
    growth: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch, operator: str
) -> None:
    (action,) = submitted(store, seo_draft())
    monkeypatch.setenv("GROWTH_OPERATOR", operator)
    assert growth("actions", "approve", action.ref, "--digest", action.digest)[0] == 1
    assert "GROWTH_OPERATOR" in growth.err
    assert state_of(store, action) == ("pending", 1)


def test_a_printed_signature_is_accepted_where_it_is_pasted(
    growth: Terminal, store: Store, tmp_path: Path
) -> None:
    from growth_pipelines.approvals.decide import DecisionRequest, SignatureProof, decide
    from growth_pipelines.approvals.signatures import verify

    (action,) = submitted(store, seo_draft())
    assert growth("actions", "sign", action.ref, "--digest", "0" * 64) == (1, "")
    code, text = growth("actions", "sign", action.ref, "--digest", action.digest)
    record = verify(store, text, NOW + timedelta(hours=23))
    assert (code, record.decision, record.operator) == (0, "approve", "bo")
    assert text.count("\n") == 1, "several lines would break the indentation of Dagster's launchpad"
    decide(store, settings_in(tmp_path), DecisionRequest.of(record), SignatureProof(text, "dagster"), NOW)
    assert state_of(store, action) == ("approved", 1)


def test_rolling_back_what_was_never_executed_fails(growth: Terminal, store: Store) -> None:
    (action,) = submitted(store, seo_draft())
    assert growth("actions", "rollback", action.ref, "--reason", "x")[0] == 1
    assert "Only an executed action can be rolled back" in growth.err


def test_a_suppression_is_lifted_by_an_operator_only(
    growth: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (action,) = submitted(store, seo_draft())
    with_operator(store, settings_in(tmp_path), "vi", "viewer")
    monkeypatch.setenv("GROWTH_OPERATOR", "vi")
    assert growth("actions", "lift", action.ref)[0] == 1
    assert "vi may not lift a suppression" in growth.err
    monkeypatch.setenv("GROWTH_OPERATOR", "bo")
    assert growth("actions", "lift", action.ref)[0] == 1
    assert "is not suppressed" in growth.err
    assert growth("actions", "approve", action.ref, "--digest", action.digest)[0] == 0
    with store.session() as session:
        for step in (("approved", "executing"), ("executing", "executed"), ("executed", "rolled_back")):
            assert transition(session, action.id, 1, *step, actor="e", channel="e", now=NOW)
    assert growth("actions", "lift", action.ref) == (
        0,
        f"seo_ctr may be proposed again for {action.target['url']}.\n",
    )


def test_operators_are_added_listed_linked_and_removed(growth: Terminal) -> None:
    code, out = growth("operators", "add", "al", "--role", "admin")
    assert (code, "http://127.0.0.1:8800/login?token=" in out, "al.key" in out) == (0, True, True)
    assert growth("operators", "add", "al")[0] == 1
    assert [(row["name"], row["role"], row["active"]) for row in growth.json("operators", "list")] == [
        ("al", "admin", True)
    ]
    assert growth("operators", "link", "al")[1].startswith("http://")
    assert growth("operators", "role", "al", "viewer") == (0, "al is a viewer now.\n")
    assert growth.json("operators", "list")[0]["role"] == "viewer"
    assert growth("operators", "role", "nobody", "viewer")[0] == 1
    assert growth("operators", "reset", "al")[1].startswith("http://")
    assert growth.json("operators", "reset", "al")["link"].startswith("http://")
    assert growth("operators", "remove", "al")[0] == 0
    assert growth.json("operators", "list")[0]["active"] is False
    assert growth("operators", "remove", "al")[0] == 1


def test_audit_verify_fails_when_the_chain_is_broken(growth: Terminal, store: Store) -> None:
    from sqlalchemy import text

    submitted(store, seo_draft())
    assert growth.json("audit", "verify")["intact"] is True
    with store.connection() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        connection.execute(text("UPDATE audit_events SET actor = 'eve' WHERE seq = 1"))
    code, out = growth("audit", "verify")
    assert (code, "event 1 (operator_added by eve) was changed" in out) == (1, True)


def test_heads_are_published_and_exports_proved_on_the_command_line(
    growth: Terminal, store: Store, tmp_path: Path
) -> None:
    submitted(store, seo_draft())
    key = growth("audit", "key")[1].strip()
    head = growth.json("audit", "publish")
    known = f"{head['seq']}:{head['hash']}"
    kept = tmp_path / "kept.ndjson"
    kept.write_text((tmp_path / "audit" / "heads.ndjson").read_text())
    verified = growth.json("audit", "verify", "--head", known, "--heads", str(kept), "--key", key)
    assert (verified["intact"], verified["heads"]) == (True, 3)
    for form in ("ndjson", "csv"):
        file = tmp_path / f"events.{form}"
        file.write_text(growth("audit", "export", "--format", form)[1])
        assert growth.json("audit", "verify", "--file", str(file), "--head", known)["whole"] is True
    part = tmp_path / "part.ndjson"
    part.write_text(
        growth("audit", "export", "--actor", "bo", "--since", "2026-11-22", "--until", "2026-11-22")[1]
    )
    assert "a part of the chain" in growth("audit", "verify", "--file", str(part))[1]
    assert growth("audit", "export", "--until", "2026-11-21")[1] == ""
    assert growth("audit", "verify", "--head", f"{head['seq']}:{'0' * 64}")[0] == 1
    assert growth("audit", "verify", "--head", "nonsense")[0] == 2
    part.write_text(part.read_text()[:-20])
    assert growth("audit", "verify", "--file", str(part))[0] == 1
    kept.write_text(kept.read_text().replace(head["hash"], "f" * 64))
    code, out = growth("audit", "verify", "--heads", str(kept))
    assert (code, "isn't signed by this key" in out, "the chain was made anew" in out) == (1, True, True)


def test_listing_without_a_shop_or_operators_works(growth: Terminal) -> None:
    assert growth.json("actions", "list") == []


def test_bulk_shows_what_it_covers_asks_and_decides_each(
    growth: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = submitted(store, *(seo_draft(number) for number in (1, 2, 3)))
    code, out = growth("actions", "bulk", "reject", one.ref, "--yes")
    assert (code, "Rejecting needs a reason" in growth.err) == (1, True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out = growth("actions", "bulk", "approve", one.ref, two.ref)
    assert (code, "Nothing was decided." in out) == (1, True)
    assert growth.json("actions", "list", "--state", "approved") == []
    code, out = growth("actions", "bulk", "approve", one.ref, two.ref, "--yes")
    assert code == 0, growth.err
    assert "2 of 2 can be decided" in out
    assert {row["ref"] for row in growth.json("actions", "list", "--state", "approved")} == {one.ref, two.ref}
    code, out = growth("actions", "bulk", "reject", two.ref, three.ref, "--reason", "tone", "--yes")
    assert code == 1
    assert f"{two.ref} was decided by bo" in out
    assert f"{three.ref} is rejected." in out


def test_the_export_holds_the_list(growth: Terminal, store: Store, tmp_path: Path) -> None:
    submitted(store, seo_draft(1, score=1.0), seo_draft(2, score=2.0))
    submitted(store, task_draft(3))
    listed = growth.json("actions", "list", "--kind", "seo_ctr")
    _, out = growth("actions", "export", "--format", "json", "--kind", "seo_ctr", "--since", "2026-11-22")
    assert json.loads(out) == listed
    file = tmp_path / "actions.csv"
    assert growth("actions", "export", "--output", str(file))[0] == 0
    assert len(file.read_text().splitlines()) == 4
    assert growth("actions", "export", "--since", "2026-11-23")[1].count("\n") == 1


def test_policies_are_shown_previewed_and_saved_by_an_admin(
    growth: Terminal, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_operator(store, settings_in(tmp_path), "ada", "admin")
    submitted(store, seo_draft(confidence=0.9))
    _, book = growth("policies", "show")
    file = tmp_path / "book.yaml"
    file.write_text(book.replace("four_eyes: false", "four_eyes: maybe"))
    code, _ = growth("policies", "save", str(file))
    assert (code, "rules.0" in growth.err) == (1, True)
    file.write_text(book.replace("{kind: seo_ctr, enabled: false", "{kind: seo_ctr, enabled: true"))
    found = growth.json("policies", "preview", str(file))
    assert [(one["kind"], one["now"], one["waiting"]) for one in found] == [("seo_ctr", 1, 1)]
    code, _ = growth("policies", "save", str(file), "--note", "trying it")
    assert (code, "bo may not change policies" in growth.err) == (1, True)
    monkeypatch.setenv("GROWTH_OPERATOR", "ada")
    assert growth.json("policies", "save", str(file), "--note", "trying it")["version"] == 1
    assert [row["note"] for row in growth.json("policies", "history")] == ["trying it"]
    assert growth("policies", "automatic", "seo_ctr", "off")[0] == 0
    automatic = {rule["kind"]: rule for rule in growth.json("policies", "show")["policies"]["automatic"]}
    assert not automatic["seo_ctr"]["enabled"]
    assert growth.json("policies", "show", "--version", "1")["policies"]["automatic"][0]["enabled"]


def test_absences_are_noted_listed_and_taken_back(growth: Terminal, store: Store, tmp_path: Path) -> None:
    with_operator(store, settings_in(tmp_path), "cy")
    days = ("--from", "2026-12-20", "--until", "2027-01-02")
    assert growth("policies", "absences", "add", "bo", "--delegate", "cy", *days)[0] == 0
    (away,) = growth.json("policies", "absences", "list")
    assert (away["operator"], away["delegate"], away["ends_at"][:10]) == ("bo", "cy", "2027-01-03")
    assert growth("policies", "absences", "add", "cy", "--delegate", "bo", *days)[0] == 1
    assert "may only note absences of their own" in growth.err
    assert growth("policies", "absences", "remove", away["id"])[0] == 0
    assert growth.json("policies", "absences", "list") == []


def test_an_edit_that_nothing_backs_is_confirmed_by_its_code(
    growth: Terminal, store: Store, tmp_path: Path
) -> None:
    (action,) = submitted(store, seo_draft())
    file = tmp_path / "edit.json"
    file.write_text(json.dumps({"title": "AN-6 fuel line with lifetime warranty"}))
    assert growth("actions", "edit", action.ref, "--file", str(file))[0] == 1
    assert "Nothing here backs what the edit says" in growth.err
    assert state_of(store, action) == ("pending", 1)
    code = growth.err.rsplit("`confirm`: ", 1)[1].split(".", 1)[0]
    assert growth("actions", "edit", action.ref, "--file", str(file), "--confirm", code)[0] == 0
    assert state_of(store, action) == ("pending", 2)
    with store.read() as session:
        (told,) = session.query(AuditEvent).where(AuditEvent.event == "revised")
    assert "Vouched for" in told.payload["note"]
