"""Visitors over HTTP, marts, report: a planted effect is in its interval, and none is seen where none is."""

from __future__ import annotations

import json
import random
import time
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import httpx
import pytest
from click.testing import CliRunner

from growth_pipelines.actions.experiments.declaration import Guardrail
from growth_pipelines.actions.experiments.registry import experiments, find_experiment, operator_move, ramp
from growth_pipelines.cli import growth
from growth_pipelines.console.visits import ENDPOINT
from growth_pipelines.defs.assets.experiment_readouts import experiment_readouts
from growth_pipelines.defs.machine import Machine
from growth_pipelines.readouts.reading import Reading, readings
from growth_pipelines.readouts.supervision import decide_on
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from tests.console_shop import NOW, SHOP, SITE, ConsoleShop, serve
from tests.drafts import with_operator
from tests.experiments_declared import declaration, fresh, registered, started

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
VISITORS, BASE, LIFT = 1600, 0.15, 1.0
VISITED = NOW - timedelta(days=3)


def settings_at(home: Path, now: datetime) -> Settings:
    more = {"GROWTH_EXPERIMENTS__VISITORS": "true", "GROWTH_OPERATOR": "bo"}
    host = SITE.removeprefix("https://")
    return ConsoleShop.settings_in(home, GROWTH_NOW=now.isoformat(), GROWTH_WEB_VITALS__BEACON_HOSTS=host, **more)


def population(client: httpx.Client) -> None:
    """Each visitor has a chance to buy; the bar doubles it. The other two experiments do nothing, or do harm."""
    chance = random.Random(20_261_122)
    for number in range(VISITORS):
        visitor = f"{chance.getrandbits(128):032x}"
        shown = {"visitor": visitor, "exposures": ["free-shipping-bar", "nothing-at-all", "heavy-script"]}
        arms = told(client, shown)["arms"]
        buys = chance.random() < BASE * (1 + LIFT * (arms["free-shipping-bar"] == "bar"))
        stays = 4 if arms["heavy-script"] == "control" else 1
        events = [{"id": f"s{place}", "metric": "sessions"} for place in range(stays + number % 2)]
        events += [{"id": "o", "metric": "conversions"}] if buys else []
        told(client, {"visitor": visitor, "events": events})


def told(client: httpx.Client, document: object) -> dict[str, dict[str, str]]:
    while (answer := client.post(ENDPOINT, content=json.dumps(document))).status_code == 429:
        time.sleep(0.05)
    found: dict[str, dict[str, str]] = answer.raise_for_status().json()
    return found


def read(settings: Settings, store: Store) -> dict[str, Reading]:
    with store.read() as session:
        rows = experiments(session)
    with Warehouse.of(settings).read() as connection:
        return readings(connection, rows, {}, settings.clock.now().date(), settings.zone)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Store]:
    """Three experiments, ramped up a day after their start; a day of visitors; the marts three days later."""
    home = tmp_path_factory.mktemp("lived") / "home"
    visiting = settings_at(home, VISITED)
    shop = ConsoleShop(visiting)
    with_operator(shop.store, visiting)
    begun = VISITED - timedelta(days=1)
    sessions = (Guardrail("sessions", 0.2, kind="mean"),)
    for key in ("free-shipping-bar", "nothing-at-all", "heavy-script"):
        one = declaration(key, guardrails=sessions if key == "heavy-script" else (), planned_units=VISITORS)
        started(shop.store, visiting, registered(shop.store, one, begun), begun)
        with shop.store.session() as session:
            assert ramp(session, find_experiment(session, key), actor="monitor", channel="monitor", now=VISITED)
    with serve(shop) as running:
        headers = {"origin": SITE, "user-agent": BROWSER, "content-type": "text/plain"}
        with httpx.Client(base_url=running.base_url, headers=headers, trust_env=False) as client:
            population(client)
    settings = settings_at(home, NOW)
    assert build(settings, ["+marts.experiments"], data_tests=False).ok
    Warehouse.of(settings).publish()
    return settings, Store.of(settings)


def test_the_planted_effect_is_inside_the_always_valid_interval(lived: tuple[Settings, Store]) -> None:
    found = read(*lived)["free-shipping-bar"].readout
    assert found.healthy
    assert sum(found.units) == sum(found.mature) == VISITORS
    [bar] = found.arms
    assert bar.effect is not None
    assert 0 < bar.effect.ci_low < LIFT < bar.effect.ci_high
    assert bar.planned is None, "the plain interval is for the planned end"
    assert found.status == "too early", "two whole weeks come first"


def test_where_nothing_was_done_nothing_is_seen(lived: tuple[Settings, Store]) -> None:
    [arm] = read(*lived)["nothing-at-all"].readout.arms
    assert arm.effect is not None
    assert arm.effect.ci_low < 0 < arm.effect.ci_high


def test_an_experiment_that_breaks_a_guardrail_is_stopped_and_the_others_are_not(
    lived: tuple[Settings, Store],
) -> None:
    settings, store = lived
    found = read(settings, store)
    assert found["heavy-script"].readout.arms[0].guardrails[0].verdict == "broken"
    result = dg.materialize([experiment_readouts], resources={"machine": Machine(settings)})
    [shown] = result.asset_materializations_for_node("experiment_readouts")
    assert shown.metadata["stopped"].value == "heavy-script"
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"arms_have_their_sizes": True, "guardrails_hold": False}
    assert fresh(store, "heavy-script").status == "stopped"
    assert fresh(store, "nothing-at-all").status == "running"


def test_the_command_line_tells_the_report_and_decides_only_what_is_stopped(
    lived: tuple[Settings, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = lived
    known = {"HOME": str(settings.home), "NOW": NOW.isoformat(), "OPERATOR": "bo"}
    for name, value in {**known, "SHOP__DOMAIN": SHOP, "SHOP__TIMEZONE": settings.zone}.items():
        monkeypatch.setenv(f"GROWTH_{name}", value)
    told = CliRunner().invoke(growth, ["experiments", "report", "free-shipping-bar", "--json"])
    assert (told.exit_code, json.loads(told.stdout)["status"]) == (0, "too early"), told.output
    shown = CliRunner().invoke(growth, ["experiments", "report", "free-shipping-bar"])
    assert shown.exit_code == 0, shown.output
    assert "bar" in shown.stdout
    refused = CliRunner().invoke(growth, ["experiments", "decide", "free-shipping-bar"])
    assert refused.exit_code != 0, "it is running"


def test_a_decision_is_frozen_with_the_digest_of_its_data(lived: tuple[Settings, Store]) -> None:
    settings, store = lived
    found = read(settings, store)
    assert found["nothing-at-all"] == read(settings, store)["nothing-at-all"], "the same data read the same"
    now = settings.clock.now()
    with store.session() as session:
        operator_move(session, "nothing-at-all", "stop", actor="bo", channel="cli", now=now, reason="done")
        row = decide_on(session, "nothing-at-all", found, actor="bo", channel="cli", now=now)
    assert row.decision is not None
    assert (row.status, row.decision["data_digest"]) == ("decided", found["nothing-at-all"].data_digest)
