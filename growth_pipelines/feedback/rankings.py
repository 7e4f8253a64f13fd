"""Versions of the ranking: which is in force, how one comes into force, how it is taken back.

A version says what multiplies the score besides money, confidence and ease. One that learns more than what is in
force from the start needs the off-policy gate and an operator; a plainer one needs an operator only. Each change
is an audit event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.scoring import RANKING_VERSION
from growth_pipelines.errors import GrowthError
from growth_pipelines.feedback.switches import check_may_teach
from growth_pipelines.learning import Corrections, by_win_rates, chained, with_expectations
from growth_pipelines.store.audit import append_event
from growth_pipelines.store.tables import RankingVersion

if TYPE_CHECKING:
    import pandas as pd

# What each version learns from; the order is from the plainest on.
UNLEARNT, BY_WIN_RATES, CHAINED = "revenue-confidence-ease-0", "revenue-confidence-ease-1", RANKING_VERSION
EXPECTED_VALUE = "expected-value-1"
MEANINGS = {
    UNLEARNT: "Expected revenue × confidence × ease. Nothing that was learnt counts.",
    BY_WIN_RATES: "The same × how often such proposals are approved and work, compared with the shop's average.",
    CHAINED: "Expected revenue × what came of such estimates × the confidence that outcomes bear out × ease × how "
    "often such proposals are approved, compared with the shop's average.",
    EXPECTED_VALUE: "The same × what pages with such traffic and such a place in search brought beyond that. "
    "So it ranks by the money that is expected of a proposal, its approval included.",
}


class GateClosed(GrowthError):
    """The off-policy gate has not passed this version."""


@dataclass(frozen=True)
class Version:
    """A version as people see it; ``gate`` is what the last evaluation said (None: never evaluated).

    ``open`` is whether an operator may put it in force now.
    """

    version: str
    meaning: str
    status: str
    gate: dict[str, Any] | None
    changed_at: datetime | None
    changed_by: str
    open: bool


def versions(session: Session) -> list[Version]:
    """All versions, the plainest first; without any change RANKING_VERSION is in force."""
    rows = {row.version: row for row in session.scalars(select(RankingVersion))}
    active = active_version(session)
    return [
        Version(
            name,
            meaning,
            "active" if name == active else rows[name].status if name in rows else "proposed",
            rows[name].gate if name in rows else None,
            rows[name].changed_at if name in rows else None,
            rows[name].changed_by if name in rows else "",
            name != active and _may_follow(name, active, rows.get(name)),
        )
        for name, meaning in MEANINGS.items()
    ]


def active_version(session: Session) -> str:
    """The version in force."""
    active = select(RankingVersion.version).where(
        RankingVersion.status == "active", RankingVersion.version.in_(MEANINGS)
    )
    return session.scalar(active) or RANKING_VERSION


def corrections_of(signals: pd.DataFrame, version: str) -> Corrections:
    """What multiplies scores under a version, learnt from ``signals`` (see ``signal_frame``)."""
    if version == UNLEARNT:
        return Corrections(version)
    learn = {BY_WIN_RATES: by_win_rates, EXPECTED_VALUE: with_expectations}.get(version, chained)
    return learn(signals, version)


def put_in_force(session: Session, version: str, *, actor: str, channel: str, now: datetime) -> None:
    """Rank by ``version`` from the next run on. The caller has proved who ``actor`` is.

    Raises MayNotTeach, GateClosed for a version that learns more than the one in force and than RANKING_VERSION
    and that the gate has not passed, GrowthError for an unknown version or the one in force.
    """
    check_may_teach(session, actor)
    order, before = list(MEANINGS), active_version(session)
    if version not in order:
        raise GrowthError(f"There is no ranking version {version[:60]!r}.", f"Known: {', '.join(order)}.")
    if version == before:
        raise GrowthError(f"{version} is in force already.", "Nothing was changed.")
    row = session.get(RankingVersion, version) or RankingVersion(version=version)
    back = order.index(version) < order.index(before)
    if not _may_follow(version, before, row):
        raise GateClosed(
            f"{version} has not passed the gate.", f"It passes once it is shown to bring more than {before}."
        )
    for other in session.scalars(select(RankingVersion).where(RankingVersion.status == "active")):
        other.status = "retired"
    row.status, row.changed_at, row.changed_by = "active", now, actor
    session.add(row)
    append_event(
        session,
        event="ranking_rolled_back" if back else "ranking_changed",
        actor=actor,
        channel=channel,
        now=now,
        payload={"version": version, "before": before, "gate": row.gate},
    )
    session.flush()


def _may_follow(version: str, before: str, row: RankingVersion | None) -> bool:
    """What learns more than ``before``, and than what is in force from the start, needs a pass against it."""
    order = list(MEANINGS)
    back = order.index(version) < order.index(before)
    from_the_start = order.index(version) <= order.index(RANKING_VERSION)
    gate = (row.gate if row is not None else None) or {}
    return back or from_the_start or bool(gate.get("passed") and gate.get("against") == before)


def roll_back(session: Session, *, actor: str, channel: str, now: datetime) -> str:
    """Rank by the next plainer version; its name. Raises as ``put_in_force``, GrowthError at the plainest."""
    order, before = list(MEANINGS), active_version(session)
    if before == order[0]:
        raise GrowthError("Nothing learnt counts already.", "There is no plainer ranking.")
    back = order[order.index(before) - 1]
    put_in_force(session, back, actor=actor, channel=channel, now=now)
    return back
