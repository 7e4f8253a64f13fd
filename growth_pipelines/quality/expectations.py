"""Suites run by Great Expectations on pandas frames: the only module that knows it.

Importing it takes 2–3 CPU-seconds, so it is imported when the first batch with rows comes, and once. The context
lives in memory: validating through a stored definition dies of the numpy.bool that some expectations return.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.suites import BETWEEN, IN_SET, NOT_NULL, REGEX, Expectation, Suite

if TYPE_CHECKING:
    import pandas

EXAMPLES = 3
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - raw tables hold naive UTC
# A word of an enumeration; whatever else a text is, it may be about a person.
_WORD = re.compile(r"[A-Za-z_]{1,30}")


@dataclass
class _Count:
    """How an expectation fared over the parts of a batch."""

    checked: int = 0
    unexpected: int = 0
    examples: list[str] = field(default_factory=list)


@contextmanager
def _not_installed(module: str) -> Iterator[None]:
    """Hide a module that the library would take up where it finds it. Spark's client ends a process that has no
    file to start from and no cluster. One that is in use already stays."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


class Validator:
    """Runs suites. Make one a step: it holds the context."""

    def __init__(self, now: datetime) -> None:
        # Before the import: it asks no one home.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        with _not_installed("pyspark"):
            import great_expectations as gx
            from great_expectations.data_context.types.base import (
                DataContextConfig,
                InMemoryStoreBackendDefaults,
                ProgressBarsConfig,
            )

        self._gx = gx
        self._now = now
        config = DataContextConfig(
            # The default leaves a folder for reports behind, each time.
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        )
        context = gx.get_context(mode="ephemeral", project_config=config)
        asset = context.data_sources.add_pandas("landed").add_dataframe_asset("batch")
        self._batches = asset.add_batch_definition_whole_dataframe("whole")

    def validate(self, suite: Suite, frames: Iterable[pandas.DataFrame]) -> list[Outcome]:
        """Judge a batch that comes in parts, which hold the suite's columns with ``_file_id`` and ``_line``."""
        checks = self._gx.ExpectationSuite(
            name=suite.table,
            expectations=[_of_library(one, at, self._now) for at, one in enumerate(suite.expectations)],
        )
        counts = [_Count() for _ in suite.expectations]
        for frame in frames:
            batch = self._batches.get_batch(batch_parameters={"dataframe": _numbers_for_times(frame)})
            found = batch.validate(checks, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
            results = {_place(result): result for result in found.results}
            for at, one in enumerate(suite.expectations):
                _add(counts[at], results[at], one, frame, self._now)
        return [_outcome(suite.table, one, count) for one, count in zip(suite.expectations, counts, strict=True)]


def _of_library(one: Expectation, at: int, now: datetime) -> Any:
    """The library's object; ``at`` finds its result again, which comes in another order."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    given = {name: _seconds(value) for name, value in one.arguments(now).items()}
    return ExpectationConfiguration(type=one.type, kwargs=given, meta={"at": at}).to_domain_obj()


def _place(result: Any) -> int:
    return int(result.expectation_config.meta["at"])


def _numbers_for_times(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Times as seconds since 1970: the library compares datetimes one by one, numbers as a whole."""
    times = frame.select_dtypes("datetime").columns
    return frame.assign(**{name: (frame[name] - _EPOCH).dt.total_seconds() for name in times})


def _seconds(value: Any) -> Any:
    return (value - _EPOCH).total_seconds() if isinstance(value, datetime) else value


def _add(count: _Count, result: Any, one: Expectation, frame: pandas.DataFrame, now: datetime) -> None:
    """Add what was found in one part. Raises GrowthError when the library could not judge it."""
    found = result.result
    if "unexpected_count" not in found:
        raise GrowthError(
            f"{one.claim!r} could not be judged by Great Expectations.",
            f"Look at {one.type} with {dict(one.kwargs)} in growth_pipelines/quality/suites.",
        )
    count.checked += int(found["element_count"])
    count.unexpected += int(found["unexpected_count"])
    if not bool(result.success) and len(count.examples) < EXAMPLES:
        breaking = frame[_breaks(one, frame, now)].head(EXAMPLES - len(count.examples))
        count.examples += [_example(one, row) for row in breaking.to_dict("records")]


def _breaks(one: Expectation, frame: pandas.DataFrame, now: datetime) -> pandas.Series[bool]:
    """The rows that break an expectation. The library can name them too, but takes 28 s for 100,000 of them."""
    said, column = one.arguments(now), frame[one.columns[0]]
    if one.type == NOT_NULL:
        return column.isna()
    if one.type == BETWEEN:
        outside = column.isna() & False
        if "min_value" in said:
            outside |= column < said["min_value"]
        if "max_value" in said:
            outside |= column > said["max_value"]
        return outside
    if one.type == IN_SET:
        return column.notna() & ~column.isin(said["value_set"])
    if one.type == REGEX:
        return column.notna() & ~column.astype(str).str.contains(said["regex"])
    return column < frame[said["column_B"]]


def _example(one: Expectation, row: dict[str, Any]) -> str:
    """Where a row is, and its value unless it is a text that a person may have written."""
    shown = [
        f"{name} = {_told(row[name])}"
        for name in one.columns
        if one.type != NOT_NULL and _harmless(one, row[name])
    ]
    return " ".join([*shown, f"(line {row['_line']} of {row['_file_id']})"])


def _told(value: Any) -> str:
    """A value as it stands in the file; there, times are in UTC."""
    if isinstance(value, datetime):
        return f"{value} UTC" if value.time() != time() else f"{value.date()}"
    return str(value)


def _harmless(one: Expectation, value: Any) -> bool:
    if isinstance(value, str):
        return one.type == IN_SET and _WORD.fullmatch(value) is not None
    return True


def _outcome(table: str, one: Expectation, count: _Count) -> Outcome:
    rows = f"{count.unexpected:,} of {count.checked:,} rows break it"
    share = count.unexpected / count.checked if count.checked else 0.0
    return Outcome(
        table=table,
        expectation=one.claim,
        dimension=one.dimension,
        severity=one.severity,
        passed=share <= one.tolerated,
        observed=rows if count.unexpected else f"all of {count.checked:,} rows",
        why=one.why,
        checked=count.checked,
        unexpected=count.unexpected,
        examples=tuple(count.examples),
    )
