"""What a beacon may say, and what is kept of it."""

from __future__ import annotations

import fcntl
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.beacons.spool import Spool, SpoolFull
from growth_pipelines.ingestion.beacons.validation import (
    BeaconRefused,
    ForeignPage,
    device_of,
    read_beacon,
    shop_hosts,
)
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import load_settings
from tests.beacons import PAGE, SESSION, beacon, metric

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PHONE = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"


def read(document: Any, user_agent: str = PHONE) -> dict[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_beacon(
        body,
        hosts={"www.hotrodparts.example"},
        pseudonyms=Pseudonyms(b"k" * 32),
        user_agent=user_agent,
        received_at=NOW,
    )


def test_a_beacon_keeps_the_figures_and_nothing_that_names_a_visitor() -> None:
    document = beacon(metric(), page=f"{PAGE}?email=jo%40x.org#jo", landing_page="/a?gclid=77", ip="203.0.113.9")
    kept = read(document)
    assert kept["page_path"] == "/products/an-6"
    assert kept["landing_path"] == "/a"
    assert kept["device"] == "phone"
    assert kept["session_key"] == Pseudonyms(b"k" * 32).web_session(SESSION)
    assert kept["metrics"] == [
        {
            "id": "v5-1700000000000-LCP",
            "name": "lcp",
            "value": 1812.5,
            "rating": "good",
            "navigation_type": "navigate",
        }
    ]
    for hidden in (SESSION, "jo", "gclid", "203.0.113.9", "Mozilla", "Android"):
        assert hidden not in json.dumps(kept)


@pytest.mark.parametrize("where", ["page", "url"])
@pytest.mark.parametrize("many", [False, True])
def test_bare_metrics_say_their_page_themselves(where: str, many: bool) -> None:
    first, second = metric(**{where: PAGE}), metric("CLS", 0.02, **{where: PAGE})
    kept = read([first, second] if many else first)
    assert kept["page_path"] == "/products/an-6"
    assert [one["name"] for one in kept["metrics"]] == (["lcp", "cls"] if many else ["lcp"])
    assert kept["session_key"] is None


def test_the_same_metric_twice_counts_as_it_was_last_reported() -> None:
    assert [one["value"] for one in read(beacon(metric(value=1), metric(value=2)))["metrics"]] == [2]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://www.hotrodparts.example", "/"),
        ("http://WWW.hotrodparts.example:8080/a%20b/é", "/a%20b/%C3%A9"),
        ("https://me:secret@www.hotrodparts.example/a", "/a"),
        ("https://www.hotrodparts.example/account/activate/7/0f3c", "/account"),
        ("https://www.hotrodparts.example/de-at/12345/orders/0f3c", "/de-at/12345/orders"),
        ("https://www.hotrodparts.example/checkouts/cn/0f3c", "/checkouts"),
        ("https://www.hotrodparts.example/pages/orders/0f3c", "/pages/orders/0f3c"),
    ],
)
def test_a_page_is_its_path_without_tokens(address: str, path: str) -> None:
    assert read(beacon(page=address))["page_path"] == path


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://www.hotrodparts.example.evil.example/",
        "https://www.hotrodparts.example@evil.example/",
        "//www.hotrodparts.example/",
        "javascript:alert(1)",
        "/products/an-6",
        "",
    ],
)
def test_a_page_of_another_shop_is_refused(address: str) -> None:
    with pytest.raises(ForeignPage):
        read(beacon(page=address))
    if address.startswith(("https:", "//evil")):
        with pytest.raises(ForeignPage):
            read(beacon(landing_page=address))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 16_000,
        b"9" * 16_000,
        b" " * 16_385,
        json.dumps(beacon(metric(value=float("nan")))).encode(),
        json.dumps(beacon()).replace("1812.5", "1e999").encode(),
        [],
        "LCP",
        None,
        beacon(metrics=[]),
        beacon(metrics="LCP"),
        beacon(metrics=[metric(id=f"m{n}") for n in range(21)]),
        beacon(metric("FID")),
        beacon(metric(name=["LCP"])),
        beacon(metric(value=-1)),
        beacon(metric(value=True)),
        beacon(metric(value="12")),
        beacon(metric(value=600_001)),
        beacon(metric(value=10**400)),
        beacon(metric("CLS", 101)),
        beacon(metric(delta=10**400)),
        beacon(metric(rating="great")),
        beacon(metric(id="a\u0000b")),
        beacon(metric(id="x" * 65)),
        beacon(metric(id=None)),
        beacon(metric(navigationType="Navigate!")),
        beacon(7),  # type: ignore[arg-type]
        beacon(page="https://www.hotrodparts.example/\u0000"),
        beacon(page="https://www.hotrodparts.example/\ud800"),
        beacon(page="https://www.hotrodparts.example/" + "a" * 1_100),
        beacon(page="https://[::1/"),
        beacon(page=["https://www.hotrodparts.example/"]),
        beacon(session="short"),
        beacon(session="jo@x.org jo@x.org jo@x.org"),
        beacon(device="fridge"),
        beacon(landing="yes"),
        [metric(page=PAGE), metric("CLS", 0.1, page=PAGE + "/other")],
        [metric(page=PAGE), 7],
    ],
)
def test_whatever_is_not_as_expected_refuses_the_beacon(document: Any) -> None:
    with pytest.raises(BeaconRefused):
        read(document)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (PHONE, "phone"),
        (PHONE.replace(" Mobile", ""), "tablet"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148", "phone"),
        ("Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36", "desktop"),
        ("", "desktop"),
    ],
)
def test_a_device_is_told_coarsely(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device
    assert read(beacon(device="tablet"), user_agent)["device"] == "tablet"


def test_the_shops_hosts_are_those_set_or_else_known(tmp_path: Path) -> None:
    known = {"GROWTH_HOME": str(tmp_path), "GROWTH_SHOP__DOMAIN": "a.myshopify.com"}
    assert shop_hosts(load_settings(known)) == {"a.myshopify.com"}
    (tmp_path / "shop.json").write_text('{"primary_url": "https://WWW.a.example"}')
    assert shop_hosts(load_settings(known)) == {"a.myshopify.com", "www.a.example"}
    named = load_settings({**known, "GROWTH_WEB_VITALS__BEACON_HOSTS": "B.example, c.example"})
    assert shop_hosts(named) == {"b.example", "c.example"}


def test_a_full_spool_refuses_counts_and_stays_under_its_cap(tmp_path: Path) -> None:
    spool = Spool(tmp_path, cap_bytes=5_000)
    kept = refused = 0
    for number in range(200):
        try:
            spool.append({"number": number, "filler": "x" * 80})
            kept += 1
        except SpoolFull:
            refused += 1
    assert 30 < kept < 60
    assert sum(path.stat().st_size for path in spool.root.glob("*.jsonl")) <= 5_000
    with spool.taken() as files:
        lines = list(spool.lines(files))
        # Renamed but not removed, they still take up the disk.
        with pytest.raises(SpoolFull):
            spool.append({"number": 200, "filler": "x" * 800})
        spool.remove(files)
    assert [json.loads(line or b"")["number"] for line in lines] == list(range(kept))
    assert (spool.take_refusals(), spool.take_refusals()) == (refused + 1, 0)
    spool.append({"number": 201})


def test_a_line_that_was_cut_short_takes_no_other_with_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, cap_bytes=5_000)
    spool.append({"number": 1})
    with (spool.root / "open.jsonl").open("ab") as file:
        file.write(b'\n{"numb')
    spool.append({"number": 2})
    with spool.taken() as files:
        assert list(spool.lines(files)) == [b'{"number":1}', None, b'{"number":2}']


