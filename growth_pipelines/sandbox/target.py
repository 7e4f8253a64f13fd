"""A request as failures and the score see it: which API it is for, who sends it, and what it asks."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from growth_pipelines.sandbox import options

APIS = {
    "/admin/": "shopify",
    "/webmasters/": "search_console",
    "/v1/records:": "crux",
    "/pagespeedonline/": "psi",
    "/_sandbox/bulk/": "bulk_result",
    "/token": "google_token",
}
GOOGLE = ("search_console", "crux", "psi")
# A search filter given as the variable ``query``: the field that takes it.
_FILTERED = re.compile(r"(\w+)\s*\([^()]*\bquery:\s*\$query\b")
_NO_FILTERS = ("shopifyqlQuery", "bulkOperationRunQuery")
_SECRETS = (options.ACCESS_TOKEN, options.CLIENT_SECRET, options.GOOGLE_TOKEN)
_SECRET = re.compile(
    r"\bshp(?:at|ca|pa|ss|tka)_|\bya29\.|\bbearer\s|(?:^|[?&])(?:access_token|client_secret|oauth_token|token)=",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Target:
    """``granted`` are the tokens that can expire."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    granted: Collection[str] = ()

    @cached_property
    def api(self) -> str:
        """shopify, search_console, crux, psi, bulk_result, google_token, or "" for anything else."""
        path = urlsplit(self.url).path
        return next((api for prefix, api in APIS.items() if path.startswith(prefix)), "")

    @property
    def control(self) -> bool:
        """The sandbox's own controls never fail."""
        return self.url.startswith("/_sandbox/") and self.api != "bulk_result"

    @cached_property
    def text(self) -> str:
        return f"{self.url} {self.body.decode('utf-8', 'replace')}"

    @property
    def token(self) -> str:
        return self.headers.get("x-shopify-access-token") or self.headers.get("authorization", "").removeprefix(
            "Bearer "
        )

    @property
    def credential(self) -> str:
        """Who asks: the token, Google's key, or the address itself where that is the credential."""
        key = parse_qs(urlsplit(self.url).query).get("key", [""])[-1]
        return urlsplit(self.url).path if self.api == "bulk_result" else self.token or key

    @property
    def expirable(self) -> bool:
        return self.token in self.granted

    @cached_property
    def graphql(self) -> Mapping[str, Any]:
        """The GraphQL request; empty for any other."""
        if self.api != "shopify" or "/graphql.json" not in self.url:
            return {}
        try:
            body = json.loads(self.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) and isinstance(body.get("query"), str) else {}

    @property
    def document(self) -> str:
        return str(self.graphql.get("query", ""))

    @property
    def variables(self) -> Mapping[str, Any]:
        return self.graphql.get("variables") or {}

    @property
    def starts_bulk(self) -> bool:
        return "bulkOperationRunQuery" in self.document

    @property
    def after(self) -> str | None:
        """The cursor that a page was asked for with."""
        return self.variables.get("after") if "endCursor" in self.document else None

    @property
    def filtered(self) -> str | None:
        """The field whose search filter is the variable ``query``."""
        found = _FILTERED.search(self.document)
        if not found or found[1] in _NO_FILTERS or not self.variables.get("query"):
            return None
        return found[1]

    @property
    def names_secret(self) -> bool:
        """Whether the address holds a credential. Google's ``key`` may be there: it has no other place."""
        address = unquote_plus(self.url)
        return bool(_SECRET.search(address)) or any(secret in address for secret in _SECRETS)
