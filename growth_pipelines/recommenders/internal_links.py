"""Which pages of the shop a page should link to: the most alike ones, by section."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.content.terms import word_set
from growth_pipelines.content.word_index import WordIndex

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
        pages = pages.sort_values("page_key", kind="stable")
        self._keys = pages["page_key"].astype(str).to_numpy()
        self._titles = pages["title"].astype(str).to_numpy()
        self._place = {key: at for at, key in enumerate(self._keys)}
        kinds = pages["product_type"].where(pages["product_type"].notna(), "")
        self._words = [word_set(f"{title} {kind}") for title, kind in zip(self._titles, kinds, strict=True)]
        self._index = WordIndex(self._words)
        every = {word for own in self._words for word in own}
        # Squared: a shared word counts on both sides.
        self._weight = {word: math.log(1 + len(pages) / self._index.holders(word)) ** 2 for word in every}
        self._size = np.sqrt([math.fsum(self._weight[word] for word in own) for own in self._words])
        types = pages["page_type"].to_numpy()
        self._sections = {section: np.isin(types, wanted) for section, wanted in SECTIONS.items()}

    def links_of(self, page_key: str) -> list[dict[str, str]]:
        """At most 12 links {section, url, anchor}, at most 5 a section, never to the page itself."""
        place = self._place[page_key]
        shared = self._index.shared(self._words[place], self._weight)
        sizes = self._size * self._size[place]
        likeness = np.divide(shared, sizes, out=np.zeros_like(shared), where=sizes > 0)
        likeness[place] = 0.0
        links = []
        for section, inside in self._sections.items():
            links += [
                {"section": section, "url": str(self._keys[other]), "anchor": str(self._titles[other])}
                for other in _most_alike(np.where(inside, likeness, 0.0))
            ]
        return links[:PER_PAGE]


def _most_alike(likeness: NDArray[np.float64]) -> NDArray[np.intp]:
    """The places of the highest values that are high enough, the earlier first among equals."""
    related = np.flatnonzero(likeness >= _LEAST_LIKENESS)
    if related.size > PER_SECTION:
        least = np.partition(likeness[related], -PER_SECTION)[-PER_SECTION]
        related = related[likeness[related] >= least]
    return related[np.argsort(-likeness[related], kind="stable")][:PER_SECTION]
