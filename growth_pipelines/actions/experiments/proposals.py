"""The questions that experiments put to a person: may it start, may its winner go to everybody.

They are actions like any other, decided by the one ``decide()``; what is asked for is in the draft and its diff.
"""

from __future__ import annotations

from datetime import date, datetime

from growth_pipelines.actions.experiments.registry import arm_names
from growth_pipelines.actions.experiments.states import FIRST_COVERAGE
from growth_pipelines.actions.experiments.switch import GID, PROMOTED, RUNNING
from growth_pipelines.actions.model import ActionDraft, Evidence, FieldChange, Impact, Target
from growth_pipelines.actions.submission import rules_for, submit
from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Experiment

SOURCE = "experiments"


class NotProposed(GrowthError):
    """The question was not put; the message says why."""


def propose_start(store: Store, settings: Settings, row: Experiment, now: datetime) -> str:
    """Ask whether ``row`` may start; the action's id. Raises NotProposed."""
    if row.status != "draft":
        raise NotProposed(f"{row.key} is {row.status}: only a draft starts.", "Register a new experiment.")
    if row.unit != "visitor" and row.drawn is None:
        raise NotProposed(f"The {_units(row)} of {row.key} are not drawn.", "Draw them first.")
    arms = ", ".join(f"{arm['name']} ({arm['weight']:g})" for arm in row.arms)
    draft = _draft(
        row,
        local_date(now, settings.zone),
        title=f"Start the experiment {row.key}",
        rationale=f"{row.hypothesis} Arms: {arms}. {_course(row)}",
        why_now=f"{row.created_by} registered it.",
        draft={"running": "yes", **({"units": row.drawn["digest"]} if row.drawn else {})},
        change=FieldChange(field=RUNNING, before="no", after="yes"),
        undo="The experiment is stopped; everybody sees control again.",
    )
    return _put(store, settings, row, draft, now)


def propose_promotion(store: Store, settings: Settings, row: Experiment, arm: str, now: datetime) -> str:
    """Ask whether everybody may get ``arm`` of a decided experiment; the action's id. Raises NotProposed."""
    if row.status != "decided" or row.decision is None:
        raise NotProposed(
            f"{row.key} is {row.status}: promote an arm of a decided experiment.", "Decide it first."
        )
    if arm not in arm_names(row):
        raise NotProposed(f"{row.key} has no arm {arm}.", f"Its arms are {', '.join(arm_names(row))}.")
    draft = _draft(
        row,
        local_date(now, settings.zone),
        title=f"Give everybody {arm} of the experiment {row.key}",
        rationale=f"{row.hypothesis} It was decided on as: {row.decision.get('status', 'without a reading')}.",
        why_now=f"{row.decision.get('decided_by', '')} decided it.",
        draft={"promoted": arm},
        change=FieldChange(field=PROMOTED, before=row.promoted, after=arm),
        undo=f"Everybody gets {row.promoted or 'the shop as it is'} again.",
    )
    return _put(store, settings, row, draft, now)


def _course(row: Experiment) -> str:
    if row.drawn is None:
        return (
            f"It shows {FIRST_COVERAGE:.0%} of all visitors their arm for a day, "
            f"then {row.coverage_goal:.0%}, about {row.planned_days} days long."
        )
    return (
        f"{row.drawn['units']:,} {_units(row)} were drawn (see `growth experiments units {row.key}`); "
        f"it is read after {row.planned_days} days, and before only stopped where it does harm."
    )


def _units(row: Experiment) -> str:
    return "days" if row.unit == "time_slice" else f"{row.unit}s"


def _draft(
    row: Experiment,
    today: date,
    *,
    title: str,
    rationale: str,
    why_now: str,
    draft: dict[str, str],
    change: FieldChange,
    undo: str,
) -> ActionDraft:
    seen = Evidence(
        name=f"Baseline of {row.primary_metric.replace('_', ' ')}",
        source="experiments",
        value=row.baseline,
        unit="ratio" if row.metric_kind == "proportion" else "",
        start=today,
        end=today,
        note=f"planned for {row.minimum_effect:+.0%} with {row.planned_units:,} units",
    )
    return ActionDraft(
        kind="experiment",
        subtype="experiment",
        source=SOURCE,
        title=title,
        rationale=rationale,
        why_now=why_now,
        target=Target(type="experiment", gid=GID + row.key, url="", handle=row.key),
        draft=draft,
        diff=(change,),
        evidence=(seen,),
        # Nobody knows beforehand which arm is better: that is what it is run for. So no gain is claimed either.
        confidence=0.5,
        ease=0.8,
        impact=Impact(
            metric=row.primary_metric,
            delta=0,
            low=0,
            high=0,
            unit="",
            revenue_28d=0,
            revenue_low=0,
            revenue_high=0,
        ),
        risk_tier="medium",
        priority="high",
        score=0,
        factors={},
        ranking_version="experiments 1",
        rollback_plan=undo,
    )


def _put(store: Store, settings: Settings, row: Experiment, draft: ActionDraft, now: datetime) -> str:
    rules = rules_for(settings, SOURCE)
    result = submit(store, [draft], recommender=SOURCE, shop_id=row.shop_id, now=now, rules=rules)
    if result.refused:
        raise NotProposed(f"Not proposed: {result.refused[0][1]}.", "See `growth actions list --kind experiment`.")
    return result.action_ids[0]
