"""Holds what the store knows against what Dagster shows: pure, over rows that others have read.

The store is the truth. Where the two differ, either nobody told Dagster, or somebody told it something else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from growth_pipelines.actions.lifecycle import Overdue
from growth_pipelines.clock import local_minute

AlarmKind = Literal["late", "untold", "unshown", "forged_mark", "forged_gate", "unrecorded"]
# Dagster is told every five seconds, and a run tells of what it carried out at its end.
PATIENCE = timedelta(minutes=10)
# Alarms of one kind that are told one by one.
FEW = 10
RECOVERY: dict[AlarmKind, str] = {
    "late": "Start the job `act_on_{recommender}`; `growth status` shows a pause of all writes.",
    "untold": "Look whether the daemon runs (`growth status`) and whether `outbox_sensor` is switched on.",
    "unshown": "Nothing is lost: `growth actions show {ref}` has it. Find out who removed it from Dagster.",
    "forged_mark": "It decided nothing. The audit page names who reported something in Dagster at that time.",
    "forged_gate": "It starts nothing. The job `recheck_{recommender}` judges again; the audit page names who.",
    "unrecorded": "`growth actions show {ref}` has what was written. Find the run that did it and why it ended.",
}


@dataclass(frozen=True)
class Decision:
    """One decision, as the store's outbox has it or as an approval in Dagster shows it.

    ``number`` is the outbox entry's; Dagster's may be anything, since anyone can report an event.
    """

    number: object
    recommender: str
    ref: object
    version: object
    digest: object
    decision: object
    operator: object


@dataclass(frozen=True)
class Gate:
    """A recommender's newest check result in Dagster, by the number of its event, and what the store says."""

    recommender: str
    event: int
    green: bool
    approved: bool


@dataclass(frozen=True)
class Carried:
    """An action that was carried out."""

    recommender: str
    ref: str
    version: int
    at: datetime


@dataclass(frozen=True)
class Alarm:
    """Something to look at; ``key`` stays the same as long as it is the same thing."""

    key: str
    kind: AlarmKind
    recommender: str
    ref: str
    message: str

    @property
    def recovery(self) -> str:
        """What to do about it."""
        return RECOVERY[self.kind].format(recommender=self.recommender or "X", ref=self.ref)


def few(alarms: Iterable[Alarm]) -> list[Alarm]:
    """The first alarms of each kind, and one that says how many more there are: a flood hides what matters."""
    by_kind: dict[AlarmKind, list[Alarm]] = {}
    for alarm in alarms:
        by_kind.setdefault(alarm.kind, []).append(alarm)
    shown = []
    for kind, same in by_kind.items():
        more = len(same) - FEW
        shown += same[:FEW]
        if more > 0:
            rest = same[FEW]
            message = f"And {more} more like these."
            shown.append(Alarm(f"{kind}:more", kind, rest.recommender, rest.ref, message))
    return shown


def late(overdue: Sequence[tuple[str, Overdue]]) -> Iterator[Alarm]:
    """Approved and not carried out, or executing for too long; ``overdue`` are (recommender, action)."""
    for recommender, item in overdue:
        key = f"late:{item.ref}:{item.state}:{item.since.isoformat()}"
        yield Alarm(key, "late", recommender, item.ref, item.message)


def untold(waiting: Sequence[datetime], now: datetime, zone: str) -> Iterator[Alarm]:
    """Outbox entries, by the times when they were written, that Dagster should have been told long ago."""
    old = [at for at in waiting if at < now - PATIENCE]
    if old:
        since = local_minute(min(old), zone)
        yield Alarm(
            "untold", "untold", "", "", f"Dagster was not told of {len(old)} events, the first of {since}."
        )


def unshown(told: Sequence[Decision], shown: Sequence[Decision]) -> Iterator[Alarm]:
    """Decisions that Dagster was told of and does not show."""
    marks = {(item.recommender, item.number) for item in shown if type(item.number) is int}
    for item in told:
        if (item.recommender, item.number) not in marks:
            message = f"{item.ref}: {item.decision} by {item.operator} is not in Dagster."
            yield Alarm(f"unshown:{item.number}", "unshown", item.recommender, str(item.ref), message)


def forged_marks(known: Sequence[Decision], shown: Sequence[tuple[int, Decision]]) -> Iterator[Alarm]:
    """Approvals in Dagster, each with its event's number, that say they come from the store and do not."""
    decisions = {item.number: item for item in known}
    for event, item in shown:
        mine = decisions.get(item.number) if type(item.number) is int else None
        if mine != item:
            what = "which it never made" if mine is None else f"but that decided otherwise on {mine.ref}"
            message = f"An approval of {item.ref} in Dagster (event {event}) claims to be the store's, {what}."
            yield Alarm(f"forged_mark:{item.recommender}:{event}", "forged_mark", item.recommender, "", message)


def forged_gates(gates: Sequence[Gate], lagging: Collection[str]) -> Iterator[Alarm]:
    """Green checks without an approval in the store; those whose news Dagster has yet to hear are left out."""
    for gate in gates:
        if gate.green and not gate.approved and gate.recommender not in lagging:
            message = f"The gate of {gate.recommender} is green in Dagster, and the store holds no valid approval."
            key = f"forged_gate:{gate.recommender}:{gate.event}"
            yield Alarm(key, "forged_gate", gate.recommender, "", message)


def unrecorded(carried: Sequence[Carried], shown: Collection[tuple[str, str]], now: datetime) -> Iterator[Alarm]:
    """Actions that were carried out and that no run tells of; ``shown`` are (recommender, ref)."""
    for item in carried:
        if item.at < now - PATIENCE and (item.recommender, item.ref) not in shown:
            message = f"{item.ref} was carried out, and Dagster's {item.recommender}_actions does not tell of it."
            key = f"unrecorded:{item.ref}:{item.version}"
            yield Alarm(key, "unrecorded", item.recommender, item.ref, message)
