"""The plot of a web vital: its 75th percentile by week, with the bands that count as good and as poor."""

from __future__ import annotations

import re

from growth_pipelines.console.figures import number
from growth_pipelines.console.plots.plot import Missing, Plot, Subject
from growth_pipelines.console.plots.weeks import short
from growth_pipelines.monitoring.vital_limits import THRESHOLDS
from growth_pipelines.warehouse.series import Series

_FIELD = re.compile(r"(LCP|INP|CLS) p75, field")
_FORM_FACTORS = {"phone": "phones", "desktop": "desktops"}
_WEEKS = 26


def vital_weeks(subject: Subject, series: Series) -> Plot | Missing:
    """What visitors had, week by week, of the vital that the action repairs."""
    seen = next((match[1] for row in subject.evidence if (match := _FIELD.fullmatch(row["name"]))), None)
    title = f"{seen or 'Vital'} of visitors, week by week"
    if seen is None:
        return Missing(title, "The action's evidence names no vital.")
    rows = series.rows("vital_weeks", subject.page_key, seen.lower())
    rows = [row for row in rows or () if row[0] in _FORM_FACTORS]
    if not rows:
        return Missing(title, "No weekly field data of this page are published.")
    unit = "" if seen == "CLS" else "ms"
    good, poor = THRESHOLDS[seen.lower()]
    days = sorted({row[1] for row in rows})[-_WEEKS:]
    rows = [row for row in rows if row[1] >= days[0]]
    top = max(poor * 1.15, *(row[2] * 1.1 for row in rows))
    weeks = [{"form_factor": form, "week": day.isoformat(), "p75": p75} for form, day, p75 in rows]
    lines = {form: [row for row in rows if row[0] == form] for form in _FORM_FACTORS}
    last = {form: line[-1] for form, line in lines.items() if line}
    least = min(p75 for _, _, p75 in last.values())
    ends = [
        {
            "week": day.isoformat(),
            "p75": p75,
            "text": f"{_FORM_FACTORS[form]} {_figure(p75, unit)}",
            "below": len(last) > 1 and p75 == least,
        }
        for form, (_, day, p75) in last.items()
    ]
    told = " ".join(_told(_FORM_FACTORS[form], line, unit) for form, line in lines.items() if line)
    marks = subject.marks(days[0], days[-1])
    limits = f"Good is at most {_figure(good, unit)}, poor over {_figure(poor, unit)}."
    return Plot(
        "vital_weeks",
        title,
        f"{told} {limits}{marks.told}",
        ("28 days to", *(_FORM_FACTORS[form].capitalize() for form in last)),
        [(short(day), *(_at(lines[form], day, unit) for form in last)) for day in days],
        {
            "weeks": weeks,
            "ends": ends,
            "bands": [
                {
                    "band": "good",
                    "low": 0,
                    "high": good,
                    "middle": good - top * 0.045,
                    "text": f"good ≤ {_figure(good, unit)}",
                },
                {
                    "band": "poor",
                    "low": poor,
                    "high": top,
                    "middle": poor + top * 0.045,
                    "text": f"poor > {_figure(poor, unit)}",
                },
            ],
            "events": marks.rows,
        },
        "Three visits in four are at least this good; each week tells of the 28 days before it.",
    )


def _figure(value: float, unit: str) -> str:
    return number(value, unit) if unit else f"{value:.2f}"


def _told(who: str, line: list, unit: str) -> str:
    worst = max(line, key=lambda row: row[2])
    return (
        f"On {who} it went from {_figure(line[0][2], unit)} in the 28 days to {short(line[0][1])} "
        f"to {_figure(line[-1][2], unit)} in those to {short(line[-1][1])}; the worst: {_figure(worst[2], unit)}."
    )


def _at(line: list, day: object, unit: str) -> str:
    return next((_figure(row[2], unit) for row in line if row[1] == day), "–")
