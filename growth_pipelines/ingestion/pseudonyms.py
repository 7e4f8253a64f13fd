"""Personal data are hashed at the door: before a byte is written anywhere.

A pseudonym is an HMAC-SHA256 under a key of this installation, so that it can't be found by hashing every
possible id. The key lives apart from the data, in ``$GROWTH_HOME/secrets``; who loses it starts new pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.page_addresses import public_address
from growth_pipelines.settings import Settings

# A slash in JSON may be written with backslashes before it: one, or more of them in JSON inside of a text.
_CUSTOMER_GID = re.compile(rb"gid:(?:\\*/){2}shopify\\*/Customer\\*/([0-9]+)")
_NUMBER = re.compile(rb"[0-9]*")
_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
# A landing page as orders and as ShopifyQL call it, up to the beginning of its text.
_LANDING_PAGE = re.compile(rb'"landing(?:Page|_page_path)"\s*:\s*"')
_GID, _PAGE, _USUAL_PAGE = b"gid://shopify/Customer/", b'"landing', b'"landingPage":"'
# Where a gid ends is looked for so far; a pattern finds the end of any other.
_USUAL_NUMBER = 24
_BACKSLASH = ord("\\")
PREFIX = "customer:"
# Customers whose pseudonym is kept in memory, about 150 bytes each; and pages, which may be longer.
REMEMBERED = 200_000
REMEMBERED_PAGES = 20_000
# Where a record's name for people stands, which may have been made of one of its fields.
NAMES_OF_RECORDS = ("label", "handle")
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
        self._pages: dict[bytes, bytes] = {}
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

    def visitor(self, identifier: str) -> str:
        """The key of a browser that takes part in experiments, from the random id that its script made."""
        return self._hash("visitor", identifier)

    def _hash(self, kind: str, value: str) -> str:
        return hmac.new(self._key, f"{kind}\n{value}".encode(), hashlib.sha256).hexdigest()[:32]

    def redact(self, raw: bytes) -> bytes:
        """JSON text, one or many whole lines, as it may be written: customers' gids as ``customer:<key>``, landing
        pages as :func:`public_address` keeps them. What is valid JSON stays valid.

        Searching for the usual spelling and copying what lies between is four times as fast as a pattern; the
        pattern sees to the unusual one."""
        redacted = self._redact_usual(raw)
        # Most blocks hold no backslash at all, and that is seen at once.
        if b"\\" in redacted and b"\\/Customer\\" in redacted:
            redacted = _CUSTOMER_GID.sub(lambda found: self._customer_key(found[1]), redacted)
        return redacted

    def _redact_usual(self, raw: bytes) -> bytes:
        known, pages, find, view = self._known, self._pages, raw.find, memoryview(raw)
        parts: list[bytes | memoryview] = []
        copied = 0
        customer, page = find(_GID), find(_PAGE)
        while customer >= 0 or page >= 0:
            if customer >= 0 and (customer < page or page < 0):
                start = customer + len(_GID)
                end = find(b'"', start, start + _USUAL_NUMBER)
                key = known.get(raw[start:end]) if end > 0 else None
                if key is None:
                    end, key = self._number_at(raw, start)
                parts += (view[copied:customer], key)
                copied, customer = end, find(_GID, end)
            else:
                start, end = _page_text(raw, page)
                cut = find(b"?", start, end)
                address = raw[start : cut if cut >= 0 else end]
                public = pages.get(address) or self._public(address)
                if cut >= 0 or public != address:
                    parts += (view[copied:start], public)
                    copied = end
                    if 0 <= customer < end:  # It was a part of the address.
                        customer = find(_GID, end)
                page = find(_PAGE, end)
        parts.append(view[copied:])
        return b"".join(parts)

    def _number_at(self, raw: bytes, start: int) -> tuple[int, bytes]:
        """Where the digits at ``start`` end, and the customer's key; the gid's own beginning without digits."""
        number = _NUMBER.match(raw, start)
        assert number is not None
        return number.end(), self._customer_key(number[0]) if number[0] else _GID

    def _public(self, text: bytes) -> bytes:
        """The inside of a JSON text that is a page's address, as it may be kept."""
        try:
            address = json.loads(b'"%b"' % text, strict=False)
        except ValueError:
            return b""  # What can't be read can't be judged.
        kept = public_address(address)
        public = text if kept == address else json.dumps(kept)[1:-1].encode()
        public = _CUSTOMER_GID.sub(lambda found: self._customer_key(found[1]), public)
        if len(self._pages) >= REMEMBERED_PAGES:
            self._pages.clear()
        self._pages[text] = public
        return public

    def _customer_key(self, number: bytes) -> bytes:
        hashed = self._customer.copy()
        hashed.update(number)
        key = PREFIX.encode() + hashed.hexdigest()[:32].encode()
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[number] = key
        return key

    def scrub(self, document: Any) -> Any:
        """``document`` (JSON as Python values) without personal keys, at any depth, and without entries
        {"key": …, "value": …} whose key is personal: so a shop's metaobjects and metafields say them.

        Shopify makes a metaobject's label, and from that its handle, of one of its fields. Where an entry goes,
        they go too if they repeat it.
        """
        if isinstance(document, dict):
            kept = {name: value for name, value in document.items() if not self._goes(name, value)}
            removed = [_plain(entry["value"]) for value in document.values() for entry in self._entries(value)]
            if removed:
                kept = {name: value for name, value in kept.items() if not _repeats(name, value, removed)}
            return {name: self.scrub(value) for name, value in kept.items()}
        if isinstance(document, list | tuple):
            return [self.scrub(value) for value in document if not self._is_entry(value)]
        return document

    def _goes(self, name: str, value: Any) -> bool:
        return _normal(name) in self._removed or self._is_entry(value)

    def _is_entry(self, value: Any) -> bool:
        """True for {"key": …, "value": …} with a personal key."""
        if not isinstance(value, dict) or "value" not in value:
            return False
        key = value.get("key")
        return isinstance(key, str) and _normal(key) in self._removed

    def _entries(self, value: Any) -> list[dict[str, Any]]:
        return [entry for entry in value if self._is_entry(entry)] if isinstance(value, list | tuple) else []


def personal_key(name: str) -> bool:
    """True for a key of PERSONAL_KEYS, however it is spelled."""
    return any(_normal(name) in keys for keys in PERSONAL_KEYS.values())


@lru_cache(maxsize=4096)
def _normal(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _plain(value: Any) -> str:
    """Letters and digits only: what a handle keeps of a text."""
    return "".join(filter(str.isalnum, value.lower())) if isinstance(value, str) else ""


def _repeats(name: str, value: Any, removed: list[str]) -> bool:
    return name in NAMES_OF_RECORDS and any(text and text in _plain(value) for text in removed)


def _page_text(raw: bytes, page: int) -> tuple[int, int]:
    """Where the text of a landing page begins and ends whose key begins at ``page``; nothing for other keys."""
    start = page + len(_USUAL_PAGE)
    if raw[page:start] != _USUAL_PAGE:
        found = _LANDING_PAGE.match(raw, page)
        if found is None:
            return page + len(_PAGE), page + len(_PAGE)
        start = found.end()
    end = raw.find(b'"', start)
    if end < 0 or raw[end - 1] == _BACKSLASH:
        text = _TEXT.match(raw, start)
        assert text is not None
        end = text.end()
    return start, end


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
