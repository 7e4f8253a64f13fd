"""Resources of dlt as streams, on both warehouses: what they yield arrives once, and dlt keeps no state."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.results import IngestError
from growth_pipelines.ingestion.run import ingest, ingest_stream
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.streams.dlt_source import dlt_stream
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.raw_tables import BY_NAME, Column, all_tables, raw_table

if "CI" in os.environ:
    import dlt  # There it may not be missing.
else:
    dlt = pytest.importorskip("dlt", reason="the extra dlt is not installed")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Register = Callable[..., str]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Declares a stream for one test: ``register("name", resource, Column(…), …, cursor="…")``."""
    tables = {table.name for table in all_tables()}

    def declare(name: str, resource: Callable[[Any], Any], *columns: Column, **how: Any) -> str:
        key = columns[0].name
        table = raw_table(name, "Of a test.", *columns, key=key)
        stream = dlt_stream(name, table=table, resource=resource, description="Of a test.", **how)
        monkeypatch.setitem(STREAMS, name, stream)
        return name

    yield declare
    for name in set(BY_NAME) - tables:
        del BY_NAME[name]


@pytest.fixture
def settings(tmp_path: Path, database: dict[str, str]) -> Callable[..., Settings]:
    """Settings of one machine without any API: ``settings(hours=3)`` is the same machine three hours later."""

    def at(hours: float = 0) -> Settings:
        given = {
            "GROWTH_HOME": str(tmp_path / "home"),
            "GROWTH_SHOP__DOMAIN": "example.myshopify.com",
            "GROWTH_NOW": (NOW + timedelta(hours=hours)).isoformat(),
            "GROWTH_INGESTION__HISTORY_DAYS": "30",
        }
        return load_settings({**given, **database})

    return at


def rows(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    names = ", ".join(column.name for column in BY_NAME[table].columns)
    with Warehouse.of(settings).write() as connection:
        return sorted(connection.execute(f"select {names} from raw.{table}").fetchall())


def landed_bytes(settings: Settings, stream: str) -> bytes:
    paths = sorted((settings.home / "landing" / stream).glob("*.zst"))
    assert paths, "nothing was landed"
    return b"".join(zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()) for path in paths)


def rates(records: list[dict[str, Any]]) -> Callable[[Any], Any]:
    return lambda job: dlt.resource(list(records), name="rates")


RATE = (Column("code", "text", at="code"), Column("rate", "money", at="rate"), Column("day", "date", at="day"))


def test_dicts_arrive_once_and_what_is_gone_goes(settings: Callable[..., Settings], register: Register) -> None:
    records = [
        {"code": "EUR", "rate": Decimal("12345678901234.5678"), "day": date(2026, 11, 22)},
        {"code": "CHF", "rate": 0.8, "extra": "only here"},
    ]
    register("dlt_rates", rates(records), *RATE)
    first = ingest_stream(settings(), "dlt_rates")
    expected = [("CHF", Decimal("0.8"), None), ("EUR", Decimal("12345678901234.5678"), date(2026, 11, 22))]
    assert rows(settings(), "dlt_rates") == expected
    assert first.unknown_fields == {"extra": 1}
    ingest_stream(settings(1), "dlt_rates")
    assert rows(settings(), "dlt_rates") == expected
    STREAMS["dlt_rates"] = dlt_stream(
        "dlt_rates", table=BY_NAME["dlt_rates"], resource=rates(records[1:]), description="Less."
    )
    ingest_stream(settings(2), "dlt_rates")
    assert rows(settings(), "dlt_rates") == expected[:1]


