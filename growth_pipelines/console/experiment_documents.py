"""What ``/api/phase7/experiments`` takes and answers with, as the OpenAPI document says it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from growth_pipelines.console.approval_documents import Stamped
from growth_pipelines.experiments.decision import Reason
from growth_pipelines.experiments.decision import Status as Reads

Status = Literal["draft", "running", "paused", "stopped", "decided"]
Unit = Literal["visitor", "customer", "page", "time_slice"]
Kind = Literal["proportion", "mean", "cuped"]
PlannedKind = Literal["proportion", "mean", "ratio", "cuped"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
# Of what is told more than once: a store's column of whole numbers.
Whole = Annotated[int, Field(ge=0, lt=2**31)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ArmDeclared(_Document):
    name: str = Field(max_length=40)
    weight: Finite = 1.0


class GuardrailDeclared(_Document):
    """``metric`` must not get worse by ``margin`` (a share of control) or more."""

    metric: str = Field(max_length=32)
    margin: Finite
    kind: Kind
    increase_is_good: bool = True


class GuardrailAsked(_Document):
    """The same as it is declared; ``kind`` is the usual one of the metric where it is left out."""

    metric: str = Field(max_length=32)
    margin: Finite
    kind: Kind | None = None
    increase_is_good: bool = True


class DesignDocument(_Document):
    """What is declared besides for pages, customers and slices of time."""

    page_type: str = Field(
        "", max_length=40, description="pages: product, collection, page, article; empty for all"
    )
    handle: str = Field("*", max_length=200, description="pages: which take part; * stands for anything")
    settle_days: Whole = Field(7, description="pages: days until search engines have seen the change")
    cap_quantile: Finite = Field(0.99, description="customers: of buyers' revenue before, to cap at")
    block_days: Whole = Field(1, description="time slices: days that an arm lasts")
    carry_over_days: Whole = Field(0, description="time slices: days left out after a switch")


_EXAMPLE: dict[str, Any] = {
    "key": "free-shipping-bar",
    "hypothesis": "A bar that says when shipping is free makes more visitors buy.",
    "primary_metric": "conversions",
    "arms": [{"name": "control"}, {"name": "bar"}],
    "guardrails": [{"metric": "sessions", "margin": 0.05}],
    "baseline": 0.03,
    "minimum_effect": 0.1,
    "planned_units": 214000,
    "planned_days": 56,
}


class DeclarationAsked(_Document):
    """What is settled before the start, and can't be changed afterwards; control is the first arm."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    key: str = Field(max_length=64, description="2 to 64 of a-z, 0-9, - and _; used once: it draws the arms")
    hypothesis: str = Field(max_length=2000)
    unit: Unit = "visitor"
    primary_metric: str = Field(max_length=32)
    metric_kind: Kind | None = Field(None, description="default: proportion of visitors, mean of others")
    increase_is_good: bool = True
    arms: list[ArmDeclared] = Field(max_length=10)
    guardrails: list[GuardrailAsked] = Field(default_factory=list, max_length=20)
    baseline: Finite
    minimum_effect: Finite = Field(description="the least relative effect worth finding: 0.1 for 10 %")
    power: Finite = 0.8
    planned_units: int = Field(ge=0, lt=2**53)
    planned_days: Whole
    pre_days: Whole = 0
    outcome_days: Whole = 7
    coverage_goal: Finite = 0.5
    design: DesignDocument = Field(default_factory=DesignDocument)


class MoveAsked(_Document):
    """What is done at once, and why: the reason stays in the history."""

    step: Literal["pause", "resume", "stop"]
    reason: str = Field(min_length=1, max_length=500)


class DecisionAsked(_Document):
    """``data_digest`` of the reading that was looked at: if it was read again meanwhile, it is refused."""

    data_digest: str = Field(max_length=64)


class PromotionAsked(_Document):
    arm: str = Field(max_length=40)


class PlanDocument(Stamped):
    """What it would take, and what would be found. Nothing is kept of the question.

    ``baseline`` is the one that was given, or control's mean as it was lately (money in major units), null where
    neither is known; ``daily_units`` of visitors alike. ``planned_units`` of all arms and ``planned_days`` are
    those to declare: needed ones of visitors, else those that can be drawn now. ``needed_units`` would find
    ``minimum_effect``; null where that can't be said. ``least_effect`` is found in ``least_effect_days`` with
    ``power``; null, and ``reason``, where that can't be said.
    """

    unit: Unit
    primary_metric: str
    metric_kind: PlannedKind
    baseline: float | None
    daily_units: float | None
    minimum_effect: float
    power: float
    planned_units: int
    planned_days: int
    needed_units: int | None
    least_effect: float | None
    least_effect_days: int
    reason: str | None


