"""From a finding to the draft of an action: what merchandising and guided selling have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import (
    EASE,
    ActionDraft,
    CheckRun,
    Evidence,
    FieldChange,
    Impact,
    Kind,
    Priority,
    Target,
)
from growth_pipelines.actions.scoring import score
from growth_pipelines.recommenders.context import RecommenderContext
from growth_pipelines.recommenders.money import WINDOW_DAYS, money


@dataclass(frozen=True)
class Gain:
    """Extra ``units`` (of ``metric``, as ``unit``) with a 90 % interval, and the price of one in major units;
    ``price_doubt`` is the share of it by which it may be lower or higher."""

    metric: str
    unit: str
    units: float
    low: float
    high: float
    price: float
    price_doubt: float = 0.0

    @property
    def impact(self) -> Impact:
        low, high = min(self.low, self.units), max(self.high, self.units)
        return Impact(
            metric=self.metric,
            delta=round(self.units, 2),
            low=round(low, 2),
            high=round(high, 2),
            unit=self.unit,
            revenue_28d=round(self.units * self.price, 2),
            revenue_low=round(low * self.price * (1 - self.price_doubt), 2),
            revenue_high=round(high * self.price * (1 + self.price_doubt), 2),
        )

    def facts(self, currency: str) -> dict[str, str]:
        """The money of it for a reader."""
        impact = self.impact
        return {
            "revenue": money(impact.revenue_28d, currency),
            "revenue_low": money(impact.revenue_low, currency),
            "revenue_high": money(impact.revenue_high, currency),
            "weekly": money(impact.revenue_28d / 4, currency),
        }


# A belief: how likely a step works whose effect nobody has measured yet. Outcomes correct it by the win rate.
UNPROVEN = 0.85


@dataclass(frozen=True)
class Finding:
    """All that is particular to one proposal; ``copy`` has its title, rationale, why_now and rollback.

    ``certainty`` is the probability that what was found is so, ``promise`` that the step then works.
    """

    subtype: str
    target: Target
    copy: Mapping[str, Any]
    facts: Mapping[str, Any]
    draft: dict[str, Any]
    diff: tuple[FieldChange, ...]
    evidence: tuple[Evidence, ...]
    checks: tuple[CheckRun, ...]
    gain: Gain
    certainty: float
    promise: float = 1.0
    ease: str = "task_card"
    priority: Priority = "medium"
    risk_tier: Any = "low"
    factors: Mapping[str, float] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


def drafted(kind: Kind, source: str, finding: Finding, context: RecommenderContext) -> ActionDraft:
    """The action of a finding, scored."""
    facts = {**finding.facts, **finding.gain.facts(context.currency)}
    impact = finding.gain.impact
    certainty = min(max(finding.certainty, 0.0), 1.0)
    confidence = round(certainty * finding.promise, 4)
    behind = {"finding_certainty": round(certainty, 4), "step_promise": finding.promise}
    learnt = context.learnt(kind, finding.subtype, confidence)
    ranked = score(impact.revenue_28d, confidence, EASE[finding.ease], learnt)
    return ActionDraft(
        kind=kind,
        subtype=finding.subtype,
        source=source,
        title=finding.copy["title"].format(**facts),
        rationale=" ".join(finding.copy["rationale"].format(**facts).split()),
        why_now=" ".join(finding.copy["why_now"].format(**facts).split()),
        target=finding.target,
        draft=finding.draft,
        diff=finding.diff,
        evidence=finding.evidence,
        checks=finding.checks,
        freshness=context.freshness,
        confidence=confidence,
        ease=ranked.factors["ease"],
        impact=impact,
        risk_tier=finding.risk_tier,
        priority=finding.priority,
        score=ranked.value,
        factors={**ranked.factors, **(behind if finding.promise < 1 else {}), **finding.factors},
        ranking_version=context.corrections.version,
        rollback_plan=" ".join(finding.copy["rollback"].format(**facts).split()),
        labels=finding.labels,
    )


def task(copy: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[FieldChange, ...]]:
    """Draft and diff of work for a person: summary and steps of ``copy``, without steps that come out empty."""
    summary = str(copy["summary"]).format(**facts)
    steps = [text for step in copy["steps"] if (text := step.format(**facts).strip())]
    change = FieldChange(field="task", before="", after=summary, change_type="task")
    return {"summary": summary, "steps": steps}, (change,)


@dataclass(frozen=True)
class EvidenceDesk:
    """Writes rows of evidence that share a mart and a window."""

    source: str
    start: date
    end: date

    def row(
        self, name: str, value: float | None, unit: str = "", baseline: float | None = None, note: str = ""
    ) -> Evidence:
        return Evidence(
            name=name,
            source=self.source,
            value=None if value is None or pd.isna(value) else round(float(value), 4),
            unit=unit,
            baseline=None if baseline is None or pd.isna(baseline) else round(float(baseline), 4),
            start=self.start,
            end=self.end,
            note=note,
        )


def last_window(context: RecommenderContext, days: int = WINDOW_DAYS) -> tuple[date, date]:
    """The newest ``days`` complete days."""
    return context.as_of - timedelta(days=days), context.as_of - timedelta(days=1)


def resting(past: pd.DataFrame, recommender: str, subtype: str, days: int, as_of: date) -> set[str]:
    """The resources that had such an action done or turned down in the last ``days`` days."""
    rows = past[(past["recommender"] == recommender) & (past["subtype"] == subtype)]
    recent = pd.to_datetime(rows["ended_on"]) > pd.Timestamp(as_of - timedelta(days=days))
    return set(rows.loc[recent, "resource_gid"].astype(str))


def most_worth(found: pd.DataFrame, subject: str, most: int) -> pd.DataFrame:
    """The rows of the ``most`` subjects whose ``worth`` is largest, all rows of each."""
    worth = found.groupby(subject)["worth"].sum().sort_values(ascending=False, kind="stable")
    return found[found[subject].isin(worth.index[:most])]
