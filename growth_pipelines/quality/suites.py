"""The suites: what a landed batch of each raw table must hold, kept as data in ``suites/<table>.yaml``.

A suite is a contract with the outside world. ``severity`` error blocks what is built on the table, warn only
shows. Keys that are there twice are not a matter of a batch: the raw tables' own checks look for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from growth_pipelines.errors import GrowthError
from growth_pipelines.warehouse.raw_tables import BY_NAME

Severity = Literal["error", "warn"]
Dimension = Literal["completeness", "validity", "uniqueness", "volume", "distribution"]
NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
REGEX = "expect_column_values_to_match_regex"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
# Each judges rows one by one, so that the parts of a large batch can be added up.
TYPES = (NOT_NULL, BETWEEN, IN_SET, REGEX, PAIR)
TOMORROW = "tomorrow"


@dataclass(frozen=True)
class Expectation:
    """One expectation of Great Expectations with its keyword arguments, and why it is expected.

    ``max_value: tomorrow`` stands for a day after the batch is looked at, in UTC.
    """

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str

    @property
    def columns(self) -> tuple[str, ...]:
        names = ("column", "column_A", "column_B")
        return tuple(str(self.kwargs[name]) for name in names if name in self.kwargs)

    @property
    def dimension(self) -> Dimension:
        return "completeness" if self.type == NOT_NULL else "validity"

    @property
    def tolerated(self) -> float:
        """The share of rows that may break it."""
        return 1.0 - float(self.kwargs.get("mostly", 1.0))

    @property
    def claim(self) -> str:
        """What it says of its columns, in words; its name in reports."""
        said, column = self.kwargs, self.columns[0]
        if self.type == NOT_NULL:
            return f"{column} is there"
        if self.type == PAIR:
            return f"{column} is at least {said['column_B']}"
        if self.type == REGEX:
            return f"{column} looks like {said['regex']}"
        if self.type == IN_SET:
            return f"{column} is one of {', '.join(map(str, said['value_set']))}"
        low, high = said.get("min_value"), said.get("max_value")
        if high == TOMORROW:
            return f"{column} is not in the future"
        if high is None:
            return f"{column} is at least {low}"
        return f"{column} is from {low} to {high}"

    def arguments(self, now: datetime) -> dict[str, Any]:
        """The keyword arguments as Great Expectations takes them. ``now`` is aware."""
        given = dict(self.kwargs)
        if given.get("max_value") == TOMORROW:
            given["max_value"] = now.replace(tzinfo=None) + timedelta(days=1)
        if self.type == PAIR:
            given["ignore_row_if"] = "either_value_is_missing"
        return given


@dataclass(frozen=True)
class History:
    """How a table is compared with its past: the column that holds a row's day, and figures of a row."""

    day: str
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """The expectations of one raw table, and how it is compared with its past, if it is."""

    table: str
    expectations: tuple[Expectation, ...]
    history: History | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that an expectation reads, in their order."""
        return tuple(dict.fromkeys(column for one in self.expectations for column in one.columns))


@lru_cache(maxsize=1)
def suites() -> Mapping[str, Suite]:
    """Every suite by its table. Raises GrowthError for one that says what cannot be."""
    folder = files(__package__).joinpath("suites")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    found = (read_suite(folder.joinpath(name).read_text(encoding="utf-8"), name) for name in names)
    return {suite.table: suite for suite in found}


def read_suite(text: str, name: str) -> Suite:
    """The suite that a YAML text declares; ``name`` is its file's, for errors."""
    import yaml

    document = yaml.safe_load(text)
    try:
        history = document.get("history")
        suite = Suite(
            document["table"],
            tuple(Expectation(**one) for one in document["expectations"]),
            History(history["day"], tuple(history["measures"])) if history else None,
        )
    except (KeyError, TypeError) as error:
        hint = "Compare it with its neighbours."
        raise GrowthError(f"quality/suites/{name} is not a suite: {error}.", hint) from error
    for problem in _problems(suite):
        raise GrowthError(f"quality/suites/{name}: {problem}.", "Correct the suite.")
    return suite


def _problems(suite: Suite) -> list[str]:
    table = BY_NAME.get(suite.table)
    if table is None:
        return []  # of a stream that somebody took out
    known = {column.name for column in table.all_columns}
    history = [suite.history.day, *suite.history.measures] if suite.history else []
    unknown = [name for name in (*suite.columns, *history) if name not in known]
    problems = [f"raw.{suite.table} has no column {name!r}" for name in unknown]
    for one in suite.expectations:
        if one.type not in TYPES:
            problems.append(f"{one.type!r} is none of {', '.join(TYPES)}")
        if one.severity not in ("error", "warn"):
            problems.append(f"severity {one.severity!r} is neither error nor warn")
    return problems
