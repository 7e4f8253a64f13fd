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
from collections.abc import Collection
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

# A slash in JSON may be written with a backslash before it.
_CUSTOMER_GID = re.compile(rb"gid:(?:\\?/){2}shopify\\?/Customer\\?/(\d+)")
# A landing page's query and fragment can carry click ids, e-mail addresses and names.
_LANDING_PAGE = re.compile(rb'("landingPage":\s*"(?:[^"?#\\]|\\.)*)[?#](?:[^"\\]|\\.)*"')
# A text of JSON up to its closing quote.
_TEXT = re.compile(rb'(?:[^"\\]|\\.)*')
_GID, _PAGE = b"gid://shopify/Customer/", b'"landingPage":"'
PREFIX = "customer:"
# Customers whose pseudonym is kept in memory, about 150 bytes each.
REMEMBERED = 200_000
# What each kind of personal data is called where records carry it. Everything else of a person is a keyed hash.
PERSONAL_KEYS: dict[str, frozenset[str]] = {
    "email": frozenset({"email", "emailaddress", "defaultemailaddress", "contactemail"}),
    "phone": frozenset({"phone", "phonenumber", "defaultphonenumber"}),
    "name": frozenset({"firstname", "lastname", "displayname", "fullname"}),
    "address": frozenset({"address1", "address2", "city", "zip", "shippingaddress", "billingaddress"}),
    # Never of use, whatever the settings say.
    "trace": frozenset({"clientip", "browserip", "useragent", "abandonedcheckouturl", "note", "customattributes"}),
}


class Pseudonyms:
    """Turns what identifies a person into a keyed hash, the same one each time under one key.

    ``kept`` names the kinds of PERSONAL_KEYS that a setting asks to be read in the clear.
    """

    def __init__(self, key: bytes, kept: Collection[str] = ()) -> None:
        self._key = key
        self._customer = hmac.new(key, b"shopify-customer\n", hashlib.sha256)
        self._known: dict[bytes, bytes] = {}
        self._removed = frozenset().union(*(keys for kind, keys in PERSONAL_KEYS.items() if kind not in kept))

    @classmethod
    def of(cls, settings: Settings) -> Pseudonyms:
        given = settings.privacy.pseudonym_key.get_secret_value()
        key = given.encode() if given else _key_in(settings.home / "secrets" / "pseudonym.key")
        return cls(key, settings.privacy.personal_fields)

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
        """JSON text, one or many lines, as it may be written: customers' gids as ``customer:<key>``, landing pages
        without query. Splitting at the usual spelling is three times as fast as a pattern; the pattern sees to
        the unusual ones."""
        parts = raw.split(_GID)
        known = self._known
        for place in range(1, len(parts)):
            number, quote, rest = parts[place].partition(b'"')
            parts[place] = (known.get(number) or self._customer_key(number)) + quote + rest
        parts = b"".join(parts).split(_PAGE)
        for place in range(1, len(parts)):
            text = parts[place]
            page, quote, rest = text.partition(b'"')
            if page.endswith(b"\\"):  # The quote may be part of the address.
                end = next(_TEXT.finditer(text)).end()
                page, quote, rest = text[:end], text[end : end + 1], text[end + 1 :]
            parts[place] = page.partition(b"?")[0].partition(b"#")[0] + quote + rest
        redacted = _PAGE.join(parts)
        if b"shopify\\/Customer" in redacted or b'"landingPage": ' in redacted:
            redacted = _CUSTOMER_GID.sub(lambda found: self._customer_key(found[1]), redacted)
            redacted = _LANDING_PAGE.sub(rb'\1"', redacted)
        return redacted

    def _customer_key(self, number: bytes) -> bytes:
        hashed = self._customer.copy()
        hashed.update(number)
        key = PREFIX.encode() + hashed.hexdigest()[:32].encode()
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[number] = key
        return key

    def scrub(self, document: Any) -> Any:
        """``document`` (JSON as Python values) without personal keys, at any depth."""
        if isinstance(document, dict):
            return {
                name: self.scrub(value)
                for name, value in document.items()
                if name.replace("_", "").lower() not in self._removed
            }
        if isinstance(document, list):
            return [self.scrub(value) for value in document]
        return document


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
