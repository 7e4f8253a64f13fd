"""Passwords: argon2id, with the second recommended parameters of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from growth_pipelines.errors import GrowthError

MIN_LENGTH, MAX_LENGTH = 12, 200
MIN_DIFFERENT = 5
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)
# Each hash takes 64 MiB and most of a core: so many at once, so many in line, and the next is sent away, so that
# a flood of guesses takes neither the memory nor all threads of the console.
_AT_ONCE = threading.BoundedSemaphore(2)
_IN_LINE = threading.BoundedSemaphore(8)


class TooBusy(GrowthError):
    """Too many passwords are being looked at; in so many ``seconds`` there is room again."""

    seconds = 2


class BadPassword(GrowthError):
    """The password can't be used."""


def check_choice(password: str, name: str) -> None:
    """Raise BadPassword unless an operator of this name may choose the password."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadPassword(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.",
            "A few words in a row will do.",
        )
    if len(set(password)) < MIN_DIFFERENT or name in password.lower():
        raise BadPassword(
            "This password is easy to guess.",
            f"Use at least {MIN_DIFFERENT} different characters, and leave your name out.",
        )


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its parameters and salt. Takes about a quarter of a second."""
    with _turn():
        return HASHER.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether a password belongs to a kept hash. Without one the same work is done, so that time tells nothing."""
    if len(password) > MAX_LENGTH:
        kept, password = None, ""
    with _turn():
        try:
            return HASHER.verify(kept or _nobodys(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than ours."""
    return HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")


@contextmanager
def _turn() -> Iterator[None]:
    if not _IN_LINE.acquire(blocking=False):
        raise TooBusy("Too many people are signing in at once.", "Try again in a few seconds.")
    try:
        with _AT_ONCE:
            yield
    finally:
        _IN_LINE.release()
