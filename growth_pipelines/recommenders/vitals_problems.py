"""Which pages have bad Core Web Vitals: what regressed, and what has stood over its threshold for long.

Field data decide: a regression (see :mod:`growth_pipelines.monitoring.vitals`), or three windows without a common
visit over the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from growth_pipelines.monitoring.vitals import THRESHOLDS, find_regressions, rating
from growth_pipelines.recommenders.context import CwvRepairConfig

# A standing problem is over the threshold by at least this share in each of three separate windows.
_STANDING_MARGIN, _STANDING_WINDOWS = 1.03, 3


@dataclass(frozen=True)
class Problem:
    """One page's bad metric; ``form_factor`` phone, desktop or both, the figures those of the worse device."""

    page_key: str
    metric: str
    form_factor: str
    regressed: bool
    since: date
    before: float
    after: float
    q_value: float
    severity: str
    start: date
    end: date

    @property
    def goal(self) -> str:
        """The rating that a repair reaches: the earlier one after a regression, otherwise one band up."""
        now = rating(self.metric, self.after)
        earlier = rating(self.metric, self.before)
        if self.regressed and earlier != now:
            return earlier
        return "good" if now == "needs-improvement" else "needs-improvement"


def find_problems(vitals: pd.DataFrame, config: CwvRepairConfig) -> list[Problem]:
    """Regressions and standing problems, one per page × metric."""
    regressions = find_regressions(vitals, fdr=config.fdr).assign(regressed=True)
    standing = _standing(vitals)
    known = set(zip(regressions["page_key"], regressions["metric"], strict=True))
    new = [pair not in known for pair in zip(standing["page_key"], standing["metric"], strict=True)]
    both = [part for part in (regressions, standing[new]) if len(part)]
    if not both:
        return []
    rows = pd.concat(both, ignore_index=True)
    return [_merge(group) for _, group in rows.groupby(["page_key", "metric"], sort=True)]


def _merge(group: pd.DataFrame) -> Problem:
    """The rows of one page × metric on one or two devices as one problem."""
    worst = group.sort_values(["after", "form_factor"], ascending=[False, False]).iloc[0]
    devices = set(group["form_factor"])
    return Problem(
        page_key=str(worst["page_key"]),
        metric=str(worst["metric"]),
        form_factor="both" if len(devices) > 1 else str(worst["form_factor"]),
        regressed=bool(worst["regressed"]),
        since=worst["since"],
        before=float(worst["before"]),
        after=float(worst["after"]),
        q_value=float(worst["q_value"]),
        severity=str(worst["severity"]),
        start=worst["period_start"],
        end=worst["period_end"],
    )


def _standing(vitals: pd.DataFrame) -> pd.DataFrame:
    """Page series over the threshold in the newest window and in those 28 and 56 days before."""
    rows = vitals[vitals["metric"].isin(list(THRESHOLDS)) & vitals["page_key"].notna() & vitals["p75"].notna()]
    ends = pd.to_datetime(rows["period_end"])
    keys = ["page_key", "form_factor", "metric"]
    newest = ends.groupby([rows[key] for key in keys]).transform("max")
    good = rows["metric"].map({metric: limits[0] for metric, limits in THRESHOLDS.items()})
    apart = (newest - ends).dt.days
    wanted = apart.isin([28 * index for index in range(_STANDING_WINDOWS)])
    kept = rows[wanted].assign(over=rows["p75"] > good * _STANDING_MARGIN, apart=apart)
    found = (
        kept.sort_values("apart")
        .groupby(keys, sort=True)
        .agg(
            over=("over", "sum"), after=("p75", "first"), before=("p75", "last"), period_end=("period_end", "max")
        )
    )
    found = found[found["over"] >= _STANDING_WINDOWS].reset_index()
    ended = pd.to_datetime(found["period_end"]).dt.date
    return found.assign(
        regressed=False,
        period_end=ended,
        period_start=[end - timedelta(days=27) for end in ended],
        since=[end - timedelta(days=83) for end in ended],
        severity="medium",
        q_value=0.0,
    )


def vital_text(metric: str, value: float) -> str:
    """A p75 for a reader: "3.2 s", "330 ms", "0.17"."""
    if metric == "lcp":
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if metric == "inp" else f"{value:.2f}"
