"""The token endpoint for service accounts: a signed assertion for an access token of an hour.

Signatures are not checked: the sandbox knows no keys.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = (
    "https://www.googleapis.com/auth/webmasters",
    "https://www.googleapis.com/auth/webmasters.readonly",
)
PREFIX = "ya29."
SECONDS = 3_599


class InvalidGrant(ValueError):
    """The assertion is none, or asks for nothing that Search Console takes."""


def grant(form: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a token request; its token is new. Raises InvalidGrant."""
    if form.get("grant_type") != GRANT:
        raise InvalidGrant(f"grant_type must be {GRANT}")
    try:
        _, claims, _ = form["assertion"].split(".")
        asked = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        scopes = str(asked["scope"]).split()
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidGrant("Invalid JWT") from error
    if not set(scopes) & set(SCOPES):
        raise InvalidGrant("Invalid OAuth scope")
    return {"access_token": PREFIX + secrets.token_hex(24), "expires_in": SECONDS, "token_type": "Bearer"}
