"""Questions that searchers ask and no page of the shop answers, clustered by what they are about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.content.terms import word_set
from growth_pipelines.content.wording import language_of
from growth_pipelines.recommenders.context import GuidedSellingConfig, MetaobjectGenConfig
from growth_pipelines.recommenders.ctr_curve import PRIOR_CURVE
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.topic_gaps import PrefixIndex, unserved_topics

# Two questions that share half of their words ask the same.
_ALIKE = 0.5
# A question of one word of content is too vague to be answered.
_FEWEST_WORDS = 2
# Questions that are looked at for each that is drafted: some turn out to be answered.
_ENOUGH = 3
_START = 4
_WORD = re.compile(r"\w+")
# A guide on the second page of results is about the question: it lacks rank, not an answer.
_CONTENT_PAGES, _SECOND_PAGE = ("page", "article"), 20.0
# The page wins its usual clicks elsewhere when it wins this share of what is expected.
_USUAL = 0.8


@dataclass
class Question:
    """One question in all its wordings: ``rows`` of the frame, most shown first; ``words`` of the first one.

    ``why`` is "far" (no page near the top) or "unclicked" (a page there that nobody takes for the answer).
    """

    words: frozenset[str]
    rows: list[dict[str, Any]]
    why: str = ""
    p_value: float = 0.0
    pages: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its words, for an index."""
        return " ".join(sorted(self.words))

    @property
    def impressions(self) -> float:
        return float(sum(row["impressions"] for row in self.rows))

    @property
    def clicks(self) -> float:
        return float(sum(row["clicks"] for row in self.rows))

    @property
    def position(self) -> float:
        return float(sum(row["position"] * row["impressions"] for row in self.rows)) / self.impressions

    @property
    def expected(self) -> float:
        """Clicks that are usual at the positions of the wordings."""
        rows = pd.DataFrame(self.rows)
        return float((PRIOR_CURVE.expected(rows["position"]) * rows["impressions"]).sum())


def open_questions(frames: Mapping[str, pd.DataFrame], config: GuidedSellingConfig, locale: str) -> list[Question]:
    """The questions that deserve an answer, most asked first; topics of a landing page are left to that."""
    wording = phrases("questions").get(language_of(locale))
    if wording is None or frames["questions"].empty:
        return []
    asked = _asked(frames["questions"], wording)
    asked = asked[~asked["cluster"].isin(_taken(asked, frames))]
    grouped = [one for one in _grouped(asked, wording) if one.impressions >= config.min_question_impressions]
    types = frames["pages"].drop_duplicates("page_key").set_index("page_key")["page_type"]
    judged = [one for one in grouped if _judge(one, types, config)]
    kept = _significant([one for one in judged if one.why == "unclicked"], len(grouped), config)
    found = [one for one in judged if one.why == "far"] + kept
    found = sorted(found, key=lambda one: (-one.impressions, one.rows[0]["query"]))[: _ENOUGH * config.max_drafts]
    named = _named(frames, found)
    return [one for one in found if not named.with_all(one.text)][: config.max_drafts]


def _taken(asked: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> set[str]:
    """The topics of these questions for which a page of their own is proposed."""
    topics = frames["topics"]
    topics = topics[topics["cluster"].isin(set(asked["cluster"]))]
    if topics.empty:
        return set()
    return set(unserved_topics(topics, frames["pages"], MetaobjectGenConfig())["cluster"])


def _asked(queries: pd.DataFrame, wording: Mapping[str, Any]) -> pd.DataFrame:
    """The queries that are questions, and no wish to buy."""
    text = queries["query"].astype(str).str.lower()
    found = text.str.match(rf"(?:{wording['begins']})\b") | text.str.endswith("?")
    return queries[found & ~text.str.contains(rf"\b(?:{wording['buying']})\b", regex=True)]


def _grouped(asked: pd.DataFrame, wording: Mapping[str, Any]) -> list[Question]:
    """Each question joins the most shown one that it shares enough words with, or starts a group."""
    asking = set(wording["asking"])
    groups: list[Question] = []
    by_word: defaultdict[str, list[int]] = defaultdict(list)
    for row in asked.sort_values(["impressions", "query"], ascending=[False, True]).to_dict("records"):
        words = frozenset(word for word in word_set(str(row["query"])) if word not in asking)
        if len(words) < _FEWEST_WORDS:
            continue
        near = sorted({index for word in words for index in by_word[word]})
        alike = [i for i in near if len(words & groups[i].words) >= _ALIKE * len(words | groups[i].words)]
        if alike:
            groups[alike[0]].rows.append(row)
            continue
        for word in words:
            by_word[word].append(len(groups))
        groups.append(Question(words, [row]))
    return groups


def _judge(question: Question, types: pd.Series, config: GuidedSellingConfig) -> bool:
    """Whether the question may be open; says why."""
    main = question.rows[0]
    kind = str(types.get(main["main_page_key"], ""))
    if question.position > config.answered_to_position:
        question.why = "far"
        return not (kind in _CONTENT_PAGES and question.position <= _SECOND_PAGE)
    question.why = "unclicked"
    return question.clicks < config.answered_ctr_ratio * question.expected and _usual_elsewhere(main)


def _usual_elsewhere(row: Mapping[str, Any]) -> bool:
    """Whether the page wins its usual clicks for what else it is shown for: a bad snippet loses them all."""
    if not row["other_impressions"] or np.isnan(row["other_position"]):
        return False
    rate = float(PRIOR_CURVE.expected(pd.Series([row["other_position"]]))[0])
    return bool(row["other_clicks"] >= _USUAL * rate * row["other_impressions"])


def _significant(judged: list[Question], tested: int, config: GuidedSellingConfig) -> list[Question]:
    """Those with fewer clicks than chance allows (binomial, one-sided), corrected for all questions looked at."""
    from scipy import stats

    for one in judged:
        rate = min(1.0, config.answered_ctr_ratio * one.expected / one.impressions)
        one.p_value = float(stats.binom.cdf(one.clicks, one.impressions, rate))
    ranked = sorted(judged, key=lambda one: one.p_value)
    passing = [place for place, one in enumerate(ranked, 1) if one.p_value <= config.fdr * place / tested]
    return ranked[: max(passing, default=0)]


def _named(frames: Mapping[str, pd.DataFrame], found: list[Question]) -> PrefixIndex:
    """The titles of the shop's pages and the texts of its questions with answers."""
    pages, entries = frames["pages"], frames["metaobjects"]
    titles = pages["title"].fillna("") + " " + pages["effective_title"].fillna("")
    answers = entries[entries["type"].astype(str).str.contains("faq|question", case=False, regex=True)]
    keys = pd.concat([pages["page_key"].astype(str), answers["type"].astype(str) + answers["handle"].astype(str)])
    texts = pd.concat([titles.astype(str), answers["fields"].fillna("").astype(str).map(_plain)])
    near = mentioning(texts, found)
    return PrefixIndex(keys[near], texts[near])


def mentioning(texts: pd.Series, questions: list[Question]) -> np.ndarray:
    """Which texts may hold all words of one of the questions: those with the beginning of its longest word.

    A quick look, so that only few texts of a large shop are taken apart into words.
    """
    starts = {max(one.words, key=lambda word: (word.isalpha(), len(word), word))[:_START] for one in questions}
    return np.array(
        [any(w[:_START] in starts for w in _WORD.findall(text.lower())) for text in texts.astype(str)], dtype=bool
    )


def _plain(fields: str) -> str:
    return re.sub(r'[\[\]{}":,\\]', " ", fields)
