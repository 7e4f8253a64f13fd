"""A list of actions as a file: CSV for spreadsheets, JSON for programs. Of any length: written in pieces."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

# What makes a spreadsheet take a text for a formula, full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # fmt: skip
_PLAIN = (
    "id",
    "ref",
    "kind",
    "subtype",
    "recommender",
    "state",
    "version",
    "title",
    "score",
    "confidence",
    "ease",
    "risk_tier",
    "priority",
    "ranking_version",
    "freshness",
    "created_at",
    "updated_at",
    "expires_at",
    "deferred_until",
    "executed_at",
    "decided_by",
    "decided_at",
    "decided_channel",
    "digest",
)
_TARGET = ("type", "gid", "url", "handle")
_IMPACT = ("metric", "delta", "low", "high", "unit", "revenue_28d", "revenue_low", "revenue_high")
COLUMNS = (*_PLAIN, *(f"target_{name}" for name in _TARGET), *(f"impact_{name}" for name in _IMPACT), "factors")


def as_csv(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Lines of CSV, the header first. A text that a spreadsheet would run as a formula has ``'`` before it."""
    yield _line(COLUMNS)
    for document in documents:
        yield _line(
            [
                *(document[name] for name in _PLAIN),
                *(document["target"][name] for name in _TARGET),
                *(document["impact"][name] for name in _IMPACT),
                json.dumps(document["factors"]),
            ]
        )


def as_json(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON array, a document a line."""
    before = "[\n"
    for document in documents:
        yield before + json.dumps(document, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def safe_cell(value: Any) -> Any:
    """The value as a cell that no spreadsheet runs; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def _line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([safe_cell(value) for value in values])
    return text.getvalue()
