"""Many texts by their words: how much each shares with one more text, for all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from growth_pipelines.content.terms import word_set

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class WordIndex:
    """Sets of words, numbered from 0 as given; each word knows the sets that hold it.

    ``sizes`` is the number of words of each set, ``holders`` the number of sets that hold each word.
    """

    def __init__(self, documents: Sequence[Collection[str]]) -> None:
        import numpy as np

        self._numbers: dict[str, int] = {}
        words = [self._numbers.setdefault(word, len(self._numbers)) for own in documents for word in own]
        self.sizes = np.fromiter((len(own) for own in documents), dtype=np.int64, count=len(documents))
        word_of = np.array(words, dtype=np.int64)
        order = np.argsort(word_of, kind="stable")
        self._documents = np.repeat(np.arange(len(documents)), self.sizes)[order]
        counts = np.bincount(word_of, minlength=len(self._numbers))
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def holders(self, word: str) -> int:
        """How many sets hold the word."""
        return len(self._of(word))

    def _of(self, word: str) -> NDArray[np.int64]:
        number = self._numbers.get(word)
        if number is None:
            return self._documents[:0]
        found: NDArray[np.int64] = self._documents[self._starts[number] : self._starts[number + 1]]
        return found

    def shared(self, words: Iterable[str], weights: dict[str, float] | None = None) -> NDArray[np.float64]:
        """For each set the number of the different ``words`` that it holds, or the sum of their ``weights``."""
        import numpy as np

        total = np.zeros(len(self.sizes))
        for word in sorted(words):
            # A set is there once a word, so that this adds to each of them.
            total[self._of(word)] += 1.0 if weights is None else weights[word]
        return total


class Texts:
    """Texts of one kind in the shop: how alike another one is to the most alike of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._count: dict[str, int] = {}
        for text in texts:
            if text:
                self._count[text] = self._count.get(text, 0) + 1
        self._place = {text: at for at, text in enumerate(self._count)}
        self._index = WordIndex([word_set(text) for text in self._count])

    def count(self, text: str) -> int:
        """How often the very text is among them."""
        return self._count.get(text, 0)

    def without(self, own: str) -> OtherTexts:
        """All of them but one that reads ``own``."""
        return OtherTexts(self, own)

    def likeness(self, text: str, own: str = "") -> float:
        """The highest Jaccard likeness of the words of ``text`` to those of a text, one ``own`` left out."""
        import numpy as np

        words = word_set(text)
        shared = self._index.shared(words)
        together = len(words) + self._index.sizes - shared
        alike = np.divide(shared, together, out=np.zeros_like(shared), where=together > 0)
        if self.count(own) == 1:
            alike[self._place[own]] = 0.0
        return float(alike.max(initial=0.0))


class OtherTexts:
    """The texts of the shop besides one page's own."""

    def __init__(self, texts: Texts, own: str) -> None:
        self._texts, self._own = texts, own

    def likeness(self, text: str) -> float:
        """See :meth:`Texts.likeness`."""
        return self._texts.likeness(text, self._own)

    def __contains__(self, text: str) -> bool:
        return self._texts.count(text) > (text == self._own)
