"""How good a text is, 0–1, with its parts: things one can act on, each measured by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from growth_pipelines.content.claims import check_claims
from growth_pipelines.content.lengths import characters
from growth_pipelines.content.terms import check_terms, word_set
from growth_pipelines.content.word_index import OtherTexts, Texts
from growth_pipelines.content.wording import load, templates

# kind → (shortest good, longest good, longest allowed) in characters.
LENGTHS: dict[str, tuple[int, int, int]] = {
    "title": (30, 60, 60),
    "description": (90, 155, 155),
    "alt": (10, 125, 512),
    "faq": (60, 1000, 1000),
    "h1": (15, 90, 90),
    "page_title": (25, 70, 70),
    "page_meta": (80, 160, 160),
    "intro": (150, 1500, 1500),
    "guide": (300, 20_000, 60_000),
}
WEIGHTS: dict[str, float] = {
    "length": 0.15,
    "readability": 0.10,
    "query_coverage": 0.25,
    "uniqueness": 0.10,
    "terminology": 0.05,
    "tone": 0.05,
    "policy": 0.15,
    "completeness": 0.10,
    "call_to_action": 0.05,
    "citations": 0.10,
}
TIERS = ((0.85, "excellent"), (0.70, "good"), (0.55, "fair"), (0.0, "poor"))
REVIEW_BELOW, POLICY_BLOCKS_BELOW = 0.70, 0.60
# Readability formulas are noise on a title: they need at least this many words.
_READABLE_FROM_WORDS = 40


@dataclass(frozen=True)
class Score:
    """``total`` is the weighted mean of ``parts`` (those that apply to the kind); ``problems`` explain losses."""

    total: float
    parts: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def tier(self) -> str:
        """excellent, good, fair or poor."""
        return next(name for least, name in TIERS if self.total >= least)

    @property
    def needs_review(self) -> bool:
        """Whether the text is too weak to go out without a second look."""
        return self.total < REVIEW_BELOW

    @property
    def blocked(self) -> bool:
        """Whether policy forbids the text whatever its total."""
        return self.parts.get("policy", 1.0) < POLICY_BLOCKS_BELOW


def score(text: str, kind: str, context: Mapping[str, Any] | None = None) -> Score:
    """Judge ``text`` as a ``kind`` (one of ``LENGTHS``: title, description, alt, faq, guide, intro …).

    ``context`` may hold ``queries`` (most important first, texts or (text, weight) pairs), ``evidence`` (see
    :func:`check_claims`), ``subject`` (what the text is about, e.g. the page's title), ``others`` (texts of the
    same kind elsewhere in the shop, or the index of many), ``citations`` (sources) and ``locale``. A part without
    its context is left out and the weights of the others are scaled up.
    """
    if kind not in LENGTHS:
        raise ValueError(f"unknown kind of text: {kind!r}; known: {', '.join(LENGTHS)}")
    context = context or {}
    problems = check_claims(text, context["evidence"]) if "evidence" in context else check_claims(text, text)
    parts = {
        "length": _length(text, kind),
        "readability": _readability(text),
        "query_coverage": _coverage(text, context.get("queries")),
        "uniqueness": _uniqueness(text, context.get("others")),
        "terminology": _terminology(text),
        "tone": _tone(text),
        "policy": max(0.0, 1.0 - 0.5 * len(problems)),
        "completeness": _completeness(text, context.get("subject")),
        "call_to_action": (
            _call_to_action(text, context.get("locale", "en")) if kind in {"description", "page_meta"} else None
        ),
        "citations": _citations(text, kind, context.get("citations")),
    }
    known = {name: value for name, value in parts.items() if value is not None}
    weight = sum(WEIGHTS[name] for name in known)
    total = sum(WEIGHTS[name] * value for name, value in known.items()) / weight if text.strip() else 0.0
    return Score(round(total, 4), {name: round(value, 4) for name, value in known.items()}, tuple(problems))


def _length(text: str, kind: str) -> float:
    shortest, longest, most = LENGTHS[kind]
    size = characters(text)
    if size > most:
        return 0.0
    if size > longest:
        return 1.0 - 0.5 * (size - longest) / (most - longest)
    return min(1.0, size / shortest)


def _readability(text: str) -> float | None:
    """Flesch reading ease mapped to 1 within 60–80, falling to 0 at 20 and 120; None for short texts."""
    found = re.findall(r"[A-Za-z']+", text)
    if len(found) < _READABLE_FROM_WORDS:
        return None
    sentences = max(1, len(re.findall(r"[.!?]+(?:\s|$)", text)))
    syllables = sum(_syllables(word) for word in found)
    ease = 206.835 - 1.015 * len(found) / sentences - 84.6 * syllables / len(found)
    return max(0.0, 1.0 - max(60 - ease, ease - 80, 0.0) / 40)


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    return max(1, groups - (word.lower().endswith("e") and not word.lower().endswith("le")))


def _coverage(text: str, queries: Iterable[Any] | None) -> float | None:
    """Weighted share of the queries' words that the text holds."""
    pairs = [(query, 1.0) if isinstance(query, str) else query for query in queries or ()]
    if not pairs:
        return None
    said = word_set(text)
    covered = total = 0.0
    for query, weight in pairs:
        asked = word_set(query)
        if asked:
            covered += weight * len(asked & said) / len(asked)
            total += weight
    return covered / total if total else None


def _uniqueness(text: str, others: OtherTexts | Iterable[str] | None) -> float | None:
    """1 − the highest Jaccard likeness of words to another text; identical texts score 0."""
    if others is None:
        return None
    known = others if isinstance(others, OtherTexts) else Texts(others).without("")
    # Sister products share most words; only what is nearly the same is a loss.
    return 1.0 - max(0.0, known.likeness(text) - 0.6) / 0.4


def _terminology(text: str) -> float:
    return max(0.0, 1.0 - 0.5 * len(check_terms(text)))


def _tone(text: str) -> float:
    return max(0.0, 1.0 - 0.5 * len(re.findall(load("policy.yaml")["shouting"], text)))


def _completeness(text: str, subject: str | None) -> float | None:
    """Share of the subject's words that the text names."""
    named = word_set(subject or "")
    return len(named & word_set(text)) / len(named) if named else None


def _call_to_action(text: str, locale: str) -> float | None:
    wording = templates(locale)
    if wording is None:
        return None
    starts = {sentence.split()[0].lower() for sentence in re.split(r"(?<=[.!?])\s+", text.strip()) if sentence}
    return 1.0 if starts & set(wording["verbs"]) else 0.0


def _citations(text: str, kind: str, citations: Iterable[str] | None) -> float | None:
    if kind not in {"faq", "guide"}:
        return None
    return 1.0 if list(citations or ()) else 0.0