def test_arrow_pandas_and_record_batches_are_read_alike(
    settings: Callable[..., Settings], register: Register
) -> None:
    moment = datetime(2026, 11, 1, 3, tzinfo=UTC)
    table = pa.table(
        {
            "id": ["a", "b"],
            "amount": pa.array([Decimal("12345678901234.5678"), None], pa.decimal128(18, 4)),
            "share": [0.25, float("nan")],
            "at": pa.array([moment, moment], pa.timestamp("ns", "America/Denver")),
            "inner": [{"tags": ["x", 'y"']}, None],
        }
    )

    def resource(job: Any) -> Any:
        @dlt.resource(name="measures")
        def measures() -> Iterator[Any]:
            yield table
            yield pa.table({"id": ["c"], "amount": ["1.5"], "email": ["x@example.com"]}).to_batches()[0]
            yield pa.table({"id": ["d"], "share": [0.5]}).to_pandas()

        return measures()

    register(
        "dlt_measures",
        resource,
        Column("id", "text", at="id"),
        Column("amount", "money", at="amount"),
        Column("share", "double", at="share"),
        Column("measured_at", "timestamp", at="at"),
        Column("inner_json", "json", at="inner"),
    )
    ingest_stream(settings(), "dlt_measures")
    assert rows(settings(), "dlt_measures") == [
        ("a", Decimal("12345678901234.5678"), 0.25, moment.replace(tzinfo=None), '{"tags":["x","y\\""]}'),
        ("b", None, None, moment.replace(tzinfo=None), None),
        ("c", Decimal("1.5"), None, None, None),
        ("d", None, 0.5, None, None),
    ]
    assert b"example.com" not in landed_bytes(settings(), "dlt_measures")


def test_personal_data_never_reach_the_disk_however_they_are_nested(
    settings: Callable[..., Settings], register: Register
) -> None:
    person = {"id": "1", "buyer": {"first_name": "Ada", "country": "US", "ref": "gid://shopify/Customer/77"}}

    def resource(job: Any) -> Any:
        @dlt.resource(name="people")
        def people() -> Iterator[Any]:
            yield person
            yield pa.Table.from_pylist([person | {"id": "2"}])
            yield pa.Table.from_pylist([{"id": "3", "buyers": [person["buyer"]], "email": "ada@example.com"}])

        return people()

    columns = (Column("id", "text", at="id"), Column("buyer", "json", at="buyer"))
    register("dlt_people", resource, *columns, Column("buyers", "json", at="buyers"))
    ingest_stream(settings(), "dlt_people")
    found = rows(settings(), "dlt_people")
    assert [row[0] for row in found] == ["1", "2", "3"]
    text = landed_bytes(settings(), "dlt_people").decode() + str(found)
    assert "Ada" not in text
    assert "ada@" not in text
    assert "Customer/77" not in text
    assert text.count('"country":"US"') == 6
    assert len({row[1] for row in found[:2]}) == 1  # one pseudonym, whichever way it came


def test_personal_values_beside_their_key_never_reach_the_disk(
    settings: Callable[..., Settings], register: Register
) -> None:
    fields = [{"key": "email", "value": "ada@example.com"}, {"key": "size", "value": "M"}]
    as_map = pa.array([[("email", "ada@example.com"), ("size", "M")]], pa.map_(pa.string(), pa.string()))

    def resource(job: Any) -> Any:
        @dlt.resource(name="entries")
        def entries() -> Iterator[Any]:
            yield {"id": "1", "fields": fields}
            yield pa.Table.from_pylist([{"id": "2", "fields": fields}])
            yield pa.table({"id": ["3"], "fields": as_map})

        return entries()

    register("dlt_entries", resource, Column("id", "text", at="id"), Column("fields", "json", at="fields"))
    ingest_stream(settings(), "dlt_entries")
    assert rows(settings(), "dlt_entries") == [
        ("1", '[{"key":"size","value":"M"}]'),
        ("2", '[{"key":"size","value":"M"}]'),
        ("3", '{"size":"M"}'),
    ]
    assert b"ada@" not in landed_bytes(settings(), "dlt_entries")


@pytest.mark.parametrize("place", ["city", "store.zip", "note", "first_name"])
def test_a_column_that_would_always_be_empty_is_refused_when_declared(register: Register, place: str) -> None:
    with pytest.raises(ValueError, match=rf"column place .*'{place}' is removed as personal.*add_map"):
        register("dlt_stores", rates([]), Column("id", "text", at="id"), Column("place", "text", at=place))


