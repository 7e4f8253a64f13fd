"""The warehouse on both engines: transactions, turn-taking between processes, publishing under open readers."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import all_tables


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    environ = {"GROWTH_HOME": str(tmp_path)}
    if request.param == "postgres":
        environ["GROWTH_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    return load_settings(environ)


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.of(load_settings({"GROWTH_HOME": str(tmp_path)}))


def _publish(warehouse: Warehouse, value: int) -> Path:
    with warehouse.write() as connection:
        connection.execute("create or replace table t as select ? as n", [value])
    path = warehouse.publish()
    assert path is not None
    return path


def test_raw_tables_are_created_once_with_every_declared_column(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        found = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'raw'"
        ).fetchall()
    assert sorted(found) == sorted((t.name, c.name) for t in all_tables() for c in t.all_columns)


def test_a_column_declared_later_is_added_and_rows_are_kept(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        connection.execute("insert into raw.shops (shop_id, name) values (?, ?)", ["s", "Shop"])
        connection.execute("alter table raw.shops drop column currency")
    warehouse.ensure_raw()
    with warehouse.write() as connection:
        assert connection.execute("select name, currency from raw.shops").fetchall() == [("Shop", None)]


def test_an_exception_inside_a_write_leaves_nothing_behind(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()

    def fail_halfway() -> None:
        with warehouse.write() as connection:
            connection.execute("insert into raw.shops (shop_id) values ('lost')")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    with warehouse.write() as connection:
        assert connection.execute("select count(*) from raw.shops").fetchone()[0] == 0


def test_frames_have_the_same_types_and_values_on_both_engines(settings: Settings) -> None:
    sql = """
        select cast(1 as bigint) as n, cast(1.5 as decimal(18, 4)) as money, cast('2026-01-02' as date) as d,
            cast('2026-01-02 03:04:05' as timestamp) as t, cast('' as varchar) as empty,
            cast(null as varchar) as missing, 'a, "b" ?' as quoted, true as yes, sum(2) as total, 'x
y' as two_lines
        where 'a' = ? and 'a%' like 'a%'"""
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        frame = connection.frame(sql, ["a"])
        nothing = connection.frame(f"select * from ({sql}) as q where n = 2", ["a"])
        lone = connection.frame("select nullif(n, 2) as n from (values (1), (2), (3)) as three(n)")
    row = frame.iloc[0]
    assert (row["n"], row["money"], row["empty"], row["quoted"]) == (1, 1.5, "", 'a, "b" ?')
    assert (row["yes"], row["total"], row["two_lines"]) == (True, 2, "x\ny")
    assert row["missing"] is None or pd.isna(row["missing"])
    assert (row["d"], row["t"]) == (pd.Timestamp(date(2026, 1, 2)), pd.Timestamp(datetime(2026, 1, 2, 3, 4, 5)))
    kinds = ["int64", "float64", "datetime64", "datetime64", "str", "str", "str", "bool", "int64", "str"]
    assert [str(dtype).partition("[")[0] for dtype in frame.dtypes] == kinds
    assert len(nothing) == 0
    assert list(nothing.columns) == list(frame.columns)
    assert lone["n"].isna().tolist() == [False, True, False], "a missing value of a lone column is a row too"


def test_readers_cannot_write(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    warehouse.ensure_raw()
    warehouse.publish()
    with warehouse.read() as reader, pytest.raises(Exception, match="read-only"):
        reader.execute("insert into raw.shops (shop_id) values ('s')")


def test_reading_before_anything_is_published_says_what_to_do(duckdb_warehouse: Warehouse) -> None:
    duckdb_warehouse.ensure_raw()
    with pytest.raises(GrowthError, match="growth run"), duckdb_warehouse.read():
        pass


def test_a_reader_keeps_its_snapshot_while_newer_ones_are_published(duckdb_warehouse: Warehouse) -> None:
    _publish(duckdb_warehouse, 1)
    with duckdb_warehouse.read() as reader:
        for value in (2, 3, 4):
            _publish(duckdb_warehouse, value)
            with duckdb_warehouse.read() as newer:
                assert newer.execute("select n from t").fetchone() == (value,)
        assert reader.execute("select n from t").fetchone() == (1,)


def test_old_snapshots_are_removed(duckdb_warehouse: Warehouse) -> None:
    paths = [_publish(duckdb_warehouse, value) for value in range(5)]
    kept = sorted(path.name for path in duckdb_warehouse.current.parent.iterdir())
    assert kept == ["current", *sorted(path.name for path in paths[-2:])]


def test_what_is_written_after_a_publication_is_seen_after_the_next(duckdb_warehouse: Warehouse) -> None:
    """The snapshot is the writer's file until somebody writes; from then on it is nobody's but the readers'."""
    path = _publish(duckdb_warehouse, 1)
    assert path.samefile(duckdb_warehouse.file)
    with duckdb_warehouse.read() as reader, duckdb_warehouse.write() as connection:
        connection.execute("update t set n = 2")
        assert reader.execute("select n from t").fetchone() == (1,)
    assert not path.samefile(duckdb_warehouse.file)
    with duckdb_warehouse.read() as reader:
        assert reader.execute("select n from t").fetchone() == (1,)
        again = duckdb_warehouse.publish()
        assert again is not None
        assert reader.execute("select n from t").fetchone() == (1,)
        twice = duckdb_warehouse.publish()
        assert twice is not None
        assert twice.samefile(again)
    with duckdb_warehouse.read() as reader:
        assert reader.execute("select n from t").fetchone() == (2,)


