"""What lab runs say about the cause of a bad field metric: field data decide, lab data explain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Lighthouse's own mark for a slow server, and the speed of the slow 4G line that its mobile runs assume.
_SLOW_SERVER_MS = 600.0
_BYTES_PER_MS = 200.0
_LAZY_MS = 600.0
# Blocking time and shifts that any page has.
_USUAL_BLOCKING_MS, _USUAL_SHIFT = 150.0, 0.03


@dataclass(frozen=True)
class Diagnosis:
    """``cause`` is image, lazy, script, layout, font, server or unknown; ``share`` its part of all that was found.

    ``weight`` is how much the lab says it costs: ms of paint or blocking, or CLS.
    ``facts`` fill the wording: file, weight, waste, culprit, blocking, element, shift, why, server.
    """

    cause: str = "unknown"
    share: float = 0.0
    weight: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


Finding = tuple[float, str, dict[str, Any]]


def diagnose(metric: str, details: str | Mapping[str, Any] | None) -> Diagnosis:
    """The likeliest cause of ``metric`` (lcp, inp or cls) in a lab run's details (JSON text or its tree)."""
    tree = details_of(details)
    finders = {"lcp": _slow_paint, "inp": _slow_answers, "cls": _jumps}
    found = [finding for finding in finders[metric](tree) if finding[0] > 0]
    if not found:
        return Diagnosis()
    weight, cause, facts = max(found, key=lambda finding: finding[0])
    return Diagnosis(cause, weight / sum(finding[0] for finding in found), weight, facts)


def details_of(details: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A lab run's details as a tree; empty where they can't be read."""
    if isinstance(details, str):
        try:
            details = json.loads(details)
        except json.JSONDecodeError:
            return {}
    return details if isinstance(details, Mapping) else {}


def _items(tree: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [item for item in tree.get(name) or () if isinstance(item, Mapping)]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _slow_paint(tree: Mapping[str, Any]) -> list[Finding]:
    """Causes of a late largest paint, weighed in ms."""
    element = tree.get("lcp_element") or {}
    url = str(element.get("url") or "")
    image = next((item for item in _items(tree, "images") if item.get("url") == url), {})
    weight = _number(element.get("bytes")) or _number(image.get("bytes"))
    wasted = _number(image.get("wasted_bytes"))
    server = _number(tree.get("server_ms"))
    blocking = _items(tree, "render_blocking")
    worst = max(blocking, key=lambda item: _number(item.get("wasted_ms")), default={})
    fonts = _items(tree, "fonts")
    facts = {"file": file_name(url), "weight": size_text(weight), "waste": size_text(wasted)}
    lazy = bool(element.get("lazy"))
    image_ms = wasted / _BYTES_PER_MS
    blocked = sum(_number(item.get("wasted_ms")) for item in blocking)
    font_ms = max((_number(item.get("wasted_ms")) for item in fonts), default=0.0)
    font = {"file": file_name(str(fonts[0].get("url") or "")) if fonts else "", "shift": 0.0}
    return [
        (server - _SLOW_SERVER_MS, "server", {"server": server}),
        (image_ms + (_LAZY_MS if lazy else 0.0), "lazy" if lazy and image_ms < _LAZY_MS else "image", facts),
        (blocked - _USUAL_BLOCKING_MS, "script", _culprit(tree, str(worst.get("url") or ""), blocked)),
        (font_ms / 2, "font", font),
    ]


def _slow_answers(tree: Mapping[str, Any]) -> list[Finding]:
    """Causes of slow answers to taps, weighed in ms of blocked main thread, by script."""
    parties = _items(tree, "third_parties")
    tasks = _items(tree, "long_tasks")
    longest = max(tasks, key=lambda item: _number(item.get("duration_ms")), default={})
    blocked = max((_number(item.get("blocking_ms")) for item in parties), default=0.0)
    blocked = max(blocked, sum(_number(item.get("duration_ms")) for item in tasks))
    return [(blocked - _USUAL_BLOCKING_MS, "script", _culprit(tree, str(longest.get("url") or ""), blocked))]


def _culprit(tree: Mapping[str, Any], url: str, blocked: float) -> dict[str, Any]:
    """Who loads the script: the third party that blocks most, or the file's name."""
    worst = max(_items(tree, "third_parties"), key=lambda item: _number(item.get("blocking_ms")), default={})
    entity = str(worst.get("entity") or "") if _number(worst.get("blocking_ms")) > _USUAL_BLOCKING_MS else ""
    name = entity or file_name(url) or "a script"
    blocking = _number(worst.get("blocking_ms")) if entity else blocked
    return {"culprit": name, "file": file_name(url) or url or name, "blocking": blocking}


def _jumps(tree: Mapping[str, Any]) -> list[Finding]:
    """Causes of layout shifts, weighed in CLS units."""
    shifts = _items(tree, "layout_shifts")
    font = [item for item in shifts if "font" in str(item.get("cause") or "").lower()]
    other = [item for item in shifts if item not in font]
    fonts = _items(tree, "fonts")
    worst = max(other, key=lambda item: _number(item.get("score")), default={})
    moved = sum(_number(item.get("score")) for item in other)
    by_font = sum(_number(item.get("score")) for item in font)
    unsized = _items(tree, "unsized_images")
    why = str(worst.get("cause") or "") or ("an image without a size" if unsized else "it appears late")
    element = {
        "element": str(worst.get("selector") or "an element"),
        "shift": moved,
        "why": why[:1].lower() + why[1:],
    }
    file = file_name(str(fonts[0].get("url") or "")) if fonts else "of the theme"
    return [(moved - _USUAL_SHIFT, "layout", element), (by_font, "font", {"file": file, "shift": by_font})]


def file_name(url: str) -> str:
    """The last part of a URL's path."""
    return url.split("?")[0].rstrip("/").rpartition("/")[2]


def size_text(size: float) -> str:
    """Bytes for a reader: "2.4 MB", "92 KB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"
