"""One-time codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds).

The secret lies encrypted in the store, under a key of its own in ``$GROWTH_HOME/secrets``: who reads the store
alone can't make codes. A code counts once, and one step early or late.
"""

from __future__ import annotations

import hmac
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
from cryptography.fernet import Fernet, InvalidToken

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings
from growth_pipelines.store.tables import Operator

ISSUER = "Growth machine"
STEP_SECONDS = 30
AROUND = 1
SET_UP_WITHIN = timedelta(minutes=15)


class NoSuchSetup(GrowthError):
    """The secret that was shown is another's, or too old."""


def new_secret() -> str:
    """A fresh secret, 160 bits in base32."""
    return pyotp.random_base32()


def address_of(secret: str, operator: str) -> str:
    """What the QR code holds: an otpauth:// address that authenticator apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=operator, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime, newest: int | None) -> int | None:
    """The time step that a code is of, or None if it is of none around ``now`` or of one not after ``newest``."""
    digits = code.replace(" ", "")
    at = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    found = None
    for step in range(at - AROUND, at + AROUND + 1):
        expected = totp.at(step * STEP_SECONDS)
        if hmac.compare_digest(expected.encode(), digits.encode("utf-8", "replace")) and step > (newest or 0):
            found = step
    return found


def use_code(settings: Settings, operator: Operator, code: str, now: datetime) -> bool:
    """Use up a code of an operator who has set codes up. Call it in a write transaction: it keeps the step."""
    if operator.totp_secret is None:
        return False
    step = step_of(opened(settings, operator.totp_secret), code, now, operator.totp_step)
    if step is None:
        return False
    operator.totp_step = step
    return True


def sealed(settings: Settings, secret: str) -> str:
    """A secret as the store keeps it."""
    return _box(settings).encrypt(secret.encode()).decode()


def opened(settings: Settings, kept: str) -> str:
    """The secret that the store keeps. Raises GrowthError when the key is another one."""
    try:
        return _box(settings).decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise GrowthError(
            "One-time codes can't be checked: their key is another one than they were set up with.",
            f"Restore {key_of_codes(settings)} from a backup, or run `growth operators reset NAME`.",
        ) from error


def offer(settings: Settings, secret: str, operator: str, now: datetime) -> str:
    """A secret that is shown to be set up, sealed for this operator: it goes through the form and back."""
    return _box(settings).encrypt_at_time(f"{operator} {secret}".encode(), int(now.timestamp())).decode()


def accepted_offer(settings: Settings, offered: str, operator: str, now: datetime) -> str:
    """The secret in an offer. Raises NoSuchSetup for another operator's, and after 15 minutes."""
    try:
        ttl = int(SET_UP_WITHIN.total_seconds())
        text = _box(settings).decrypt_at_time(offered.encode(), ttl, int(now.timestamp())).decode()
    except InvalidToken:
        text = ""
    name, _, secret = text.partition(" ")
    if name != operator or not secret:
        raise NoSuchSetup("This QR code is too old.", "Begin again: a new one is shown.")
    return secret


def key_of_codes(settings: Settings) -> Path:
    """Where the key lies that the secrets are encrypted with."""
    return settings.home / "secrets" / "totp.key"


def _box(settings: Settings) -> Fernet:
    path = key_of_codes(settings)
    if not path.exists():
        _make_key(path)
    try:
        return Fernet(path.read_bytes().strip())
    except ValueError as error:
        raise GrowthError(f"{path} holds no usable key.", "Restore it from a backup.") from error


def _make_key(path: Path) -> None:
    """Two processes at once agree on one key, which only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # Another process was first; its key is the one.
    finally:
        fresh.unlink()