def test_an_incremental_resource_goes_on_where_the_loaded_rows_end(
    settings: Callable[..., Settings], register: Register
) -> None:
    asked: list[Any] = []
    reviews = [
        {"id": 1, "stars": 5, "updated_at": "2026-11-01T00:00:00Z"},
        {"id": 2, "stars": 4, "updated_at": "2026-11-22T11:30:00Z"},
    ]

    def resource(job: Any) -> Any:
        @dlt.resource(name="reviews", primary_key="id")
        def read(updated_at: Any = dlt.sources.incremental("updated_at", "2020-01-01T00:00:00Z")) -> Iterator[Any]:
            asked.append((updated_at.start_value, updated_at.end_value))
            yield list(reviews)

        return read()

    register(
        "dlt_reviews",
        resource,
        Column("review_id", "bigint", at="id"),
        Column("stars", "bigint", at="stars"),
        Column("updated_at", "timestamp", at="updated_at"),
        cursor="updated_at",
        cursor_value=lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    )
    ingest_stream(settings(), "dlt_reviews")
    reviews[0] |= {"stars": 1}  # not told: it lies before the cursor
    reviews[1] |= {"stars": 3}  # not told, but inside of the overlap
    reviews.append({"id": 3, "stars": 2, "updated_at": "2026-11-22T14:00:00Z"})
    second = ingest_stream(settings(3), "dlt_reviews")
    assert asked == [("2026-10-23T00:00:00Z", None), ("2026-11-22T11:00:00Z", None)]
    assert second.rows == {"dlt_reviews": 2}
    assert [row[:2] for row in rows(settings(), "dlt_reviews")] == [(1, 5), (2, 3), (3, 2)]
    before = rows(settings(), "dlt_reviews")
    ingest_stream(settings(4), "dlt_reviews")
    assert rows(settings(), "dlt_reviews") == before
    (status,) = [row for row in ingest_status(settings(4)) if row["stream"] == "dlt_reviews"]
    assert status["covered_to"] == datetime(2026, 11, 22, 16)

    ingest(settings(5), ["dlt_reviews"], since=date(2026, 11, 1), until=date(2026, 11, 1))
    assert asked[-1] == ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    assert [row[:2] for row in rows(settings(), "dlt_reviews")] == [(1, 1), (2, 3), (3, 2)]


def test_arrow_with_a_cursor_is_read_by_its_times(settings: Callable[..., Settings], register: Register) -> None:
    times = [NOW - timedelta(days=1), NOW - timedelta(minutes=30)]

    def resource(job: Any) -> Any:
        return dlt.resource([pa.table({"id": list(range(len(times))), "at": times})], name="events")

    columns = (Column("id", "bigint", at="id"), Column("at_time", "timestamp", at="at"))
    register("dlt_events", resource, *columns, cursor="at_time")
    assert ingest_stream(settings(), "dlt_events").rows == {"dlt_events": 2}
    times.append(NOW + timedelta(minutes=30))
    assert ingest_stream(settings(1), "dlt_events").rows == {"dlt_events": 2}
    assert len(rows(settings(), "dlt_events")) == 3


def test_a_numbered_resource_goes_on_below_the_largest_loaded_number(
    settings: Callable[..., Settings], register: Register
) -> None:
    numbers = [1, 2, 3, 5]
    register(
        "dlt_numbers",
        lambda job: dlt.resource([{"n": n} for n in numbers], name="numbers"),
        Column("n", "bigint", at="n"),
        cursor="n",
        overlap=2,
    )
    assert ingest_stream(settings(), "dlt_numbers").rows == {"dlt_numbers": 4}
    numbers += [4, 6]  # 4 was committed after 5
    assert ingest_stream(settings(1), "dlt_numbers").rows == {"dlt_numbers": 4}
    assert rows(settings(), "dlt_numbers") == [(n,) for n in range(1, 7)]
    assert ingest(settings(2), ["dlt_numbers"], full=True)[0].rows == {"dlt_numbers": 6}


def test_a_resource_that_breaks_leaves_rows_and_cursor_as_they_were(
    settings: Callable[..., Settings], register: Register
) -> None:
    breaking = [False]

    def resource(job: Any) -> Any:
        @dlt.resource(name="orders")
        def read() -> Iterator[Any]:
            yield {"id": "1", "at": NOW - timedelta(hours=1)}
            if breaking[0]:
                raise ConnectionError("reset by peer")

        return read()

    columns = (Column("id", "text", at="id"), Column("at_time", "timestamp", at="at"))
    register("dlt_orders", resource, *columns, cursor="at_time")
    register("dlt_rates", rates([{"code": "EUR"}]), *RATE)
    ingest(settings(), ["dlt_orders", "dlt_rates"])
    before = rows(settings(), "dlt_orders")
    breaking[0] = True
    with pytest.raises(IngestError, match="reset by peer") as caught:
        ingest(settings(5), ["dlt_orders", "dlt_rates"])
    assert [result.stream for result in caught.value.results] == ["dlt_rates"]  # the others are loaded
    assert rows(settings(), "dlt_orders") == before
    (status,) = [row for row in ingest_status(settings(5)) if row["stream"] == "dlt_orders"]
    assert status["covered_to"] == NOW.replace(tzinfo=None)


