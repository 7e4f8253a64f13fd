"""What the deciders of a race were told, held against each other and against the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, ApprovalVote, AuditEvent, OutboxEntry


@dataclass
class Told:
    """What deciders were told, each with its round: who decided, whose approval counted as one of several, what
    the others were told, what broke; and the milliseconds that each took."""

    won: list[tuple[int, str, str]] = field(default_factory=list)
    voted: list[tuple[int, str]] = field(default_factory=list)
    late: list[tuple[int, str]] = field(default_factory=list)
    repeated: list[tuple[int, str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(self, other: Told) -> None:
        """Take in what another process was told."""
        for name, values in vars(other).items():
            getattr(self, name).extend(values)


def problems_of(store: Store, told: Told, rounds: int, deciders: int, quorum: int) -> list[str]:
    """A sentence for whatever was not as it must be."""
    return [
        *told.wrong,
        *_counts(told, rounds, deciders, quorum),
        *_untruths(told),
        *_stored_problems(store, told, rounds, quorum),
    ]


def _counts(told: Told, rounds: int, deciders: int, quorum: int) -> list[str]:
    """One winner a round, as many votes before as the quorum asks, and nobody without an answer."""
    won = Counter(turn for turn, *_ in told.won)
    voted = Counter(turn for turn, _ in told.voted)
    answered = Counter(turn for many in (told.won, told.voted, told.late, told.repeated) for turn, *_ in many)
    people = {turn: {operator for at, operator, *_ in [*told.won, *told.voted] if at == turn} for turn in voted}
    found = []
    for turn in range(rounds):
        if won[turn] != 1:
            found.append(f"round {turn} had {won[turn]} winners")
        if voted[turn] != quorum - 1:
            found.append(f"round {turn} had {voted[turn]} votes before the last")
        if turn in people and len(people[turn]) != quorum:
            found.append(f"round {turn} was approved by {len(people[turn])} people")
        if answered[turn] != deciders:
            found.append(f"round {turn}: {answered[turn]} of {deciders} were told")
    return found


def _untruths(told: Told) -> list[str]:
    """Who came late is told who won, when and where; who approved twice, that they had."""
    winners = {turn: (operator, channel) for turn, operator, channel in told.won}
    voters = {*told.voted}
    found = []
    for turn, message in told.late:
        operator, channel = winners.get(turn, ("nobody", "nowhere"))
        if f"was decided by {operator} at " not in message or f"({channel})" not in message:
            found.append(f"round {turn} told: {message}")
    for turn, operator, message in told.repeated:
        if (turn, operator) not in voters or f"{operator} has approved it already" not in message:
            found.append(f"round {turn} told {operator}: {message}")
    return found


def _stored_problems(store: Store, told: Told, rounds: int, quorum: int) -> list[str]:
    """What the store must hold: an intact chain, one approval, one outbox entry a round, and every refusal."""
    with store.read() as session:

        def count(wanted: Any) -> int:
            return session.scalar(select(func.count()).select_from(wanted.subquery())) or 0

        votes = rounds * quorum if quorum > 1 else 0
        found = {
            "approved actions": (count(select(Action.id).where(Action.state == "approved")), rounds),
            "approvals in the chain": (
                count(select(AuditEvent.seq).where(AuditEvent.event == "approved")),
                rounds,
            ),
            "approvals in the outbox": (
                count(select(OutboxEntry.seq).where(OutboxEntry.event == "action.approved")),
                rounds,
            ),
            "votes": (count(select(ApprovalVote.id)), votes),
            "refusals on record": (
                count(select(AuditEvent.seq).where(AuditEvent.event == "decision_refused")),
                len(told.late) + len(told.repeated),
            ),
        }
        chain = verify_chain(session)
    return [f"{n} {what}, not {wanted}" for what, (n, wanted) in found.items() if n != wanted] + list(
        chain.problems
    )
