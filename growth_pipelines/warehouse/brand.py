"""Which words make a query a brand query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

# Parts of a host that name no shop.
_GENERIC_LABELS = {"www", "shop", "store", "m"}
_SHORTEST = 3


def default_brand_terms(name: str | None, domain: str | None, primary_url: str | None) -> tuple[str, ...]:
    """The shop's name and the words of its two domains, e.g. "hot rod parts" and "hotrodparts".

    They are phrases, never single words of a phrase: "parts" alone is not the shop's name. Terms shorter than
    three characters would match by accident and are left out.
    """
    terms = [name or "", _words_of_host(domain or ""), _words_of_host(primary_url or "")]
    return tuple(unique_terms(terms))


def unique_terms(terms: Iterable[str]) -> list[str]:
    """Terms in lower case with single spaces, each once, in their order."""
    plain = (re.sub(r"[^\w]+|_+", " ", term.lower()).strip() for term in terms)
    return list(dict.fromkeys(term for term in plain if len(term) >= _SHORTEST))


def _words_of_host(address: str) -> str:
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    labels = [label for label in host.split(".") if label not in _GENERIC_LABELS]
    return labels[0].replace("-", " ") if labels else ""
