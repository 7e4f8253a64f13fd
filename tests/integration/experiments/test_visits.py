"""Visitors over real HTTP: arms as drawn here, nothing personal kept, nothing counted twice, bots left out."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import httpx
import pytest
from sqlalchemy import select

from growth_pipelines.actions.experiments.registry import operator_move
from growth_pipelines.console.visits import ENDPOINT, SCRIPT, SNIPPET, Register
from growth_pipelines.experiments import assign
from growth_pipelines.ingestion.visits.taking import take_visits, visit_spool
from growth_pipelines.store.tables import Exposure, UnitEvent
from tests import loopback
from tests.console_shop import NOW, SITE, ConsoleShop, serve
from tests.drafts import with_operator
from tests.experiments_declared import declaration, registered, started

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
KEY = "free-shipping-bar"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ConsoleShop]:
    """A console that tells visitors their arms, with one experiment running for a tenth of them."""
    more = {"GROWTH_EXPERIMENTS__VISITORS": "true", "GROWTH_ACTIONS__MODE": "live", "GROWTH_OPERATOR": "bo"}
    settings = ConsoleShop.settings_in(tmp_path / "home", GROWTH_WEB_VITALS__BEACON_HOSTS=HOST, **more)
    running = ConsoleShop(settings)
    with_operator(running.store, settings)
    started(running.store, settings, registered(running.store, declaration(), NOW), NOW)
    with serve(running) as served:
        yield served


HOST = SITE.removeprefix("https://")


def visit(shop: ConsoleShop, document: object, **headers: str) -> httpx.Response:
    given = {"origin": SITE, "user-agent": BROWSER, "content-type": "text/plain", **headers}
    with loopback.client(shop.base_url, headers=given) as client:
        return client.post(ENDPOINT, content=json.dumps(document))


def units(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def test_the_server_draws_what_assign_draws_and_a_browser_cannot_choose(shop: ConsoleShop) -> None:
    drawn = Counter[str | None]()
    for unit in units(60):
        arm = visit(shop, {"visitor": unit, "exposures": [KEY, "unknown"]}).json()["arms"]
        place = assign(unit, KEY, (1, 1), 0.1)
        assert arm == {KEY: None if place < 0 else ("control", "bar")[place]}
        drawn[arm[KEY]] += 1
    assert take_visits(shop.settings, shop.store) == drawn["control"] + drawn["bar"] > 0
    with shop.store.read() as session:
        rows = list(session.scalars(select(Exposure)))
    assert Counter(row.arm for row in rows) == Counter({k: v for k, v in drawn.items() if k})
    assert not {row.unit_id for row in rows} & set(units(60)), "an id is kept as a keyed hash only"


def test_the_same_event_counts_once_and_the_first_exposure_stays(shop: ConsoleShop) -> None:
    unit = next(unit for unit in units(200) if assign(unit, KEY, (1, 1), 0.1) == 1)
    said = {"visitor": unit, "exposures": [KEY], "events": [{"id": "s1", "metric": "sessions"}]}
    for _ in range(3):
        assert visit(shop, said).status_code == 200
    waiting = (visit_spool(shop.settings).root / "open.jsonl").read_bytes()
    assert unit.encode() not in waiting
    assert take_visits(shop.settings, shop.store) == 3
    visit(shop, said)
    assert take_visits(shop.settings, shop.store) == 1
    assert take_visits(shop.settings, shop.store) == 0
    with shop.store.read() as session:
        [exposure] = session.scalars(select(Exposure))
        [event] = session.scalars(select(UnitEvent))
    assert (exposure.arm, event.metric, event.value) == ("bar", "sessions", 1.0)


@pytest.mark.parametrize("agent", ["Googlebot/2.1", "", "curl/8.1", "HeadlessChrome/142", "AdsBot-Google"])
def test_programs_are_dropped_before_an_arm_is_drawn(shop: ConsoleShop, agent: str) -> None:
    unit = next(unit for unit in units(200) if assign(unit, KEY, (1, 1), 0.1) == 1)
    answer = visit(shop, {"visitor": unit, "exposures": [KEY]}, **{"user-agent": agent})
    assert (answer.status_code, answer.json()) == (200, {"arms": {}})
    assert take_visits(shop.settings, shop.store) == 0


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"visitor": "ada@example.com"},
        {"visitor": "0" * 32, "email": "ada@example.com"},
        {"visitor": "0" * 32, "exposures": ["not a key"]},
        {"visitor": "0" * 32, "events": [{"id": "x", "metric": "revenue"}]},
        {"visitor": "0" * 32, "events": [{"id": "x", "metric": ["sessions"]}]},
        {"visitor": "0" * 32, "exposures": ["a1"] * 21},
    ],
)
def test_whatever_is_not_a_visit_is_refused_whole(shop: ConsoleShop, document: object) -> None:
    assert visit(shop, document).status_code == 400
    assert not visit_spool(shop.settings).root.exists()


def test_only_pages_of_the_shop_may_read_and_send(shop: ConsoleShop) -> None:
    assert visit(shop, {"visitor": "0" * 32}, origin="https://elsewhere.example").status_code == 403
    for origin, allowed in ((SITE, SITE), ("https://elsewhere.example", None)):
        found = httpx.get(shop.base_url + ENDPOINT, headers={"origin": origin}, trust_env=False)
        assert found.headers.get("access-control-allow-origin") == allowed
        assert "set-cookie" not in found.headers
    assert httpx.get(shop.base_url + SCRIPT, trust_env=False).headers["content-type"].startswith("text/javascript")


def test_a_paused_experiment_shows_nothing(shop: ConsoleShop) -> None:
    assert set(Register(shop.settings, shop.store).running()) == {KEY}
    with shop.store.session() as session:
        operator_move(session, KEY, "pause", actor="bo", channel="cli", now=NOW, reason="sale")
    assert Register(shop.settings, shop.store).running() == {}


@pytest.mark.skipif(which("node") is None, reason="node is missing")
@pytest.mark.parametrize(("weights", "coverage"), [((1, 1), 1.0), ((0.7, 0.2, 0.1), 0.35), ((3, 1), 0.1)])
def test_a_browser_draws_the_same_arm_for_ten_thousand_units(
    tmp_path: Path, weights: tuple[float, ...], coverage: float
) -> None:
    from growth_pipelines.console.visits import Running

    arms = tuple(f"arm{place}" for place in range(len(weights)))
    shown = Running("id", KEY, arms, tuple(map(float, weights)), coverage, "")
    drawn = [secrets.token_hex(16) for _ in range(10_000)]
    script = tmp_path / "draw.js"
    script.write_text(
        f"const {{ draw }} = require({json.dumps(str(SNIPPET))});"
        "const { units, experiment } = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "Promise.all(units.map((unit) => draw(unit, experiment)))"
        ".then((arms) => console.log(JSON.stringify(arms)));"
    )
    said = json.dumps({"units": drawn, "experiment": shown.document()})
    found = subprocess.run(
        [which("node") or "", str(script)], input=said, capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == [shown.arm_of(unit) for unit in drawn]


PAGE = """
const kept = {{}}, sent = [];
const storage = {{ getItem: (name) => kept[name] ?? null, setItem: (name, value) => {{ kept[name] = value; }} }};
const sendBeacon = (url, body) => sent.push(JSON.parse(body));
Object.defineProperty(globalThis, "navigator", {{ value: {{ sendBeacon }} }});
Object.assign(globalThis, {{
  window: {{ Shopify: {{ customerPrivacy: {{ analyticsProcessingAllowed: () => {allowed} }} }} }},
  document: {{ currentScript: {{ src: "https://console.example/beacons/experiments.js" }} }},
  localStorage: storage, sessionStorage: storage,
  fetch: async () => ({{ ok: true, json: async () => ({answer}) }}),
}});
(0, eval)(require("fs").readFileSync({snippet}, "utf8"));
window.growthExperiments.arm("bar").then(
  (arm) => console.log(JSON.stringify({{ arm, kept: Object.keys(kept).sort(), sent: sent.length }})));