def test_what_can_not_be_merged_or_chosen_is_refused(
    settings: Callable[..., Settings], register: Register
) -> None:
    @dlt.source(name="two")
    def two() -> Any:
        return dlt.resource([{"code": "EUR"}], name="one"), dlt.resource([{"code": "CHF"}], name="other")

    register("dlt_keyless", rates([{"code": "EUR"}, {"rate": 1}]), *RATE)
    register("dlt_keyless_arrow", lambda job: dlt.resource([pa.table({"code": ["a", None]})], name="x"), *RATE)
    register("dlt_words", lambda job: dlt.resource(["EUR"], name="words"), *RATE)
    register("dlt_two", lambda job: two(), *RATE)
    register("dlt_chosen", lambda job: two().with_resources("other"), *RATE)
    names = ["dlt_keyless", "dlt_keyless_arrow", "dlt_words", "dlt_two", "dlt_chosen"]
    with pytest.raises(IngestError) as caught:
        ingest(settings(), names)
    said = {name: str(failure) for name, failure in caught.value.failures.items()}
    assert "Record 2 of the stream dlt_keyless has no 'code'" in said["dlt_keyless"]
    assert "Record 2 of the stream dlt_keyless_arrow has no 'code'" in said["dlt_keyless_arrow"]
    assert "yields str" in said["dlt_words"]
    assert "2 selected resources: one, other" in said["dlt_two"]
    assert rows(settings(), "dlt_chosen") == [("CHF", None, None)]
    assert rows(settings(), "dlt_keyless") == []


def test_dlt_keeps_no_state_and_no_table_of_its_own(
    settings: Callable[..., Settings], register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "dlt"
    monkeypatch.setenv("DLT_DATA_DIR", str(kept))
    monkeypatch.setenv("HOME", str(kept))
    runs: list[int] = []

    def resource(job: Any) -> Any:
        @dlt.resource(name="remembering")
        def read() -> Iterator[Any]:
            state = dlt.current.resource_state()
            state["runs"] = state.get("runs", 0) + 1
            runs.append(state["runs"])
            yield {"code": "EUR"}

        return read()

    register("dlt_remembering", resource, *RATE)
    ingest_stream(settings(), "dlt_remembering")
    ingest_stream(settings(1), "dlt_remembering")
    assert runs == [1, 1]
    assert not kept.exists()
    assert os.environ["RUNTIME__DLTHUB_TELEMETRY"] == "false"
    with Warehouse.of(settings()).write() as connection:
        tables = connection.execute("select table_name from information_schema.tables").fetchall()
    assert not [name for (name,) in tables if name.startswith("_dlt")]


def test_without_the_extra_one_error_names_it(
    settings: Callable[..., Settings], register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    register("dlt_rates", rates([{"code": "EUR"}]), *RATE)
    monkeypatch.setitem(sys.modules, "dlt", None)
    with pytest.raises(GrowthError, match=r"dlt_rates.*not installed.*growth-pipelines\[dlt\]"):
        ingest_stream(settings(), "dlt_rates")


def test_nobody_imports_dlt_before_it_is_needed() -> None:
    code = "import sys, growth_pipelines.ingestion.run, growth_pipelines.ingestion.streams.dlt_source as d; "
    code += "assert 'dlt' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("columns", "how", "said"),
    [
        ((Column("id", "text"),), {}, "does not say where"),
        (RATE, {"cursor": "code"}, "is text"),
        (RATE, {"cursor": "gone"}, "no column"),
        (RATE, {"cursor": "day", "overlap": 5}, "must be a timedelta"),
        ((*RATE, Column("n", "bigint", at="n")), {"cursor": "n"}, "must be an int"),
    ],
)
def test_a_declaration_that_can_not_work_fails_at_once(
    register: Register, columns: tuple[Column, ...], how: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        register("dlt_wrong", rates([]), *columns, **how)
