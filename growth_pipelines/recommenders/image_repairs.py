"""Which images of a page's own text can be repaired there: how they load, their room, and the width asked for.

What the theme draws (a product's gallery, a banner) is not in the text and is left to a person.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from growth_pipelines.actions.body_html import attributes, file_of, image_tag, with_attributes, with_width

# The widest that a page shows an image at, twice as dense as its pixels.
_WIDEST, _DENSITY, _STEP = 2048, 2, 100
# Where the text doesn't say how wide an image is shown: a column of text on a desktop.
_USUAL_WIDTH = 800
# A shift that any page has.
_USUAL_SHIFT = 0.03
# Shopify's own image server: it scales, and picks the format that the browser takes.
_IMAGE_SERVER = "cdn.shopify.com"


@dataclass(frozen=True)
class ImageRepair:
    """One image: its tag as it is and as it would be; ``what`` names the changes: first, size, width."""

    file: str
    before: str
    after: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class Repairs:
    """All that can be done in the text for one cause; ``complete`` when nothing of the cause is left to do."""

    images: tuple[ImageRepair, ...] = ()
    complete: bool = False


def image_repairs(cause: str, details: Mapping[str, Any], body: Mapping[str, Any] | None) -> Repairs:
    """Repairs for a lab run's ``details``; ``body`` is the page's row of ``bodies``, None without one."""
    html = str(body["body_html"] or "") if body is not None and isinstance(body["body_html"], str) else ""
    if not html or cause not in ("image", "lazy", "layout"):
        return Repairs()
    sizes = _sizes(body.get("images") if body is not None else None)
    if cause == "layout":
        return _unsized(details, html, sizes)
    return _largest(cause, details, html, sizes)


def _largest(cause: str, details: Mapping[str, Any], html: str, sizes: Mapping[str, tuple[int, int]]) -> Repairs:
    """The largest image comes first, and no wider than it is shown."""
    element = details.get("lcp_element") or {}
    file = file_of(str(element.get("url") or ""))
    tag = image_tag(html, file) if file else ""
    if not tag:
        return Repairs()
    own = attributes(tag)
    changes: dict[str, str | None] = {}
    what = []
    if own.get("loading", "").lower() == "lazy" or own.get("fetchpriority", "").lower() != "high":
        changes |= {"loading": None, "fetchpriority": "high"}
        what.append("first")
    if file in sizes and not {"width", "height"} <= set(own):
        changes |= _size(sizes[file])
        what.append("size")
    source = _scaled(own, sizes.get(file), element)
    if cause == "image" and source:
        changes["src"] = source
        what.append("width")
    after = with_attributes(tag, changes)
    if after == tag:
        return Repairs()
    complete = cause == "lazy" or "width" in what
    return Repairs((ImageRepair(file, tag, after, tuple(what)),), complete)


def _scaled(own: Mapping[str, str], size: tuple[int, int] | None, element: Mapping[str, Any]) -> str:
    """The address with the width that is shown, where the shop's server can scale and is not asked to already."""
    source = own.get("src", "")
    if urlsplit(source).hostname != _IMAGE_SERVER or "width=" in source or own.get("srcset"):
        return ""
    shown = _pixels(own.get("width")) or _pixels(element.get("width")) or _USUAL_WIDTH
    width = min(_WIDEST, math.ceil(shown * _DENSITY / _STEP) * _STEP)
    return "" if size and size[0] <= width else with_width(source, width)


def _unsized(details: Mapping[str, Any], html: str, sizes: Mapping[str, tuple[int, int]]) -> Repairs:
    """Images that push the text down when they arrive get their room at once."""
    files = list(
        dict.fromkeys(file_of(str(image.get("url") or "")) for image in details.get("unsized_images") or ())
    )
    repairs = []
    for file in files:
        tag = image_tag(html, file) if file in sizes else ""
        after = with_attributes(tag, _size(sizes[file])) if tag else ""
        if after != tag:
            repairs.append(ImageRepair(file, tag, after, ("size",)))
    shifts = [shift for shift in details.get("layout_shifts") or () if (shift.get("score") or 0) > _USUAL_SHIFT]
    explained = all("size" in str(shift.get("cause") or "").lower() for shift in shifts)
    return Repairs(tuple(repairs), bool(repairs) and len(repairs) == len(files) and explained)


def _size(size: tuple[int, int]) -> dict[str, str | None]:
    return {"width": str(size[0]), "height": str(size[1])}


def _sizes(images: Any) -> dict[str, tuple[int, int]]:
    """Width and height of the page's own images, by file name."""
    rows = json.loads(images) if isinstance(images, str) and images else []
    return {
        file_of(str(row.get("url") or "")): (int(row["width"]), int(row["height"]))
        for row in rows
        if row.get("width") and row.get("height")
    }


def _pixels(text: Any) -> int:
    return int(text) if str(text or "").isdigit() else 0
