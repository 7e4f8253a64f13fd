"""How alike two products are by their titles, and what tells the versions of one thing apart.

Most words of a title, and its figures (AN-6, LS3, 3/8), say what a thing is and what it fits. Only two kinds of
words don't: amounts (10 ft, 340 lph, 2 kg), and words of finish and grade (black, stainless, premium), of which
the copy has the usual ones and an operator may name more. What can name a model as well (5.3L, M6, Pro, Long Bed)
is none of them: a pair that is missed costs less than one that does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from growth_pipelines.content.terms import word_set
from growth_pipelines.recommenders.phrases import phrases

# Products of one type whose titles share so much of their words are versions of each other.
SAME_WORDS = 0.6
_WORD = re.compile(r"[^\W_]+(?:[-./,][^\W_]+)*")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)*)-?([^\W\d_]*)")
# In English; 1.000 is one thousand in some languages and one in others.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_EITHER = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")


def likeness(one: str, other: str) -> float:
    """The share of the words of both titles that both have: 1 for the same words, 0 for none in common."""
    first, second = word_set(one), word_set(other)
    return len(first & second) / max(1, len(first | second))


@dataclass(frozen=True)
class Makeup:
    """``core``: the words that say what a thing is and fits; ``amounts``: (unit, how much), by unit."""

    core: frozenset[str]
    amounts: tuple[tuple[str, float], ...]

    @property
    def kind(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """Equal for versions of one thing: the core, and in what it is counted."""
        return self.core, tuple(unit for unit, _ in self.amounts)

    def is_no_less_than(self, other: Makeup) -> bool:
        """Of two versions of one thing: none of the amounts is smaller here."""
        return all(ours >= theirs for (_, ours), (_, theirs) in zip(self.amounts, other.amounts, strict=True))


@cache
def _units() -> dict[str, tuple[str, float]]:
    """A unit's word → the unit that it is counted in, and how many of these it is."""
    groups = phrases("guided_selling")["upsell"]["units"]
    return {word: (unit, float(size)) for unit, words in groups.items() for word, size in words.items()}


@cache
def _whole() -> frozenset[str]:
    return frozenset(phrases("guided_selling")["upsell"]["whole"])


@cache
def _usual_grades() -> frozenset[str]:
    return frozenset(phrases("guided_selling")["upsell"]["grades"])


def makeup(title: str, grades: Collection[str] = ()) -> Makeup:
    """What a title says without finish and grade: "AN-6 Black Hose, 20 ft" is {an-6, hose} and 20 ft of it.

    A unit that comes more than once (2 ft x 3 ft) says a shape, which is part of what a thing is. ``grades`` are
    words of finish and grade besides the usual ones, in lower case.
    """
    words = _WORD.findall(title.lower())
    core: set[str] = set()
    said: dict[str, list[tuple[float, str]]] = {}
    place = 0
    while place < len(words):
        word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
        place += 1
        parts = _AMOUNT.fullmatch(word)
        word_of_unit = (parts[2] or following) if parts else ""
        amount = _amount(parts[1], word_of_unit) if parts else None
        if parts and amount:
            unit, size = amount
            said.setdefault(unit, []).append((size, f"{parts[1]} {word_of_unit}"))
            place += not parts[2]
        elif word not in _usual_grades() and word not in grades:
            core.add(word)
    core |= {" ".join(sorted(text for _, text in of)) for of in said.values() if len(of) > 1}
    return Makeup(frozenset(core), tuple(sorted((unit, of[0][0]) for unit, of in said.items() if len(of) == 1)))


def _amount(number: str, word: str) -> tuple[str, float] | None:
    """The unit that the amount is counted in and how many of these it is; None for what is no amount for sure."""
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number.replace(",", ".")
    if word not in _units() or _EITHER.fullmatch(number) or plain.count(".") > 1:
        return None
    if word in _whole() and not plain.isdigit():
        return None
    unit, size = _units()[word]
    return unit, float(plain) * size
