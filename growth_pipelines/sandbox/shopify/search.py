"""The ``query`` argument of connections, with its traps: unknown fields are ignored with a warning, ``>`` acts as
``>=`` on times, and an unquoted date-time is cut to its day (all seen on live shops)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_DEPTH = 20  # of parentheses; deeper ones are not seen
_TOKEN = re.compile(
    r"""(?P<negative>-)?\b(?P<name>\w+):(?P<operator>>=|<=|>|<|=)?"""
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()]+)"""
    r"""|(?P<either>\bOR\b)|(?P<open>\()|(?P<close>\))"""
)
Getter = Callable[[Any], Any]


@dataclass(frozen=True)
class Search:
    """A parsed query: whether a record matches, and what Shopify would warn about."""

    matches: Callable[[Any], bool]
    warnings: tuple[dict[str, str], ...]


def parse_search(query: str | None, fields: Mapping[str, Getter]) -> Search:
    """``fields`` are the names that this connection knows. Terms are joined by AND, which binds more tightly than
    ``OR``; parentheses group. What is no term (free text) is not searched for."""
    reader = _Reader(query or "", fields)
    test = reader.alternatives()
    return Search(test or (lambda record: True), tuple(reader.warnings))


Test = Callable[[Any], bool]


class _Reader:
    """Reads a query from left to right. A part that says nothing (only unknown fields) is None."""

    def __init__(self, query: str, fields: Mapping[str, Getter]) -> None:
        self._tokens = list(_TOKEN.finditer(query))
        self._fields = fields
        self._next = 0
        self.warnings: list[dict[str, str]] = []

    def alternatives(self, depth: int = 0) -> Test | None:
        """Parts joined by OR, until the parenthesis that opened them closes."""
        parts: list[Test | None] = []
        terms: list[Test | None] = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            if token["close"] and depth:
                break
            if token["either"]:
                parts.append(_every(terms))
                terms = []
            elif token["open"] and depth < MAX_DEPTH:
                terms.append(self.alternatives(depth + 1))
            elif token["name"]:
                terms.append(self._term(token))
        tests = [part for part in (*parts, _every(terms)) if part is not None]
        return (lambda record: any(test(record) for test in tests)) if tests else None

    def _term(self, token: re.Match[str]) -> Test | None:
        name = token["name"]
        if name not in self._fields:
            message = "Invalid search field for this query."
            self.warnings.append({"field": name, "message": message, "code": "invalid_field"})
            return None
        return _condition(self._fields[name], token["operator"] or "=", token["value"], bool(token["negative"]))


def _every(terms: list[Test | None]) -> Test | None:
    tests = [test for test in terms if test is not None]
    return (lambda record: all(test(record) for test in tests)) if tests else None


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