def test_whoever_takes_the_spool_waits_for_a_writer_in_the_middle_of_its_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path, cap_bytes=5_000)
    spool.append({"number": 1})
    with ThreadPoolExecutor() as pool, (spool.root / "open.jsonl").open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        taken = pool.submit(_take_all, spool)
        with pytest.raises(TimeoutError):
            taken.result(timeout=0.3)
        writer.write(b'\n{"number":2}\n')
        writer.flush()
        fcntl.flock(writer, fcntl.LOCK_UN)
        assert taken.result(timeout=10) == [b'{"number":1}', b'{"number":2}']


def test_a_writer_that_comes_too_late_writes_to_the_new_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, cap_bytes=5_000)
    spool.append({"number": 1})
    with ThreadPoolExecutor() as pool, (spool.root / "open.jsonl").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        writer = pool.submit(spool.append, {"number": 2})
        with pytest.raises(TimeoutError):
            writer.result(timeout=0.3)  # it has opened the file that is renamed now
        taken = pool.submit(_take_all, spool)
        with pytest.raises(TimeoutError):
            taken.result(timeout=0.3)
        fcntl.flock(held, fcntl.LOCK_UN)
        writer.result(timeout=10)
        assert taken.result(timeout=10) == [b'{"number":1}']
    assert _take_all(spool) == [b'{"number":2}']


def _take_all(spool: Spool) -> list[bytes | None]:
    with spool.taken() as files:
        lines = list(spool.lines(files))
        spool.remove(files)
    return lines
