"""The bot as it is run: its process, its webhook, its signs of life, and no token in anything that it writes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from growth_pipelines.approvals.chats import link_chat, new_code
from growth_pipelines.commands.bot import BOT, bot_programs, bot_state
from growth_pipelines.commands.doctor import _telegram
from growth_pipelines.errors import CredentialRefused, SettingsError
from growth_pipelines.settings import load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Flag
from growth_pipelines.telegram import digest
from growth_pipelines.telegram.heartbeat import read_heartbeat
from growth_pipelines.telegram.webhook import PATH, checked_secret
from tests.drafts import decided, seo_draft, submitted, with_operator
from tests.integration.telegram.conftest import BO, Scene
from tests.telegram_server import BROKEN, TOKEN, TelegramServer

SECRET = "a-secret-of-enough-characters"


@contextmanager
def process(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real program, its output in ``log``."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "growth_pipelines.telegram"],
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            # The web server ends by the signal itself.
            assert running.wait(timeout=20) in (0, 1, -signal.SIGTERM)


def written(home: Path) -> str:
    """All that was written to the home's logs and signs of life."""
    files = [*home.glob("logs/*"), *home.glob("run/*"), home / "output.log"]
    return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())


@pytest.mark.slow
def test_the_program_links_approves_and_edits_what_was_decided_elsewhere(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_OPERATOR": "bo",
        "GROWTH_LOG_LEVEL": "debug",
        "GROWTH_TELEGRAM__BASE_URL": telegram.base_url,
        "GROWTH_TELEGRAM__BOT_TOKEN": TOKEN,
        "GROWTH_TELEGRAM__ALLOWED_CHATS": str(BO),
    }
    settings = load_settings(environment)
    store, now = Store.of(settings), datetime.now(UTC)
    with_operator(store, settings)
    with store.session() as session:
        code = new_code(session, "bo", now).code
    # Telegram is away when the machine starts.
    telegram.faults["getMe"] = [BROKEN]
    with process(environment, tmp_path / "output.log"):
        telegram.say(BO, f"/start {code}")
        telegram.last(BO, "You speak for bo here now", 40)
        one, two = submitted(store, seo_draft(1), seo_draft(2), now=datetime.now(UTC))
        telegram.click(BO, telegram.last(BO, one.ref, 20), "Approve")
        telegram.until(
            lambda: any("Approved by bo" in m.text and one.ref in m.text for m in telegram.messages), 20
        )
        card = telegram.last(BO, two.ref, 20)
        assert "Open in console" not in card.buttons()  # A loopback address is a text, not a link.
        decided(store, settings, two, "reject", reason="tone", now=datetime.now(UTC))
        telegram.until(lambda: "Rejected by bo" in card.text and not card.buttons(), 20)
        assert bot_state(settings) == "running"
    heartbeat = read_heartbeat(settings)
    assert heartbeat is not None
    assert heartbeat.username == "growth_bot"
    assert (tmp_path / "run" / "telegram.json").stat().st_mode & 0o777 == 0o600
    assert TOKEN not in written(tmp_path)
    assert TOKEN.partition(":")[2] not in written(tmp_path)


@pytest.mark.slow
def test_a_refused_token_and_no_token_are_one_clear_line(tmp_path: Path, telegram: TelegramServer) -> None:
    wrong = "9876543210:BBBfakefakefakefakefakefakefakefake2"
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_TELEGRAM__BASE_URL": telegram.base_url,
        "GROWTH_TELEGRAM__BOT_TOKEN": wrong,
    }
    with process(environment, tmp_path / "output.log") as program:
        assert program.wait(timeout=30) == 1
    said = (tmp_path / "output.log").read_text()
    assert said == (
        "growth: Telegram doesn't know this bot's token. Set GROWTH_TELEGRAM__BOT_TOKEN as BotFather gave it.\n"
    )
    settings = load_settings(environment)
    assert bot_state(settings) == "no answer from Telegram (the token was refused)"
    with pytest.raises(CredentialRefused) as refusal:
        list(_telegram(settings))
    assert wrong not in written(tmp_path) + str(refusal.value)
    assert bot_programs(load_settings({"GROWTH_HOME": str(tmp_path)}), {}) == []
    assert [program.name for program in bot_programs(settings, {})] == [BOT]