def test_a_disk_without_hard_links_gets_a_copy(
    duckdb_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = _publish(duckdb_warehouse, 1)
    assert not path.samefile(duckdb_warehouse.file)
    with duckdb_warehouse.read() as reader:
        assert reader.execute("select n from t").fetchone() == (1,)


def test_many_readers_never_fail_while_snapshots_are_swapped(duckdb_warehouse: Warehouse) -> None:
    _publish(duckdb_warehouse, 0)
    seen: list[int] = []
    done = threading.Event()

    def read_on() -> None:
        while not done.is_set():
            with duckdb_warehouse.read() as reader:
                seen.append(reader.execute("select n from t").fetchone()[0])

    thread = threading.Thread(target=read_on)
    thread.start()
    for value in range(1, 15):
        _publish(duckdb_warehouse, value)
    done.set()
    thread.join()
    assert seen == sorted(seen)
    assert len(seen) > 5


def test_a_publication_that_was_cut_short_is_cleared_away(duckdb_warehouse: Warehouse) -> None:
    _publish(duckdb_warehouse, 1)
    folder = duckdb_warehouse.current.parent
    (folder / "warehouse-2.partial").write_bytes(b"half")
    (folder / "current.partial").symlink_to("warehouse-2.partial")
    _publish(duckdb_warehouse, 2)
    assert not list(folder.glob("*.partial"))
    with duckdb_warehouse.read() as reader:
        assert reader.execute("select n from t").fetchone() == (2,)


def test_the_error_about_a_busy_warehouse_names_its_writer(settings: Settings) -> None:
    code = (
        "import sys; from growth_pipelines.settings import load_settings\n"
        "from growth_pipelines.warehouse.database import Warehouse\n"
        "with Warehouse.of(load_settings()).lock():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    environ = {"GROWTH_HOME": str(settings.home), "GROWTH_DATABASE_URL": settings.postgres_url}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        impatient = load_settings({**environ, "GROWTH_WAREHOUSE__LOCK_SECONDS": "0.1"})
        with pytest.raises(GrowthError, match=f"process {other.pid}"), Warehouse.of(impatient).write():
            pass
        assert other.stdin is not None
        other.stdin.close()
        with Warehouse.of(settings).write() as connection:  # waits until the other has ended
            assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.postgres
def test_two_machines_with_one_postgresql_database_take_turns(postgres_url: str, tmp_path: Path) -> None:
    def warehouse(home: str) -> Warehouse:
        environ = {"GROWTH_HOME": str(tmp_path / home), "GROWTH_DATABASE_URL": postgres_url}
        return Warehouse.of(load_settings({**environ, "GROWTH_WAREHOUSE__LOCK_SECONDS": "0.2"}))

    with warehouse("one").lock(), pytest.raises(GrowthError, match="Another machine"), warehouse("two").lock():
        pass
    with warehouse("two").lock():
        pass


def test_two_threads_write_one_after_the_other(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        connection.execute("create table counter as select 0 as n")

    def add() -> None:
        for _ in range(5):
            with warehouse.write() as connection:
                n = connection.execute("select n from counter").fetchone()[0]
                connection.execute("update counter set n = ?", [n + 1])

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with warehouse.write() as connection:
        assert connection.execute("select n from counter").fetchone() == (10,)


def test_the_lock_is_free_to_enter_again_in_the_same_thread(settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    with warehouse.lock(), warehouse.lock(), warehouse.write() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.postgres
def test_an_unreachable_postgresql_is_one_clear_line_without_its_password(tmp_path: Path) -> None:
    environ = {"GROWTH_HOME": str(tmp_path), "GROWTH_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}
    with pytest.raises(GrowthError, match="GROWTH_DATABASE_URL") as caught:
        Warehouse.of(load_settings(environ)).ensure_raw()
    assert "hunter2" not in str(caught.value)
