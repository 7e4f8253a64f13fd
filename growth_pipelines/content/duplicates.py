"""Near-duplicates: texts that share most of their word shingles."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

from growth_pipelines.content.terms import words

SHINGLE = 3
NEAR = 0.85


def shingles(text: str, size: int = SHINGLE) -> frozenset[tuple[str, ...]]:
    """The runs of ``size`` words of a text; of a shorter text its words as one."""
    found = words(text)
    if len(found) <= size:
        return frozenset([found]) if found else frozenset()
    return frozenset(found[start : start + size] for start in range(len(found) - size + 1))


def likeness(one: str, other: str) -> float:
    """Jaccard likeness of the two texts' shingles, 0 to 1."""
    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right) if left | right else 0.0


def near_duplicates(texts: Mapping[str, str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Texts that are nearly the same as an earlier one, or as a ``known`` one: key → the key it repeats.

    Two texts are when their likeness is over 0.85. Exact: candidates share one of their rarest shingles, as any
    two sets that are so alike must (prefix filter; Chaudhuri, Ganti and Kaushik, 2006).
    """
    sets = {key: shingles(text) for key, text in {**(known or {}), **texts}.items()}
    spread = Counter(shingle for own in sets.values() for shingle in own)
    holders: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    found: dict[str, str] = {}
    for key in [*(known or {}), *(key for key in texts if key not in (known or {}))]:
        own = sets[key]
        rarest = sorted(own, key=lambda shingle: (spread[shingle], shingle))
        telling = rarest[: len(own) - math.ceil(NEAR * len(own)) + 1]
        if key in texts:
            candidates = dict.fromkeys(other for shingle in telling for other in holders[shingle])
            for other in candidates:
                if len(own & sets[other]) > NEAR * len(own | sets[other]):
                    found[key] = other
                    break
        if key not in found:
            for shingle in telling:
                holders[shingle].append(key)
    return found
