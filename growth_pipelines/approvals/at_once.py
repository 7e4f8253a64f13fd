"""Which events can't wait for a digest, and what is said of them: ``at_once.yaml``, for every channel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from growth_pipelines.store.tables import OutboxEntry

# What an entry may leave out, or leave empty.
_INSTEAD = {"reason": "no reason given", "recovery": ""}


@lru_cache(maxsize=1)
def told_at_once() -> dict[str, str]:
    """The events and their sentences, with places to fill."""
    sentences: dict[str, str] = yaml.safe_load(
        Path(__file__).with_name("at_once.yaml").read_text(encoding="utf-8")
    )
    return sentences


def sentence_of(entry: OutboxEntry) -> str:
    """What to say of an outbox entry at once; empty when it can wait."""
    sentences = told_at_once()
    sentence = sentences.get(entry.event) or sentences.get(entry.event.partition(".")[0], "")
    said = {name: value for name, value in entry.payload.items() if value not in ("", None)}
    return sentence.format_map({**_INSTEAD, **said}).strip()
