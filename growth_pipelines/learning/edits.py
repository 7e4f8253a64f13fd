"""What operators change in drafts: how much, of which sort, and which habits show after three times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from growth_pipelines.learning.fading import faded

Category = Literal["tone", "fact", "added", "removed", "restructured"]
LEAST_TIMES = 3
# A habit is kept until less than half is left of the edits that it takes: three at once are followed for 90 days.
LEAST_LEFT = LEAST_TIMES / 2
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*|[!?]")
# Addresses and numbers may belong to a person, and short words say nothing.
_ADDRESS = re.compile(r"\S*@\S*|https?://\S+|\+?\d[\d\s/().-]{6,}\d")
_PLAIN = re.compile(r"[^\W\d_]{3,}(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class EditSignal:
    """``distance``: words deleted, added or replaced ÷ words of the longer text, 0 to 1.

    ``added`` and ``removed`` are words of three letters or more, and "!"; the edit was made ``age_days`` ago and
    changed these ``parts`` of the draft.
    """

    category: Category
    distance: float
    added: tuple[str, ...]
    removed: tuple[str, ...]
    words_before: int
    words_after: int
    age_days: float = 0.0
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preference:
    """A habit that showed in ``times`` edited actions; ``key`` names it for being switched off.

    ``sort``: add (a word), avoid (a word), shorter, longer, calmer (without exclamation marks). ``left`` is what
    of those edits counts still: each fades, and each that did the opposite is taken off. ``amount`` is by which
    share of its words a text typically became shorter (below 0) or longer, ``parts`` those parts of drafts
    where that showed three times.
    """

    key: str
    sort: str
    word: str
    times: int
    share: float
    left: float = 0.0
    amount: float = 0.0
    parts: tuple[str, ...] = ()


def edit_signal(before: str, after: str) -> EditSignal:
    """Compare a draft with what the operator made of it.

    restructured: the same words in another order; fact: a number came, went or changed; added, removed: mostly
    words that came or went; tone: words replaced by others.
    """
    old, new = words_in(before), words_in(after)
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


def followed_by(first: EditSignal, then: EditSignal) -> EditSignal:
    """Two edits of one action as one: a word that came and went again did neither; the later gives the rest."""
    come, gone = (set(first.added), set(then.added)), (set(first.removed), set(then.removed))
    return replace(
        then,
        added=tuple(sorted((come[0] - gone[1]) | (come[1] - gone[0]))),
        removed=tuple(sorted((gone[0] - come[1]) | (gone[1] - come[0]))),
        words_before=first.words_before + then.words_before,
        words_after=first.words_after + then.words_after,
        parts=tuple(sorted({*first.parts, *then.parts})),
    )


def preferences(signals: Iterable[EditSignal], joining: Collection[str] = ()) -> list[Preference]:
    """What shows in at least three edited actions (one signal each) and has not faded, the most frequent first.

    A word that was put back as often as it was taken out is no habit, nor is one that merely joins others
    (``joining``).
    """
    known = list(signals)
    found = []
    for sort, sign in (("add", 1), ("avoid", -1)):
        counts = Counter(word for one in known for word in set(one.added if sign > 0 else one.removed))
        for word in (word for word, times in counts.items() if times >= LEAST_TIMES and word != "!"):
            if word not in joining:
                ways = [sign * _came(one, word) for one in known]
                found += _where_it_holds(known, f"{sort}:{word}", sort, word, ways)
    found += _where_it_holds(known, "calmer", "calmer", "", [-_came(one, "!") for one in known])
    return sorted(found + _of_length(known), key=lambda one: (-one.times, one.key))


def _came(signal: EditSignal, word: str) -> int:
    """1 where an edit added the word, −1 where it removed it."""
    return (word in signal.added) - (word in signal.removed)


def _where_it_holds(known: list[EditSignal], key: str, sort: str, word: str, ways: list[int]) -> list[Preference]:
    """The habit that edits of the way 1 speak for and those of the way −1 against, if it is one."""
    times = ways.count(1)
    left = sum(way * faded(one.age_days) for one, way in zip(known, ways, strict=True))
    if times < LEAST_TIMES or left < LEAST_LEFT:
        return []
    return [Preference(key, sort, word, times, times / len(known), left)]


def _of_length(known: list[EditSignal]) -> list[Preference]:
    """A habit of length: three edits or more, most of them the same way, by a tenth in the middle."""
    shares = [(one.words_after - one.words_before) / max(one.words_before, 1) for one in known]
    for sort, sign in (("shorter", -1), ("longer", 1)):
        ways = [(sign * share >= 0.1) - (sign * share <= -0.1) for share in shares]
        amount = _middle(known, shares)
        if sign * amount >= 0.1 and (found := _where_it_holds(known, sort, sort, "", ways)):
            counts = Counter(part for one, way in zip(known, ways, strict=True) if way == 1 for part in one.parts)
            parts = tuple(sorted(part for part, times in counts.items() if times >= LEAST_TIMES))
            return [replace(found[0], amount=amount, parts=parts)]
    return []


def _middle(known: list[EditSignal], shares: list[float]) -> float:
    """The median of the shares, each counting as much as is left of its edit."""
    by_share = sorted((share, faded(one.age_days)) for one, share in zip(known, shares, strict=True))
    half, so_far = sum(weight for _, weight in by_share) / 2, 0.0
    for share, weight in by_share:
        so_far += weight
        if so_far >= half:
            return share
    return 0.0


def words_in(text: str) -> list[str]:
    """The words of a text in lower case, numbers and marks ("!", "?") among them, without addresses."""
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
