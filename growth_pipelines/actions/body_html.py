"""The parts of a page's own HTML that actions may write, each as text that drafts, diffs and reads share. Pure.

A part is cut out of the body and put back by itself: everything around it keeps every byte, so that taking a part
away again leaves the body as it was.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from growth_pipelines.actions.structured_fields import json_text

LINKS, LINKS_CLASS = "related_links", "growth-related-links"
IMAGE = "body_image"
PER_SECTION, PER_PAGE = 5, 12
_BLOCK, _BLOCK_END = f'<div class="{LINKS_CLASS}">', "</div>"
_SECTION = re.compile(r"<h3>([^<]*)</h3><ul>((?:<li><a href=\"[^\"]*\">[^<]*</a></li>)+)</ul>")
_ITEM = re.compile(r"<li><a href=\"([^\"]*)\">([^<]*)</a></li>")
# A "<" outside of quotes ends the search for a tag's end: where tags stay open, reading to the end of the text for
# each of them would take time by the square of their number.
_IMAGE = re.compile(r"<img\b(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s=\"'<>/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_ARROW = " → "
LONGEST_ANCHOR = 255
# A path of the shop's own pages; letters of any script come percent-encoded or as they are.
_PATH = re.compile(r"/(?:products|collections|pages|blogs)/[\w%.~/-]+")
_UNFIT = re.compile(r"[\x00-\x1f\x7f]|</?[a-zA-Z][^>]*>|→")

Link = Mapping[str, str]


# -- related links ------------------------------------------------------------------------------------------


def links_text(links: Sequence[Link]) -> str:
    """Links {section, anchor, url} as a reader sees them, one ``section: anchor → url`` a line."""
    return "\n".join(f"{link['section']}: {link['anchor']}{_ARROW}{link['url']}" for link in links)


def links_of(text: str) -> list[dict[str, str]]:
    """The links that :func:`links_text` wrote. Raises ValueError for a line of another form."""
    found = []
    for line in text.splitlines():
        section, colon, rest = line.partition(": ")
        anchor, arrow, url = rest.rpartition(_ARROW)
        if not (colon and arrow):
            raise ValueError(f"{line!r} is no link: write “section: text{_ARROW}/address”")
        found.append({"section": section, "anchor": anchor, "url": url})
    return found


def flaw_of_link(link: Mapping[str, Any]) -> str:
    """Why a link {section, anchor, url} can't be written, or an empty text."""
    for name in ("section", "anchor", "url"):
        text = link.get(name)
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_ANCHOR or _UNFIT.search(text):
            return f"The {name} of a link must be plain text, not {text!r}."
    if ": " in link["section"]:
        return f"The section {link['section']!r} holds a colon."
    return "" if _PATH.fullmatch(link["url"]) else f"{link['url']} is not the path of one of the shop's pages."


def links_shown(body: str) -> str:
    """The links in a body as text; the block's own HTML where somebody has given it another form."""
    block = _block(body)
    links = [
        {"section": html.unescape(section), "anchor": html.unescape(anchor), "url": html.unescape(url)}
        for section, items in _SECTION.findall(block)
        for url, anchor in _ITEM.findall(items)
    ]
    return links_text(links) if links_html(links) == block else block


def kept_links(value: str | None) -> str:
    """The links of a metafield's JSON as text; the JSON itself where it is of another form."""
    try:
        text = links_text(json.loads(value or "[]"))
    except (ValueError, TypeError, KeyError):
        return value or ""
    return text if json_text(links_of(text)) == (value or "[]") else value or ""


def with_links(body: str, shown: str) -> str:
    """The body with these links (as :func:`links_shown` gives them) in place of those it has, or at its end."""
    block = shown if shown.startswith("<") else links_html(links_of(shown))
    present = _block(body)
    return body.replace(present, block, 1) if present else body + block


def without_links(body: str) -> str:
    """The body as its author wrote it."""
    return with_links(body, "")


def links_html(links: Sequence[Link]) -> str:
    """The block that stands in the page; empty for no link."""
    if not links:
        return ""
    parts = []
    for section, own in groupby(links, key=itemgetter("section")):
        items = [
            f'<li><a href="{html.escape(link["url"])}">{html.escape(link["anchor"], quote=False)}</a></li>'
            for link in own
        ]
        parts.append(f"<h3>{html.escape(section, quote=False)}</h3><ul>{''.join(items)}</ul>")
    return f'<div class="{LINKS_CLASS}">{"".join(parts)}</div>'


def _block(body: str) -> str:
    start = body.find(_BLOCK)
    end = body.find(_BLOCK_END, start) if start >= 0 else -1
    return body[start : end + len(_BLOCK_END)] if end >= 0 else ""


# -- images -------------------------------------------------------------------------------------------------


def image_field(file: str) -> str:
    """The field of the image with this file name."""
    return f"{IMAGE}.{file}"


def image_tag(body: str, file: str) -> str:
    """The first ``<img>`` of a body that shows this file, letter for letter; empty where none does."""
    return next((tag for tag in _IMAGE.findall(body) if file_of(attributes(tag).get("src", "")) == file), "")


def with_image(body: str, file: str, tag: str) -> str:
    """The body with ``tag`` for the image of this file. Raises ValueError when it has none, or none is given."""
    present = image_tag(body, file)
    if not (present and tag):
        raise ValueError(f"there is no image {file} in the text")
    return body.replace(present, tag, 1)


def attributes(tag: str) -> dict[str, str]:
    """The attributes of an opening tag by lower-case name, the first of each; one without a value is empty."""
    inside = re.sub(r"^<\w+|/?>$", "", tag)
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(inside):
        found.setdefault(name.lower(), html.unescape("".join(values)))
    return found


def file_of(address: str) -> str:
    """The last part of an address's path."""
    return address.split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2]


# What a repair may set or take away: how an image is loaded and how much room it takes, never what it shows.
_REPAIRABLE = {"loading", "fetchpriority", "decoding", "width", "height"}


def with_attributes(tag: str, changes: Mapping[str, str | None]) -> str:
    """The tag with these attributes set (None: taken away); the others keep every letter."""
    for name, value in changes.items():
        pattern = re.compile(
            rf"(?<!\s)\s++{re.escape(name)}(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?(?=[\s/>])",
            re.IGNORECASE,
        )
        written = "" if value is None else f' {name}="{html.escape(value)}"'
        present = pattern.search(tag)
        if present:
            tag = tag[: present.start()] + written + tag[present.end() :]
        elif written:
            end = re.search(r"(?<!\s)\s*+/?>$", tag)
            place = end.start() if end else len(tag)
            tag = tag[:place] + written + tag[place:]
    return tag


def only_repairs(before: str, after: str) -> bool:
    """Whether ``after`` is ``before`` with other attributes of loading and size, or another width asked of the
    server for the same file."""
    old, new = attributes(before), attributes(after)
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if "src" in changed and _without_width(old.get("src", "")) == _without_width(new.get("src", "")):
        changed.discard("src")
    return bool(_IMAGE.fullmatch(after)) and changed <= _REPAIRABLE


def with_width(address: str, width: int) -> str:
    """An address of the shop's image server that asks for a width in pixels."""
    rest = _without_width(address)
    return f"{rest}{'&' if '?' in rest else '?'}width={width}"


def _without_width(address: str) -> str:
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("width=")]
    return f"{path}?{'&'.join(kept)}" if kept else path
