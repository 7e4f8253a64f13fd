"""What the experiment pages show: the register and the kept readings in words, and the plots of the effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from growth_pipelines.actions.experiments.registry import arm_names, arm_weights
from growth_pipelines.actions.experiments.switch import GID, PROMOTED, RUNNING
from growth_pipelines.console.figures import chance, change, number, percent
from growth_pipelines.console.labels import label
from growth_pipelines.console.plots.effects import Looked, effect_plot
from growth_pipelines.console.plots.plot import Missing, Plot
from growth_pipelines.monitoring.marks import Dated, Event
from growth_pipelines.readouts.attention import looks_needed
from growth_pipelines.store.tables import Action, Experiment, ExperimentReading

# More plots make the page too heavy.
PLOTTED_ARMS = 3
_MARKED = {"ramped": "ramp", "paused": "paused", "resumed": "resumed", "stopped": "stopped"}


@dataclass(frozen=True)
class Row:
    """An experiment in the list. ``looks`` are the reasons to look at it now, in words; ``reads`` is empty
    where nothing was read."""

    row: Experiment
    reads: str
    winner: str
    days: int
    units: int
    waiting: int
    looks: tuple[str, ...]
    read_at: datetime | None


def list_row(row: Experiment, kept: ExperimentReading | None, now: datetime) -> Row:
    """The experiment as far as the list tells of it."""
    reading = row.decision if row.status == "decided" else kept.reading if kept else None
    counted = sum(reading.get("mature", ())) if reading else 0
    return Row(
        row,
        label("experiment_reads", reading["status"]) if reading else "",
        str(reading.get("winner", "")) if reading else "",
        int(reading.get("days", 0)) if reading else 0,
        counted,
        sum(reading.get("units", ())) - counted if reading else 0,
        tuple(
            label("experiment_looks", one)
            for one in looks_needed(row, kept.reading if kept else None, kept.at if kept else None, now)
        ),
        kept.at if kept else None,
    )


@dataclass(frozen=True)
class Size:
    """An arm's part: what was declared, and what came."""

    arm: str
    share: str
    expected: int
    units: int
    counted: int


def sizes(row: Experiment, reading: Mapping[str, Any]) -> list[Size]:
    """The arms' sizes beside those that their weights make one expect."""
    weights = arm_weights(row)
    shares = [weight / sum(weights) for weight in weights]
    units = list(reading["units"])
    return [
        Size(arm, percent(share), round(sum(units) * share), came, counted)
        for arm, share, came, counted in zip(arm_names(row), shares, units, reading["mature"], strict=True)
    ]


@dataclass(frozen=True)
class Rail:
    """A guardrail of one arm, in words; ``tone`` is good, warn or bad."""

    metric: str
    margin: str
    verdict: str
    tone: str
    change: str
    interval: str
    why: str


@dataclass(frozen=True)
class Arm:
    """A treatment against control, in words. ``why`` says why nothing is told of it; ``planned`` is the plain
    interval at the planned end."""

    arm: str
    units: int
    change: str
    interval: str
    planned: str
    better: str
    adjusted: str
    reads: str
    reason: str
    novelty: bool
    rails: list[Rail]
    why: str


_TONES = {"holds": "good", "broken": "bad", "unclear": "warn", "unknown": "warn"}
# Units of the first week and later ones differ more surely than by one chance in twenty.
_NOVEL = 0.05


def arms(row: Experiment, reading: Mapping[str, Any]) -> list[Arm]:
    """Every treatment of a reading; none where the sizes do not fit."""
    return [_arm(row, one) for one in reading["arms"]]


def _arm(row: Experiment, one: Mapping[str, Any]) -> Arm:
    effect, planned, decided = one["effect"], one["planned"], one["decision"]
    wins = effect["chance_to_win"] if effect else None
    if wins is not None and not row.increase_is_good:
        wins = 1 - wins
    return Arm(
        one["arm"],
        int(one["units"]),
        change(effect["diff"]) if effect else "",
        _interval(effect),
        _interval(planned),
        chance(wins) if wins is not None else "",
        _p_value(one["p_adjusted"]) if one["p_adjusted"] is not None else "",
        label("experiment_reads", decided["status"]) if decided else "",
        label("experiment_reasons", decided["reason"]) if decided else "",
        one["novelty_p"] is not None and one["novelty_p"] < _NOVEL,
        [_rail(rail) for rail in one["guardrails"]],
        one["why"],
    )


