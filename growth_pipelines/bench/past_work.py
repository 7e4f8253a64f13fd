"""A past for the store of a bench: executed actions with what they did, and a look at some metrics."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.store.database import Store

# A year and a half of ten actions a week.
DONE = 800
_DAYS, _AHEAD = 120, 28


def add_past_work(store: Store, now: datetime) -> None:
    """Let 800 of the proposed actions have been executed over the last 18 months and measured, and look once.

    Of few actions it is a fifth.
    """
    from sqlalchemy import insert, select, update

    from growth_pipelines.store.looks import keep_look
    from growth_pipelines.store.tables import Action, ActionOutcome

    chance = random.Random(5)  # noqa: S311 - figures of a bench
    with store.session() as session:
        ids = session.scalars(select(Action.id).where(Action.state == "pending").order_by(Action.id)).all()
        ids = ids[: min(DONE, len(ids) // 5)]
        done: list[dict[str, Any]] = [
            {"id": id_, "state": "measured", "executed_at": now - timedelta(days=30 + chance.randrange(520))}
            for id_ in ids
        ]
        session.execute(update(Action), done)
        rows = [
            _outcome(one["id"], metric, days, now, chance)
            for one in done
            for metric in ("clicks", "revenue")
            for days in (7, 14, 28)
        ]
        session.execute(insert(ActionOutcome), rows)
        for family, count in {"sales": 3, "traffic": 2, "search": 1}.items():
            keep_look(session, family, [_metric(f"{family} {n}", now, chance) for n in range(count)], [], now)


def _outcome(action_id: str, metric: str, days: int, now: datetime, chance: random.Random) -> dict[str, Any]:
    effect, reach = chance.gauss(20, 40), chance.uniform(10, 80)
    return {
        "action_id": action_id,
        "metric": metric,
        "horizon_days": days,
        "slug": f"bench-{action_id[:8]}",
        "is_promised": metric == "clicks",
        "skipped": "",
        "outcome_class": "negative" if effect + reach < 0 else "partial" if effect > reach else "inconclusive",
        "baseline": 100.0,
        "observed": 100.0 + effect,
        "counterfactual": 100.0,
        "effect": effect,
        "effect_low": effect - reach,
        "effect_high": effect + reach,
        "shared_error": reach / 10,
        "estimate": 30.0,
        "controls": 80,
        "is_overlapping": False,
        "days": {},
        "measured_at": now,
    }


def _metric(label: str, now: datetime, chance: random.Random) -> dict[str, Any]:
    days = [(now + timedelta(days=place - _DAYS)).date().isoformat() for place in range(_DAYS + _AHEAD)]
    level = chance.uniform(50, 5_000)
    series = [[day, round(level * chance.uniform(0.7, 1.3))] for day in days[:_DAYS]]
    return {
        "name": label,
        "label": label.capitalize(),
        "unit": "money" if label.startswith("sales") else "",
        "state": "steady",
        "note": "",
        "level": round(level, 2),
        "since": None,
        "series": series,
        "ahead": [[day, *(round(level * share) for share in (1.0, 0.8, 1.2))] for day in days[_DAYS:]],
        "floor": None,
        "ahead_note": "",
    }
