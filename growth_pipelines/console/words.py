"""Word-level comparison of two texts, for a reader who has half a minute."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A word may hold an apostrophe, a dash, and a point or comma inside a figure: 180°, AN-6, M16x1.5, 1,200.
_TOKEN = re.compile(r"\s+|[\w'’\-−]+(?:[.,]\d+)*|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A run of text that stayed, went or came."""

    kind: Literal["same", "removed", "added"]
    text: str


def compare_words(before: str, after: str) -> list[Piece]:
    """``before`` → ``after`` as runs of words; what was removed comes before what replaced it.

    Joining the same and removed runs gives ``before``, joining the same and added runs gives ``after``. A lone
    space or comma between two changed words belongs to the change, so that a replaced phrase reads as one.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    removed: list[str] = []
    added: list[str] = []

    def flush() -> None:
        if removed:
            pieces.append(Piece("removed", "".join(removed)))
        if added:
            pieces.append(Piece("added", "".join(added)))
        removed.clear()
        added.clear()

    matcher = SequenceMatcher(None, [word.casefold() for word in old], [word.casefold() for word in new], False)
    codes = matcher.get_opcodes()
    for index, (_, i1, i2, j1, j2) in enumerate(codes):
        same = old[i1:i2] == new[j1:j2]
        between_changes = (removed or added) and index + 1 < len(codes)
        if same and not (between_changes and not re.search(r"\w", "".join(old[i1:i2]))):
            flush()
            pieces.append(Piece("same", "".join(old[i1:i2])))
        else:
            removed.extend(old[i1:i2])
            added.extend(new[j1:j2])
    flush()
    return pieces


def compare_lines(before: Sequence[str], after: Sequence[str]) -> list[Piece]:
    """Two lists, item by item: what went and what came stand on lines of their own."""
    pieces: list[Piece] = []
    for _, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
        if before[i1:i2] == after[j1:j2]:
            pieces += [Piece("same", f"{line}\n") for line in before[i1:i2]]
        elif i2 - i1 == j2 - j1:
            # As many came as went: each is the other in other words.
            for old, new in zip(before[i1:i2], after[j1:j2], strict=True):
                pieces += [*compare_words(old, new), Piece("same", "\n")]
        else:
            pieces += [Piece("removed", f"{line}\n") for line in before[i1:i2]]
            pieces += [Piece("added", f"{line}\n") for line in after[j1:j2]]
    return pieces


def change_in_words(before: str, after: str) -> str:
    """One line for those who do not see colours: ``3 words out, 5 words in``."""
    pieces = compare_words(before, after)
    out, into = (
        sum(len(re.findall(r"\w[\w'’\-−]*", piece.text)) for piece in pieces if piece.kind == kind)
        for kind in ("removed", "added")
    )
    plural = "word" if out == 1 else "words"
    plural_in = "word" if into == 1 else "words"
    return f"{out} {plural} out, {into} {plural_in} in"