"""


def in_a_browser(allowed: bool, answer: str) -> dict[str, object]:
    """What the script shows, keeps and sends where the consent banner says so and the console answers that."""
    said = PAGE.format(allowed=json.dumps(allowed), answer=answer, snippet=json.dumps(str(SNIPPET)))
    found = subprocess.run(
        [which("node") or "", "-e", said], capture_output=True, text=True, check=True, timeout=30
    )
    told: dict[str, object] = json.loads(found.stdout)
    return told


RUNS = '{ experiments: [{ key: "bar", share: 2 ** 48, bounds: [["new", 2 ** 48]] }] }'


@pytest.mark.skipif(which("node") is None, reason="node is missing")
def test_a_browser_that_refused_keeps_and_sends_nothing_and_sees_the_shop_as_it_is() -> None:
    assert in_a_browser(False, RUNS) == {"arm": None, "kept": [], "sent": 0}
    agreed = in_a_browser(True, RUNS)
    assert agreed == {"arm": "new", "kept": ["growth-visit", "growth-visitor"], "sent": 2}


@pytest.mark.skipif(which("node") is None, reason="node is missing")
@pytest.mark.parametrize("answer", ["{}", "null", '{ experiments: [{ key: "bar", share: 2 ** 48, bounds: [] }] }'])
def test_an_answer_that_says_nothing_shows_the_shop_as_it_is(answer: str) -> None:
    assert in_a_browser(True, answer)["arm"] is None
