"""What ``/api/phase7/outcomes`` answers with, as the OpenAPI document says it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from growth_pipelines.console.approval_documents import Stamped


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReturnDocument(_Document):
    """What actions executed in a month brought over 28 days; money in major units of the shop's currency."""

    month: str | None = Field(description="YYYY-MM; null of all together")
    recommender: str | None = Field(description="null of all together")
    actions: int
    measured: int
    waiting: int = Field(description="28 days are not over, or not complete")
    not_measurable: int = Field(description="in no sum, and not in it as zero")
    promised: float = Field(description="by the measured ones")
    promised_in_all: float
    realised: float | None = Field(description="of the measured ones; null while there is none")
    realised_low: float | None = Field(description="lower end of the 95 % interval of the sum")
    realised_high: float | None
    share: float | None = Field(description="realised of promised; null where nothing is, or nothing was promised")
    classes: dict[str, int]
    not_known: list[str] = Field(description="what the figures leave open, in sentences")


class ReturnsDocument(Stamped):
    """The report by recommender and month. Intervals don't add up: that of all together is ``total``."""

    model_config = ConfigDict(extra="forbid")

    currency: str
    by_month: list[ReturnDocument]
    total: ReturnDocument


class OutcomeDocument(_Document):
    """What an action did to one metric by one horizon. ``effect`` is ``observed`` less ``counterfactual``; an
    action's three intervals hold the truth together in 95 of 100 cases."""

    metric: str = Field(
        description="such as clicks or revenue; lcp_phone, cls_desktop and the like are web vitals in ms (layout"
        " shift without a unit): less is better, and they have neither an estimate nor a class. Of an action with"
        " the label `regressed` the page had just got worse, and what was still to come of that is in the effect"
    )
    horizon_days: Literal[7, 14, 28]
    is_promised: bool = Field(description="whether it is the metric that the action promised")
    outcome_class: Literal["success", "partial", "none", "negative", "inconclusive"] | None
    skipped: str = Field(description="why it is not known; empty where it is")
    observed: float | None
    counterfactual: float | None
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    estimate: float | None = Field(description="what was promised for the same days")
    controls: int | None = Field(description="untouched pages or products that it was compared with")
    is_overlapping: bool = Field(description="whether something else was changed there too")
    measured_at: datetime


class ActionOutcomesDocument(Stamped):
    """All that is known of what one action did. ``judged_by`` is the reading that rules and pages judge it by."""

    model_config = ConfigDict(extra="forbid")

    action: str
    ref: str
    state: str
    executed_at: datetime | None
    judged_by: OutcomeDocument | None
    outcomes: list[OutcomeDocument]
