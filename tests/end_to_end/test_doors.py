"""All the doors at once: console, HTTP API, chat, command line and Dagster race for the same question.

Each door is the real one: a signed-in browser's form and a program's token at a running console, a tap in a chat
that the bot hears of, a `growth` process, a record that the approval sensor finds in Dagster's event log.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import dagster as dg
import httpx
import pytest

from growth_pipelines.actions.queue import find
from growth_pipelines.approvals.chats import link_chat, new_code
from growth_pipelines.approvals.operators import new_link
from growth_pipelines.approvals.signatures import DecisionRecord, sign
from growth_pipelines.approvals.tokens import add_token
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.machine import Machine
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, AuditEvent, OutboxEntry
from tests.console_shop import ConsoleShop, serve
from tests.drafts import NOW, seo_draft, submitted, with_operator
from tests.integration.telegram.conftest import Scene
from tests.telegram_server import TOKEN, Shown, telegram_server

ROUNDS = 20
CHAT = 4001
# Who stands at which door, and what they ask for.
DOORS = {"console": "cons", "api": "prog", "telegram": "tele", "cli": "term", "dagster": "dags"}
APPROVERS = {"console", "telegram", "dagster"}


@dataclass
class House:
    """One machine with all its doors open."""

    shop: ConsoleShop
    scene: Scene
    instance: dg.DagsterInstance
    sensor: dg.SensorDefinition
    browser: httpx.Client
    csrf: str
    token: str
    cursor: str | None = None
    taps: dict[str, tuple[Shown, str]] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.shop.store

    def by_console(self, action: Action) -> str:
        form = {"csrf": self.csrf, "digest": action.digest, "decision": "approve"}
        answer = self.browser.post(f"/api/approvals/{action.id}/decision", data=form, follow_redirects=True)
        return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())

    def by_api(self, action: Action) -> str:
        answer = httpx.post(
            f"{self.shop.base_url}/api/approvals/{action.id}/decision",
            json={"decision": "reject", "reason": "tone", "digest": action.digest},
            headers={"authorization": f"Bearer {self.token}"},
            timeout=60,
            trust_env=False,
        )
        body = answer.json()
        return str(body.get("message") or body["detail"])

    def by_telegram(self, action: Action) -> str:
        card, data = self.taps[action.id]
        # The tap is of the message as it was sent: a phone shows an edit later than it is made.
        return str(
            self.scene.telegram.answer_to(self.scene.telegram.click(CHAT, card, "Approve", data=data))["text"]
        )

    def by_cli(self, action: Action) -> str:
        words = ["actions", "reject", action.ref, "--reason", "not_relevant"]
        done = subprocess.run(
            [sys.executable, "-m", "growth_pipelines", *words],
            env={**os.environ, "GROWTH_OPERATOR": DOORS["cli"]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    def by_dagster(self, action: Action) -> str:
        unsigned = DecisionRecord(
            action_id=action.id,
            version=action.version,
            digest=action.digest,
            decision="approve",
            operator=DOORS["dagster"],
            expires_at=NOW + timedelta(minutes=5),
        )
        record = sign(self.shop.settings, unsigned).model_dump(mode="json", exclude_defaults=True)
        pasted = dg.AssetMaterialization("seo_ctr_approval", description=json.dumps(record))
        self.instance.report_runless_asset_event(pasted)
        resources = {"machine": Machine(self.shop.settings)}
        with dg.build_sensor_context(self.instance, self.cursor, resources=resources) as context:
            answer = self.sensor(context)
        self.cursor = answer.cursor
        return self.told_in_audit(action)

    def told_in_audit(self, action: Action) -> str:
        """What the machine said to the person at Dagster's door: the sensor has nobody to answer."""
        with self.store.read() as session:
            events = session.query(AuditEvent).where(AuditEvent.actor == DOORS["dagster"]).all()
        mine = [event for event in events if event.action_id == action.id]
        assert len(mine) == 1
        return str(mine[0].payload.get("why") or f"{action.ref} is {mine[0].event}")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with telegram_server() as telegram:
        variables = {
            "GROWTH_NOW": NOW.isoformat(),
            "GROWTH_SHOP__TIMEZONE": "America/Denver",
            "GROWTH_TELEGRAM__BASE_URL": telegram.base_url,
            "GROWTH_TELEGRAM__BOT_TOKEN": TOKEN,
            "GROWTH_TELEGRAM__ALLOWED_CHATS": str(CHAT),
        }
        settings = ConsoleShop.settings_in(tmp_path / "home", **variables)
        for name, value in {"GROWTH_HOME": str(settings.home), **variables}.items():
            monkeypatch.setenv(name, value)
        store = Store.of(settings)
        for name in DOORS.values():
            with_operator(store, settings, name)
        with store.session() as session:
            code = new_code(session, DOORS["telegram"], NOW).code
        link_chat(store, code, CHAT, CHAT, NOW)
        scopes = ("decide:approvals",)
        token = add_token(store, settings, "racer", DOORS["api"], scopes, 7, NOW).token
        scene = Scene(store, settings, telegram)
        with serve(ConsoleShop(settings)) as shop, open_instance(settings) as instance, scene.bot():
            browser = httpx.Client(base_url=shop.base_url, timeout=60, trust_env=False)
            link = new_link(store, settings, DOORS["console"], NOW).link_token
            browser.post("/login", data={"token": link})
            csrf = browser.get("/api/session", headers={"accept": "application/json"}).json()["csrf"]
            sensor = build_defs(settings).get_sensor_def("seo_ctr_approval_sensor")
            yield House(shop, scene, instance, sensor, browser, csrf, token)


