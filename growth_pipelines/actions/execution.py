"""Carry out what operators approved: once, only as it was shown, and only while nothing says stop.

For each action: verify the approval again → dry run (check the draft, read the resource, compare with what the
operator saw) → snapshot in the ledger → write → read back and compare → record. A launched run, a green check
or a row that says "approved" is not believed: :func:`growth_pipelines.actions.authority.authority` is asked,
twice, the second time in the transaction that starts the write.

Killed anywhere and run again, an action is written once: the ledger row tells that a write may have happened,
and what the resource holds tells whether it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.authority import Authority, authority
from growth_pipelines.actions.brake import Paused, brake, check_brake
from growth_pipelines.actions.executors import ledger, task_cards
from growth_pipelines.actions.executors.claim import Busy, claim
from growth_pipelines.actions.executors.plan import InvalidDraft, Plan, plan_of
from growth_pipelines.actions.executors.shop import ShopLine
from growth_pipelines.actions.executors.surfaces import Reading, ResourceGone, differing, field_names
from growth_pipelines.actions.executors.writing import FieldWriter, Outcome, Unsettled
from growth_pipelines.actions.experiments.switch import bound, line_to
from growth_pipelines.actions.model import Target
from growth_pipelines.actions.queue import find
from growth_pipelines.actions.redraft import redrafted
from growth_pipelines.actions.transitions import changes_of, revise, transition
from growth_pipelines.clock import local_minute
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, Execution
from growth_pipelines.telemetry import logger, trace

_log = logger("execution")
Status = Literal["executed", "dry_run", "refused", "drifted", "failed", "already_done", "paused", "rolled_back"]


@dataclass(frozen=True)
class ExecutionResult:
    """What became of one action; ``message`` is for the operator."""

    action_id: str
    ref: str
    status: Status
    message: str
    request_ids: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing is left that was asked for (a dry run is all that the propose mode asks for)."""
        return self.status in ("executed", "dry_run", "already_done", "rolled_back")


def execute_approved(
    store: Store,
    settings: Settings,
    *,
    kind: str | None = None,
    only: Sequence[str] | None = None,
    now: datetime | None = None,
) -> list[ExecutionResult]:
    """Execute every approved action, best first, and finish those that a killed run left half-way.

    ``kind`` limits it to one recommender's actions; ``only`` to these ids or refs, whatever their state, so that
    each of them gets an answer. Never raises for what happens to one action: its result says it.
    Raises GrowthError for an unknown id.
    """
    chosen = _chosen(store, kind, only)
    if not chosen:
        return []
    with ShopLine(settings) as shop:
        executor = _Executor(store, settings, shop, now)
        return [executor.execute(action_id, ref, trace_id) for action_id, ref, trace_id in chosen]


def _chosen(store: Store, kind: str | None, only: Sequence[str] | None) -> list[tuple[str, str, str]]:
    with store.read() as session:
        if only is not None:
            actions = [find(session, name) for name in dict.fromkeys(only)]
            return [(action.id, action.ref, action.trace_id) for action in actions if kind in (None, action.kind)]
        wanted = select(Action.id, Action.ref, Action.trace_id).where(Action.state.in_(("approved", "executing")))
        if kind is not None:
            wanted = wanted.where(Action.kind == kind)
        return [
            (action_id, ref, trace_id)
            for action_id, ref, trace_id in session.execute(wanted.order_by(Action.score.desc(), Action.id))
        ]


@dataclass(frozen=True)
class _Job:
    """One action that may be worked on: its plan and how far an earlier run had come.

    ``sealed`` is the genuine ledger row of a write that may have happened; ``doubt`` says why no (further)
    write is allowed, although its end may still be recorded.
    """

    action: Action
    plan: Plan
    sealed: Execution | None = None
    doubt: str = ""


