"""What explains a lab run is read from Lighthouse's audits of before and after their renaming in version 13."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from growth_pipelines.ingestion.google.lighthouse import details, lab_row

PAGE = "https://a.example/products/x"
HERO = "https://a.example/cdn/hero.jpg"
NODE = {
    "selector": "main > img.hero",
    "snippet": '<img src="/cdn/hero.jpg" width="2400" height="1600" loading="lazy">',
    "boundingRect": {"width": 390, "height": 260},
}
OLD: dict[str, Any] = {
    "largest-contentful-paint-element": {
        "details": {"type": "list", "items": [{"type": "table", "items": [{"node": NODE}]}, {"type": "table"}]}
    },
    "modern-image-formats": {"details": {"items": [{"url": HERO, "totalBytes": 900, "wastedBytes": 600}]}},
    "uses-optimized-images": {"details": {"items": [{"url": HERO, "totalBytes": 900, "wastedBytes": 700}]}},
    "render-blocking-resources": {"details": {"items": [{"url": "a.js", "totalBytes": 5, "wastedMs": 300}]}},
    "third-party-summary": {
        "details": {
            "items": [{"entity": {"type": "link", "text": "Widget"}, "blockingTime": 250, "transferSize": 9}]
        }
    },
    "layout-shifts": {
        "details": {
            "items": [
                {
                    "node": {"selector": "div.bar"},
                    "score": 0.2,
                    "subItems": {"items": [{"cause": "Injected iframe"}]},
                }
            ]
        }
    },
    "font-display": {"details": {"items": [{"url": "f.woff2", "wastedMs": 90}]}},
}
NEW: dict[str, Any] = {
    "lcp-breakdown-insight": {"details": {"type": "list", "items": [{"type": "node", **NODE}]}},
    "image-delivery-insight": {"details": {"items": [{"url": HERO, "totalBytes": 900, "wastedBytes": 700}]}},
    "render-blocking-insight": {"details": {"items": [{"url": "a.js", "totalBytes": 5, "wastedMs": 300}]}},
    "third-parties-insight": {
        "details": {"items": [{"entity": "Widget", "mainThreadTime": 250, "transferSize": 9}]}
    },
    "cls-culprits-insight": {
        "details": {
            "type": "list",
            "items": [
                {
                    "type": "table",
                    "items": [{"node": {"selector": "div.bar"}, "score": 0.2, "cause": "Injected iframe"}],
                }
            ],
        }
    },
    "font-display-insight": {"details": {"items": [{"url": "f.woff2", "wastedMs": 90}]}},
}
SHARED: dict[str, Any] = {
    "network-requests": {"details": {"items": [{"url": HERO, "transferSize": 912}]}},
    "unsized-images": {"details": {"items": [{"url": HERO}]}},
    "long-tasks": {"details": {"items": [{"url": "a.js", "duration": 400, "startTime": 1}]}},
    "server-response-time": {"numericValue": 120},
}


@pytest.mark.parametrize("audits", [OLD, NEW])
def test_both_generations_of_audits_explain_the_same(audits: dict[str, Any]) -> None:
    assert details(audits | SHARED, PAGE) == {
        "lcp_element": {
            "selector": "main > img.hero",
            "snippet": NODE["snippet"],
            "url": HERO,
            "bytes": 912,
            "width": 2400,
            "height": 1600,
            "lazy": True,
        },
        "images": [{"url": HERO, "bytes": 900, "wasted_bytes": 700, "width": None, "height": None}],
        "render_blocking": [{"url": "a.js", "wasted_ms": 300, "bytes": 5}],
        "third_parties": [{"entity": "Widget", "blocking_ms": 250, "bytes": 9}],
        "layout_shifts": [{"selector": "div.bar", "score": 0.2, "cause": "Injected iframe"}],
        "unsized_images": [{"url": HERO}],
        "long_tasks": [{"url": "a.js", "duration_ms": 400}],
        "fonts": [{"url": "f.woff2", "wasted_ms": 90}],
        "server_ms": 120,
    }


def test_a_page_that_lighthouse_could_not_load_is_no_run() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    failed = {"lighthouseResult": {"runtimeError": {"code": "NO_FCP"}, "audits": {"x": {}}}}
    assert lab_row(failed, PAGE, "mobile", now) is None
    assert lab_row({}, PAGE, "mobile", now) is None


def test_audits_without_details_explain_nothing_and_break_nothing() -> None:
    found = details({"font-display": {"score": 1}, "layout-shifts": {"details": {}}}, PAGE)
    assert found["lcp_element"] is None
    assert found["fonts"] == found["layout_shifts"] == []
