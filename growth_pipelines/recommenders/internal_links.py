"""Which pages of the shop a page should link to: the most alike ones, by section."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import pandas as pd

from growth_pipelines.content.terms import words

PER_SECTION, PER_PAGE = 5, 12
RELATED = "related products"
# Section → page types, in the order of the page.
SECTIONS: dict[str, tuple[str, ...]] = {
    RELATED: ("product",),
    "collections": ("collection",),
    "guides": ("article", "page"),
}
# Two pages that share less than this of their weighted words are not related.
_LEAST_LIKENESS = 0.2


class LinkIndex:
    """The shop's pages as weighted words; :meth:`links_of` gives one page's links."""

    def __init__(self, pages: pd.DataFrame) -> None:
        self._rows = {str(row["page_key"]): row for row in pages.to_dict("records")}
        self._words = {key: self._words_of(row) for key, row in self._rows.items()}
        spread = Counter(word for own in self._words.values() for word in own)
        self._weight = {word: math.log(1 + len(self._rows) / count) for word, count in spread.items()}
        self._size = {
            key: math.sqrt(sum(self._weight[word] ** 2 for word in own)) for key, own in self._words.items()
        }

    @staticmethod
    def _words_of(row: Mapping[str, object]) -> frozenset[str]:
        kind = row.get("product_type")
        return frozenset(words(f"{row['title']} {kind if isinstance(kind, str) else ''}"))

    def links_of(self, page_key: str) -> list[dict[str, str]]:
        """At most 12 links {section, url, anchor}, at most 5 a section, never to the page itself."""
        links = []
        for section, types in SECTIONS.items():
            ranked = sorted(
                (
                    (-self._likeness(page_key, other), other)
                    for other, row in self._rows.items()
                    if other != page_key and row["page_type"] in types
                ),
            )
            links += [
                {"section": section, "url": other, "anchor": str(self._rows[other]["title"])}
                for likeness, other in ranked[:PER_SECTION]
                if -likeness >= _LEAST_LIKENESS
            ]
        return links[:PER_PAGE]

    def _likeness(self, one: str, other: str) -> float:
        shared = sum(self._weight[word] ** 2 for word in self._words[one] & self._words[other])
        return shared / (self._size[one] * self._size[other]) if shared else 0.0
