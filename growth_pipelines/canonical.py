"""Canonical JSON and its SHA-256: the one text form that digests, signatures and hash chains bind to.

Keys sorted, no spaces, UTF-8, no NaN; dates and times as ISO 8601, decimals as their plain text,
following RFC 8785 (JCS) for everything that appears in actions; floats use Python's shortest repr.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "item"):  # NumPy scalars
        return value.item()
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def canonical_json(value: Any) -> str:
    """``value`` as canonical JSON text. Raises ValueError for NaN and infinity, TypeError for unknown types."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    )


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``, 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
