"""What was done about when something changed: suspects, and which of them account for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from growth_pipelines.monitoring.findings import Finding, Found, template_of

# A day before and after: events are noted by the day, in the zone of whoever notes them.
_MARGIN = timedelta(days=1)
# Traffic and sales are what a campaign that ends, a holiday or an outage takes away for a while.
_MOVED = frozenset({"sales", "traffic", "search", "data"})
# What takes away again when it ends, or gives back.
_PASSES = frozenset({"campaign", "holiday", "outage"})
_WHILE_IT_LASTS = frozenset({"holiday", "outage"})
_PASSES_WITHIN = timedelta(days=14)
# What was usual before a campaign: days before it, and how many of them must be known.
_BEFORE, _ENOUGH = timedelta(days=28), 14


@dataclass(frozen=True)
class Happening:
    """A known event or an executed action (kind ``action``); ``page`` is the one it wrote to, empty for all."""

    kind: str
    title: str
    starts_on: date
    ends_on: date
    page: str = ""
    ref: str = ""

    def days_near(self, first: date, last: date) -> tuple[date, ...]:
        """Its first day and, of what passes, the day after its last, as far as they lie between the days; of what
        takes away while it lasts, any day of it that does."""
        first, last = first - _MARGIN, last + _MARGIN
        ends = {self.starts_on, *([self.ends_on + timedelta(days=1)] if self.kind in _PASSES else [])}
        if self.kind in _WHILE_IT_LASTS and self.starts_on <= last and self.ends_on >= first:
            ends.add(max(self.starts_on, first))
        return tuple(sorted(day for day in ends if first <= day <= last))


def suspects_of(found: Found, happenings: Iterable[Happening]) -> list[Happening]:
    """What began or ended while the change may have begun, and touches its subject; the nearest first."""
    lead = found.lead
    near = [one for one in happenings if one.days_near(lead.first, lead.last) and _touches(one, found)]
    return sorted(near, key=lambda one: min(abs(day - lead.since) for day in one.days_near(lead.first, lead.last)))


def _touches(one: Happening, found: Found) -> bool:
    if not one.page or found.level in ("shop", "stream"):
        return True
    if found.level == "template":
        return template_of(one.page) == found.subject
    return any(finding.subject == one.page for finding in found.findings)


def explanation_of(found: Found, suspects: Sequence[Happening], today: date) -> str:
    """The title of a suspect that accounts for the direction, for as long as it does; empty otherwise.

    A campaign's end takes away what it had brought, and no more than that; a holiday or an outage takes away while
    it lasts and up to two weeks beyond. A deploy, a change of price or an action of ours is never an excuse: if it
    did harm, somebody must look.
    """
    if found.lead.direction != "down" or found.lead.family not in _MOVED:
        return ""
    for one in suspects:
        campaign_ended = one.kind == "campaign" and one.ends_on + timedelta(days=1) in one.days_near(
            found.lead.first, found.lead.last
        )
        passing = one.kind in _WHILE_IT_LASTS and today <= one.ends_on + _PASSES_WITHIN
        if passing or (campaign_ended and not _fell_below_what_was(found.lead, one.starts_on)):
            return one.title
    return ""


def _fell_below_what_was(lead: Finding, start: date) -> bool:
    """Whether even the near end of the interval is under the four weeks before ``start``; False if not known."""
    since = (start - _BEFORE).isoformat()
    series = lead.evidence.get("series", [])
    before = [value for day, value in series if since <= day < start.isoformat() and value is not None]
    level = lead.evidence.get("before")
    if len(before) < _ENOUGH or lead.high is None or level is None:
        return False
    return bool(level * (1 + lead.high) < sum(before) / len(before))
