"""What a look found to be worse, and which findings are one incident: those of one beginning and one cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

LEVELS = ("shop", "template", "page", "product", "stream")
SEVERITIES = ("medium", "high", "critical")
# A weekly detector dates a change within a week, a daily one within days.
_TOGETHER = timedelta(days=3)
# So many pages of one template that began together are the template's, not theirs.
_TEMPLATE_PAGES = 3
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Finding:
    """Something worse than it was (or, with ``expected_on``, about to be).

    ``level`` and ``subject`` say of what: ("shop", ""), ("page", "/products/a"), ("product", "SKU"), ("stream",
    "orders"). It began on ``since``, with 95 % probability between ``first`` and ``last``. ``size`` is the change
    relative to the level before (-0.2 = a fifth less), ``low`` and ``high`` its 95 % interval where known.
    ``cause`` is a word ("position"), a family's name, or empty; ``evidence`` is plain data for a plot and text.
    """

    family: str
    metric: str
    level: str
    subject: str
    direction: str
    since: date
    first: date
    last: date
    size: float
    low: float | None
    high: float | None
    cause: str
    severity: str
    expected_on: date | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same at every look, however the beginning moves."""
        kind = "forecast" if self.expected_on else self.direction
        return ":".join((self.family, self.metric, self.level, self.subject, kind))

    @property
    def rank(self) -> tuple[int, int, float]:
        """The widest first, then the most severe, then the largest."""
        return LEVELS.index(self.level), -SEVERITIES.index(self.severity), -abs(self.size)


@dataclass(frozen=True)
class Found:
    """Findings that are one incident; ``level`` and ``subject`` are the narrowest that hold them all."""

    findings: tuple[Finding, ...]
    level: str
    subject: str

    @property
    def lead(self) -> Finding:
        return self.findings[0]

    @property
    def severity(self) -> str:
        return max((one.severity for one in self.findings), key=SEVERITIES.index)


def merged(findings: Iterable[Finding]) -> list[Found]:
    """``findings`` as incidents, the widest and worst first.

    Two belong together when they began within three days of each other (a shop's day and a page's are seldom dated
    alike) and share their family, or their cause, or one's cause is the other's family: orders that fell because
    of traffic belong to it. Forecasts belong together by family.
    """
    ordered = sorted(findings, key=lambda one: one.rank)
    groups: list[list[Finding]] = []
    for finding in ordered:
        # Measured against the leading finding, so that no chain of days ties a month together.
        group = next((g for g in groups if belong_together(g[0], finding)), None)
        if group is None:
            groups.append([finding])
        else:
            group.append(finding)
    return [_found(group) for group in groups]


def belong_together(one: Finding, other: Finding) -> bool:
    """Whether the two are one incident."""
    if (one.expected_on is None) != (other.expected_on is None):
        return False
    if one.expected_on is not None:
        return one.family == other.family
    near = abs(one.since - other.since) <= _TOGETHER
    return near and (
        one.family == other.family
        or (bool(one.cause) and one.cause in (other.cause, other.family))
        or (bool(other.cause) and other.cause == one.family)
    )  # fmt: skip


def _found(group: Sequence[Finding]) -> Found:
    lead = group[0]
    if lead.level != "page":
        return Found(tuple(group), lead.level, lead.subject)
    pages = {one.subject for one in group if one.level == "page"}
    templates = {template_of(page) for page in pages}
    if len(pages) >= _TEMPLATE_PAGES and len(templates) == 1:
        return Found(tuple(group), "template", templates.pop())
    return Found(tuple(group), "page", lead.subject)


def template_of(page: str) -> str:
    """The template that draws a page, by its address: ``/products/`` of ``/products/fuel-pump``."""
    parts = page.split("/")
    return f"/{parts[1]}/" if len(parts) > 2 else page


def interval_of(size: float, p_value: float) -> tuple[float, float]:
    """95 % interval of a relative change that has only its one-sided p-value: normal on the logarithm.

    A corrected p-value is larger, so the interval is too wide rather than too narrow.
    """
    import math
    from statistics import NormalDist

    change = math.log1p(max(size, -1 + _ROUNDING))
    z = NormalDist().inv_cdf(1 - min(max(p_value, 1e-15), 0.4))
    half = 1.959964 * abs(change) / z
    return math.expm1(change - half), math.expm1(change + half)


_DAYS = ("since", "first", "last", "expected_on")


def as_document(finding: Finding) -> dict[str, Any]:
    """``finding`` as JSON has it, with its key; :func:`finding_of` is its inverse."""
    row = {**vars(finding), "evidence": dict(finding.evidence), "key": finding.key}
    return {**row, **{name: row[name] and row[name].isoformat() for name in _DAYS}}


def finding_of(document: Mapping[str, Any]) -> Finding:
    row = {name: value for name, value in document.items() if name != "key"}
    return Finding(**{**row, **{name: row[name] and date.fromisoformat(row[name]) for name in _DAYS}})