def test_doctor_says_who_is_heard_and_who_was_refused(scene: Scene) -> None:
    with scene.bot():
        scene.telegram.say(7777, "/start")
        scene.telegram.worked_off()
        scene.telegram.say(BO, "/whoami")
        scene.telegram.worked_off()
        found = {finding.state: finding.found for finding in _telegram(scene.settings)}
    assert found["ok"].startswith("@growth_bot; heard last")
    assert found["warn"] == "refused lately: chats 7777"


@pytest.mark.slow
def test_the_webhook_takes_telegram_s_calls_and_no_others(tmp_path: Path, telegram: TelegramServer) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_TELEGRAM__BASE_URL": telegram.base_url,
        "GROWTH_TELEGRAM__BOT_TOKEN": TOKEN,
        "GROWTH_TELEGRAM__ALLOWED_CHATS": str(BO),
        "GROWTH_TELEGRAM__MODE": "webhook",
        "GROWTH_TELEGRAM__WEBHOOK_URL": "https://bot.example.com/telegram",
        "GROWTH_TELEGRAM__WEBHOOK_SECRET": SECRET,
        "GROWTH_TELEGRAM__WEBHOOK_PORT": str(port),
    }
    settings = load_settings(environment)
    store, now = Store.of(settings), datetime.now(UTC)
    with_operator(store, settings)
    with store.session() as session:
        code = new_code(session, "bo", now).code
    link_chat(store, code, BO, BO, now)
    url = f"http://127.0.0.1:{port}{PATH}"
    with process(environment, tmp_path / "output.log"), httpx.Client(trust_env=False) as client:
        telegram.until(lambda: telegram.webhook, 30)
        assert telegram.webhook["url"] == "https://bot.example.com/telegram"
        assert telegram.webhook["secret_token"] == SECRET
        telegram.until(lambda: answers(client, url), 20)
        telegram.say(BO, "/whoami")
        (update,) = telegram.updates
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        for wrong in ({}, {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]}):
            assert client.post(url, json=update, headers=wrong).status_code == 401
        assert not any("You speak for" in m.text for m in telegram.messages)
        assert client.get(url).status_code == 405
        assert client.post(url, content=b"{", headers=headers).status_code == 400
        for _ in range(2):
            assert client.post(url, json=update, headers=headers).status_code == 200
        assert len([m for m in telegram.in_chat(BO) if "You speak for bo" in m.text]) == 1
    assert SECRET not in written(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_bot_that_can_tell_nothing_more_ends_so_that_it_is_started_anew(
    mode: str, tmp_path: Path, telegram: TelegramServer
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_TELEGRAM__BASE_URL": telegram.base_url,
        "GROWTH_TELEGRAM__BOT_TOKEN": TOKEN,
        "GROWTH_TELEGRAM__ALLOWED_CHATS": str(BO),
        "GROWTH_TELEGRAM__MODE": mode,
        "GROWTH_TELEGRAM__WEBHOOK_URL": "https://bot.example.com/telegram",
        "GROWTH_TELEGRAM__WEBHOOK_SECRET": SECRET,
        "GROWTH_TELEGRAM__WEBHOOK_PORT": str(port),
    }
    settings = load_settings(environment)
    store = Store.of(settings)
    with process(environment, tmp_path / "output.log") as running:
        telegram.until(lambda: read_heartbeat(settings) is not None, 30)
        assert running.poll() is None
        # As no version of ours ever wrote it.
        with store.session() as session:
            session.merge(Flag(key=digest.FLAG, value={}, updated_at=datetime.now(UTC), updated_by="nobody"))
        assert running.wait(timeout=30) == 1


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code < 500
    except httpx.TransportError:
        return False


def test_a_webhook_without_a_good_secret_or_an_https_address_does_not_start() -> None:
    for secret, url in (("short", "https://x.example"), (SECRET, "http://x.example"), ("", "https://x.example")):
        given = {"GROWTH_TELEGRAM__WEBHOOK_SECRET": secret, "GROWTH_TELEGRAM__WEBHOOK_URL": url}
        with pytest.raises(SettingsError, match="GROWTH_TELEGRAM__WEBHOOK"):
            checked_secret(load_settings(given))
