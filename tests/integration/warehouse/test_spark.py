"""What goes to Spark and comes back, without a cluster: the files, the refusals, the marts that are replaced."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from growth_pipelines.warehouse.spark import BuiltMart, SparkTarget, bring_back

from .raw_rows import settings_for

COLUMNS = {
    "shop_id": "varchar",
    "amount": "decimal(18,4)",
    "clicks": "bigint",
    "rate": "double precision",
    "is_new": "boolean",
    "date_day": "date",
    "read_at": "timestamp",
}
ROWS = [
    ("a", Decimal("12345678901234.5678"), 1, 0.1, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 678)),
    ("", Decimal("-0.0001"), 2**62, 1 / 3, False, date(1999, 12, 31), datetime(1999, 12, 31)),
    ('"x", y\nz', None, None, None, None, None, None),
]


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    types = [
        pa.string(),
        pa.decimal128(18, 4),
        pa.int64(),
        pa.float64(),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us"),
    ]
    columns = zip(*rows, strict=True) if rows else [[]] * len(types)
    return pa.table({name: pa.array(list(c), t) for name, c, t in zip(COLUMNS, columns, types, strict=True)})


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return settings_for(
        tmp_path / "home",
        url,
        GROWTH_WAREHOUSE__SPARK_REMOTE="sc://127.0.0.1:9",
        GROWTH_WAREHOUSE__SPARK_FOLDER=str(tmp_path / "shared"),
    )


def written_by_spark(target: SparkTarget, rows: list[tuple[object, ...]]) -> None:
    folder = Path(target.folder) / "marts" / "fct_things"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_SUCCESS").touch()
    for number, part in enumerate((rows[:1], rows[1:])):
        # Spark keeps the order of the model, which need not be that of the contract
        reordered = table(part).select(list(reversed(COLUMNS)))
        parquet.write_table(reordered, folder / f"part-{number}.parquet")


def in_marts(settings: Settings) -> list[tuple[object, ...]]:
    with Warehouse.of(settings).write() as connection:
        return sorted(connection.execute("select * from marts.fct_things").fetchall())


def test_marts_come_back_as_they_were_made_and_replace_those_before(settings: Settings) -> None:
    target = SparkTarget.of(settings)
    Warehouse.of(settings).ensure_raw()
    for rows in (ROWS[:2], ROWS):
        written_by_spark(target, rows)
        with Warehouse.of(settings).write() as connection:
            assert bring_back(connection, target, [BuiltMart("fct_things", COLUMNS)]) == {"fct_things": len(rows)}
    assert in_marts(settings) == sorted(ROWS)


def test_marts_that_stay_on_spark_are_empty_here(settings: Settings) -> None:
    target = SparkTarget.of(settings)
    stays = SparkTarget(target.remote, target.folder, ("fct_things",))
    Warehouse.of(settings).ensure_raw()
    with Warehouse.of(settings).write() as connection:
        assert bring_back(connection, stays, [BuiltMart("fct_things", COLUMNS)]) == {}
    assert in_marts(settings) == []


def test_a_mart_that_cannot_be_read_leaves_all_marts_as_they_were(settings: Settings) -> None:
    target = SparkTarget.of(settings)
    Warehouse.of(settings).ensure_raw()
    written_by_spark(target, ROWS)
    good, missing = BuiltMart("fct_things", COLUMNS), BuiltMart("fct_missing", COLUMNS)
    with Warehouse.of(settings).write() as connection:
        bring_back(connection, target, [good])
    written_by_spark(target, ROWS[:2])
    with pytest.raises(FileNotFoundError), Warehouse.of(settings).write() as connection:
        bring_back(connection, target, [good, missing])
    assert in_marts(settings) == sorted(ROWS)


@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "none"])
def test_rows_in_batches_keep_decimals_empty_texts_and_nulls(
    rows: list[tuple[object, ...]], settings: Settings
) -> None:
    Warehouse.of(settings).ensure_raw()
    declared = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    with Warehouse.of(settings).write() as connection:
        connection.execute(f"create table raw.things ({declared})")
        connection.insert("raw.things", list(COLUMNS), table(rows).to_reader())
        found = connection.batches("select * from raw.things").read_all()
    assert found.cast(table([]).schema).sort_by("shop_id").to_pylist() == table(sorted(rows)).to_pylist()


def test_a_build_says_where_spark_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        remote = f"sc://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(GrowthError, match="does not answer at 127") as caught:
            build(
                settings_for(
                    tmp_path / "home",
                    GROWTH_WAREHOUSE__SPARK_REMOTE=remote,
                    GROWTH_WAREHOUSE__SPARK_FOLDER=str(tmp_path / "shared"),
                )
            )
    assert "GROWTH_WAREHOUSE__SPARK_REMOTE" in str(caught.value.hint)


@pytest.mark.parametrize("folder", ["", "data/shared"])
def test_the_folder_must_mean_the_same_everywhere(folder: str, tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, GROWTH_WAREHOUSE__SPARK_REMOTE="sc://spark", GROWTH_WAREHOUSE__SPARK_FOLDER=folder
    )
    with pytest.raises(SettingsError, match="SPARK_FOLDER"):
        SparkTarget.of(settings)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(GrowthError, match="not empty"):
        SparkTarget("sc://spark", str(tmp_path)).claim_folder()
    new = SparkTarget("sc://spark", str(tmp_path / "new"))
    new.claim_folder()
    (tmp_path / "new" / "raw").mkdir()
    new.claim_folder()


def test_a_missing_client_is_one_clear_error(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["pyspark"] = None
from growth_pipelines.errors import GrowthError
from growth_pipelines.warehouse.spark import SparkTarget
try:
    with SparkTarget("sc://127.0.0.1:9", {str(tmp_path)!r}).session():
        pass
except GrowthError as error:
    print(error, error.hint)
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "pyspark can't be imported" in said.stdout
    assert "growth-pipelines[spark]" in said.stdout


def test_the_client_starts_in_a_process_without_a_main_file() -> None:
    """As in a worker of Dagster or of these tests: left to itself it would end the process."""
    code = """
from growth_pipelines.warehouse.spark import spark_client
import __main__
print(spark_client().builder is not None, hasattr(__main__, "__file__"))
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout == "True False\n"
