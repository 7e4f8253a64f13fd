"""How alike two products are by their titles: the words in common, what each fits, and how much of it there is.

A title's words with figures say what a product fits or is (AN-6, LS3, 3/8, Series 2), unless they count an amount
of it (10 ft, 340 lph, 2 kg): of two products that fit the same, one may be the larger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from growth_pipelines.content.terms import word_set
from growth_pipelines.recommenders.phrases import phrases

# Products of one type whose titles share so much of their words are versions of each other.
SAME_WORDS = 0.6
_WORD = re.compile(r"[^\W_]+(?:[-./,][^\W_]+)*")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)-?([^\W\d_]*)")


def likeness(one: str, other: str) -> float:
    """The share of the words of both titles that both have: 1 for the same words, 0 for none in common."""
    first, second = word_set(one), word_set(other)
    return len(first & second) / max(1, len(first | second))


@dataclass(frozen=True)
class Makeup:
    """``fits``: the words with figures that are no amounts; ``amounts`` by unit."""

    fits: frozenset[str]
    amounts: Mapping[str, float]

    def is_no_less_than(self, other: Makeup) -> bool:
        """Of amounts that both titles give in the same unit, none is the smaller one here."""
        return all(
            self.amounts[unit] >= other.amounts[unit] for unit in self.amounts.keys() & other.amounts.keys()
        )


@cache
def _units() -> frozenset[str]:
    return frozenset(phrases("guided_selling")["upsell"]["units"])


def makeup(title: str) -> Makeup:
    """What a title says in figures: "AN-6 Hose, 20 ft" fits an-6 and is 20 ft of it."""
    words = _WORD.findall(title.lower())
    fits, amounts = set(), {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if not any(letter.isdigit() for letter in word):
            continue
        parts = _AMOUNT.fullmatch(word)
        unit = (parts[2] or following) if parts else ""
        if parts and unit in _units():
            amounts[unit] = float(parts[1].replace(",", "."))
        else:
            fits.add(word)
    return Makeup(frozenset(fits), amounts)
