"""The public beacon endpoint over HTTP: what it takes, what it refuses, and that nothing else opens with it."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog

from growth_pipelines.console.rate_limits import TokenBucket
from growth_pipelines.ingestion.beacons.spool import Spool
from growth_pipelines.ingestion.run import ingest
from tests import loopback
from tests.beacons import SESSION, beacon, metric, stored
from tests.console_shop import ConsoleShop, serve

from .conftest import Visitor
from .routes import every_route

PUBLIC_NAME = "vitals.hotrodparts.example"
SHOP_ORIGIN = "https://www.hotrodparts.example"
# What a browser adds to the beacon of a page of the shop, behind a proxy that keeps the name it was asked for.
BROWSER = {
    "host": PUBLIC_NAME,
    "origin": SHOP_ORIGIN,
    "sec-fetch-site": "same-site",
    "sec-fetch-mode": "no-cors",
    "content-type": "text/plain;charset=UTF-8",
    "user-agent": "Mozilla/5.0 (Linux; Android 15; K) Chrome/140.0.0.0 Mobile Safari/537.36",
    "cookie": "growth=of-somebody",
    "x-forwarded-for": "203.0.113.9",
}


TAKING = {"GROWTH_WEB_VITALS__BEACONS": "true", "GROWTH_WEB_VITALS__BEACON_HOSTS": "www.hotrodparts.example"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleShop]:
    """A console that takes beacons, over an empty machine."""
    with serve(ConsoleShop(ConsoleShop.settings_in(tmp_path / "home", **TAKING))) as running:
        yield running


def post(shop: ConsoleShop, document: Any, **headers: str) -> httpx.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = {**BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with loopback.client(shop.base_url, headers=sent) as client:
        return client.post("/beacons/web-vitals", content=body)


def ask(shop: ConsoleShop, method: str, target: str, **headers: str) -> int:
    """The status of a request whose target is sent exactly as it is."""
    connection = http.client.HTTPConnection(urlsplit(shop.base_url).netloc, timeout=20)
    connection.putrequest(method, target, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(b"{}" if method == "POST" else None)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_beacon_of_a_page_of_the_shop_ends_in_the_warehouse(console: ConsoleShop) -> None:
    answer = post(console, beacon(metric("INP", 96)))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == SHOP_ORIGIN
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    ingest(console.settings, ["rum"])
    (row,) = stored(console.settings, "metric", "value", "form_factor", "landing_path", "source")
    assert row == ("inp", 96.0, "phone", "/products/an-6", "rum")


def test_nothing_personal_is_written_anywhere(console: ConsoleShop) -> None:
    page = f"{SHOP_ORIGIN}/products/an-6?email=jo%40x.org"
    assert post(console, beacon(page=page), referer=page).status_code == 204
    for path in (console.settings.home / "beacons").iterdir():
        text = path.read_text()
        for hidden in (SESSION, "jo%40x.org", "203.0.113.9", "Android", "of-somebody", "Mozilla"):
            assert hidden not in text


def test_pages_of_others_are_refused_and_may_not_read_the_answer(console: ConsoleShop) -> None:
    for origin in ("https://evil.example", "null", "https://www.hotrodparts.example.evil.example", "https://[::1"):
        answer = post(console, beacon(), origin=origin)
        assert answer.status_code == 403, origin
        assert "access-control-allow-origin" not in answer.headers
    assert post(console, beacon(page="https://evil.example/")).status_code == 403
    assert not (console.settings.home / "beacons").exists()


def test_a_preflight_is_answered_for_the_shops_own_pages_only(console: ConsoleShop) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for origin, allowed in ((SHOP_ORIGIN, SHOP_ORIGIN), ("https://evil.example", None)):
        answer = httpx.options(
            f"{console.base_url}/beacons/web-vitals",
            headers={"host": PUBLIC_NAME, "origin": origin, **asked},
            trust_env=False,
        )
        assert answer.status_code == 204
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
    assert post(console, beacon(), content_type="application/json").status_code == 204


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"no json", {}, 400),
        (beacon(metric("FID")), {}, 400),
        (beacon(), {"content_type": "multipart/form-data; boundary=x"}, 415),
        (beacon(), {"content_type": ""}, 415),
        (b" " * (16 * 1024 + 1), {}, 413),
    ],
)
def test_a_body_that_is_no_beacon_is_refused(
    console: ConsoleShop, body: Any, headers: dict[str, str], status: int
) -> None:
    answer = post(console, body, **headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert not (console.settings.home / "beacons").exists()


def test_a_body_of_unknown_length_is_refused(console: ConsoleShop) -> None:
    chunks = iter([json.dumps(beacon()).encode()])
    answer = httpx.post(f"{console.base_url}/beacons/web-vitals", content=chunks, headers=BROWSER, trust_env=False)
    assert answer.status_code == 411


def test_a_full_spool_refuses_until_it_is_ingested(tmp_path: Path) -> None:
    settings = ConsoleShop.settings_in(tmp_path / "home", **TAKING, GROWTH_WEB_VITALS__BEACON_SPOOL_MB="1")
    with serve(ConsoleShop(settings)) as shop:
        for _ in range(1_025):
            Spool.of(settings).append({"metrics": [], "filler": "x" * 990})
        answers = [post(shop, beacon()).status_code for _ in range(20)]
        assert (answers[0], answers[-1]) == (204, 503)
        (result,) = ingest(settings, ["rum"])
        assert f"{answers.count(503)} beacons were refused" in result.notes[0]
        assert post(shop, beacon()).status_code == 204


def test_more_beacons_than_a_shop_can_have_are_refused(console: ConsoleShop) -> None:
    with httpx.Client(trust_env=False, headers=BROWSER) as client:
        answers = (client.post(f"{console.base_url}/beacons/web-vitals", content=b"{}") for _ in range(3_000))
        refused = next((answer for answer in answers if answer.status_code == 429), None)
    assert refused is not None
    assert refused.headers["retry-after"] == "1"


def test_a_rate_limit_lets_its_burst_through_and_no_more() -> None:
    limit = TokenBucket(per_second=0.001, burst=3)
    assert [limit.allows() for _ in range(5)] == [True, True, True, False, False]


def test_beacons_sent_to_two_consoles_while_they_are_ingested_arrive_exactly_once(console: ConsoleShop) -> None:
    with serve(console) as other, ThreadPoolExecutor(6) as pool:
        shops = (console, other)
        sent = [
            pool.submit(post, shops[n % 2], beacon(metric("LCP", n, id=f"m{n}"), session=f"{n:032d}"))
            for n in range(240)
        ]
        while not all(one.done() for one in sent):
            ingest(console.settings, ["rum"])
    ingest(console.settings, ["rum"])
    assert {one.result().status_code for one in sent} == {204}
    expected = [(f"m{n}", float(n)) for n in range(240)]
    assert stored(console.settings, "metric_id", "value") == sorted(expected, key=str)
    assert len(set(stored(console.settings, "session_key"))) == 240


def test_the_script_may_be_loaded_by_any_page_and_says_whose_it_is(console: ConsoleShop) -> None:
    answer = httpx.get(
        f"{console.base_url}/beacons/web-vitals.js",
        headers={"host": PUBLIC_NAME, "sec-fetch-site": "cross-site"},
        trust_env=False,
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    assert "Apache License 2.0" in answer.text[:100]
    assert not re.search(r"https?://|sourceMappingURL", answer.text)


def test_the_rest_of_the_console_is_as_closed_as_without_beacons(console: ConsoleShop) -> None:
    public = {
        ("GET", "/beacons/web-vitals.js"),
        ("POST", "/beacons/web-vitals"),
        ("OPTIONS", "/beacons/web-vitals"),
    }
    routes = every_route(console)
    assert public <= set(routes)
    others = [(method, path) for method, path in routes if (method, path) not in public]
    assert len(others) >= 10
    for method, path in [*others, ("GET", "/static/console.css"), ("GET", "/api/openapi.json")]:
        target = path.replace("{id_or_ref}", "abc")
        assert ask(console, method, target, host=PUBLIC_NAME, content_length="2") == 400, target
        if method == "POST":
            foreign = {"host": "localhost", "sec_fetch_site": "cross-site", "content_length": "2"}
            assert ask(console, method, target, **foreign) == 403, target


@pytest.mark.parametrize(
    "target",
    [
        "/beacons/../login",
        "/beacons/%2e%2e/login",
        "/beacons/web-vitals/../../login",
        "/beacons/web-vitals/",
        "/beacons//web-vitals",
        "/beacons",
        "/Beacons/web-vitals.js",
        "//beacons/web-vitals.js",
        "/beacons/web-vitals.js/../../audit",
        "/static/../beacons/web-vitals.js",
        "/login?/beacons/web-vitals.js",
        "/beacons/web-vitals",
    ],
)
def test_no_spelling_of_the_public_addresses_reaches_anything_else(console: ConsoleShop, target: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert ask(console, method, target, host=PUBLIC_NAME, accept="text/html") == 400, method


def test_an_operators_session_is_of_no_use_under_the_public_name(
    open_console: Callable[..., ConsoleShop],
) -> None:
    console = open_console(**TAKING)
    maria = Visitor(console).sign_in("maria")
    assert maria.get("/audit").status_code == 200
    assert maria.http.get("/audit", headers={"host": PUBLIC_NAME}).status_code == 400
    link = console.link("bo").rsplit("token=", 1)[1]
    assert maria.http.post("/login", data={"token": link}, headers={"host": PUBLIC_NAME}).status_code == 400


def test_strangers_cannot_fill_the_log(console: ConsoleShop) -> None:
    with structlog.testing.capture_logs() as logged:
        post(console, beacon())
        post(console, b"no beacon")
        httpx.get(f"{console.base_url}/healthz", trust_env=False)
    assert [entry["path"] for entry in logged if entry["event"] == "request"] == ["/healthz"]


def test_beacons_are_off_unless_switched_on(open_console: Callable[..., ConsoleShop]) -> None:
    shop = open_console()
    assert ask(shop, "POST", "/beacons/web-vitals", host="localhost", content_length="2") == 404
    assert ask(shop, "GET", "/beacons/web-vitals.js", host="localhost") == 404
    assert ask(shop, "POST", "/beacons/web-vitals", host=PUBLIC_NAME, content_length="2") == 400
    assert not (shop.settings.home / "beacons").exists()
