"""The gate ``approved_by_operator``: what it judges from, and what is done with a record that enters by Dagster.

The verdict itself is a pure function of ``approvals.verdict``. Here it gets the store's rows and the newest
record of the event log, and its answer becomes a check result, within a run or reported without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.approvals.verdict import Verdict
from growth_pipelines.canonical import digest
from growth_pipelines.defs.applications import newest_application
from growth_pipelines.defs.check_reports import report_check
from growth_pipelines.defs.links import action_links
from growth_pipelines.defs.machine import Machine
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.approvals.signatures import DecisionRecord

GATE = "approved_by_operator"
_NEXT_STEP = {
    "pending": "Decide in the console, or with `growth actions approve ID --digest D`.",
    "malformed": "Paste exactly what `growth actions sign` prints. If nobody did, somebody forged it.",
    "unknown_operator": "Only active operators decide: `growth operators list`.",
    "bad_signature": "Nothing was decided. Find out who reported it: Dagster's event log names run and time.",
    "superseded": "Look at the present draft and decide again.",
    "expired": "Decide again while the action is open; the next cycle proposes it again if it still holds.",
}


@dataclass(frozen=True)
class Judgement(Verdict):
    """A verdict that knows where its actions are shown."""

    console: str = ""


def judge(machine: Machine, instance: dg.DagsterInstance, recommender: str, *, gating: bool = False) -> Judgement:
    """The verdict on a recommender now.

    A ``gating`` run acts, so it stops on anything but an approval, and it looks at the store alone: what was
    reported to Dagster has been decided on or refused by then, and a forged record must not hold up a valid
    approval. Elsewhere the newest record counts, until newer proposals exist.
    """
    from growth_pipelines.approvals.signatures import keys_of
    from growth_pipelines.approvals.standing import standings
    from growth_pipelines.approvals.verdict import verdict

    application = None if gating else _present_application(instance, recommender)
    with machine.store.read() as session:
        found = verdict(
            standings(session, recommender, machine.now, machine.settings.zone),
            machine.now,
            record=application,
            keys=keys_of(session),
            gating=gating,
            zone=machine.settings.zone,
        )
    return Judgement(**vars(found), console=machine.settings.console_url)


def _present_application(instance: dg.DagsterInstance, recommender: str) -> Mapping[str, Any] | str | None:
    proposed = instance.fetch_materializations(dg.AssetKey(f"{recommender}_recommendations"), limit=1).records
    since = proposed[0].storage_id if proposed else 0
    return newest_application(instance, dg.AssetKey(f"{recommender}_approval"), since)


def gate_metadata(found: Judgement) -> dict[str, Any]:
    """What the check shows: the state, how many actions are where, and what to do next."""
    return {
        "state": found.state,
        **{f"actions_{state}": count for state, count in found.counts.items()},
        **({"approved": ", ".join(found.approved)} if found.approved else {}),
        **({"open": action_links(found.console, [(ref, "") for ref in found.refs])} if found.refs else {}),
        **({"next_step": _NEXT_STEP[found.state]} if found.state in _NEXT_STEP else {}),
    }


def result_of(found: Judgement) -> dg.AssetCheckResult:
    """The verdict as the result of a check that runs."""
    return dg.AssetCheckResult(
        passed=found.passed,
        severity=dg.AssetCheckSeverity(found.severity),
        description=found.description,
        metadata=gate_metadata(found),
    )


def report_judgement(instance: dg.DagsterInstance, recommender: str, found: Judgement) -> None:
    """The verdict as a check result outside of any run, unless the newest one says the same."""
    report_check(instance, dg.AssetCheckKey(dg.AssetKey(f"{recommender}_recommendations"), GATE), result_of(found))


def apply(machine: Machine, application: Mapping[str, Any] | str) -> str:
    """Hand a record that entered through Dagster to the one ``decide()``; what became of it, for the log.

    Its signature is the only proof; of an edit it covers the note too, which names what nothing here backs. A
    refusal is no error of the machine, and nothing changed.
    Raises StoreUnavailable when nobody could judge it, so that the same record is handed in again.
    """
    from growth_pipelines.approvals.decide import DecisionRequest, SignatureProof, decide
    from growth_pipelines.approvals.signatures import examine
    from growth_pipelines.store.database import StoreUnavailable

    finding = examine(application, {}, machine.now)
    if finding.record is None:
        return f"refused: {finding.why}"
    request = DecisionRequest.of(finding.record)
    proof = SignatureProof(finding.record, channel="dagster", zone=machine.settings.zone)
    try:
        _check_vouched(machine, finding.record)
        return decide(machine.store, machine.settings, request, proof, machine.now).message
    except StoreUnavailable:
        raise
    except GrowthError as error:
        return f"refused: {error}"


def _check_vouched(machine: Machine, record: DecisionRecord) -> None:
    """Raise Unbacked for an edit that says what nothing here backs and its signer does not vouch for.

    Of a record that proves nobody, ``decide()`` says on record what is wrong.
    """
    from growth_pipelines.approvals.signatures import examine, keys_of
    from growth_pipelines.drafts.backing import check_vouched

    with machine.store.read() as session:
        proves = examine(record, keys_of(session), machine.now).flaw is None
    if proves and record.decision in ("edit", "approve_with_edits"):
        check_vouched(machine.settings, machine.store, record.action_id, record.draft, record.note)


def work_waiting(machine: Machine, recommender: str) -> str:
    """Names what a run of ``act_on_X`` would carry out now, or an empty text for nothing.

    The name changes by the hour: what could not be carried out (the shop was down) is tried again an hour later,
    and not at every tick.
    """
    from growth_pipelines.actions.brake import is_paused
    from growth_pipelines.actions.lifecycle import EXECUTING_WARNING
    from growth_pipelines.approvals.standing import standings
    from growth_pipelines.store.tables import Action, Execution

    mode = machine.settings.actions.mode
    if mode == "observe":
        return ""
    waiting = []
    with machine.store.read() as session:
        if is_paused(session):
            return ""
        for standing in standings(session, recommender, machine.now):
            tried = session.get(Execution, (standing.action_id, standing.version))
            if standing.valid and (mode == "live" or tried is None):
                waiting.append((standing.action_id, standing.version))
            elif mode == "live" and standing.state == "executing":
                action = session.get_one(Action, standing.action_id)
                if action.state_at < machine.now - EXECUTING_WARNING:
                    waiting.append((standing.action_id, standing.version))
    return f"{recommender}:{digest(sorted(waiting))[:16]}:{machine.now:%Y%m%d%H}" if waiting else ""


def rollbacks_waiting(machine: Machine) -> str:
    """The same for rollbacks that an operator asked for."""
    from growth_pipelines.actions.rollback import requested

    if machine.settings.actions.mode != "live":
        return ""
    with machine.store.read() as session:
        waiting = sorted((action.id, action.version) for action in requested(session))
    return f"rollback:{digest(waiting)[:16]}:{machine.now:%Y%m%d%H}" if waiting else ""
