"""What a change is worth over 28 days, and how money and dates are written for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WINDOW_DAYS = 28
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "JPY": "¥"}
_Z95 = 1.959964


@dataclass(frozen=True)
class Worth:
    """Extra visits over 28 days and their revenue in major units, each with a 95 % interval."""

    visits: float
    low: float
    high: float
    revenue: float
    revenue_low: float
    revenue_high: float


def worth(
    visits: float, low: float, high: float, conversion: float, order_value: float, orders_seen: float
) -> Worth:
    """Visits × conversion × order value.

    The revenue interval adds the uncertainty of the conversion rate, known from ``orders_seen`` orders (relative
    error 1/√orders), to that of the visits; the two are independent, so relative errors add in quadrature.
    """
    value = conversion * order_value
    relative = _Z95 / max(orders_seen, 1.0) ** 0.5
    if visits <= 0:
        return Worth(0.0, 0.0, max(high, 0.0), 0.0, 0.0, max(high, 0.0) * value)
    below = min(1.0, (((visits - low) / visits) ** 2 + relative**2) ** 0.5)
    above = (((high - visits) / visits) ** 2 + relative**2) ** 0.5
    revenue = visits * value
    return Worth(visits, low, high, revenue, revenue * (1 - below), revenue * (1 + above))


def extra_clicks(impressions: pd.Series, ctr: pd.Series, target_ctr: pd.Series) -> pd.Series:
    """Clicks that each page can win in a window: impressions × max(0, target CTR − CTR)."""
    return impressions * (target_ctr - ctr).clip(lower=0)


def money(amount: float, currency: str) -> str:
    """An amount for a reader, without pretended precision: "$1,640", "€38", "CHF 1,200"."""
    size = abs(amount)
    rounded = round(amount, -1) if size >= 1000 else round(amount) if size >= 10 else round(amount, 2)
    text = f"{rounded:,.2f}" if size < 10 else f"{rounded:,.0f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{currency} {text}".strip()


def day(value: date) -> str:
    """A date for a reader: "19 Nov 2026"."""
    return f"{value.day} {value:%b %Y}"


def span(start: date, end: date) -> str:
    """A window for a reader: "23 Oct – 19 Nov 2026"."""
    if start.year == end.year:
        return f"{start.day} {start:%b} – {day(end)}"
    return f"{day(start)} – {day(end)}"
