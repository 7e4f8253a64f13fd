"""For how long a question may be put off: the days that every channel offers, and what a chosen day leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from growth_pipelines.clock import local_date, start_of_day
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

_USUAL_DAYS = 7


@dataclass(frozen=True)
class DeferralDays:
    """The first, the usual and the last day that a question may be put off to, as days of the shop."""

    first: date
    usual: date
    last: date


def usual_days(settings: Settings) -> int:
    """For how many days a question is put off when nobody names any: a week, or what is allowed."""
    return min(_USUAL_DAYS, settings.actions.defer_days_max)


def deferral_days(settings: Settings, now: datetime) -> DeferralDays:
    """What a form may offer at this instant."""
    today = local_date(now, settings.zone)
    counts = (1, usual_days(settings), settings.actions.defer_days_max)
    return DeferralDays(*(today + timedelta(days=days) for days in counts))


def deferral(settings: Settings, until: date | None, now: datetime) -> tuple[datetime, datetime]:
    """When an action that is deferred to a day comes back, and when its wait then ends. Raises for a bad day."""
    days = deferral_days(settings, now)
    if until is None or not days.first <= until <= days.last:
        raise GrowthError(
            "Deferring needs a date from tomorrow on, at most "
            f"{settings.actions.defer_days_max} days ahead ({days.last}).",
            "Give it with --until YYYY-MM-DD.",
        )
    back = start_of_day(until, settings.zone)
    return back, back + timedelta(days=settings.actions.expire_days)
