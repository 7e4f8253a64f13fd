"""Quiet hours over midnight, what rings, how long silence lasts, and when the digest is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import load_settings
from growth_pipelines.telegram.digest import is_due
from growth_pipelines.telegram.heartbeat import Heartbeat
from growth_pipelines.telegram.quiet import is_quiet, mute_length, rings

DAY = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hour", "quiet"), [(3, True), (7, True), (8, False), (20, False), (21, True), (23, True)]
)
def test_quiet_hours_reach_over_midnight(hour: int, quiet: bool) -> None:
    assert is_quiet(DAY + timedelta(hours=hour), "UTC", time(21), time(8)) is quiet


def test_quiet_hours_are_the_shop_s() -> None:
    # 04:30 UTC is 21:30 of the day before in Denver.
    assert is_quiet(DAY + timedelta(hours=4, minutes=30), "America/Denver", time(21), time(8))
    assert not is_quiet(DAY + timedelta(hours=3, minutes=30), "America/Denver", time(21), time(8))
    assert not is_quiet(DAY, "UTC", time(8), time(8))
    assert is_quiet(DAY + timedelta(hours=13), "UTC", time(12), time(14))


def test_only_what_is_critical_rings_at_any_time() -> None:
    heard = {
        (priority, quiet, muted)
        for priority in ("critical", "high", "medium", "low")
        for quiet in (False, True)
        for muted in (False, True)
        if rings(priority, quiet=quiet, muted=muted)
    }
    always = {("critical", quiet, muted) for quiet in (False, True) for muted in (False, True)}
    assert heard == always | {("high", False, False)}


def test_silence_is_said_in_minutes_hours_or_days() -> None:
    said = {text: mute_length(text) for text in ("45m", "2h", "1 D", "off")}
    assert said == {"45m": timedelta(minutes=45), "2h": timedelta(hours=2), "1 D": timedelta(days=1), "off": None}
    for text in ("", "2", "h", "0h", "8d", "-2h", "99999h"):
        with pytest.raises(GrowthError, match="Write how long"):
            mute_length(text)


def test_the_digest_is_due_once_a_day_from_its_hour_on() -> None:
    at, eight = time(8), DAY + timedelta(hours=8)
    assert not is_due(None, eight - timedelta(minutes=1), "UTC", at)
    assert is_due(None, eight, "UTC", at)
    assert is_due(date(2026, 11, 21), eight + timedelta(hours=5), "UTC", at)
    assert not is_due(date(2026, 11, 22), eight + timedelta(hours=5), "UTC", at)


def test_times_of_day_are_read_as_people_and_yaml_write_them() -> None:
    env = {"GROWTH_TELEGRAM__QUIET_FROM": "9:30", "GROWTH_TELEGRAM__ALLOWED_CHATS": "12,-34"}
    telegram = load_settings(env).telegram
    assert (telegram.quiet_from, telegram.quiet_until) == (time(9, 30), time(8))
    assert telegram.allowed_chats == [12, -34]
    assert type(telegram).model_validate({"quiet_from": 1260}).quiet_from == time(21)


def test_a_bot_that_has_not_reached_telegram_lately_is_not_running() -> None:
    assert Heartbeat("b", DAY).state(DAY + timedelta(seconds=80), "UTC") == "running"
    silent = Heartbeat("b", DAY, "ConnectError").state(DAY + timedelta(seconds=100), "Europe/Berlin")
    assert silent == "no answer from Telegram since 2026-11-22 01:00 CET (ConnectError)"
