"""Opening the store: created once, migrated once, one writer, readers that don't wait."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, text

from growth_pipelines.actions.queue import top
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store import database
from growth_pipelines.store.database import Store, StoreUnavailable, store_url
from growth_pipelines.store.schema import MIGRATIONS, current_revision, newest_revision
from growth_pipelines.store.tables import Action, Flag, Table
from tests.drafts import NOW, seo_draft, settings_in, submitted


def test_the_migrations_build_exactly_the_declared_tables(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.connection() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "store_version"})
        differences = compare_metadata(context, Table.metadata)
    assert differences == []


def test_check_constraints_of_the_declared_tables_are_in_force(store: Store) -> None:
    with store.read() as session:
        inspector = inspect(session.connection())
        for table in Table.metadata.tables.values():
            declared = {c.name for c in table.constraints if c.name and c.name.startswith("ck_")}
            assert declared <= {c["name"] for c in inspector.get_check_constraints(table.name)}


def test_an_open_store_is_at_the_newest_revision_and_migrating_again_changes_nothing(store: Store) -> None:
    assert current_revision(store) == newest_revision()
    store.migrate()
    assert current_revision(store) == newest_revision()


def test_a_store_of_the_first_shape_keeps_its_actions_and_learns_how_fresh_they_are(
    store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from alembic import command
    from alembic.config import Config

    newer = seo_draft(2, evidence=(seo_draft().evidence[0].model_copy(update={"end": NOW.date()}),))
    actions = submitted(store, seo_draft(1), newer)
    later = ("tie_break", "page_visits", "page_position")
    kept = [column for column in Action.__table__.columns if column.name not in later]
    with store.read() as session:
        rows = [dict(row) for row in session.execute(select(*kept)).mappings()]
    url = request.getfixturevalue("postgres_url") if store.engine == "postgresql" else ""
    if url:
        # The store under test lies in this database already; the old one takes its place.
        with store.connection() as connection:
            connection.execute(text("DROP SCHEMA growth CASCADE"))
            connection.execute(text("CREATE SCHEMA growth"))
        old = store
    else:
        old = Store(store_url(settings_in(tmp_path / "old")))
        (tmp_path / "old").mkdir()
    with old.connection() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0001")
        connection.execute(insert(Action.__table__), rows)  # type: ignore[arg-type]
    assert current_revision(old) == "0001"
    old.migrate()
    assert current_revision(old) == newest_revision()
    with old.read() as session:
        assert [action.id for action in top(session, 2, NOW)] == [action.id for action in reversed(actions)]
        assert [action.draft for action in top(session, 2, NOW)] == [a.draft for a in reversed(actions)]
        assert {action.page_visits for action in top(session, 2, NOW)} == {None}
        differences = {index["name"] for index in inspect(session.connection()).get_indexes("actions")}
        assert {index.name for index in Action.__table__.indexes} <= differences  # type: ignore[attr-defined]


def test_a_store_newer_than_the_code_is_refused_with_what_to_do(settings: Settings, store: Store) -> None:
    with store.session() as session:
        session.execute(text("UPDATE store_version SET version_num = '9999'"))
    with pytest.raises(GrowthError, match="revision 9999, newer than this version"):
        Store(store.url).migrate()


def _open(home: str, url: str, barrier: object) -> None:
    barrier.wait(30)  # type: ignore[attr-defined]
    with Store.of(settings_in(Path(home), url)).session() as session:
        session.add(Flag(key=multiprocessing.current_process().name, value={}, updated_at=NOW, updated_by="t"))


def test_processes_that_open_a_new_store_at_once_all_succeed(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    arguments = (str(settings.home), settings.postgres_url, barrier)
    processes = [context.Process(target=_open, args=arguments, name=f"p{n}") for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Store.of(settings).read() as session:
        assert session.query(Flag).count() == 3


def test_an_error_rolls_everything_back(store: Store) -> None:
    def half_done() -> None:
        with store.session() as session:
            session.add(Flag(key="k", value={}, updated_at=NOW, updated_by="t"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with store.read() as session:
        assert session.get(Flag, "k") is None


def test_a_reader_neither_waits_for_a_writer_nor_sees_half_of_its_work(store: Store) -> None:
    with store.session() as writing:
        writing.add(Flag(key="k", value={}, updated_at=NOW, updated_by="t"))
        writing.flush()
        with store.read() as reading:
            assert reading.get(Flag, "k") is None
    with store.read() as reading:
        assert reading.get(Flag, "k") is not None


def test_a_second_writer_waits_for_the_first(store: Store) -> None:
    with store.session() as session:
        session.add(Flag(key="n", value={"n": 0}, updated_at=NOW, updated_by="t"))

    def add() -> None:
        for _ in range(10):
            with store.session() as session:
                flag = session.get_one(Flag, "n")
                flag.value = {"n": flag.value["n"] + 1}

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        assert session.get_one(Flag, "n").value == {"n": 40}


def test_a_writer_that_hangs_does_not_hang_the_others_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    store.close()  # its next connections wait for a second only
    hanging = Store(store.url)
    with hanging.session() as holder:
        holder.connection()
        with pytest.raises(StoreUnavailable, match="stayed locked for 1 s"), store.session() as waiting:
            waiting.connection()
        with store.read() as session:
            assert session.query(Flag).count() == 0
    with store.session() as session:
        session.add(Flag(key="k", value={}, updated_at=NOW, updated_by="t"))
    hanging.close()
    store.close()


def test_a_naive_instant_is_refused_and_an_aware_one_comes_back_in_utc(store: Store) -> None:
    with pytest.raises(Exception, match="aware"), store.session() as session:
        session.add(Flag(key="k", value={}, updated_at=NOW.replace(tzinfo=None), updated_by="t"))
    with store.session() as session:
        session.add(Flag(key="k", value={}, updated_at=NOW, updated_by="t"))
    with store.read() as session:
        assert session.get_one(Flag, "k").updated_at == NOW
        assert session.get_one(Flag, "k").updated_at.utcoffset() == NOW.utcoffset()


def test_json_comes_back_exactly_as_it_was_stored(store: Store) -> None:
    value = {"b": 1.0, "a": 1e16, "ü": "é\u2028", "n": None, "z": [0.1, -0.0, 1e-7, 10**18], "\U0001f3c1": True}
    with store.session() as session:
        session.add(Flag(key="k", value=value, updated_at=NOW, updated_by="t"))
    with store.read() as session:
        found = session.get_one(Flag, "k").value
    assert list(found.items()) == list(value.items())
    assert repr(found) == repr(value)


def test_an_unusable_database_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match="The store can't be used"):
        Store.of(settings_in(tmp_path, "postgresql://nobody@127.0.0.1:1/none"))


def test_a_postgresql_address_keeps_its_options_and_password(tmp_path: Path) -> None:
    url = store_url(settings_in(tmp_path, "postgresql://u:p%40ss@/db?host=/tmp/x"))
    assert url == "postgresql+psycopg://u:p%40ss@/db?host=%2Ftmp%2Fx"


@pytest.mark.postgres
def test_on_postgresql_all_tables_lie_in_the_schema_growth(tmp_path: Path, postgres_url: str) -> None:
    store = Store.of(settings_in(tmp_path, postgres_url))
    with store.read() as session:
        inspector = inspect(session.connection())
        assert set(Table.metadata.tables) <= set(inspector.get_table_names(schema="growth"))
        assert inspector.get_table_names(schema="public") == []


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:s3cret@h/db", "postgresql://u:s3cret@h:port/db"])
def test_an_address_of_no_postgresql_is_one_clear_error_without_the_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(GrowthError, match="GROWTH_DATABASE_URL is not a postgresql:// URL") as wrong:
        Store.of(settings_in(tmp_path, url))
    assert "s3cret" not in str(wrong.value)


def test_the_report_of_a_failed_statement_leaves_its_parameters_out(store: Store) -> None:
    with pytest.raises(Exception, match="actions") as failed, store.session() as session:
        session.execute(text("INSERT INTO actions (id) VALUES (:id)"), {"id": "s3cret"})
    assert "s3cret" not in str(failed.value).partition("[SQL")[2]


def test_a_store_that_is_no_longer_asked_for_is_closed_and_opens_again_when_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "MOST_OPEN", 2)
    first, second, third = (settings_in(tmp_path / name) for name in "abc")
    store = Store.of(first)
    submitted(store, seo_draft())
    Store.of(second)
    assert Store.of(first) is store
    assert _open_files(first.home)
    Store.of(second)
    Store.of(third)
    assert not _open_files(first.home)
    with store.read() as session:
        assert len(top(session, 10, NOW)) == 1


def _open_files(home: Path) -> list[str]:
    """The names of the files below ``home`` that this process has open."""
    found = [Path(os.readlink(file)) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    return [file.name for file in found if file.is_relative_to(home)]
