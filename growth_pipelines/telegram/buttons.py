"""What a button carries: which action and draft it was made for, until when, signed for the chat it stands in.

``v2:<ref>:<code>:<end>:<extra>:<signature>``, at most the 64 bytes that Telegram takes. A draft's digest alone is
as long, so it is not among the fields: the signature is over it, in full, and over the chat. A tap is held against
the digests of every version that the action has had, which tells a button of an earlier draft from a foreign one.

A client may send any text in place of a button's, and may keep a button for years: nothing counts without the
signature, and nothing after its end.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

Tap = Literal["approve", "confirm", "back", "ask_reason", "reject", "defer", "details"]
LIMIT = 64
# A tap on an older button decides nothing: it brings the present draft with new buttons.
BUTTON_LASTS = timedelta(hours=24)
CONFIRM_LASTS = timedelta(minutes=2)
_VERSION = "v2"
# Buttons of before carried 32 bits of the digest. Messages keep them for ever; they decide nothing any more.
_FORMER = re.compile("v1:([0-9A-Za-z]{1,32}):.*", re.DOTALL)
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
_SIGNATURE = 27  # 162 bits in base64
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FIELDS = re.compile(
    f"{_VERSION}:(?P<ref>[0-9A-Za-z]{{1,32}}):(?P<code>[{''.join(_TAPS)}]):(?P<ends>[0-9a-z]{{1,7}})"
    rf":(?P<extra>[^:]*):(?P<signature>[\w-]{{{_SIGNATURE}}})",
    re.ASCII,
)


class BadButton(GrowthError):
    """The text is no button of ours, or of another chat."""


class OldButton(BadButton):
    """The button was ours, or says so; its time is over. ``ref`` is the action that it stood under."""

    def __init__(self, ref: str) -> None:
        super().__init__("This button is too old.", "Here is the present draft.")
        self.ref = ref


@dataclass(frozen=True)
class Button:
    """One tap: on which action (ref), as shown with this digest. ``extra``: a reason's code, or a nonce."""

    ref: str
    tap: Tap
    digest: str
    ends: datetime
    extra: str = ""


@dataclass(frozen=True)
class Claim:
    """What a tap says of itself. Nothing of it counts but as the button that it is proven to be."""

    ref: str
    tap: Tap
    ends: datetime
    extra: str
    signature: str

    def proven(self, key: bytes, chat_id: int, digests: Iterable[str], now: datetime) -> Button:
        """The button that was made in this chat for one of the ``digests`` that the action has had.

        Raises BadButton, or OldButton when its time is over.
        """
        for digest in digests:
            button = Button(self.ref, self.tap, digest, self.ends, self.extra)
            if hmac.compare_digest(_signature(key, chat_id, button).encode(), self.signature.encode()):
                if button.ends <= now:
                    raise OldButton(button.ref)
                return button
        raise _foreign()


def nonce() -> str:
    """Makes each confirmation another one."""
    return secrets.token_urlsafe(4)[:4]


def packed(key: bytes, chat_id: int, button: Button) -> str:
    """The callback data of a button in this chat. Raises ValueError for what no button can hold."""
    if any(":" in field for field in (button.ref, button.extra)):
        raise ValueError("a colon parts the fields of a button; none may hold one")
    return checked(f"{_fields(button)}:{_signature(key, chat_id, button)}")


def checked(data: str) -> str:
    """``data`` if Telegram takes it as callback data: 1 to 64 bytes. Raises ValueError."""
    size = len(data.encode())
    if not 1 <= size <= LIMIT:
        raise ValueError(f"callback data of {size} bytes; Telegram takes 1 to {LIMIT}")
    return data


def claimed(data: str) -> Claim:
    """What was tapped. Raises BadButton for what no button says, OldButton for one of before."""
    former = _FORMER.fullmatch(data)
    if former is not None:
        raise OldButton(former[1])
    found = _FIELDS.fullmatch(data)
    if found is None:
        raise _foreign()
    ends = datetime.fromtimestamp(int(found["ends"], 36), UTC)
    return Claim(found["ref"], _TAPS[found["code"]], ends, found["extra"], found["signature"])


def _foreign() -> BadButton:
    return BadButton("This is no button of this chat.", "Use /pending.")


def _fields(button: Button) -> str:
    ends = _base36(int(button.ends.timestamp()))
    return ":".join((_VERSION, button.ref, _CODES[button.tap], ends, button.extra))


def _signature(key: bytes, chat_id: int, button: Button) -> str:
    signed = f"{chat_id}\n{button.digest}\n{_fields(button)}"
    mac = hmac.new(key, signed.encode("utf-8", "replace"), hashlib.sha256).digest()
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
