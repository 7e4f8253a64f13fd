"""Personal data are hashed at the door: before a byte is written anywhere.

A pseudonym is an HMAC-SHA256 under a key of this installation, so that it can't be found by hashing every
possible id. The key lives apart from the data, in ``$GROWTH_HOME/secrets``; who loses it starts new pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

_CUSTOMER_GID = re.compile(rb"gid://shopify/Customer/(\d+)")
# A landing page's query and fragment can carry click ids, e-mail addresses and names.
_LANDING_PAGE = re.compile(rb'("landingPage":\s*"[^"?#]*)[?#][^"]*"')
PREFIX = "customer:"


class Pseudonyms:
    """Turns what identifies a person into a keyed hash, the same one each time under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, settings: Settings) -> Pseudonyms:
        given = settings.privacy.pseudonym_key.get_secret_value()
        return cls(given.encode() if given else _key_in(settings.home / "secrets" / "pseudonym.key"))

    def customer_id(self, number: str) -> str:
        """The key of a Shopify customer, from the number of its gid."""
        return self._hash("shopify-customer", number)

    def email(self, address: str) -> str:
        """The key of a customer known by an e-mail address only (exports). Not that of :meth:`customer_id`."""
        return self._hash("email", address.strip().lower())

    def web_session(self, identifier: str) -> str:
        """The key of a browser tab's session, from the random id that its script made."""
        return self._hash("web-session", identifier)

    def _hash(self, kind: str, value: str) -> str:
        return hmac.new(self._key, f"{kind}\n{value}".encode(), hashlib.sha256).hexdigest()[:32]

    def redact(self, raw: bytes) -> bytes:
        """JSON text as it may be written: customers' gids as ``customer:<key>``, landing pages without query."""
        hidden = _CUSTOMER_GID.sub(lambda found: (PREFIX + self.customer_id(found[1].decode())).encode(), raw)
        return _LANDING_PAGE.sub(rb'\1"', hidden)


def _key_in(path: Path) -> bytes:
    """The key in ``path``, made on first use. Two processes at once agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # Another process was first; its key is the one.
        finally:
            fresh.unlink()
    key = path.read_text().strip()
    if len(key) < 32:
        raise GrowthError(
            f"{path} holds no usable key.",
            "Restore it from a backup; a new key would make every customer look new.",
        )
    return key.encode()
