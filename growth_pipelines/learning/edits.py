"""What operators change in drafts: how much, of which sort, and which habits show after three times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median
from typing import Literal

Category = Literal["tone", "fact", "added", "removed", "restructured"]
LEAST_TIMES = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*|[!?]")
# Addresses and numbers may belong to a person, and short words say nothing.
_ADDRESS = re.compile(r"\S*@\S*|https?://\S+|\+?\d[\d\s/().-]{6,}\d")
_PLAIN = re.compile(r"[^\W\d_]{3,}(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class EditSignal:
    """``distance``: words deleted, added or replaced ÷ words of the longer text, 0 to 1."""

    category: Category
    distance: float
    added: tuple[str, ...]
    removed: tuple[str, ...]
    words_before: int
    words_after: int


@dataclass(frozen=True)
class Preference:
    """A habit that showed in ``times`` edited actions; ``key`` names it for being switched off.

    ``sort``: add (a word), avoid (a word), shorter, longer, calmer (without exclamation marks).
    """

    key: str
    sort: str
    word: str
    times: int
    share: float


def edit_signal(before: str, after: str) -> EditSignal:
    """Compare a draft with what the operator made of it.

    restructured: the same words in another order; fact: a number came, went or changed; added, removed: mostly
    words that came or went; tone: words replaced by others.
    """
    old, new = _words(before), _words(after)
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = [word for tag, a, b, _, _ in steps if tag in ("delete", "replace") for word in old[a:b]]
    come = [word for tag, _, _, a, b in steps if tag in ("insert", "replace") for word in new[a:b]]
    changed = sum(max(b - a, d - c) for tag, a, b, c, d in steps if tag != "equal")
    distance = min(1.0, changed / max(len(old), len(new), 1))
    return EditSignal(
        category=_category(gone, come),
        distance=distance,
        added=_telling(come, gone),
        removed=_telling(gone, come),
        words_before=len(old),
        words_after=len(new),
    )


def preferences(signals: Iterable[EditSignal]) -> list[Preference]:
    """What shows in at least three edited actions (one signal each), the most frequent first."""
    known = list(signals)
    if not known:
        return []
    found = []
    for sort, counts in (
        ("add", Counter(word for one in known for word in set(one.added))),
        ("avoid", Counter(word for one in known for word in set(one.removed))),
    ):
        found += [
            Preference(f"{sort}:{word}", sort, word, times, times / len(known))
            for word, times in counts.items()
            if times >= LEAST_TIMES and word != "!"
        ]
    calmer = sum("!" in one.removed for one in known)
    if calmer >= LEAST_TIMES:
        found.append(Preference("calmer", "calmer", "", calmer, calmer / len(known)))
    return sorted(found + _of_length(known), key=lambda one: (-one.times, one.key))


def _of_length(known: list[EditSignal]) -> list[Preference]:
    """A habit of length: three edits or more, most of them the same way, by a tenth in the middle."""
    shares = [(one.words_after - one.words_before) / max(one.words_before, 1) for one in known]
    for sort, sign in (("shorter", -1), ("longer", 1)):
        times = sum(sign * share >= 0.1 for share in shares)
        if times >= LEAST_TIMES and sign * median(shares) >= 0.1:
            return [Preference(sort, sort, "", times, times / len(known))]
    return []


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_ADDRESS.sub(" ", text))]


def _telling(these: list[str], those: list[str]) -> tuple[str, ...]:
    return tuple(sorted(w for w in set(these) - set(those) if w == "!" or _PLAIN.fullmatch(w)))


def _category(gone: list[str], come: list[str]) -> Category:
    if Counter(gone) == Counter(come):
        return "restructured"
    if Counter(w for w in gone if w[0].isdigit()) != Counter(w for w in come if w[0].isdigit()):
        return "fact"
    if len(come) >= 2 * len(gone) and len(come) > len(gone):
        return "added"
    if len(gone) >= 2 * len(come) and len(gone) > len(come):
        return "removed"
    return "tone"
