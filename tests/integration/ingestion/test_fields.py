"""Which fields of a shop's records are read: all that are asked for, and of a person none without a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

Machine = Callable[..., Settings]
# Fields that are asked for and that nobody reads, by stream: none.
UNREAD: dict[str, set[str]] = {}
PERSON = ("email", "phone", "first_name", "last_name", "city", "postal_code")


def test_no_stream_is_sent_a_field_that_nobody_reads(small_shop: Any, machine: Machine) -> None:
    """Each would be a note to the operator in every run. No record comes twice, either."""
    results = ingest(machine(small_shop, GROWTH_PRIVACY__PERSONAL_FIELDS="email,name"))
    bulk = ingest(machine(small_shop, "bulk", GROWTH_SHOPIFY__BULK_FROM_ORDERS="0"), ["shop", "orders"])
    assert {result.stream for result in results} == set(STREAMS)
    for result in [*results, *bulk]:
        assert set(result.unknown_fields) == UNREAD.get(result.stream, set()), result.stream
        assert result.repeated == {}, result.stream
        assert not any("read by nobody" in note for note in result.notes), result.stream


def landed(settings: Settings) -> bytes:
    files = list((settings.home / "landing").glob("*/*.jsonl.zst"))
    assert files
    return b"".join(zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read() for path in files)


def people(settings: Settings) -> dict[str, set[Any]]:
    with Warehouse.of(settings).write() as connection:
        rows = connection.execute(f"select {', '.join(PERSON)} from raw.customers").fetchall()
    assert rows
    return {name: {row[place] for row in rows} - {None} for place, name in enumerate(PERSON)}


@pytest.mark.parametrize(
    ("fields", "known"), [("email,name", {"email", "first_name", "last_name"}), ("", set())], ids=["asked", "not"]
)
def test_a_person_is_known_only_by_what_a_setting_asks_for(
    fields: str, known: set[str], small_shop: Any, machine: Machine
) -> None:
    settings = machine(small_shop, GROWTH_PRIVACY__PERSONAL_FIELDS=fields)
    ingest(settings, ["customers"])
    assert {name for name, values in people(settings).items() if values} == known
    text = landed(settings)
    keys = {"email": b"mailAddress", "first_name": b'"firstName"', "last_name": b'"lastName"'}
    assert {name for name, key in keys.items() if key in text} == known
    assert (b"@" in text) is ("email" in known)
    assert not any(key in text for key in (b"honeNumber", b'"city"', b'"zip"'))
    assert all("@" in address for address in people(settings)["email"])
