"""Words and terms: one spelling for each, the words of a text, and title case that respects sizes and names."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from growth_pipelines.content.wording import load

_WORD = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)*")


@cache
def _families() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(form, re.IGNORECASE), term["preferred"])
        for term in load("glossary.yaml")["terms"]
        for form in term["forms"]
    )


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(load("glossary.yaml")["stop_words"])


def preferred(text: str) -> str:
    """``text`` with every term of the glossary in its preferred form: "6an hose" → "AN-6 hose"."""
    for pattern, form in _families():
        text = pattern.sub(form, text)
    return text


@lru_cache(maxsize=20_000)
def words(text: str) -> tuple[str, ...]:
    """Lower-case words of ``text`` after unifying terms, plural s removed; without stop words."""
    found = _WORD.findall(preferred(text).lower())
    return tuple(_singular(word) for word in found if word not in _stop_words())


@lru_cache(maxsize=20_000)
def word_set(text: str) -> frozenset[str]:
    """The different words of ``text``."""
    return frozenset(words(text))


def _singular(word: str) -> str:
    if len(word) > 3 and word.isalpha() and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def title_case(text: str) -> str:
    """Title case that leaves sizes, acronyms and mixed-case names alone."""
    small = set(load("glossary.yaml")["small_words"])
    cased = []
    for index, word in enumerate(text.split()):
        plain = word.islower() and word[0].isalpha()
        if plain and (index == 0 or word.strip(",;:") not in small):
            word = word[0].upper() + word[1:]
        cased.append(word)
    return " ".join(cased)
