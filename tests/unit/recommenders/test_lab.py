"""Lab runs explain: each kind of fault is named from what Lighthouse measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from growth_pipelines.recommenders.lab import diagnose

IMAGE = "https://cdn.example/files/an-6-hose-end-1.jpg?v=17"
CALM: dict[str, Any] = {
    "lcp_element": {"selector": "main img", "url": IMAGE, "bytes": 92_000, "lazy": False},
    "images": [],
    "render_blocking": [{"url": "https://shop.example/theme.css", "wasted_ms": 90, "bytes": 31_000}],
    "third_parties": [{"entity": "Google Tag Manager", "blocking_ms": 22, "bytes": 92_000}],
    "layout_shifts": [{"selector": "footer", "score": 0.012, "cause": ""}],
    "long_tasks": [{"url": "https://shop.example/theme.js", "duration_ms": 68}],
    "server_ms": 240,
}
FAULTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("lcp", "image", {"images": [{"url": IMAGE, "bytes": 2_350_000, "wasted_bytes": 2_000_000}]}, "2.0 MB"),
    ("lcp", "lazy", {"lcp_element": {"url": IMAGE, "bytes": 150_000, "lazy": True}}, "an-6-hose-end-1.jpg"),
    ("lcp", "server", {"server_ms": 1650}, "1650"),
    (
        "lcp",
        "script",
        {"render_blocking": [{"url": "https://app.example/embed.js", "wasted_ms": 900}]},
        "embed.js",
    ),
    ("inp", "script", {"third_parties": [{"entity": "Loudspeaker Reviews", "blocking_ms": 480}]}, "Loudspeaker"),
    (
        "inp",
        "script",
        {"long_tasks": [{"url": "https://shop.example/slider.js", "duration_ms": 420}]},
        "slider.js",
    ),
    ("cls", "layout", {"layout_shifts": [{"selector": "#promo", "score": 0.2, "cause": ""}]}, "#promo"),
    ("cls", "font", {"layout_shifts": [{"selector": "h1", "score": 0.3, "cause": "Web font loaded"}]}, "0.3"),
]


@pytest.mark.parametrize(("metric", "cause", "fault", "names"), FAULTS)
def test_a_fault_is_named_with_its_culprit(metric: str, cause: str, fault: dict[str, Any], names: str) -> None:
    found = diagnose(metric, json.dumps({**CALM, **fault}))
    assert found.cause == cause
    assert names in " ".join(str(fact) for fact in found.facts.values())
    assert found.share > 0.5


@pytest.mark.parametrize("metric", ["lcp", "inp", "cls"])
def test_a_calm_page_accuses_nobody(metric: str) -> None:
    assert diagnose(metric, json.dumps(CALM)).cause == "unknown"


@pytest.mark.parametrize("details", [None, "", "{broken", "[]", "{}", {"images": None, "lcp_element": None}])
def test_missing_or_broken_details_are_unknown_and_no_failure(details: Any) -> None:
    for metric in ("lcp", "inp", "cls"):
        assert diagnose(metric, details).cause == "unknown"
