"""What may be kept of the address of a page that somebody visited."""

from __future__ import annotations

import re

# Below these, Shopify's addresses hold order and account tokens.
_PRIVATE = re.compile(
    r"^((?:(?:[a-z][a-z0-9+.-]*:)?//[^/]*)?(?:/[a-z]{2}(?:-[a-z]{2})?)?(?:/\d+)?"
    r"/(?:account|cart|checkouts?|orders))/.*",
    re.IGNORECASE | re.DOTALL,
)
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def public_address(address: str) -> str:
    """``address`` (a URL or a path) without query and fragment, which can carry click ids, e-mail addresses and
    names, and without what follows /account, /cart, /checkouts and /orders."""
    return _PRIVATE.sub(r"\1", _QUERY.sub("", address))
