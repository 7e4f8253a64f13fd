"""What operators' edits of earlier drafts say about the next ones, and which of several texts follows it.

A habit chooses and never writes: among texts that were verified and fit anyway, it prefers another template, fewer
whole sentences of the page, or a full stop where the page shouts. A word is never cut out of a sentence, and a
word that operators like to add is never put into one, since nothing here would back it. Where every text has a
word that is taken out again and again, the draft stays as it is and says so.

``learning.edits`` finds the habits, ``feedback.habits`` leaves out those that are switched off, and recommenders
get the rest with their context. What a text follows is kept in its draft, so that an approval binds to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from growth_pipelines.learning.edits import Preference, words_in

_SHOUTED = re.compile(r"[!?]*![!?]*$")


@dataclass(frozen=True)
class Followed:
    """Keys of habits, sorted: those ``followed`` by a text that would otherwise be another, and those ``missed``
    because no text that fits follows them."""

    followed: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.followed or self.missed)

    def document(self) -> dict[str, list[str]]:
        return {"followed": list(self.followed), "missed": list(self.missed)}


@dataclass(frozen=True)
class Habits:
    """Words to avoid and words that are welcome, in lower case; ``calmer``: no exclamation marks.

    ``length`` is by which share of its words a text should be shorter (below 0) or longer, 0: as it is; it goes
    for the parts of drafts ``of_length`` ("title", "description"), whose length operators change.
    """

    avoided: frozenset[str] = frozenset()
    welcome: frozenset[str] = frozenset()
    calmer: bool = False
    length: float = 0.0
    of_length: frozenset[str] = frozenset()

    @classmethod
    def of(cls, preferences: Iterable[Preference]) -> Habits:
        """The habits that were learnt and are to be followed."""
        known = list(preferences)
        return cls(
            avoided=frozenset(one.word for one in known if one.sort == "avoid"),
            welcome=frozenset(one.word for one in known if one.sort == "add"),
            calmer=any(one.sort == "calmer" for one in known),
            length=sum(one.amount for one in known if one.sort in ("shorter", "longer")),
            of_length=frozenset(part for one in known for part in one.parts),
        )

    def of_part(self, part: str) -> Habits:
        """The habits that go for one part of a draft."""
        return self if part in self.of_length else replace(self, length=0.0, of_length=frozenset())

    def __bool__(self) -> bool:
        return bool(self.avoided or self.welcome or self.calmer or self.length)

    def broken(self, text: str) -> frozenset[str]:
        """The keys of the habits that a text breaks."""
        said = set(words_in(text))
        shouts = {"calmer"} if self.calmer and "!" in said else set()
        return frozenset({f"avoid:{word}" for word in self.avoided & said} | shouts)

    def calm(self, sentence: str) -> str:
        """The sentence, ending in a full stop (a question in its mark) where exclamation marks are not wanted."""
        return _SHOUTED.sub(_calm_end, sentence) if self.calmer else sentence

    def ordered(self, plain: str, texts: Sequence[str], good: Collection[str]) -> list[str]:
        """``texts`` (the best first where there are no habits) without those that break more habits than others.

        ``plain`` is the first choice without habits. Of texts that are ``good`` enough those with welcome words
        come first, and the first is shorter or longer than ``plain`` by as much as the habit is, or as near as
        there is one.
        """
        least = min((len(self.broken(text)) for text in texts), default=0)
        left = [text for text in texts if len(self.broken(text)) == least]
        says = {text: len(self.welcome & set(words_in(text))) if text in good else 0 for text in left}
        left.sort(key=lambda text: -says[text])
        first = self._of_length(plain, [text for text in left if text in good and says[text] == says[left[0]]])
        return left if first is None else [first, *(text for text in left if text != first)]

    def _of_length(self, plain: str, texts: Sequence[str]) -> str | None:
        sign = 1 if self.length > 0 else -1
        size = len(words_in(plain))
        further = {text: sign * (len(words_in(text)) - size) for text in texts if self.length}
        further = {text: words for text, words in further.items() if words > 0}
        enough = [text for text, words in further.items() if words >= abs(self.length) * size]
        return enough[0] if enough else max(further, key=lambda text: further[text], default=None)

    def compared(self, plain: str, text: str) -> Followed:
        """What of the habits ``text`` follows where ``plain``, the first choice without them, does not, and what
        it misses."""
        broken, said = self.broken(text), set(words_in(text)) - set(words_in(plain))
        followed = {*(self.broken(plain) - broken), *(f"add:{word}" for word in self.welcome & said)}
        more = len(words_in(text)) - len(words_in(plain))
        if self.length * more > 0:
            followed.add("longer" if more > 0 else "shorter")
        return Followed(tuple(sorted(followed)), tuple(sorted(broken)))


def _calm_end(shouted: re.Match[str]) -> str:
    return "?" if "?" in shouted[0] else "."


NO_HABITS = Habits()
