"""Any button comes back as it was, in its chat and before its end; any other text is refused."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.settings import load_settings
from growth_pipelines.telegram.buttons import (
    _CODES,
    LIMIT,
    BadButton,
    Button,
    OldButton,
    checked,
    claimed,
    key_of,
    nonce,
    packed,
)

KEY = b"k" * 32
ENDS = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
refs = st.text(string.ascii_letters + string.digits, min_size=12, max_size=12)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
extras = st.text(string.ascii_letters + string.digits + "-_", max_size=6)
# Until the year 2038 an end has six digits; 2100 has seven.
ends = st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.replace(tzinfo=UTC, microsecond=0))
buttons = st.builds(Button, refs, st.sampled_from(sorted(_CODES)), digests, ends, extras)
chats = st.integers(-(2**52), 2**52)


def tapped(key: bytes, chat: int, data: str, digests: list[str], now: datetime) -> Button:
    return claimed(data).proven(key, chat, digests, now)


@given(buttons, chats, st.lists(digests, max_size=3))
def test_a_button_comes_back_as_it_was_made_with_the_whole_digest(
    button: Button, chat: int, others: list[str]
) -> None:
    data = packed(KEY, chat, button)
    assert len(data.encode()) <= LIMIT
    known = [*others, button.digest]
    assert tapped(KEY, chat, data, known, button.ends - timedelta(seconds=1)) == button
    with pytest.raises(OldButton):
        tapped(KEY, chat, data, known, button.ends)


@given(buttons, chats, st.integers(0, 63))
def test_a_digest_that_differs_in_one_digit_anywhere_is_of_another_draft(
    button: Button, chat: int, place: int
) -> None:
    digit = "0" if button.digest[place] != "0" else "1"
    near = button.digest[:place] + digit + button.digest[place + 1 :]
    with pytest.raises(BadButton) as refused:
        tapped(KEY, chat, packed(KEY, chat, button), [near], button.ends - timedelta(seconds=1))
    assert not isinstance(refused.value, OldButton)


@given(buttons, chats, st.integers(0, 63), st.integers(1, 255))
def test_no_changed_button_and_no_other_chat_or_key_counts(
    button: Button, chat: int, place: int, change: int
) -> None:
    data = packed(KEY, chat, button)
    place %= len(data)
    forged = data[:place] + chr(ord(data[place]) ^ change) + data[place + 1 :]
    for key, where, text in ((KEY, chat, forged), (KEY, chat + 1, data), (b"x" * 32, chat, data)):
        with pytest.raises(BadButton):
            tapped(key, where, text, [button.digest], button.ends - timedelta(seconds=1))


@given(refs, st.sampled_from(sorted(_CODES.values())), digests, extras)
def test_a_button_of_before_is_old_whatever_it_says(ref: str, code: str, digest: str, extra: str) -> None:
    with pytest.raises(OldButton) as old:
        claimed(f"v1:{ref}:{code}:{digest[:8]}:t2f8rk:{extra}:AbCdEfGhIjK")
    assert old.value.ref == ref


@given(st.text(max_size=80))
def test_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(BadButton):
        tapped(KEY, 1, text, ["0" * 64], ENDS)


def test_what_telegram_would_not_take_is_refused_before_it_is_sent() -> None:
    assert checked("x" * LIMIT)
    for data in ("", "x" * (LIMIT + 1), "é" * 33):
        with pytest.raises(ValueError):
            checked(data)
    with pytest.raises(ValueError):
        packed(KEY, 1, Button("A1b2C3d4E5f6", "reject", "0" * 64, ENDS, "a:b"))
    assert len(nonce()) == 4


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path)})
    assert key_of(settings) == key_of(settings)
    assert (tmp_path / "secrets" / "telegram_buttons.key").stat().st_mode & 0o777 == 0o600
