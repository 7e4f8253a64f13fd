"""A PageSpeed Insights answer as one lab run: its metrics, and what explains them. Pure.

Lighthouse renamed most of its explaining audits to insights in version 13 ("image-delivery-insight" for
"modern-image-formats", and so on). Both are read, so a run means the same before and after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

Audit = Mapping[str, Any]
LCP_ELEMENT = ("largest-contentful-paint-element", "lcp-breakdown-insight", "lcp-discovery-insight")
IMAGES = (
    "modern-image-formats",
    "uses-optimized-images",
    "uses-responsive-images",
    "efficient-animated-content",
    "image-delivery-insight",
)
RENDER_BLOCKING = ("render-blocking-resources", "render-blocking-insight")
THIRD_PARTIES = ("third-party-summary", "third-parties-insight")
LAYOUT_SHIFTS = ("layout-shifts", "layout-shift-elements", "cls-culprits-insight")
FONTS = ("font-display", "font-display-insight")
_SRC = re.compile(r"""\bsrc=["']([^"']+)["']""")
_SIZE = re.compile(r"""\b(width|height)=["']?(\d+)""")


def lab_row(answer: Mapping[str, Any], url: str, strategy: str, fetched_at: datetime) -> dict[str, Any] | None:
    """The row of raw.psi_runs with ``details`` as an object; None when Lighthouse could not load the page.

    Times in ms, sizes in bytes; performance_score 0–1.
    """
    result = answer.get("lighthouseResult") or {}
    audits: Mapping[str, Audit] = result.get("audits") or {}
    if not audits or result.get("runtimeError"):
        return None
    score = ((result.get("categories") or {}).get("performance") or {}).get("score")
    return {
        "url": url,
        "strategy": strategy,
        "fetched_at": fetched_at.isoformat(),
        "performance_score": score,
        "lcp_ms": _number(audits, "largest-contentful-paint"),
        "cls": _number(audits, "cumulative-layout-shift"),
        "tbt_ms": _number(audits, "total-blocking-time"),
        "ttfb_ms": _number(audits, "server-response-time"),
        "fcp_ms": _number(audits, "first-contentful-paint"),
        "details": details(audits, url),
    }


def details(audits: Mapping[str, Audit], page_url: str) -> dict[str, Any]:
    """What explains the run, in fixed names: see raw.psi_runs."""
    images = _images(audits)
    return {
        "lcp_element": _lcp_element(audits, page_url, images),
        "images": images,
        "render_blocking": [
            {"url": item.get("url"), "wasted_ms": item.get("wastedMs"), "bytes": item.get("totalBytes")}
            for item in _items(audits, RENDER_BLOCKING)
            if item.get("url")
        ],
        "third_parties": [
            {
                "entity": _entity(item.get("entity")),
                "blocking_ms": item.get("blockingTime", item.get("mainThreadTime")),
                "bytes": item.get("transferSize"),
            }
            for item in _items(audits, THIRD_PARTIES)
            if item.get("entity")
        ],
        "layout_shifts": [
            {"selector": item["node"].get("selector"), "score": item.get("score"), "cause": _cause(item)}
            for item in _items(audits, LAYOUT_SHIFTS)
            if isinstance(item.get("node"), Mapping)
        ],
        "unsized_images": [
            {"url": item["url"]} for item in _items(audits, ("unsized-images",)) if item.get("url")
        ],
        "long_tasks": [
            {"url": item.get("url"), "duration_ms": item.get("duration")}
            for item in _items(audits, ("long-tasks",))
            if item.get("duration")
        ],
        "fonts": [
            {"url": item["url"], "wasted_ms": item.get("wastedMs")}
            for item in _items(audits, FONTS)
            if item.get("url")
        ],
        "server_ms": _number(audits, "server-response-time"),
    }


def _number(audits: Mapping[str, Audit], name: str) -> float | None:
    return (audits.get(name) or {}).get("numericValue")


def _items(audits: Mapping[str, Audit], names: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of the audits' tables; tables inside lists (the newer form) are opened."""
    for name in names:
        yield from _rows((audits.get(name) or {}).get("details") or {})


def _rows(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if holder.get("type") == "node":
        yield {"node": holder}
        return
    for item in holder.get("items") or ():
        if not isinstance(item, Mapping):
            continue
        if isinstance(item.get("items"), list) or item.get("type") in ("node", "table", "list"):
            yield from _rows(item)
        elif isinstance(item.get("value"), Mapping) and "items" in item["value"]:
            yield from _rows(item["value"])
        else:
            yield item


def _images(audits: Mapping[str, Audit]) -> list[dict[str, Any]]:
    """Images that weigh too much, each once with the most that any audit would save, heaviest saving first."""
    found: dict[str, dict[str, Any]] = {}
    for item in _items(audits, IMAGES):
        if not item.get("url"):
            continue
        width, height = _size(item.get("node") or {})
        known = found.setdefault(
            item["url"], {"url": item["url"], "bytes": None, "wasted_bytes": 0, "width": width, "height": height}
        )
        known["bytes"] = max(known["bytes"] or 0, item.get("totalBytes") or 0) or None
        known["wasted_bytes"] = max(known["wasted_bytes"], item.get("wastedBytes") or 0)
    return sorted(found.values(), key=lambda image: (-image["wasted_bytes"], image["url"]))


def _lcp_element(
    audits: Mapping[str, Audit], page_url: str, images: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The largest element; its image's address comes from its HTML, its weight from the other audits."""
    for item in _items(audits, LCP_ELEMENT):
        node = item.get("node")
        if not isinstance(node, Mapping):
            continue
        snippet = str(node.get("snippet") or "")
        source = _SRC.search(snippet)
        url = urljoin(page_url, source[1]) if source else None
        width, height = _size(node)
        return {
            "selector": node.get("selector"),
            "snippet": snippet,
            "url": url,
            "bytes": _weight(audits, images, url) if url else None,
            "width": width,
            "height": height,
            "lazy": "loading=lazy" in snippet.replace('"', "").replace("'", "")
            or (audits.get("lcp-lazy-loaded") or {}).get("score") == 0,
        }
    return None


def _weight(audits: Mapping[str, Audit], images: list[dict[str, Any]], url: str) -> int | None:
    for item in _items(audits, ("network-requests",)):
        if item.get("url") == url:
            return item.get("transferSize") or item.get("resourceSize")
    return next((image["bytes"] for image in images if image["url"] == url), None)


def _size(node: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Width and height as written in the HTML; those on the screen where it says none."""
    written = {name: int(value) for name, value in _SIZE.findall(str(node.get("snippet") or ""))}
    shown = node.get("boundingRect") or {}
    return written.get("width", shown.get("width")), written.get("height", shown.get("height"))


def _entity(entity: Any) -> str:
    return str(entity.get("text", "")) if isinstance(entity, Mapping) else str(entity)


def _cause(item: Mapping[str, Any]) -> str | None:
    """Why an element shifted, in Lighthouse's words, where it says so."""
    for cause in ((item.get("subItems") or {}).get("items")) or ():
        if cause.get("cause"):
            return str(cause["cause"])
    return item.get("cause")
