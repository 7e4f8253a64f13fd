"""The ``query`` argument of connections, with its traps: unknown fields are ignored with a warning, ``>`` acts as
``>=`` on times, and an unquoted date-time is cut to its day (all seen on live shops)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TERM = re.compile(r"""(-)?(\w+):(>=|<=|>|<|=)?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()]+)""")
Getter = Callable[[Any], Any]


@dataclass(frozen=True)
class Search:
    """A parsed query: whether a record matches, and what Shopify would warn about."""

    matches: Callable[[Any], bool]
    warnings: tuple[dict[str, str], ...]


def parse_search(query: str | None, fields: Mapping[str, Getter]) -> Search:
    """``fields`` are the names that this connection knows. Terms are joined by AND; ``OR`` splits them."""
    if not query or not query.strip():
        return Search(lambda record: True, ())
    warnings: list[dict[str, str]] = []
    groups: list[list[Callable[[Any], bool]]] = [[]]
    position = 0
    for match in _TERM.finditer(query):
        if re.search(r"\bOR\b", query[position : match.start()]):
            groups.append([])
        position = match.end()
        negative, name, operator, value = match.groups()
        if name not in fields:
            warnings.append(
                {"field": name, "message": "Invalid search field for this query.", "code": "invalid_field"}
            )
            continue
        groups[-1].append(_condition(fields[name], operator or "=", value, bool(negative)))
    wanted = [group for group in groups if group]
    if not wanted:
        return Search(lambda record: True, tuple(warnings))
    return Search(lambda record: any(all(test(record) for test in group) for group in wanted), tuple(warnings))


def _condition(get: Getter, operator: str, raw: str, negative: bool) -> Callable[[Any], bool]:
    quoted = raw[:1] in "'\""
    text = raw[1:-1] if quoted else raw

    def test(record: Any) -> bool:
        value = get(record)
        return _compare(value, operator, text, quoted) != negative

    return test


def _compare(value: Any, operator: str, text: str, quoted: bool) -> bool:
    if value is None:
        return False
    if isinstance(value, datetime):
        wanted = _instant(text, quoted)
        return (
            value >= wanted if operator in (">", ">=") else value <= wanted if "<" in operator else value == wanted
        )
    if isinstance(value, bool):
        return str(value).lower() == text.lower()
    if isinstance(value, int):
        number = int(text.rsplit("/", 1)[-1]) if text.rsplit("/", 1)[-1].lstrip("-").isdigit() else 0
        return {">": value > number, ">=": value >= number, "<": value < number, "<=": value <= number}.get(
            operator, value == number
        )
    if isinstance(value, list | tuple):
        return text.lower() in {str(item).lower() for item in value}
    if text.endswith("*"):
        return str(value).lower().startswith(text[:-1].lower())
    return str(value).lower() == text.lower()


def _instant(text: str, quoted: bool) -> datetime:
    """A point in time; unquoted, everything after the date is lost."""
    if not quoted:
        text = text[:10]
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
