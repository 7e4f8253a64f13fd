"""Undo an executed action: write back what was there before, if what we wrote still stands.

An operator asks for it with a reason, and that request must stand in the audit chain; the prior values must be
those that the chain sealed when the action was executed. If somebody has changed the resource since, nothing
is overwritten and the request is answered with that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import rollback_authority
from growth_pipelines.actions.brake import Paused, brake, check_brake
from growth_pipelines.actions.execution import ExecutionResult, Status
from growth_pipelines.actions.executors import ledger, task_cards
from growth_pipelines.actions.executors.claim import Busy, claim
from growth_pipelines.actions.executors.plan import Plan, plan_of
from growth_pipelines.actions.executors.shop import ShopLine
from growth_pipelines.actions.executors.surfaces import field_names
from growth_pipelines.actions.executors.writing import FieldWriter, Outcome
from growth_pipelines.actions.experiments.switch import bound, line_to
from growth_pipelines.actions.model import State, Target
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.transitions import changes_of, record, transition
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent, Execution
from growth_pipelines.telemetry import logger, trace

_log = logger("rollback")


def roll_back(store: Store, settings: Settings, action_id: str, *, now: datetime | None = None) -> ExecutionResult:
    """Roll one action back (id or ref), as an operator has asked. Doing it twice changes nothing.

    The result's status is ``rolled_back``, or says why not; it never raises for what happens to the action.
    """
    with store.read() as session:
        action = find(session, action_id)
        session.expunge_all()
    work = _Rollback(store, settings, action.id, action.ref, now or settings.clock.now())
    with trace(action.trace_id):
        try:
            with claim(settings, action.id), ShopLine(settings) as shop:
                result = work.run(shop)
        except Paused as error:
            result = work.result("paused", str(error))
        except Busy as error:
            result = work.result("refused", str(error))
        except GrowthError as error:
            result = work.result("failed", str(error))
        _log.info("rollback", ref=action.ref, status=result.status, why=result.message)
    return result


def roll_back_requested(store: Store, settings: Settings, *, now: datetime | None = None) -> list[ExecutionResult]:
    """Carry out every rollback that was asked for and neither made nor answered yet."""
    with store.read() as session:
        due = [action.id for action in requested(session)]
    return [roll_back(store, settings, action_id, now=now) for action_id in due]


def requested(session: Session) -> list[Action]:
    """Executed actions whose latest word about a rollback is the request."""
    events = session.scalars(
        select(AuditEvent)
        .join(Action, Action.id == AuditEvent.action_id)
        .where(
            Action.state.in_(("executed", "measured")),
            AuditEvent.event.in_(("rollback_requested", "rollback_refused")),
        )
        .order_by(AuditEvent.seq)
    )
    last = {event.action_id: event.event for event in events}
    return [session.get_one(Action, action_id) for action_id, word in last.items() if word == "rollback_requested"]


class _Rollback:
    """The way of one rollback."""

    def __init__(self, store: Store, settings: Settings, action_id: str, ref: str, now: datetime) -> None:
        self._store = store
        self._settings = settings
        self._id = action_id
        self._ref = ref
        self._now = now

    def result(self, status: Status, message: str, request_ids: tuple[str, ...] = ()) -> ExecutionResult:
        return ExecutionResult(self._id, self._ref, status, message, request_ids)

    def run(self, shop: ShopLine) -> ExecutionResult:
        with self._store.read() as session:
            action = session.get_one(Action, self._id)
            row = ledger.ledger_row(session, action)
            refusal = self._refusal(session, action, row)
            session.expunge_all()
        if refusal is not None:
            return refusal
        if self._settings.actions.mode != "live":
            return self.result(
                "dry_run", f"Ready; GROWTH_ACTIONS__MODE is {self._settings.actions.mode}, so nothing was written."
            )
        kept = cast(Execution, row)
        plan = plan_of(action.kind, Target.model_validate(action.target), action.draft, changes_of(action))
        plan = replace(plan, surface=bound(plan.surface, self._store, self._now))
        return self._settle(action, plan, self._write(shop, plan, kept))

    def _refusal(self, session: Session, action: Action, row: Execution | None) -> ExecutionResult | None:
        if action.state == "rolled_back":
            return self.result("already_done", "It was rolled back already.")
        if pulled := brake(session):
            return self.result("paused", f"Nothing was written. {pulled.told(self._settings.zone)}")
        verdict = rollback_authority(session, action)
        if not verdict.valid:
            return self.result("refused", f"Nothing was written: {verdict.why}.")
        if row is None or row.status != "confirmed" or not ledger.is_genuine(session, action, row):
            return self.result("refused", "Nothing was written: no genuine record tells what was there before.")
        return None

    def _write(self, shop: ShopLine, plan: Plan, row: Execution) -> Outcome:
        if plan.surface is None or not plan.wanted:
            return Outcome("confirmed", {})
        writer = FieldWriter(
            shop=line_to(plan.surface, shop),
            surface=plan.surface,
            gid=plan.gid,
            attempts=self._settings.actions.attempts,
            deadline_seconds=self._settings.actions.deadline_seconds,
            allowed=self._check_brake,
            acknowledged=lambda _: None,
        )
        return writer.write(wanted=row.snapshot or {}, prior=row.written or {})

    def _check_brake(self) -> None:
        with self._store.read() as session:
            check_brake(session, self._settings.zone)

    def _settle(self, action: Action, plan: Plan, outcome: Outcome) -> ExecutionResult:
        if outcome.status == "confirmed":
            self._record(action, outcome)
            restored = field_names(plan.wanted)
            parts = [f"Restored the {restored} of {action.target['url'] or plan.gid}."] if restored else []
            parts += ["Withdrew the task card."] if plan.task else []
            return self.result("rolled_back", " ".join(parts), outcome.request_ids)
        if outcome.status == "foreign":
            why = f"{outcome.error} It was not overwritten; restore it by hand if that is wanted."
            with self._store.session() as session:
                current = session.get_one(Action, action.id)
                record(
                    session,
                    current,
                    "rollback_refused",
                    ledger.ACTOR,
                    ledger.CHANNEL,
                    self._now,
                    before=current.state,
                    payload={"why": why},
                )
            return self.result("drifted", why, outcome.request_ids)
        return self.result("failed", outcome.error, outcome.request_ids)

    def _record(self, action: Action, outcome: Outcome) -> None:
        with self._store.session() as session:
            current = session.get_one(Action, action.id)
            row = session.get_one(Execution, (action.id, action.version))
            ledger.close(
                row, "rolled_back", now=self._now, read_back=outcome.found, request_ids=outcome.request_ids
            )
            task_cards.withdraw_card(session, current)
            transition(
                session,
                action.id,
                action.version,
                cast(State, current.state),
                "rolled_back",
                actor=ledger.ACTOR,
                channel=ledger.CHANNEL,
                now=self._now,
                payload={"request_ids": list(outcome.request_ids)},
            )
