"""What Dagster's pages may load: their own scripts, nothing from anywhere else."""

from __future__ import annotations

import re

# Its pages set styles from scripts and load scripts from scripts that carry the page's nonce.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self'; manifest-src 'self'; "
    "worker-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'"
)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")


def policy_of(dagsters: str) -> str | None:
    """Our policy around the nonce in Dagster's own, which lets pages load from anywhere; None without a nonce."""
    found = _NONCE.search(dagsters)
    return _POLICY.format(nonce=found[1]) if found else None
