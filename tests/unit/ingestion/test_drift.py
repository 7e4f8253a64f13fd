"""Fields that a source begins to send are found, however deep; what is declared or opaque is never one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from growth_pipelines.ingestion.drift import SAMPLE, unknown_fields

DECLARED = """
    id VARCHAR, "createdAt" TIMESTAMPTZ, price DECIMAL(18, 4), tags VARCHAR[], anything JSON, things JSON[],
    customer STRUCT(id VARCHAR, address STRUCT("countryCode" VARCHAR, city VARCHAR)),
    refunds STRUCT(id VARCHAR, "totalSet" STRUCT("shopMoney" STRUCT(amount DECIMAL(18, 4))), extra JSON)[]
"""
KNOWN = {
    "id": "1",
    "createdAt": "2026-01-01T00:00:00Z",
    "price": "1.0",
    "tags": ["a"],
    "anything": {"deep": {"deeper": [1]}},
    "things": [{"any": 1}],
    "customer": {"id": "c", "address": {"countryCode": "DE", "city": "Bonn"}},
    "refunds": [{"id": "r", "totalSet": {"shopMoney": {"amount": "1"}}, "extra": {"x": 1}}],
}


def found(tmp_path: Path, *records: dict[str, Any]) -> dict[str, int]:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with duckdb.connect() as native:
        native.execute(f"create temp table landed (_line BIGINT, {DECLARED})")
        return unknown_fields(native, str(path))


def test_what_is_declared_is_never_unknown(tmp_path: Path) -> None:
    assert found(tmp_path, KNOWN, {}, {"id": None, "customer": None, "refunds": []}) == {}


@pytest.mark.parametrize(
    ("record", "unknown"),
    [
        ({"gift": True}, {"gift"}),
        ({"gift": None}, {"gift"}),
        ({"gift": {"wrap": {"paper": 1}}}, {"gift", "gift.wrap", "gift.wrap.paper"}),
        ({"customer": {"tier": "gold"}}, {"customer.tier"}),
        ({"customer": {"address": {"zip": "1"}}}, {"customer.address.zip"}),
        ({"refunds": [{"id": "r"}, {"reason": "x"}]}, {"refunds.reason"}),
        ({"refunds": [{"totalSet": {"presentmentMoney": {"amount": "1"}}}]},
         {"refunds.totalset.presentmentmoney", "refunds.totalset.presentmentmoney.amount"}),
        ({"tags": [{"name": "a"}]}, {"tags.name"}),
        ({"id": {"number": 1}}, {"id.number"}),
        ({"identity": 1, "anythingElse": 1}, {"identity", "anythingelse"}),
    ],
)  # fmt: skip
def test_a_field_that_nobody_reads_is_found_at_any_depth(
    tmp_path: Path, record: dict[str, Any], unknown: set[str]
) -> None:
    assert set(found(tmp_path, KNOWN | record)) == unknown


def test_below_json_everything_is_known(tmp_path: Path) -> None:
    opaque = {"anything": [{"a": {"b": 1}}], "things": [{"c": 1}], "refunds": [{"extra": {"d": {"e": 1}}}]}
    assert found(tmp_path, opaque) == {}


def test_each_unknown_field_is_counted_by_the_records_that_have_it(tmp_path: Path) -> None:
    records = [KNOWN, KNOWN | {"gift": 1}, {"gift": "x", "customer": {"tier": 1}}, {"gift": None}]
    assert found(tmp_path, *records) == {"gift": 3, "customer.tier": 1}


def test_only_the_first_records_of_a_file_are_looked_at(tmp_path: Path) -> None:
    assert found(tmp_path, *[{"gift": 1}] * (SAMPLE + 50)) == {"gift": SAMPLE}