class ReadsDocument(_Document):
    """The newest reading in short, or the one that it was decided on."""

    status: Reads
    winner: str = Field(description="the arm to be proposed; empty for none")
    days: int | None = Field(description="whole days that were read; null where nothing was")
    units: int | None = Field(description="of all arms, that came")
    counted: int | None = Field(description="of these, whose days of outcome are over")
    read_at: datetime | None


class ExperimentDocument(_Document):
    """What was declared, how far it is, and what it reads. ``looks`` are the reasons to look at it now."""

    id: str
    key: str
    shop: str
    hypothesis: str
    unit: Unit
    primary_metric: str
    metric_kind: Kind
    increase_is_good: bool
    arms: list[ArmDeclared]
    guardrails: list[GuardrailDeclared]
    baseline: float
    minimum_effect: float
    power: float
    planned_units: int
    planned_days: int
    pre_days: int
    outcome_days: int
    design: DesignDocument
    status: Status
    created_at: datetime
    created_by: str
    started_at: datetime | None
    ended_at: datetime | None
    promoted: str = Field(description="the arm that everybody gets; empty for none")
    reads: ReadsDocument | None
    looks: list[str]


class ExperimentPage(Stamped):
    """Experiments, the newest first. ``next`` is the following page's cursor, null on the last one."""

    experiments: list[ExperimentDocument]
    next: str | None


class RampDocument(_Document):
    """The share of units that takes part now, and the one that it leads to. It rises at ``widens_at`` at the
    earliest, if the sizes of the arms fit; null where it does not rise any more."""

    coverage: float
    goal: float
    since: datetime | None
    widens_at: datetime | None


class ComparisonDocument(_Document):
    """A treatment less control, as a share of control."""

    diff: float
    se: float
    p_value: float
    ci_low: float
    ci_high: float
    chance_to_win: float
    risk_control: float
    risk_treatment: float


class VerdictDocument(_Document):
    status: Reads
    reason: Reason
    guardrails: list[str]


class GuardrailReadingDocument(_Document):
    metric: str
    margin: float
    verdict: Literal["holds", "broken", "unclear"] | None
    diff: float | None
    low: float | None
    high: float | None
    why: str


class ArmReadingDocument(_Document):
    """One treatment: ``effect`` by the interval that holds at every look, ``planned`` by the plain one at the end;
    ``why`` says why there is none."""

    arm: str
    units: int
    effect: ComparisonDocument | None
    planned: ComparisonDocument | None
    p_adjusted: float | None
    novelty_p: float | None
    guardrails: list[GuardrailReadingDocument]
    decision: VerdictDocument | None
    why: str


class ReadingDocument(_Document):
    """A reading as it is kept. ``data_digest`` is the SHA-256 of the sums that it was computed from."""

    key: str
    days: int
    units: list[int]
    mature: list[int]
    srm_p_value: float
    healthy: bool
    over: bool
    power: float | None
    days_left: int | None
    arms: list[ArmReadingDocument]
    look: dict[str, Any] | None = Field(None, description="of units drawn beforehand: the planned look")
    cross: dict[str, Any] | None = Field(None, description="of pages: the same effect by a second method")
    status: Reads
    winner: str
    data_digest: str


class IntervalDocument(_Document):
    arm: str
    diff: float
    low: float
    high: float


class LookDocument(_Document):
    """What a look on a day of the shop's read of each treatment that could be compared."""

    day: date
    at: datetime
    status: Reads
    arms: list[IntervalDocument]


class QuestionDocument(_Document):
    """An action that asks for the start, or for a promotion."""

    action: str
    ref: str
    title: str
    state: str


class HappenedDocument(_Document):
    """An event of the audit chain; ``seq`` is its number there."""

    at: datetime
    event: str
    actor: str
    channel: str
    reason: str
    coverage: float | None
    arm: str
    seq: int


class ExperimentInFull(Stamped):
    """One experiment. ``decision`` is the reading it was decided on, with who decided; ``readings`` are at most 60
    looks at even distances, the newest among them."""

    experiment: ExperimentDocument
    ramp: RampDocument
    reading: ReadingDocument | None
    decision: dict[str, Any] | None
    readings: list[LookDocument]
    asked: list[QuestionDocument]
    history: list[HappenedDocument]


class ExperimentChanged(_Document):
    """The experiment as it is now."""

    experiment: ExperimentDocument


class QuestionAsked(_Document):
    """The action that waits for an approval: a new one, or the one that asks for the same already."""

    experiment: str
    action: str
