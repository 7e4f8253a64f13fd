"""A walk along the audit chain, event by event: in the store or in a file that came from one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from growth_pipelines.store.audit_records import record_hash

# What the first event calls its predecessor's hash.
GENESIS = "0" * 64


@dataclass(frozen=True)
class Link:
    """An event's number and hash, as somebody has kept them; ``source`` says where it is known from."""

    seq: int
    hash: str
    source: str = "given"


@dataclass
class ChainWalk:
    """Takes the events in order and notes what is wrong; constant memory, but for what it notes.

    ``partial``: the events are a selection, whose numbers may start anywhere and leave some out; links are
    judged where neighbours follow each other. ``links`` counts those.
    """

    heads: Iterable[Link] = ()
    partial: bool = False
    events: int = 0
    links: int = 0
    first: int = 0
    seq: int = 0
    head: str = GENESIS
    problems: list[str] = field(default_factory=list)
    _wanted: dict[int, list[Link]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A head that was published before the first event asks for none.
        for link in (link for link in self.heads if link.seq > 0):
            self._wanted.setdefault(link.seq, []).append(link)

    def take(self, record: Mapping[str, Any]) -> None:
        """The next event."""
        seq, expected = record["seq"], self.seq + 1
        name = f"event {seq} ({record['event']})"
        if seq == expected:
            self.links += 1
            if record["prev_hash"] != self.head:
                self.problems.append(f"{name} doesn't follow the one before it")
        elif not self.partial:
            self.problems.append(f"event {expected} is missing; the next one is {seq}")
        elif seq < expected:
            self.problems.append(f"{name} comes after event {self.seq}")
        if record_hash(record) != record["hash"]:
            self.problems.append(f"event {seq} ({record['event']} by {record['actor']}) was changed")
        self.problems += [
            f"event {seq} is not the one of the head {link.source}: the chain was made anew"
            for link in self._wanted.pop(seq, ())
            if link.hash != record["hash"]
        ]
        self.first = self.first or seq
        self.events, self.seq, self.head = self.events + 1, seq, record["hash"]

    def missing_heads(self) -> list[str]:
        """A sentence for each head whose event never came."""
        left = [link for seq in sorted(self._wanted) for link in self._wanted[seq]]
        return [
            f"event {link.seq} of the head {link.source} is not there: the end was cut off"
            if not self.partial
            else f"event {link.seq} of the head {link.source} is not among these"
            for link in left
        ]
