"""The benchmark of dlt's own path loads every line item that belongs to the orders it counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.bulk_orders import write_bulk_orders

if "CI" not in os.environ:
    pytest.importorskip("dlt", reason="the extra dlt is not installed")
SCRIPT = Path(__file__).parents[2] / "bench" / "dlt_path.py"


@pytest.mark.slow
def test_both_formats_load_the_same(tmp_path: Path) -> None:
    source = tmp_path / "orders.jsonl"
    write_bulk_orders(source, 700)
    records = [json.loads(line) for line in source.read_text().splitlines()]
    first = {record["id"] for record in records if "__parentId" not in record and record["name"] < "#1600"}
    items = sum(record.get("__parentId") in first for record in records)
    assert len(first) == 600
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(source), "--orders", "600"], check=True, capture_output=True, text=True
    )
    printed = json.loads(done.stdout)
    assert round(printed["multiplier"]) == 333
    for path in printed["paths"].values():
        assert (path["orders"], path["line_items"]) == (600, items)
        assert path["cpu_seconds_per_1000_orders"] > 0
        assert path["peak_rss_mb"] > 0
