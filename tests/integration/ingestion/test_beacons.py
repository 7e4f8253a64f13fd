"""Beacons from the spool to the warehouse: each exactly once, whoever writes and whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.beacons.spool import Spool, SpoolFull
from growth_pipelines.ingestion.beacons.validation import read_beacon, shop_hosts
from growth_pipelines.ingestion.landing import Landing
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings, load_settings
from tests.beacons import beacon, metric, stored
from tests.integration.ingestion.test_interruptions import DYING

ENVIRONMENT = {
    "GROWTH_SHOP__DOMAIN": "www.hotrodparts.example",
    "GROWTH_SHOP__TIMEZONE": "America/Denver",
    "GROWTH_PRIVACY__PSEUDONYM_KEY": "the same key in every test of this folder",
}
# Appends beacons with ids of its own until it has written enough, and says how many were taken.
WRITING = """
import sys
from growth_pipelines.ingestion.beacons.spool import Spool
from growth_pipelines.settings import load_settings

spool, name = Spool.of(load_settings()), sys.argv[1]
for number in range(int(sys.argv[2])):
    spool.append({
        "received_at": "2026-11-22T03:00:00+00:00", "page_path": "/a", "device": "phone", "session_key": name,
        "is_landing": False, "landing_path": "/", "metrics": [
            {"id": f"{name}-{number}", "name": "lcp", "value": number, "rating": "good", "navigation_type": None}
        ],
    })
"""


@pytest.fixture
def environment(tmp_path: Path, database: dict[str, str]) -> dict[str, str]:
    return {"GROWTH_HOME": str(tmp_path / "home"), **ENVIRONMENT, **database}


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return load_settings(environment)


def send(settings: Settings, document: dict[str, Any], received_at: str = "2026-11-22T03:00:00+00:00") -> None:
    """What the endpoint does with a beacon."""
    record = read_beacon(
        json.dumps(document).encode(),
        hosts=shop_hosts(settings),
        pseudonyms=Pseudonyms.of(settings),
        user_agent="",
        received_at=datetime.fromisoformat(received_at),
    )
    Spool.of(settings).append(record)


def landed_rows(settings: Settings) -> int:
    landing = Landing(settings.home)
    return sum(landed.rows for landed in landing.pending("rum", settings.shop.domain, ()))


def test_without_a_beacon_nothing_is_read_and_nothing_is_said(settings: Settings) -> None:
    (result,) = ingest(settings, ["rum"])
    assert (dict(result.rows), result.notes, result.proxy) == ({}, (), False)
    assert stored(settings, "metric_id") == []
    assert not (settings.home / "beacons").exists()


def test_a_beacon_becomes_a_row_a_metric_on_the_shops_own_day(settings: Settings) -> None:
    page = "https://www.hotrodparts.example/products/an-6?variant=7"
    send(settings, beacon(metric("LCP", 2750.0, rating="needs-improvement"), metric("CLS", 0.02), page=page))
    (result,) = ingest(settings, ["rum"])
    assert (dict(result.rows), result.notes) == ({"web_vitals_beacons": 2}, ())
    columns = ("metric", "value", "rating", "url", "form_factor", "navigation_type", "is_landing", "landing_path")
    rest = ("https://www.hotrodparts.example/products/an-6", "desktop", "navigate", True, "/products/an-6")
    assert stored(settings, *columns) == [
        ("cls", 0.02, "good", *rest),
        ("lcp", 2750.0, "needs-improvement", *rest),
    ]
    assert set(stored(settings, "local_date", "received_at", "source")) == {
        (date(2026, 11, 21), datetime(2026, 11, 22, 3), "rum")
    }


def test_a_metric_reported_again_counts_as_it_was_last_reported(settings: Settings) -> None:
    send(settings, beacon(metric("CLS", 0.01)))
    send(settings, beacon(metric("CLS", 0.02)))
    ingest(settings, ["rum"])
    assert stored(settings, "value") == [(0.02,)]
    send(settings, beacon(metric("CLS", 0.3, rating="poor")))
    ingest(settings, ["rum"])
    assert stored(settings, "value", "rating") == [(0.3, "poor")]


def test_refused_beacons_are_told_once(settings: Settings) -> None:
    spool = Spool(settings.home, cap_bytes=10)
    for _ in range(3):
        with pytest.raises(SpoolFull):
            spool.append({"a": "long enough to be refused"})
    (first,) = ingest(settings, ["rum"])
    (second,) = ingest(settings, ["rum"])
    assert "3 beacons were refused" in first.notes[0]
    assert second.notes == ()


def test_processes_that_write_while_the_spool_is_taken_lose_nothing(
    settings: Settings, environment: dict[str, str]
) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITING, f"w{number}", "3000"], env={**os.environ, **environment})
        for number in range(3)
    ]
    taken = 0
    while any(writer.poll() is None for writer in writers):
        (result,) = ingest(settings, ["rum"])
        taken += bool(result.rows)
        time.sleep(0.02)
    ingest(settings, ["rum"])

    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert taken >= 1
    expected = [(f"w{number}-{n}", float(n)) for number in range(3) for n in range(3000)]
    assert stored(settings, "metric_id", "value") == sorted(expected, key=str)
    assert landed_rows(settings) == 9000
    assert not list((settings.home / "beacons").glob("*.jsonl"))


@pytest.mark.parametrize(
    ("phase", "nth"),
    [
        ("fetching", 1),
        ("fetching", 2),  # landed, and the spool not removed yet
        ("landed", 1),
        ("loading", 1),
        ("loaded", 1),
    ],
)
def test_a_process_killed_anywhere_leaves_each_beacon_exactly_once(
    phase: str, nth: int, settings: Settings, environment: dict[str, str]
) -> None:
    for number in range(50):
        send(settings, beacon(metric("CLS", number / 100, id="again"), metric("LCP", number, id=f"m{number}")))
    command = [sys.executable, "-c", DYING, "rum", phase, str(nth), "rum"]
    died = subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    if (phase, nth) == ("fetching", 2):
        assert landed_rows(settings) == 50
        assert list((settings.home / "beacons").glob("closed-*.jsonl"))
    # One more of a metric that the dead process had: it is newer than whatever is landed.
    send(settings, beacon(metric("CLS", 0.9, id="again", rating="poor")))

    ingest(settings, ["rum"])

    expected = [(f"m{number}", "lcp", float(number)) for number in range(50)] + [("again", "cls", 0.9)]
    assert stored(settings, "metric_id", "metric", "value") == sorted(expected, key=str)
    assert not list((settings.home / "beacons").glob("*.jsonl"))
