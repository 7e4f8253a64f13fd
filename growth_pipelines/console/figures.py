"""Numbers, money and times as a person reads them. Pure: the instant and the shop's zone are arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$"}
_MINUS = "−"


def money(amount: float, currency: str) -> str:
    """``amount`` in major units: cents only where they matter (under 10)."""
    digits = 2 if 0 < abs(amount) < 10 and currency != "JPY" else 0
    symbol = _SYMBOLS.get(currency, f"{currency} " if currency else "")
    sign = _MINUS if round(amount, digits) < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.{digits}f}"


def number(value: float | None, unit: str = "") -> str:
    """A figure with its unit: shares and rates as per cent, milliseconds over a second as seconds."""
    if value is None:
        return "–"
    if unit in ("share", "ratio", "rate", "%", "percent") or unit.startswith("orders per"):
        share = value if unit in ("%", "percent") else value * 100
        return f"{share:.{1 if abs(share) >= 1 else 2}f} %"
    if unit == "ms" and abs(value) >= 1000:
        return f"{value / 1000:.2f} s"
    whole = float(value).is_integer() or abs(value) >= 1000
    digits = 0 if whole else 2 if abs(value) < 1 else 1
    sign = _MINUS if value < 0 else ""
    return f"{sign}{abs(value):,.{digits}f}{f' {unit}' if unit else ''}"


def signed(value: float) -> str:
    """A difference with its sign: ``+37``, ``−4.5``; digits behind the point only under 10."""
    return ("+" if value > 0 else "") + number(round(value, 2 if abs(value) < 10 else 0))


def percent(share: float) -> str:
    """A share between 0 and 1 in whole per cent, halves rounded up as people do."""
    return f"{int(share * 100 + 0.5)} %"


def chance(probability: float) -> str:
    """An estimated probability in whole per cent, never as certain: ``over 99 %`` where it rounds to 100."""
    if 0.01 <= probability <= 0.99:
        return percent(probability)
    return "over 99 %" if probability > 0.5 else "under 1 %"


def change(share: float) -> str:
    """A relative difference with its sign: 0.0417 is ``+4.2 %``."""
    told = f"{abs(share) * 100:,.{1 if abs(share) < 10 else 0}f}"
    sign = "" if float(told.replace(",", "")) == 0 else _MINUS if share < 0 else "+"
    return f"{sign}{told} %"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """``18 Nov 2026, 10:32 MST``: in the shop's zone, with its name, since files, logs and the API are in UTC."""
    local = instant.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def window(start: date, end: date) -> str:
    """``21 Oct – 17 Nov 2026``; the year once when it is the same."""
    if start == end:
        return day(end)
    first = f"{start.day} {start:%b}" if start.year == end.year else day(start)
    return f"{first} – {day(end)}"


def span(length: timedelta) -> str:
    """A length of time in its largest unit that says enough."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{round(minutes / 60)} h"
    return f"{minutes // (24 * 60)} days"


def ago(instant: datetime, now: datetime) -> str:
    length = now - instant
    return "just now" if length < timedelta(minutes=1) else f"{span(length)} ago"


def time_left(until: datetime, now: datetime) -> str:
    return f"{span(until - now)} left" if until > now else "expired"


def answer_by(due: datetime, now: datetime) -> str:
    """The time that is left to answer, or by how much it is over."""
    return f"{span(due - now)} to answer" if due > now else f"{span(now - due)} late"


@dataclass(frozen=True)
class Range:
    """An estimate with its interval, placed on an axis of ``0..100`` that a page's rows share."""

    low: float
    middle: float
    high: float


def on_one_axis(intervals: Iterable[tuple[float, float, float]]) -> list[Range]:
    """(low, estimate, high) in money → positions from 2 to 98 on one axis that starts at 0 or at the lowest."""
    rows = list(intervals)
    floor = min([0.0, *(low for low, _, _ in rows)])
    span = max([high for _, _, high in rows], default=0.0) - floor or 1.0

    def place(value: float) -> float:
        return round(2 + 96 * (value - floor) / span, 2)

    return [Range(place(low), place(middle), place(high)) for low, middle, high in rows]


def zone_of(name: str) -> ZoneInfo:
    """The shop's zone; UTC where it is unknown."""
    return ZoneInfo(name or "UTC")