def _enter(barrier: threading.Barrier, wait: float, door: Callable[[Action], str], action: Action) -> str:
    barrier.wait(60)
    time.sleep(wait)
    return door(action)


@pytest.mark.slow
def test_of_all_doors_exactly_one_decides_and_the_others_are_told_the_truth(house: House) -> None:
    dice = random.Random(7)
    actions = submitted(house.store, *(seo_draft(number, priority="high") for number in range(ROUNDS)))
    winners: Counter[str] = Counter()
    for action in actions:
        card = house.scene.telegram.last(CHAT, action.ref)
        house.taps[action.id] = (card, card.buttons()["Approve"])
        # A process needs a second to start; the others wait for about as long, so that each wins at times.
        waits = {name: 0.0 if name == "cli" else dice.uniform(0.3, 2.5) for name in DOORS}
        barrier = threading.Barrier(len(DOORS))
        with ThreadPoolExecutor(len(DOORS)) as crowd:
            entered = {
                name: crowd.submit(_enter, barrier, waits[name], getattr(house, f"by_{name}"), action)
                for name in DOORS
            }
            told = {name: future.result() for name, future in entered.items()}
        with house.store.read() as session:
            now = find(session, action.id)
            decisions = [
                event
                for event in session.query(AuditEvent).where(AuditEvent.action_id == action.id)
                if event.event in ("approved", "rejected")
            ]
        (decision,) = decisions
        winner = next(door for door, name in DOORS.items() if name == decision.actor)
        winners[winner] += 1
        assert (now.decided_by, now.decided_channel) == (DOORS[winner], winner)
        assert now.state == ("approved" if winner in APPROVERS else "rejected")
        for door, said in told.items():
            if door != winner:
                assert f"was decided by {DOORS[winner]} at 2026-11-22 07:00 MST ({winner})" in said, (door, said)
            else:
                assert now.state in said.lower(), (door, said)
    assert sum(winners.values()) == ROUNDS
    assert len(winners) >= 3, f"no race: {winners}"
    with house.store.read() as session:
        assert verify_chain(session).intact
        entries = session.query(OutboxEntry).where(OutboxEntry.event.in_(("action.approved", "action.rejected")))
        assert entries.count() == ROUNDS
