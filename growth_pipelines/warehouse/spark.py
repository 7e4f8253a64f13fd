"""The models on Apache Spark, for data that one machine does not hold; all else stays where it is.

Ingestion loads the raw tables as always. A build writes them as Parquet to ``warehouse.spark_folder``, runs dbt
over Spark Connect, and brings the marts back, so that every reader finds them where they always are. The folder
(a shared disk, or a URI of an object store) must be known by one name here and on every machine of the cluster:

    <folder>/raw/<table>/…         written here, read there
    <folder>/marts/<mart>/…        written there, read here; likewise staging and intermediate

Nothing but builds writes to it, and each build writes it anew.
"""

from __future__ import annotations

import logging
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from growth_pipelines.errors import GrowthError, SettingsError
from growth_pipelines.telemetry import logger
from growth_pipelines.warehouse.connection import WarehouseConnection

if TYPE_CHECKING:
    from growth_pipelines.settings import Settings

SCHEMAS = ("raw", "staging", "intermediate", "marts")
# As on the other engines: times without a zone, which hold UTC.
SESSION = {
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    # An error's message is what is wrong, without a hundred lines of Java.
    "spark.sql.connect.serverStacktrace.enabled": "false",
}
_MARK = "growth-tables.txt"
_DEFAULT_PORT = 15002
_ANSWER_SECONDS = 10
_log = logger("spark")


@dataclass(frozen=True)
class BuiltMart:
    """A mart that a build made: its name and the types of its contract by column."""

    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class SparkTarget:
    """A Spark Connect server and the folder that it shares with this machine."""

    remote: str
    folder: str
    stay: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> SparkTarget:
        """Raises SettingsError when the folder is missing or means something else elsewhere."""
        given = settings.warehouse
        folder = given.spark_folder.rstrip("/")
        if not folder.startswith("/") and "://" not in folder:
            raise SettingsError(
                "GROWTH_WAREHOUSE__SPARK_REMOTE is set, but GROWTH_WAREHOUSE__SPARK_FOLDER is no absolute path or"
                " URI.",
                "Set it to a folder that this machine and every machine of the cluster know by the same name.",
            )
        return cls(given.spark_remote.get_secret_value(), folder, tuple(given.spark_stay))

    @property
    def uri(self) -> str:
        """The folder as Spark takes it: without a scheme it is a path of the cluster's default file system."""
        return self.folder if "://" in self.folder else f"file://{self.folder}"

    @property
    def server_parameters(self) -> dict[str, str]:
        """What dbt-spark gives to its session."""
        return {"spark.remote": self.remote, **SESSION}

    @contextmanager
    def session(self) -> Iterator[Any]:
        """The process's Spark session, which dbt takes up as well; released at the end.

        Raises GrowthError when the client is not installed or nothing answers.
        """
        builder = spark_client().builder
        self._require_answer()
        # It prints each refused statement with its Java stack; what matters of it is in the exception.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
        for name, value in self.server_parameters.items():
            builder = builder.config(name, value)
        with warnings.catch_warnings():
            # dbt-spark asks for Hive before each statement, which is the server's to have or not.
            warnings.filterwarnings("ignore", "Failed to set spark.sql.catalogImplementation")
            spark = builder.getOrCreate()
            try:
                yield spark
            finally:
                spark.stop()

    def _require_answer(self) -> None:
        # The client itself would try for many minutes.
        address = urlsplit(self.remote)
        host, port = address.hostname or "", address.port or _DEFAULT_PORT
        try:
            socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
        except OSError as error:
            raise GrowthError(
                f"Spark Connect does not answer at {host}:{port}: {error.strerror or error}.",
                "Start the server, or mend GROWTH_WAREHOUSE__SPARK_REMOTE; unset it to build without Spark.",
            ) from error

    def file_system(self) -> tuple[Any, str]:
        """The Arrow file system of the folder, and its path there."""
        from pyarrow import fs

        return fs.FileSystem.from_uri(self.folder)

    def claim_folder(self) -> None:
        """Mark the folder as one whose content builds may remove.

        Raises GrowthError when it holds what no build has written.
        """
        from pyarrow import fs

        file_system, root = self.file_system()
        mark = f"{root}/{_MARK}"
        if file_system.get_file_info(mark).type == fs.FileType.File:
            return
        file_system.create_dir(root, recursive=True)
        if file_system.get_file_info(fs.FileSelector(root)):
            raise GrowthError(
                f"{self.folder} is not empty, and no build on Spark has written it.",
                "Set GROWTH_WAREHOUSE__SPARK_FOLDER to a new folder: builds remove what is in theirs.",
            )
        with file_system.open_output_stream(mark) as file:
            file.write(b"Builds of the models on Spark write this folder anew each time.\n")


