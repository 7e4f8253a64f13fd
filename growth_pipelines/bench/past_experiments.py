"""Experiments for the store of a bench: some under way, some decided, each read every day for two months."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.store.database import Store

# As many as a shop that always has some running begins in two years.
EXPERIMENTS = 40
LOOKS = 60
# The one whose page is asked for: it runs.
KEY = "bench-0"
_MACHINE = {"actor": "bench", "channel": "bench"}


def add_experiments(store: Store, actor: str, now: datetime) -> None:
    """Register experiments of ``actor`` that began 60 days ago; nine in ten are decided."""
    from growth_pipelines.actions.experiments.declaration import Declaration, Guardrail
    from growth_pipelines.actions.experiments.registry import create, decide_experiment, move, start
    from growth_pipelines.store.readings import keep_reading

    begun = now - timedelta(days=LOOKS)
    for number in range(EXPERIMENTS):
        declared = Declaration(
            key=f"bench-{number}",
            hypothesis="A bar that says when shipping is free makes more visitors buy.",
            primary_metric="conversions",
            arms=(("control", 1.0), ("bar", 1.0)),
            minimum_effect=0.1,
            baseline=0.03,
            planned_units=200_000,
            planned_days=56,
            guardrails=(Guardrail("sessions", 0.05), Guardrail("carts", 0.05)),
        )
        with store.session() as session:
            row = create(session, declared, shop_id="shop", actor=actor, channel="bench", now=begun)
            start(session, row, now=begun, **_MACHINE)
            read: dict[str, Any] = {}
            for day in range(1, LOOKS + 1):
                at, read = begun + timedelta(days=day), _reading(row, day)
                keep_reading(session, row.id, read, at.date(), at)
            if number % 10:
                move(session, row, "stop", now=now, reason="the plan is reached", **_MACHINE)
                decide_experiment(session, row, read, actor=actor, channel="bench", now=now)


def _reading(row: Any, day: int) -> dict[str, Any]:
    """What is read after so many days of 3,500 visitors an arm, of whom 3.0 and 3.2 % buy."""
    from growth_pipelines.actions.transitions import plain_json
    from growth_pipelines.experiments.readout import read_out
    from growth_pipelines.readouts.reading import Reading, declared_of

    units = {"control": 3500 * day, "bar": 3500 * day}
    shares = {"conversions": (0.03, 0.032), "sessions": (0.9, 0.9), "carts": (0.11, 0.112)}
    sums = [
        {
            "metric": metric,
            "variant": arm,
            "is_first_week": False,
            "n": units[arm],
            **dict.fromkeys(("converted", "sum", "sum_squares"), round(units[arm] * share[place])),
            **dict.fromkeys(("pre_sum", "pre_sum_squares", "xpre_sum"), 0),
        }
        for metric, share in shares.items()
        for place, arm in enumerate(units)
    ]
    reading = Reading(read_out(declared_of(row), units, sums, day), f"{day:064}")
    found: dict[str, Any] = plain_json(reading.document())
    return found
