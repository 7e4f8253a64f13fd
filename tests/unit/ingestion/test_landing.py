"""A landing file exists when its manifest does, and is found again until it is loaded."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.windows import Window

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = Shop("a.myshopify.com", "Europe/Berlin", "EUR", "https://a.example")
WINDOW = Window(datetime(2026, 11, 1), datetime(2026, 11, 3))


def land(landing: Landing, records: int = 2, now: datetime = NOW) -> Landed:
    with landing.write("orders", SHOP, now, WINDOW, {"site_url": "s"}) as file:
        for number in range(records):
            file.writer.record({"n": number})
    return file.result


def test_a_landed_file_is_pending_with_all_its_manifest_says_until_it_is_loaded(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    assert landing.pending("orders", SHOP.shop_id, set()) == [landed]
    assert (landed.rows, landed.window, landed.extra) == (2, WINDOW, {"site_url": "s"})
    assert landing.pending("orders", SHOP.shop_id, {landed.file_id}) == []
    assert landing.pending("orders", "another shop", set()) == []


def test_files_come_oldest_first(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    later, earlier = land(landing, now=NOW), land(landing, now=NOW - timedelta(days=1))
    assert landing.pending("orders", SHOP.shop_id, set()) == [earlier, later]


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    landing = Landing(tmp_path)

    def interrupted() -> None:
        with landing.write("orders", SHOP, NOW) as file:
            file.writer.record({"n": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert list((tmp_path / "landing" / "orders").iterdir()) == []


def test_a_damaged_file_is_not_loaded(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    landed.path.write_bytes(landed.path.read_bytes()[:-1])
    assert landing.pending("orders", SHOP.shop_id, set()) == []


def test_old_leftovers_of_crashes_are_removed_and_young_ones_are_not(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    folder = landed.path.parent
    old, young, orphan = folder / "a.part", folder / "b.part", folder / "c.jsonl.zst"
    for path in (old, young, orphan):
        path.write_bytes(b"x")
    for path in (old, orphan, landed.path):
        os.utime(path, (0, 0))
    landing.remove_leftovers()
    assert not old.exists()
    assert not orphan.exists()
    assert young.exists()
    assert landing.pending("orders", SHOP.shop_id, set()) == [replace(landed)]


def test_several_lines_at_once_are_counted(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write("orders", SHOP, NOW) as file:
        file.writer.lines(b"")
        file.writer.lines(b'{"n":1}\n{"n":2}')
    assert file.result.rows == 2