class _Stop(Exception):
    """Ends the work on one action with its result."""

    def __init__(self, status: Status, message: str, request_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.request_ids = status, message, tuple(request_ids)


class _Executor:
    """Works off actions one after the other over one line to the shop."""

    def __init__(self, store: Store, settings: Settings, shop: ShopLine, now: datetime | None) -> None:
        self._store = store
        self._settings = settings
        self._shop = shop
        self._now = now
        self._unreachable = ""

    @property
    def now(self) -> datetime:
        return self._now or self._settings.clock.now()

    def execute(self, action_id: str, ref: str, trace_id: str) -> ExecutionResult:
        with trace(trace_id):
            try:
                with claim(self._settings, action_id):
                    self._work(action_id)
            except _Stop as end:
                result = ExecutionResult(action_id, ref, end.status, end.message, end.request_ids)
            except Paused as error:
                result = ExecutionResult(action_id, ref, "paused", str(error))
            except Busy as error:
                result = ExecutionResult(action_id, ref, "refused", str(error))
            except GrowthError as error:
                result = ExecutionResult(action_id, ref, "failed", str(error))
            _log.info("execution", ref=ref, status=result.status, why=result.message)
        return result

    def _work(self, action_id: str) -> None:
        """The whole way of one action; always ends with _Stop or a GrowthError."""
        job = self._admit(action_id)
        reading = self._read(job)
        if job.sealed is None:
            self._compare(job, reading)
        if self._settings.actions.mode != "live":
            self._dry_run(job, reading)
        if job.doubt:
            self._settle_without_writing(job, reading)
        row = self._start(job, reading)
        self._finish(job, row, reading, self._write(job, row))

    # -- verify ---------------------------------------------------------------------------------------------

    def _admit(self, action_id: str) -> _Job:
        with self._store.read() as session:
            action = session.get_one(Action, action_id)
            row = ledger.ledger_row(session, action)
            if action.state in ("executed", "measured"):
                at = local_minute(action.executed_at or action.state_at, self._settings.zone)
                raise _Stop("already_done", f"It was executed at {at}.")
            if action.state not in ("approved", "executing"):
                raise _Stop("refused", f"Nothing was written: it is {action.state}, not approved.")
            if self._settings.actions.mode == "observe":
                raise _Stop("refused", "Nothing was written: GROWTH_ACTIONS__MODE is observe.")
            pulled = brake(session)
            if pulled is not None:
                raise _Stop("paused", f"Nothing was written. {pulled.told(self._settings.zone)}")
            sealed = None
            if action.state == "executing":
                if (
                    row is None
                    or row.status not in ledger.UNDER_WAY
                    or not ledger.is_genuine(session, action, row)
                ):
                    raise _Stop("refused", "Nothing was written: no genuine record tells of its execution.")
                sealed = row
            verdict = self._authority(session, action, sealed)
            if not verdict.valid and sealed is None:
                raise _Stop("refused", f"Nothing was written: {verdict.why}.")
            session.expunge_all()
        return _Job(action, self._plan(action), sealed, "" if verdict.valid else verdict.why)

    def _plan(self, action: Action) -> Plan:
        try:
            plan = plan_of(action.kind, Target.model_validate(action.target), action.draft, changes_of(action))
            return replace(plan, surface=bound(plan.surface, self._store, self.now))
        except InvalidDraft as error:
            self._fail_before_writing(action, str(error))
            raise _Stop("failed", str(error)) from error

    # -- dry run --------------------------------------------------------------------------------------------

    def _read(self, job: _Job) -> Reading:
        """The resource as it is. A shop that can't be reached is asked once a run, not once an action."""
        if job.plan.surface is None:
            return Reading({})
        if self._unreachable:
            raise _Stop("failed", f"Not tried. {self._unreachable}")
        try:
            reading = job.plan.surface.read(line_to(job.plan.surface, self._shop), job.plan.gid)
        except ResourceGone as error:
            if job.sealed is None:
                self._fail_before_writing(job.action, str(error))
            else:
                self._close(job, "failed", Outcome("unchanged", {}, error=str(error)))
            raise _Stop("failed", str(error)) from error
        except GrowthError as error:
            self._unreachable = str(error)
            raise
        return replace(reading, values={name: reading.values[name] for name in job.plan.wanted})

    def _compare(self, job: _Job, reading: Reading) -> None:
        """Stop when the resource isn't what the operator saw, or holds the approved values already."""
        plan = job.plan
        if plan.wanted and plan.task is None and not differing(plan.wanted, reading.values):
            self._supersede(job.action)
        # A field that holds the approved value already is nobody's work to be overwritten.
        drifted = [
            name
            for name in differing(plan.wanted, reading.values)
            if not reading.still_shows(name, plan.before[name])
        ]
        if drifted:
            why = f"The {field_names(drifted)} was changed in the shop since it was shown."
            with self._store.session() as session:
                if not ledger.start(session, job.action, snapshot={}, written={}, now=self.now):
                    raise _Stop("refused", "Nothing was written: another process was first.")
                self._send_back(session, job, reading, why)
            raise _Stop("drifted", f"{why} It waits for a decision on the new difference; nothing was written.")

    def _dry_run(self, job: _Job, reading: Reading) -> None:
        mode = f"GROWTH_ACTIONS__MODE is {self._settings.actions.mode}"
        if job.sealed is not None:
            raise _Stop("dry_run", f"Its execution had begun; {mode}, so it is finished when the mode is live.")
        with self._store.session() as session:
            action = session.get_one(Action, job.action.id)
            if (action.state, action.version) == ("approved", job.action.version):
                ledger.note_dry_run(
                    session, action, snapshot=reading.values, written=job.plan.wanted, now=self.now
                )
        raise _Stop("dry_run", f"Checked and ready; {mode}, so nothing was written.")

    # -- write ----------------------------------------------------------------------------------------------

    def _start(self, job: _Job, reading: Reading) -> Execution:
        """Open the ledger, or take over the row of a killed run; the approval is verified in the same breath."""
        with self._store.session() as session:
            action = session.get_one(Action, job.action.id)
            check_brake(session, self._settings.zone)
            verdict = self._authority(session, action, job.sealed)
            if not verdict.valid:
                raise _Stop("refused", f"Nothing was written: {verdict.why}.")
            if action.version != job.action.version or (
                job.sealed is None
                and not ledger.start(
                    session, action, snapshot=reading.values, written=job.plan.wanted, now=self.now
                )
            ):
                raise _Stop("refused", "Nothing was written: another process was first.")
            row = session.get_one(Execution, (action.id, action.version))
            if job.sealed is not None:
                row.attempts += 1
            session.flush()
            session.expunge_all()
        return row

    def _write(self, job: _Job, row: Execution) -> Outcome:
        plan = job.plan
        if plan.surface is None or not plan.wanted:
            return Outcome("confirmed", {})
        tries = self._settings.actions.attempts
        writer = FieldWriter(
            shop=line_to(plan.surface, self._shop),
            surface=plan.surface,
            gid=plan.gid,
            attempts=tries if row.attempts <= tries else 0,
            deadline_seconds=self._settings.actions.deadline_seconds,
            allowed=self._check_brake,
            acknowledged=lambda ids: self._note_written(row, ids),
        )
        try:
            return writer.write(plan.wanted, row.snapshot or {})
        except Unsettled as error:
            self._unreachable = str(error)
            raise

    def _authority(self, session: Session, action: Action, sealed: Execution | None) -> Authority:
        resuming = sealed is not None
        return authority(session, action, self.now, zone=self._settings.zone, resuming=resuming)

    def _check_brake(self) -> None:
        with self._store.read() as session:
            check_brake(session, self._settings.zone)

    def _note_written(self, row: Execution, request_ids: Sequence[str]) -> None:
        with self._store.session() as session:
            kept = session.get_one(Execution, (row.action_id, row.version))
            kept.status = "written"
            kept.request_ids = list(dict.fromkeys([*kept.request_ids, *request_ids]))

    # -- record ---------------------------------------------------------------------------------------------

    def _finish(self, job: _Job, row: Execution, reading: Reading, outcome: Outcome) -> None:
        ids = tuple(dict.fromkeys([*row.request_ids, *outcome.request_ids]))
        if outcome.status == "confirmed":
            self._close(job, "confirmed", outcome)
            raise _Stop("executed", self._told(job), ids)
        if outcome.status == "foreign":
            with self._store.session() as session:
                self._send_back(session, job, replace(reading, values=outcome.found), outcome.error)
            raise _Stop("drifted", f"{outcome.error} It waits for a decision on the new difference.", ids)
        self._close(job, "undone" if outcome.status == "undone" else "failed", outcome)
        put_back = " What had been written was put back." if outcome.status == "undone" else ""
        raise _Stop("failed", f"{outcome.error}{put_back}", ids)

    def _settle_without_writing(self, job: _Job, reading: Reading) -> None:
        """A killed run whose approval no longer holds: find out what happened, write nothing more."""
        if not differing(job.plan.wanted, reading.values):
            outcome = Outcome("confirmed", reading.values)
            self._close(job, "confirmed", outcome)
            raise _Stop("executed", self._told(job))
        why = f"It was interrupted before it was written, and now {job.doubt}."
        self._close(job, "failed", Outcome("unchanged", reading.values, error=why))
        raise _Stop("failed", why)

    def _close(self, job: _Job, status: str, outcome: Outcome) -> None:
        """Ledger, task card and state in one transaction."""
        done = status == "confirmed"
        with self._store.session() as session:
            action = session.get_one(Action, job.action.id)
            row = session.get_one(Execution, (action.id, action.version))
            ledger.close(
                row,
                status,
                now=self.now,
                read_back=outcome.found,
                request_ids=outcome.request_ids,
                error=outcome.error,
            )
            if done and job.plan.task is not None:
                task_cards.open_card(session, action, job.plan.task, self.now)
            transition(
                session,
                action.id,
                action.version,
                "executing",
                "executed" if done else "failed",
                actor=ledger.ACTOR,
                channel=ledger.CHANNEL,
                now=self.now,
                payload={"request_ids": row.request_ids, "error": outcome.error},
            )

    def _send_back(self, session: Session, job: _Job, reading: Reading, why: str) -> None:
        """Executing → pending: the next version, with the difference as it is now."""
        row = session.get_one(Execution, (job.action.id, job.action.version))
        ledger.close(row, "failed", now=self.now, read_back=reading.values, error=why)
        draft, diff = redrafted(job.action.draft, changes_of(job.action), job.plan.wanted, reading)
        revise(
            session,
            job.action.id,
            job.action.version,
            "executing",
            draft=draft,
            diff=diff,
            actor=ledger.ACTOR,
            channel=ledger.CHANNEL,
            now=self.now,
            requester=job.action.source,
            payload={"why": why},
            changes={"expires_at": self.now + timedelta(days=self._settings.actions.expire_days)},
        )

    def _supersede(self, action: Action) -> None:
        why = "The shop already holds exactly what was approved; nothing was left to write."
        with self._store.session() as session:
            moved = transition(
                session,
                action.id,
                action.version,
                "approved",
                "superseded",
                actor=ledger.ACTOR,
                channel=ledger.CHANNEL,
                now=self.now,
                payload={"why": why},
            )
        raise _Stop("already_done" if moved else "refused", why)

    def _fail_before_writing(self, action: Action, why: str) -> None:
        """Nothing can come of it, ever: the action fails (only when executing was really meant)."""
        if self._settings.actions.mode != "live":
            return
        with self._store.session() as session:
            if not ledger.start(session, action, snapshot={}, written={}, now=self.now):
                return
            row = session.get_one(Execution, (action.id, action.version))
            ledger.close(row, "failed", now=self.now, error=why)
            transition(
                session,
                action.id,
                action.version,
                "executing",
                "failed",
                actor=ledger.ACTOR,
                channel=ledger.CHANNEL,
                now=self.now,
                payload={"request_ids": [], "error": why},
            )

    def _told(self, job: _Job) -> str:
        written = field_names(job.plan.wanted)
        parts = [f"Wrote the {written} of {job.action.target['url'] or job.plan.gid}."] if written else []
        parts += ["Opened a task card."] if job.plan.task is not None else []
        return " ".join(parts)