def _p_value(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}"


def _interval(found: Mapping[str, Any] | None) -> str:
    return f"{change(found['ci_low'])} to {change(found['ci_high'])}" if found else ""


def _rail(one: Mapping[str, Any]) -> Rail:
    verdict = one["verdict"] or "unknown"
    known = one["diff"] is not None
    return Rail(
        label("experiment_metrics", one["metric"]),
        percent(one["margin"]),
        label("experiment_verdicts", verdict),
        _TONES[verdict],
        change(one["diff"]) if known else "",
        f"{change(one['low'])} to {change(one['high'])}" if known else "",
        one["why"],
    )


def declared(row: Experiment) -> list[tuple[str, str]]:
    """The plan as it was settled before the start: what, and how it was said."""
    kind = label("experiment_kinds", row.metric_kind)
    better = "more is better" if row.increase_is_good else "less is better"
    baseline = percent_exactly(row.baseline) if row.metric_kind == "proportion" else number(row.baseline)
    rails = "; ".join(
        f"{label('experiment_metrics', one['metric'])} may get worse by less than {percent(one['margin'])}"
        for one in row.guardrails
    )
    shares = [weight / sum(arm_weights(row)) for weight in arm_weights(row)]
    said = ", ".join(f"{arm} {percent(share)}" for arm, share in zip(arm_names(row), shares, strict=True))
    days = "1 day" if row.outcome_days == 1 else f"{row.outcome_days} days"
    ramp = f"{percent(row.coverage_goal)} of all units after a first day of 10 %"
    return [
        ("Decides", f"{label('experiment_metrics', row.primary_metric)}: {kind}, {better}"),
        ("Arms", f"{said}; the first is control"),
        ("Unit", label("experiment_units", row.unit)),
        ("Baseline", baseline),
        ("Least effect worth finding", f"{change(row.minimum_effect)}, found with {percent(row.power)}"),
        ("Length", f"{row.planned_units:,} units and {row.planned_days} days"),
        (
            "Counts for a unit",
            f"{days} from when it first met its arm",
        ),
        ("Guardrails", rails or "none"),
        ("Takes part", ramp if row.unit == "visitor" else "every unit that was drawn"),
    ]


def percent_exactly(share: float) -> str:
    """A rate with as many digits as were typed."""
    return f"{100 * share:.3g} %"


def asked_for(session: Session, row: Experiment) -> list[Action]:
    """The actions that ask for the start and for promotions, the newest first."""
    wanted = select(Action).where(Action.resource_gid == GID + row.key, Action.kind == "experiment")
    return list(session.scalars(wanted.order_by(Action.created_at.desc(), Action.id)))


def is_waiting(actions: Sequence[Action], what: str) -> bool:
    """Whether the ``start`` or a ``promotion`` was asked for and is neither answered nor carried out yet."""
    field = {"start": RUNNING, "promotion": PROMOTED}[what]
    return any(field in one.fields and one.state in _OPEN for one in actions)


_OPEN = ("pending", "deferred", "changes_requested", "approved", "executing")


def effect_plots(
    row: Experiment,
    kept: Sequence[ExperimentReading],
    history: Sequence[Mapping[str, Any]],
    noted: Sequence[Dated],
    zone: ZoneInfo,
) -> list[Plot | Missing]:
    """A plot for each of the first treatments: its interval at every look, what was done, and known events."""
    marks: list[Dated] = [*noted]
    marks += [
        Event(one["at"].astimezone(zone).date(), _MARKED[one["event"]])
        for one in history
        if one["event"] in _MARKED
    ]
    goal = row.minimum_effect if row.increase_is_good else -row.minimum_effect
    return [
        effect_plot(arm, label("experiment_metrics", row.primary_metric), looks_at(kept, arm), goal, marks)
        for arm in arm_names(row)[1 : 1 + PLOTTED_ARMS]
    ]


def looks_at(kept: Sequence[ExperimentReading], arm: str) -> list[Looked]:
    """The arm's intervals by day."""
    return [
        Looked(one.day, reading["effect"]["diff"], reading["effect"]["ci_low"], reading["effect"]["ci_high"])
        for one in kept
        for reading in one.reading["arms"]
        if reading["arm"] == arm and reading["effect"]
    ]
