"""What a search result would look like: Google's layout, its breadcrumb and where it cuts a text off.

Google cuts by pixels, not characters. The widths here are those of Arial, in thousandths of the font size;
600 px at 20 px for a title and about two lines of 600 px at 14 px for a description are what results show.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_NARROW, _MIDDLE, _WIDE = 260, 530, 790
_WIDTHS = dict.fromkeys("iIjl.,:;'|!", _NARROW) | dict.fromkeys('frt()[] -/"', 320)
_WIDTHS |= dict.fromkeys("mwMW@%—", _WIDE + 90) | dict.fromkeys("ABCDEFGHKNOPQRSUVXYZ&", 680)
TITLE_LIMIT, DESCRIPTION_LIMIT = 60, 155
_TITLE_PIXELS, _DESCRIPTION_PIXELS = 600, 1180


@dataclass(frozen=True)
class Snippet:
    """A search result: site, breadcrumb, title and description as shown, and whether either was cut."""

    host: str
    breadcrumb: str
    title: str
    description: str
    title_cut: bool
    description_cut: bool


def pixels(text: str, font_size: int) -> float:
    """About how wide ``text`` is in Arial at ``font_size`` px."""
    return sum(_WIDTHS.get(character, _MIDDLE) for character in text) * font_size / 1000


def cut(text: str, font_size: int, limit: float) -> tuple[str, bool]:
    """``text`` cut at a word so that it and an ellipsis fit into ``limit`` px; and whether it was cut."""
    if pixels(text, font_size) <= limit:
        return text, False
    words = text.split(" ")
    while len(words) > 1 and pixels(" ".join(words) + " …", font_size) > limit:
        words.pop()
    return " ".join(words).rstrip(" ,.;:|–-") + " …", True


def snippet(url: str, title: str, description: str) -> Snippet:
    """The result for ``url`` with this title and description."""
    parts = urlsplit(url)
    shown_title, title_cut = cut(title, 20, _TITLE_PIXELS)
    shown_description, description_cut = cut(description, 14, _DESCRIPTION_PIXELS)
    path = [part for part in parts.path.split("/") if part]
    breadcrumb = " › ".join([f"{parts.scheme or 'https'}://{parts.netloc}", *path])
    return Snippet(
        parts.netloc.removeprefix("www."), breadcrumb, shown_title, shown_description, title_cut, description_cut
    )
