"""What the check in Dagster says: green only for a real, current approval; amber while waiting; red if forged."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from growth_pipelines.approvals.signatures import DecisionRecord, OperatorKey
from growth_pipelines.approvals.verdict import Standing, Verdict, verdict

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
BO = Ed25519PrivateKey.generate()
KEYS = {
    "bo": OperatorKey(
        base64.b64encode(BO.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode(), "operator", True
    )
}


def action(state: str = "pending", valid: bool = False, number: int = 1, version: int = 1) -> Standing:
    return Standing(f"a{number}", f"ref{number}", state, version, f"d{number}.{version}", valid, "because")


def record(**other: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "action_id": "a1",
        "version": 1,
        "digest": "d1.1",
        "decision": "approve",
        "operator": "bo",
        "expires_at": NOW + timedelta(minutes=5),
    }
    unsigned = DecisionRecord(**{**fields, **other})
    signature = base64.b64encode(BO.sign(unsigned.signed_text())).decode()
    return unsigned.model_copy(update={"signature": signature}).model_dump(mode="json")


def judged(*actions: Standing, **options: Any) -> Verdict:
    return verdict(actions, NOW, keys=KEYS, **options)


def test_one_valid_approval_among_waiting_ones_passes() -> None:
    found = judged(action(), action("approved", valid=True, number=2))
    assert (found.state, found.passed, found.approved) == ("approved", True, ("a2",))
    assert found.counts == {"approved": 1, "pending": 1}
    assert "ref2" in found.description


@pytest.mark.parametrize("state", ["pending", "deferred", "changes_requested"])
def test_waiting_is_amber(state: str) -> None:
    found = judged(action(state), action("rejected", number=2))
    assert (found.state, found.passed, found.severity) == ("pending", False, "WARN")


def test_a_state_without_authority_does_not_pass() -> None:
    found = judged(action("approved", valid=False))
    assert (found.passed, found.state) == (False, "expired")
    assert "because" in found.description


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ((), "no_proposal"),
        ((action("executed"),), "no_proposal"),
        ((action("rejected"),), "rejected"),
        ((action("expired"),), "expired"),
        ((action("superseded"),), "superseded"),
    ],
)
def test_without_an_approval_it_says_why_in_amber(actions: tuple[Standing, ...], state: str) -> None:
    found = judged(*actions)
    assert (found.state, found.passed, found.severity) == (state, False, "WARN")


def test_a_run_that_acts_is_stopped_by_everything_but_an_approval() -> None:
    assert judged(action(), gating=True).severity == "ERROR"
    assert judged(gating=True).severity == "ERROR"
    assert judged(action("approved", valid=True), gating=True).passed


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ("approved!", "malformed"),
        ({"decision": "approve"}, "malformed"),
        (record(operator="eve"), "unknown_operator"),
        ({**record(), "signature": ""}, "bad_signature"),
        ({**record(), "digest": "d9"}, "bad_signature"),
    ],
)
def test_a_malformed_or_forged_record_is_red_even_beside_a_valid_approval(given: Any, state: str) -> None:
    found = judged(action("approved", valid=True), record=given)
    assert (found.state, found.passed, found.severity) == (state, False, "ERROR")


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (record(expires_at=NOW), "expired"),
        (record(digest="d1.0"), "superseded"),
        (record(action_id="a9"), "superseded"),
    ],
)
def test_a_real_record_that_came_too_late_is_amber(given: Any, state: str) -> None:
    found = judged(action(), record=given)
    assert (found.state, found.passed, found.severity) == (state, False, "WARN")


def test_a_good_record_alone_passes_nothing_until_the_store_has_decided() -> None:
    assert judged(action(), record=record()).state == "pending"
    assert judged(action("approved", valid=True), record=record()).passed
