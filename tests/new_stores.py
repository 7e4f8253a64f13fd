"""New stores, migrated once in a test process and then copied: migrating each would take ten times as long.

How a store is migrated, and what else happens when one is opened, is tested where it is the claim:
``integration/store/test_database.py``.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

from growth_pipelines.bench.embedded_postgres import new_database
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store, store_url


def new_store(settings: Settings) -> Store:
    """The store of a machine that has none yet, as the migrations leave it."""
    if settings.postgres_url:
        _copy_database(settings.postgres_url)
    else:
        _copy_file(settings.home / "store.sqlite")
    return Store.of(settings)


def _copy_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as new:
        new.write(_migrated_file())
    file.chmod(0o600)


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        store = Store(f"sqlite:///{file}")
        store.migrate()
        store.close()
        return file.read_bytes()


def _copy_database(url: str) -> None:
    """Put a copy of the template in the place of an empty database."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'")
        assert found.fetchone() == (0,), "only an empty database is replaced"
    maintained = _other_database(url, "postgres")
    template = _migrated_database(maintained)
    name = Identifier(str(make_url(url).database))
    with psycopg.connect(maintained, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {}").format(name))
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(name, Identifier(template)))


@cache
def _migrated_database(maintained: str) -> str:
    url = new_database(maintained)
    # Nobody may be connected to what is copied.
    store = Store(store_url(load_settings({"GROWTH_DATABASE_URL": url})))
    store.migrate()
    store.close()
    return str(make_url(url).database)


def _other_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
