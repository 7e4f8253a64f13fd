"""How the API writes times, money and text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from growth_pipelines.sandbox import options


def timestamp(value: datetime | None) -> str | None:
    """An ISO 8601 time in UTC, as every DateTime of the API."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decimal(cents: int) -> str:
    """Money as Shopify writes it: at least one decimal, no needless zeros ("10.0", "9.95")."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    units, rest = divmod(cents, 100)
    return f"{sign}{units}.{rest // 10}" if rest % 10 == 0 else f"{sign}{units}.{rest:02d}"


def money(cents: int) -> dict[str, Any]:
    """A MoneyV2."""
    return {"amount": decimal(cents), "currencyCode": options.CURRENCY}


def plain(html: str) -> str:
    """HTML as text, as Shopify's ``description`` gives it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()
