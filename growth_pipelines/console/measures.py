"""A figure of the machine or the shop with how old it is, or why there is none; as JSON and for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_RANGE = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)((?:\s*;[^,]*)*)")


@dataclass(frozen=True)
class Window:
    """The days that a figure is of, both ends included."""

    start: date
    end: date


@dataclass(frozen=True)
class Measure:
    """``value`` in ``unit``; None where ``reason`` says why. ``before`` is that of the window before.

    ``as_of`` is up to when the figure knows: now for what the store holds, the end of the last day for data.
    ``late`` says that it should know more by now.
    """

    name: str
    help: str
    unit: str
    value: float | None
    as_of: datetime | None = None
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    window: Window | None = None
    before: float | None = None
    late: bool | None = None

    def document(self, now: datetime) -> dict[str, Any]:
        """The figure as JSON; the change is relative, null where there was nothing before."""
        change = None
        if self.value is not None and self.before:
            change = round(self.value / self.before - 1, 4)
        return {
            "name": self.name,
            "labels": dict(self.labels),
            "value": self.value,
            "unit": self.unit,
            "help": self.help,
            "window": _days(self.window),
            "before": self.before,
            "change": change,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "age_seconds": max(0, int((now - self.as_of).total_seconds())) if self.as_of else None,
            "late": self.late,
            "reason": self.reason or None,
        }


def _days(window: Window | None) -> dict[str, str] | None:
    return {"from": window.start.isoformat(), "to": window.end.isoformat()} if window else None


def unknown(measure: Measure, reason: str) -> Measure:
    """The same figure without its value."""
    return Measure(measure.name, measure.help, measure.unit, None, reason=reason, labels=measure.labels)


def end_of(day: date) -> datetime:
    """The moment at which a day is over, in UTC: exact enough for an age in days."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def exposition(measures: Iterable[Measure]) -> Iterator[str]:
    """The figures in Prometheus' text format. One that is not known is absent, as it should be there; why is a
    comment."""
    ordered = sorted(measures, key=lambda one: one.name)
    for name, same in groupby(ordered, key=lambda one: f"growth_{one.name}"):
        family = list(same)
        yield f"# HELP {name} {_escaped(f'{family[0].help} ({family[0].unit})')}\n# TYPE {name} gauge\n"
        for one in family:
            labels = ",".join(f'{key}="{_quoted(text)}"' for key, text in sorted(one.labels.items()))
            shown = f"{name}{{{labels}}}" if labels else name
            yield f"{shown} {one.value!r}\n" if one.value is not None else f"# {shown}: {_escaped(one.reason)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def wants_text(accept: str) -> bool:
    """Whether an Accept header prefers Prometheus' text to JSON: scrapers do, others get JSON."""
    weights = {kind: _weight(options) for kind, options in _RANGE.findall(accept.lower())}
    text = max(weights.get("text/plain", 0.0), weights.get("application/openmetrics-text", 0.0))
    return text > max(weights.get("application/json", 0.0), weights.get("application/*", 0.0))


def _weight(options: str) -> float:
    found = re.search(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)", options)
    return float(found[1]) if found else 1.0
