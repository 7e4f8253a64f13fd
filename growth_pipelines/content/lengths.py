"""How long a text is for a reader: characters as one sees them, in whatever script."""

from __future__ import annotations

import unicodedata

_UNSEEN = {"Mn", "Me", "Cf"}


def characters(text: str) -> int:
    """Characters that a reader counts: an accented letter is one however it is encoded, an ideograph is one, marks
    and joiners are none."""
    composed = unicodedata.normalize("NFC", text)
    return sum(unicodedata.category(character) not in _UNSEEN for character in composed)
