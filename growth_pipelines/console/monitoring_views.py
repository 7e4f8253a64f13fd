"""What the monitoring pages show of looks and incidents: rows in words, and the plots beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from growth_pipelines.console.figures import day
from growth_pipelines.console.plots.plot import Missing, Plot
from growth_pipelines.console.plots.watched import figure, finding_plot, metric_plot
from growth_pipelines.monitoring.findings import finding_of
from growth_pipelines.monitoring.marks import Dated
from growth_pipelines.monitoring.wording import cause_in_words, interval, label_of, percent, refuted_by
from growth_pipelines.store.incidents import is_quiet
from growth_pipelines.store.looks import Look
from growth_pipelines.store.tables import Incident

# The families in the order of the page, and what they are called there.
FAMILIES = {
    "sales": "Sales",
    "refunds": "Refunds",
    "traffic": "Visits",
    "search": "Search",
    "data": "Data",
}
SHOWN_FINDINGS, _PLOTTED_FINDINGS = 40, 4


@dataclass(frozen=True)
class WatchedRow:
    """A metric in the table of what is watched."""

    label: str
    level: str
    state: str
    since: date | None
    ahead: str
    note: str


def watched_rows(look: Look, currency: str) -> list[WatchedRow]:
    """Every metric of a family's look."""
    return [_watched_row(one, currency) for one in look.watched]


def _watched_row(one: Mapping[str, Any], currency: str) -> WatchedRow:
    days = one["ahead"][-28:]
    mean = sum(row[1] for row in days) / len(days) if days else None
    return WatchedRow(
        label=one["label"],
        level=figure(_rounded(one["level"]), one["unit"], currency),
        state=one["state"],
        since=date.fromisoformat(one["since"]) if one["since"] else None,
        ahead=figure(_rounded(mean), one["unit"], currency) if mean is not None else "–",
        note=one["note"] or one["ahead_note"],
    )


def _rounded(value: float | None) -> float | None:
    """Three digits say enough of a mean."""
    return None if value is None else float(f"{value:.3g}") if abs(value) < 1000 else round(value)


def watched_plots(looks: Sequence[Look], events: Sequence[Dated], currency: str) -> list[Plot | Missing]:
    """The metrics that a forecast is made of; what has none is only in the table."""
    return [metric_plot(one, events, currency) for look in looks for one in look.watched if one["ahead"]]


def overview_plots(looks: Mapping[str, Look], events: Sequence[Dated], currency: str) -> list[Plot | Missing]:
    """Those of the page Monitoring. How many rows arrive is told by its table; an incident of it has its own."""
    return watched_plots([looks[name] for name in FAMILIES if name in looks and name != "data"], events, currency)


@dataclass(frozen=True)
class FindingRow:
    """A finding of an incident, in words."""

    label: str
    subject: str
    change: str
    before: str
    after: str
    cause: str
    share: str


@dataclass(frozen=True)
class IncidentView:
    """All that an incident's page says beside its plots."""

    row: Incident
    quiet: bool
    began: str
    began_between: str
    change: str
    cause: str
    parts: list[tuple[str, str]]
    share: str
    refuted_by: str
    findings: list[FindingRow]
    more: int


def incident_view(row: Incident, now: datetime, currency: str) -> IncidentView:
    """The incident in words."""
    lead = finding_of(row.findings[0])
    parts = lead.evidence.get("parts", {})
    share = sum(float(one["evidence"].get("share_of_loss") or 0) for one in row.findings)
    found = [_finding_row(one, currency) for one in row.findings[:SHOWN_FINDINGS]]
    sized = lead.expected_on is None or lead.low is not None
    return IncidentView(
        row=row,
        quiet=is_quiet(row, now),
        began=day(lead.expected_on or lead.since),
        began_between=f"{day(lead.first)} – {day(lead.last)}",
        change=f"{'−' if lead.size < 0 else '+'}{percent(lead.size)}{interval(lead)}" if sized else "",
        cause=cause_in_words(row.cause),
        parts=[(cause_in_words(name), f"{100 * value:+.0f} %".replace("-", "−")) for name, value in parts.items()],
        share=f"{min(share, 1.0):.0%}".replace("%", " %") if share else "",
        refuted_by=refuted_by(row.cause),
        findings=found,
        more=len(row.findings) - len(found),
    )


def _finding_row(document: Mapping[str, Any], currency: str) -> FindingRow:
    finding, evidence = finding_of(document), document["evidence"]
    unit, share = evidence.get("unit", ""), evidence.get("share_of_loss")
    if "days" in evidence:
        early, middle, late = evidence["days"]
        before, after = f"{evidence['available']:,.0f} in stock", f"gone in {middle} days ({early} – {late})"
    else:
        before, after = (
            figure(_rounded(evidence.get(name)), unit, currency) for name in ("before", "after")
        )  # fmt: skip
    sized = "days" not in evidence
    return FindingRow(
        label=label_of(finding) if finding.family != "stock" else "Stock",
        subject=finding.subject or "the whole shop",
        change=f"{'−' if finding.size < 0 else '+'}{percent(finding.size)}{interval(finding)}" if sized else "",
        before=before,
        after=after,
        cause=cause_in_words(finding.cause),
        share=f"{share:.0%}".replace("%", " %") if share else "",
    )


def incident_plots(row: Incident, events: Sequence[Dated], currency: str) -> list[Plot | Missing]:
    """The evidence of the leading findings, drawn with what was done; what has no series has no plot."""
    drawable = [one for one in row.findings if one["evidence"].get("series")]
    titles = [finding_of(one) for one in drawable[:_PLOTTED_FINDINGS]]
    return [
        finding_plot(
            one, f"{label_of(found)}: {found.subject}" if found.subject else label_of(found), events, currency
        )
        for one, found in zip(drawable, titles, strict=False)
    ]
