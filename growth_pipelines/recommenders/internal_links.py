"""Which pages of the shop a page should link to: the most alike ones, by section; and how they are proposed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.actions.body_html import (
    LINKS,
    PER_PAGE,
    PER_SECTION,
    flaw_of_link,
    kept_links,
    links_shown,
    links_text,
)
from growth_pipelines.actions.model import FieldChange
from growth_pipelines.content.terms import word_set
from growth_pipelines.content.word_index import WordIndex
from growth_pipelines.content.wording import templates
from growth_pipelines.recommenders.cells import text

RELATED = "related products"
# Section → page types, in the order of the page.
SECTIONS: dict[str, tuple[str, ...]] = {
    RELATED: ("product",),
    "collections": ("collection",),
    "guides": ("article", "page"),
}
# Two pages that share less than this of their weighted words are not related.
_LEAST_LIKENESS = 0.2


@dataclass(frozen=True)
class LinkProposal:
    """Links {section, anchor, url} for one page; ``diff`` is empty where they are only a suggestion."""

    links: tuple[dict[str, str], ...]
    diff: tuple[FieldChange, ...] = ()


class LinkWriter:
    """Proposes links for the pages of one shop; knows which ones they have (frame ``bodies``)."""

    def __init__(self, pages: pd.DataFrame, bodies: pd.DataFrame, locale: str) -> None:
        self._index = LinkIndex(pages.drop_duplicates("page_key"))
        self._bodies = {str(row["page_key"]): row for row in bodies.to_dict("records")}
        self._headings: dict[str, str] = (templates(locale) or {}).get("link_sections", {})

    def proposal(self, page_key: str, written: bool) -> LinkProposal:
        """The links of one page; a change of the page where its headings can be worded and a text is written."""
        found = [{**link, "anchor": " ".join(link["anchor"].split())} for link in self._index.links_of(page_key)]
        links = [
            {**link, "section": self._headings.get(link["section"], link["section"])}
            for link in found
            if not flaw_of_link(link)
        ]
        before, after = self._now(page_key), links_text(links)
        if not (written and self._headings and links) or before == after:
            return LinkProposal(tuple(links))
        kind: Literal["add", "change"] = "change" if before else "add"
        return LinkProposal(
            tuple(links), (FieldChange(field=LINKS, before=before, after=after, change_type=kind),)
        )

    def _now(self, page_key: str) -> str:
        row = self._bodies.get(page_key)
        if row is None:
            return ""
        if row["page_type"] == "product":
            return kept_links(text(row["related_links"]))
        return links_shown(text(row["body_html"]))


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
        # A draft's address leads nowhere, and some titles can't stand in a link.
        open_to_all = pages["is_published"].fillna(True).to_numpy(bool) if "is_published" in pages else True
        self._sections = {section: np.isin(types, wanted) & open_to_all for section, wanted in SECTIONS.items()}

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
