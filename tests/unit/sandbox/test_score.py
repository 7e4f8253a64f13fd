"""The score: who comes back too early, and whose addresses hold secrets."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate

import pytest

from growth_pipelines.sandbox.score import Score
from growth_pipelines.sandbox.target import Target

NOW = 1_800_000_000.0


def _target(url: str = "/admin/api/2026-10/graphql.json", token: str = "a") -> Target:
    return Target(url, {"x-shopify-access-token": token}, b"")


def _refused(target: Target, retry_after: str) -> Score:
    """A score that saw ``target`` refused at 100.0 seconds."""
    score = Score(clock=lambda: 100.0, now=lambda: NOW)
    score.answering(target, {"Retry-After": retry_after})
    return score


def _violations(score: Score) -> object:
    return score.report()["retry_after_violations"]


@pytest.mark.parametrize("retry_after", ["2", "2.0", formatdate(NOW + 2, usegmt=True)])
@pytest.mark.parametrize(
    ("at", "violations"),
    [(99.9, 0), (100.04, 0), (100.06, 1), (101.98, 1), (101.995, 0), (102.5, 0)],
    ids=["sent before", "on its way", "at once", "early", "nearly right", "in time"],
)
def test_who_comes_back_early_is_counted(retry_after: str, at: float, violations: int) -> None:
    score = _refused(_target(), retry_after)
    score.arrived(_target(), at)
    assert _violations(score) == violations


def test_another_api_or_credential_need_not_wait() -> None:
    score = _refused(_target(), "2")
    score.arrived(_target(token="b"), 101.0)
    score.arrived(_target("/webmasters/v3/sites"), 101.0)
    assert _violations(score) == 0
    score.arrived(_target("/admin/oauth/access_token"), 101.0)
    assert _violations(score) == 1


def test_the_last_answer_counts_and_those_without_a_wait_change_nothing() -> None:
    clock = iter([100.0, 101.0])
    score = Score(clock=lambda: next(clock))
    score.answering(_target(), {"Retry-After": "1"})
    score.answering(_target(), {"Content-Language": "en"})
    score.answering(_target(), {"Retry-After": "1"})
    score.arrived(_target(), 101.5)
    assert score.report()["early_requests"] == [{"api": "shopify", "early_seconds": 0.5}]


def test_all_are_counted_and_twenty_are_kept() -> None:
    score = _refused(_target(), "2")
    for _ in range(25):
        score.arrived(_target(), 101.0)
    assert _violations(score) == 25
    assert len(score.report()["early_requests"]) == 20


BEARER: Mapping[str, str] = {"authorization": "Bearer sandbox-google"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/v1/records:queryRecord?key=sandbox-key", 0),
        ("/_sandbox/bulk/1.jsonl?signature=valid", 0),
        ("/webmasters/v3/sites", 0),
        ("/pagespeedonline/v5/runPagespeed?url=https%3A%2F%2Fa.example%2Ftoken-ring&key=k", 0),
        ("/webmasters/v3/sites?access_token=abc", 1),
        ("/webmasters/v3/sites?key=sandbox-google", 1),
        ("/webmasters/v3/sites?key=ya29.abc", 1),
        ("/admin/api/2026-10/graphql.json?t=shpat_0123", 1),
        ("/admin/shpat%5F0123/graphql.json", 1),
        ("/admin/oauth/access_token?client_secret=x", 1),
        ("/v1/records:queryRecord?auth=Bearer+abc", 1),
    ],
)
def test_secrets_in_addresses_are_counted(url: str, shown: int) -> None:
    score = Score()
    score.arrived(Target(url, BEARER, b""), 0.0)
    assert score.report()["secrets_in_urls"] == shown
