"""Tables against their own past: the newest complete day, or the whole table where its rows have no day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from growth_pipelines.quality.history import WEEKS, Usual, usual_count, usual_figure, usual_total
from growth_pipelines.quality.outcomes import Outcome
from growth_pipelines.quality.queries import query
from growth_pipelines.quality.suites import Dimension, History, Suite
from growth_pipelines.warehouse.raw_tables import BY_NAME

if TYPE_CHECKING:
    from growth_pipelines.warehouse.connection import WarehouseConnection

LOOKS = 10
DAY_ROWS = "as many rows as such days have"
TOTAL_ROWS = "as many rows as before"
_STATISTICS = {"median": 0.5, "90th percentile": 0.9}
_WHY = "A sudden change is a reading gone wrong more often than it is the shop."


def figure_name(measure: str, statistic: str) -> str:
    return f"{statistic} of {measure} as on other days"


def names(suite: Suite) -> tuple[str, ...]:
    """The comparisons that a suite's table gets."""
    if suite.history is None:
        return (TOTAL_ROWS,)
    return DAY_ROWS, *(figure_name(m, s) for m in suite.history.measures for s in _STATISTICS)


def compare_day(connection: WarehouseConnection, suite: Suite, shop_id: str, day: date) -> Iterator[Outcome]:
    """``day`` of a table with days against the eight weeks before it. What cannot be judged yet is left out."""
    assert suite.history is not None
    types = {column.name: column.type for column in BY_NAME[suite.table].columns}
    rows = _days(connection, suite.table, suite.history, shop_id, day)
    counts = {row["date_day"]: int(row["rows"]) for row in rows}
    usual = usual_count(counts, day)
    if usual is not None:
        yield _outcome(suite.table, DAY_ROWS, "volume", usual, f"{day}: ")
    for number, (measure, statistic) in enumerate((m, s) for m in suite.history.measures for s in _STATISTICS):
        figures = {row["date_day"]: (int(row["rows"]), _number(row[f"figure_{number}"])) for row in rows}
        whole = types[measure] == "bigint"
        usual = usual_figure({d: f for d, f in figures.items() if f[1] == f[1]}, day, step=1.0 if whole else 0.0)
        if usual is not None:
            yield _outcome(suite.table, figure_name(measure, statistic), "distribution", usual, f"{day}: ")


def compare_total(connection: WarehouseConnection, suite: Suite, total: int) -> Iterator[Outcome]:
    """The rows of a table without days against those at its last looks."""
    before = [int(row[0]) for row in connection.execute(query("totals"), (suite.table, LOOKS)).fetchall()]
    usual = usual_total(total, before)
    if usual is not None:
        yield _outcome(suite.table, TOTAL_ROWS, "volume", usual)


def _days(
    connection: WarehouseConnection, table: str, history: History, shop_id: str, day: date
) -> list[Mapping[str, Any]]:
    shares = ((measure, share) for measure in history.measures for share in _STATISTICS.values())
    figures = "".join(
        f", percentile_cont({share}) within group (order by cast({measure} as double precision)) as figure_{n}"
        for n, (measure, share) in enumerate(shares)
    )
    statement = query("days").format(day=history.day, figures=figures, table=f"raw.{table}")
    since = day - timedelta(weeks=WEEKS)
    return list(connection.arrow(statement, (shop_id, since, day)).to_pylist())


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _outcome(table: str, name: str, dimension: Dimension, usual: Usual, when: str = "") -> Outcome:
    observed = f"{when}{_shown(usual.seen)}, usual are {_shown(usual.low)} to {_shown(usual.high)}"
    return Outcome(table, name, dimension, "warn", usual.passed, observed, _WHY)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.3g}"
