"""Words and terms: one spelling for each, the words of a text, and title case that respects sizes and names."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from growth_pipelines.content.wording import load

_WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
# Scripts that put no space between words: Chinese, Japanese, Thai.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


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
    """Lower-case words of ``text`` after unifying terms, plural s removed; without stop words. Where a script puts
    no space between words, each two neighbouring characters count as one."""
    unified, stop_words = preferred(text).lower(), _stop_words()
    found = _WORD.findall(unified)
    if not unified.isascii():
        found = [part for word in found for part in _parted(word)]
    return tuple(_singular(word) if word[-1] == "s" else word for word in found if word not in stop_words)


def _parted(word: str) -> list[str]:
    if not _UNSPACED.search(word):
        return [word]
    spaced = _UNSPACED.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", word)
    return spaced.split()


def _pairs(run: str) -> list[str]:
    return [run[start : start + 2] for start in range(max(1, len(run) - 1))]


@lru_cache(maxsize=20_000)
def word_set(text: str) -> frozenset[str]:
    """The different words of ``text``."""
    return frozenset(words(text))


def check_terms(text: str) -> list[str]:
    """What is wrong with the terms of ``text``, each one sentence: forbidden forms, and forms that are not the
    preferred one of their family."""
    problems = forbidden_terms(text)
    for pattern, form in _families():
        for said in pattern.finditer(text):
            wanted = said.expand(form)
            if said[0] != wanted and not said[0].endswith(wanted):
                problems.append(f'"{said[0]}" is written {wanted} here.')
    return list(dict.fromkeys(problems))


def forbidden_terms(text: str) -> list[str]:
    """The forms in ``text`` that are never written, each one sentence."""
    return [
        f'"{said[0]}" is not written here: {rule["because"]}.'
        for rule in load("glossary.yaml")["forbidden"]
        if (said := re.search(rule["pattern"], text, re.IGNORECASE))
    ]


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