def spark_client() -> Any:
    """The client's ``SparkSession``. Raises GrowthError when it is not installed."""
    missing = [name for name in ("pyspark", "dbt.adapters.spark") if find_spec(name) is None]
    if missing:
        raise GrowthError(
            f"GROWTH_WAREHOUSE__SPARK_REMOTE is set, but {' and '.join(missing)} can't be imported.",
            "Install the extra: pip install 'growth-pipelines[spark]'; or unset the variable.",
        )
    with _named_main_program(), warnings.catch_warnings():
        # It means its own pandas interface, which nothing here uses.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        import pyspark.sql.connect.session
    return pyspark.sql.SparkSession


@contextmanager
def _named_main_program() -> Iterator[None]:
    """The client takes a process whose main program has no file (``python -c``, a worker that was spawned) for a
    run of its own examples, and ends it."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = __file__
    try:
        yield
    finally:
        del main.__file__


def export_raw(connection: WarehouseConnection, target: SparkTarget, spark: Any) -> dict[str, int]:
    """Write every raw table as Parquet and declare it on Spark; returns the number of rows of each."""
    file_system, root = target.file_system()
    _create_schemas(target, spark, file_system, root)
    names = "select table_name from information_schema.tables where table_schema = 'raw' order by 1"
    rows = {}
    for (name,) in connection.execute(names).fetchall():
        spark.sql(f"drop table if exists raw.{name}")
        folder = f"{root}/raw/{name}"
        _empty(file_system, folder)
        rows[name] = _write_parquet(connection, f"select * from raw.{name}", file_system, folder)  # noqa: S608
        spark.sql(f"create table raw.{name} using parquet location '{target.uri}/raw/{name}'")
    _log.info("raw tables written for Spark", tables=len(rows), rows=sum(rows.values()))
    return rows


def _create_schemas(target: SparkTarget, spark: Any, file_system: Any, root: str) -> None:
    """Each schema in the folder; what is there of a catalogue that is gone is removed: it would be in the way."""
    for schema in SCHEMAS:
        wanted = f"{target.uri}/{schema}"
        if not spark.catalog.databaseExists(schema):
            _empty(file_system, f"{root}/{schema}")
            spark.sql(f"create database {schema} location '{wanted}'")
            continue
        found = spark.catalog.getDatabase(schema).locationUri
        if _plain(found) != _plain(wanted):
            raise GrowthError(
                f"Spark's database {schema} is at {found} and not at {wanted}: somebody else's.",
                "Give the machine a catalogue of its own, or set GROWTH_WAREHOUSE__SPARK_FOLDER to where it was.",
            )


def _plain(uri: str) -> str:
    """Spark writes file:/x for file:///x."""
    scheme, _, path = uri.partition(":")
    return f"{scheme}:{path.lstrip('/').rstrip('/')}"


def _empty(file_system: Any, folder: str) -> None:
    file_system.create_dir(folder, recursive=True)
    file_system.delete_dir_contents(folder)


def _write_parquet(connection: WarehouseConnection, sql: str, file_system: Any, folder: str) -> int:
    from pyarrow import parquet

    batches = connection.batches(sql)
    count = 0
    path = f"{folder}/rows.parquet"
    with parquet.ParquetWriter(path, batches.schema, filesystem=file_system, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def bring_back(connection: WarehouseConnection, target: SparkTarget, marts: Iterable[BuiltMart]) -> dict[str, int]:
    """Replace marts by what Spark made of them; returns the number of rows of each. All or none: the caller's
    transaction. Those that stay on Spark are here without rows, so that what reads them finds none."""
    file_system, root = target.file_system()
    rows = {}
    for mart in marts:
        columns = ", ".join(f"{name} {data_type}" for name, data_type in mart.columns.items())
        connection.execute(f"drop table if exists marts.{mart.name}")
        connection.execute(f"create table marts.{mart.name} ({columns})")
        if mart.name not in target.stay:
            batches = _read_parquet(file_system, f"{root}/marts/{mart.name}")
            rows[mart.name] = connection.insert(f"marts.{mart.name}", list(mart.columns), batches)
    _log.info("marts brought back from Spark", marts=len(rows), rows=sum(rows.values()))
    return rows


def _read_parquet(file_system: Any, folder: str) -> Any:
    from pyarrow import dataset

    return dataset.dataset(folder, filesystem=file_system, format="parquet").scanner().to_reader()
