"""What a button carries: which action and draft it was made for, until when, signed for the chat it stands in.

``v1:<ref>:<code>:<digest prefix>:<end>:<extra>:<signature>``, at most the 64 bytes that Telegram takes. A client
may send any text in place of a button's, and may keep a button for years: nothing counts without the signature,
which is over the chat too, and nothing after its end.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

Tap = Literal["approve", "confirm", "back", "ask_reason", "reject", "defer", "details"]
LIMIT = 64
DIGEST_PREFIX = 8
# A tap on an older button decides nothing: it brings the present draft with new buttons.
BUTTON_LASTS = timedelta(hours=24)
CONFIRM_LASTS = timedelta(minutes=2)
_VERSION = "v1"
_CODES: Mapping[Tap, str] = {
    "approve": "a",
    "confirm": "c",
    "back": "b",
    "ask_reason": "r",
    "reject": "x",
    "defer": "d",
    "details": "v",
}
_TAPS = {code: tap for tap, code in _CODES.items()}
_SIGNATURE = 11  # 66 bits in base64
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class BadButton(GrowthError):
    """The text is no button of ours, or of another chat."""


class OldButton(BadButton):
    """The button was ours; its time is over."""

    def __init__(self, button: Button) -> None:
        super().__init__("This button is too old.", "Here is the present draft.")
        self.button = button


@dataclass(frozen=True)
class Button:
    """One tap: on which action (ref), as shown with this digest. ``extra``: a reason's code, or a nonce."""

    ref: str
    tap: Tap
    digest: str
    ends: datetime
    extra: str = ""

    def fits(self, digest: str) -> bool:
        """Whether the action's digest is the one that the button was made for."""
        return digest.startswith(self.digest[:DIGEST_PREFIX])


def nonce() -> str:
    """Makes each confirmation another one."""
    return secrets.token_urlsafe(4)[:4]


def packed(key: bytes, chat_id: int, button: Button) -> str:
    """The callback data of a button in this chat. Raises ValueError for what no button can hold."""
    ends = _base36(int(button.ends.timestamp()))
    fields = (_VERSION, button.ref, _CODES[button.tap], button.digest[:DIGEST_PREFIX], ends, button.extra)
    if any(":" in field for field in fields):
        raise ValueError("a colon parts the fields of a button; none may hold one")
    data = ":".join(fields)
    return checked(f"{data}:{_signature(key, chat_id, data)}")


def checked(data: str) -> str:
    """``data`` if Telegram takes it as callback data: 1 to 64 bytes. Raises ValueError."""
    size = len(data.encode())
    if not 1 <= size <= LIMIT:
        raise ValueError(f"callback data of {size} bytes; Telegram takes 1 to {LIMIT}")
    return data


def unpacked(key: bytes, chat_id: int, data: str, now: datetime) -> Button:
    """The button that was tapped in this chat. Raises BadButton, or OldButton when its time is over."""
    body, _, signature = data.rpartition(":")
    if not hmac.compare_digest(_signature(key, chat_id, body).encode(), signature.encode("utf-8", "replace")):
        raise BadButton("This is no button of this chat.", "Use /pending.")
    _, ref, code, digest, ends, extra = body.split(":")
    button = Button(ref, _TAPS[code], digest, datetime.fromtimestamp(int(ends, 36), UTC), extra)
    if button.ends <= now:
        raise OldButton(button)
    return button


def _signature(key: bytes, chat_id: int, data: str) -> str:
    mac = hmac.new(key, f"{chat_id}\n{data}".encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode()[:_SIGNATURE]


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def key_of(settings: Settings) -> bytes:
    """The key of this machine's buttons, made once and readable by its owner alone."""
    return _key_in(settings.home / "secrets" / "telegram_buttons.key")


def _key_in(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    key = file.read_bytes()
    if len(key) < 32:
        raise GrowthError(f"{file} holds no key.", "Delete it; the buttons of earlier messages end with it.")
    return key
