"""What the raw tables' own checks found, as outcomes: they are judged where the tables are read, and not again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from growth_pipelines.quality.outcomes import Outcome

if TYPE_CHECKING:
    from growth_pipelines.ingestion.checks import StreamFindings

NO_KEY_TWICE = "no key is there twice"
STILL_FILLED = "no column turned null"
NAMES = (NO_KEY_TWICE, STILL_FILLED)


def outcomes_of(findings: Iterable[StreamFindings]) -> Iterator[Outcome]:
    """Uniqueness and completeness of every table that was looked over."""
    for found in findings:
        for table, of_table in found.tables.items():
            twice, turned = of_table.duplicates, of_table.turned_null
            yield Outcome(
                table,
                NO_KEY_TWICE,
                "uniqueness",
                "error",
                not twice.keys,
                f"{twice.keys:,} keys are there more than once" if twice.keys else f"all {of_table.rows:,} keys",
                "What is there twice is counted twice.",
                checked=of_table.rows,
                unexpected=twice.extra_rows,
            )
            yield Outcome(
                table,
                STILL_FILLED,
                "completeness",
                "warn",
                not turned,
                "; ".join(f"{c.column} was {c.before:.0%} null and is {c.now:.0%}" for c in turned) or "none did",
                "A field that a source stops sending shows as nulls.",
            )
