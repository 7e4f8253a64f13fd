"""Topics with commercial intent that no page serves, and the products that have what is searched for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

import pandas as pd

from growth_pipelines.content.terms import word_set, words
from growth_pipelines.recommenders.context import MetaobjectGenConfig


def unserved_topics(topics: pd.DataFrame, pages: pd.DataFrame, config: MetaobjectGenConfig) -> pd.DataFrame:
    """The topics that deserve a page: shown often enough, wanted by buyers, answered by nothing on the first
    results, named by no title, and not fought over by several pages already. Most impressions first."""
    found = topics[
        (topics["intent"] == "commercial")
        & ~topics["is_served_well"].fillna(False).astype(bool)
        & (topics["impressions"] >= config.min_topic_impressions)
        & (topics["main_page_position"] > config.served_to_position)
        # A single word is no topic that a page can be about.
        & topics["cluster"].astype(str).str.contains(" ")
        & (topics["contested_queries"] <= config.contested_share * topics["queries"])
    ]
    if found.empty:
        return found
    named = PrefixIndex(pages["page_key"], pages["title"].fillna("") + " " + pages["effective_title"].fillna(""))
    free = [not named.with_all(str(cluster)) for cluster in found["cluster"]]
    return found[free].sort_values(["impressions", "cluster"], ascending=[False, True])


class PrefixIndex:
    """Which texts hold which words; a word of a topic is there when a word of the text begins with it."""

    def __init__(self, keys: pd.Series, texts: pd.Series) -> None:
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        for key, text in zip(keys.astype(str), texts.astype(str), strict=True):
            for word in word_set(text):
                self._holders[word].add(key)
        self._vocabulary = sorted(self._holders)

    def with_all(self, topic: str) -> set[str]:
        """The keys of the texts that hold every word of ``topic``."""
        found: set[str] | None = None
        for wanted in words(topic):
            holding: set[str] = set()
            for place in range(bisect_left(self._vocabulary, wanted), len(self._vocabulary)):
                if not self._vocabulary[place].startswith(wanted):
                    break
                holding |= self._holders[self._vocabulary[place]]
            found = holding if found is None else found & holding
        return found or set()
