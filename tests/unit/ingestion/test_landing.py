"""A landing file exists when its manifest does, and is found again until it is loaded."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.streams import STREAMS
from growth_pipelines.ingestion.streams.base import Asked, Job
from growth_pipelines.ingestion.windows import Window
from growth_pipelines.settings import load_settings

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


def manifest(landed: Landed) -> Path:
    return landed.path.with_name(landed.path.name.replace(".jsonl.zst", ".manifest.json"))


def test_a_manifest_keeps_what_was_asked_and_whether_it_was_everything(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write("products", SHOP, NOW, request="a" * 64, whole=True) as file:
        file.fetched_at = NOW - timedelta(hours=1)
        file.api_version = "2026-10"
    (found,) = landing.pending("products", SHOP.shop_id, set())
    assert (found.request, found.whole, found.window) == ("a" * 64, True, None)
    assert (found.landed_at, found.api_version) == (NOW - timedelta(hours=1), "2026-10")
    assert land(landing).whole is False


@pytest.mark.parametrize("other", [1, 3, None])
def test_a_file_of_another_format_is_not_there_so_it_is_fetched_again(tmp_path: Path, other: int | None) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    document = json.loads(manifest(landed).read_text())
    manifest(landed).write_text(json.dumps(document | {"format": other}))
    assert landing.pending("orders", SHOP.shop_id, set()) == []
    manifest(landed).write_text(json.dumps(document))
    assert landing.pending("orders", SHOP.shop_id, set()) == [landed]


def test_a_data_file_without_its_manifest_is_not_there(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    manifest(landed).unlink()
    assert landing.pending("orders", SHOP.shop_id, set()) == []


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing)
    landing.discard(landed)
    assert list(landed.path.parent.iterdir()) == []


def job(tmp_path: Path, stream: str = "orders", **environment: str) -> Job:
    settings = load_settings({"GROWTH_HOME": str(tmp_path), **environment})
    key = Pseudonyms(b"k" * 32)
    return Job(STREAMS[stream], settings, SHOP, NOW, Asked(), None, Landing(tmp_path), key)


def request_of(job: Job, window: Window | None, request: object) -> str:
    with job.land(window, request=request) as file:
        pass
    return str(file.result.request)


def test_the_digest_of_a_request_tells_apart_all_that_was_asked_and_nothing_else(tmp_path: Path) -> None:
    asked = ["orders", "updated_at:>='2026-11-01'"]
    digest = request_of(job(tmp_path), WINDOW, asked)
    assert len(digest) == 64
    assert request_of(job(tmp_path), WINDOW, list(asked)) == digest
    others = [
        request_of(job(tmp_path), WINDOW, ["orders", "updated_at:>='2026-11-02'"]),
        request_of(job(tmp_path), replace(WINDOW, end=datetime(2026, 11, 4)), asked),
        request_of(job(tmp_path), None, asked),
        request_of(job(tmp_path, "customers"), WINDOW, asked),
        request_of(job(tmp_path, GROWTH_SHOPIFY__API_VERSION="2027-01"), WINDOW, asked),
    ]
    assert len({digest, *others}) == 6
