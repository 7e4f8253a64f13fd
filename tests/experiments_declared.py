"""Experiments for tests, valid unless a test says otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.experiments.proposals import propose_start
from growth_pipelines.actions.experiments.registry import Declaration, Guardrail, create, find_experiment
from growth_pipelines.actions.queue import find
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Experiment
from tests.drafts import SHOP, decided


def declaration(key: str = "free-shipping-bar", **other: Any) -> Declaration:
    parts: dict[str, Any] = {
        "key": key,
        "hypothesis": "A bar that says when shipping is free makes more visitors buy.",
        "primary_metric": "conversions",
        "arms": (("control", 1.0), ("bar", 1.0)),
        "minimum_effect": 0.2,
        "baseline": 0.1,
        "planned_units": 4000,
        "planned_days": 14,
        "outcome_days": 1,
        "coverage_goal": 1.0,
        "guardrails": (Guardrail("sessions", 0.1, kind="mean"),),
    }
    return Declaration(**(parts | other))


def registered(store: Store, one: Declaration, now: datetime, actor: str = "bo") -> Experiment:
    with store.session() as session:
        return create(session, one, shop_id=SHOP, actor=actor, channel="cli", now=now)


def started(store: Store, settings: Settings, row: Experiment, now: datetime) -> str:
    """The experiment after an operator has approved its start; the action's id."""
    action_id = propose_start(store, settings, row, now)
    with store.read() as session:
        action = find(session, action_id)
        session.expunge_all()
    decided(store, settings, action, "approve", now=now)
    [result] = execute_approved(store, settings, only=[action_id], now=now)
    assert result.status == "executed", result.message
    return action_id


def fresh(store: Store, key: str) -> Experiment:
    with store.read() as session:
        return find_experiment(session, key)
