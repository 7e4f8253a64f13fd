"""Which request goes where: the vendors' paths, their credentials, and the sandbox's own controls."""

from __future__ import annotations

import json
import math
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from growth_pipelines.sandbox import options, truth
from growth_pipelines.sandbox.faults import FaultPlanError, Faults
from growth_pipelines.sandbox.google import tokens
from growth_pipelines.sandbox.google.crux import Crux
from growth_pipelines.sandbox.google.errors import GoogleError, unauthenticated
from growth_pipelines.sandbox.google.psi import PageSpeed
from growth_pipelines.sandbox.google.search_console import SearchConsole
from growth_pipelines.sandbox.limits import google_limits
from growth_pipelines.sandbox.score import Score
from growth_pipelines.sandbox.shopify.api import AdminApi
from growth_pipelines.sandbox.world import Shop

GRAPHQL = re.compile(r"^/admin/api/(?P<version>\d{4}-\d{2}|unstable)/graphql\.json$")
SEARCH = re.compile(r"^/webmasters/v3/sites/(?P<site>[^/]+)/searchAnalytics/query$")
RANGE = re.compile(r"^bytes=(?P<start>\d+)-$")
TOKEN_SECONDS = 86_399
# As Google's storage answers for a signed address whose time is over.
EXPIRED = (
    "<?xml version='1.0' encoding='UTF-8'?>"
    "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
)
SUPPORTED = ("2026-01", "2026-04", "2026-07", "2026-10")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        document = json.loads(self.body or b"{}")
        if not isinstance(document, dict):
            raise ValueError("the body must be a JSON object")
        return document


@dataclass
class Response:
    status: int = 200
    body: str | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"


def as_json(document: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, json.dumps(document, separators=(",", ":")), headers)


def parse_query(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text).items()}


class Routes:
    """Everything that the process answers."""

    def __init__(self, shop: Shop, truth_file: Path | None = None, faults: Faults | None = None) -> None:
        self.shop = shop
        self.faults = faults or Faults([])
        self.score = Score()
        self.truth_file = truth_file
        self.admin = AdminApi(shop, shop.options)
        self.search_console = SearchConsole(shop)
        self.crux = Crux(shop, shop.field_data)
        self.psi = PageSpeed(shop, shop.field_data)
        self.limits = google_limits(shop.options.limits)
        self.requests: Counter[str] = Counter(shopify=0, search_console=0, crux=0, psi=0)
        self.throttled = 0
        self.tokens = {options.ACCESS_TOKEN}

    def answer(self, request: Request) -> Response:
        """The answer to any request; unknown paths are 404."""
        path = request.path
        if path in ("/_sandbox/fault_rate", "/_sandbox/search_console") and request.method == "POST":
            return self._misbehave(request)
        if path.startswith("/_sandbox/bulk/") and request.query.get("signature") == "expired":
            return Response(403, EXPIRED, content_type="application/xml")
        if path.startswith("/_sandbox/"):
            return self._control(request)
        if path.startswith("/admin/"):
            return self._shopify(request)
        if path.startswith("/webmasters/"):
            return self._google("search_console", request, self._search)
        if path in ("/v1/records:queryRecord", "/v1/records:queryHistoryRecord"):
            return self._google("crux", request, self._crux)
        if path == "/pagespeedonline/v5/runPagespeed":
            return self._google("psi", request, self._psi)
        if path == "/token" and request.method == "POST":
            return self._google_grant(request)
        return as_json({"errors": "Not Found"}, 404)

    @property
    def expirable_tokens(self) -> set[str]:
        """The tokens that were granted; those that the sandbox is born with never expire."""
        return self.tokens - {options.ACCESS_TOKEN}

    def expire(self, token: str) -> None:
        """A granted token is invalid from now on."""
        self.tokens.discard(token)

    def _misbehave(self, request: Request) -> Response:
        """Controls of how the APIs behave: the odds of random failures, and Search Console's spelling."""
        try:
            body = request.json()
            if request.path.endswith("/fault_rate"):
                self.faults.at_random(float(body["rate"]), int(body.get("seed", 0)), body.get("polls"))
            else:
                self.search_console.spell(str(body["incomplete_key"]))
        except (ValueError, KeyError, TypeError) as error:
            return as_json({"error": str(error)}, 400)
        return as_json({"today": self.shop.today.isoformat()})

    def _shopify(self, request: Request) -> Response:
        self.requests["shopify"] += 1
        if request.path == "/admin/oauth/access_token" and request.method == "POST":
            return self._grant(request)
        match = GRAPHQL.match(request.path)
        if not match or request.method != "POST":
            return as_json({"errors": "Not Found"}, 404)
        if request.headers.get("x-shopify-access-token") not in self.tokens:
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return as_json({"errors": message}, 401)
        try:
            body = request.json()
        except ValueError:
            return as_json({"errors": "Bad Request"}, 400)
        with self.shop.lock:
            document = self.admin.answer(body)
        # An expired or unknown version falls forward to the oldest supported one; only this header tells.
        version = match["version"] if match["version"] in SUPPORTED else SUPPORTED[0]
        headers = {"X-Shopify-API-Version": version, "X-Request-Id": secrets.token_hex(16)}
        return Response(200, json.dumps(document, separators=(",", ":")), headers)

    def _grant(self, request: Request) -> Response:
        """The client-credentials grant: JSON or form body, a token for 24 hours."""
        try:
            given: Mapping[str, Any] = request.json()
        except ValueError:
            given = parse_query(request.body.decode("utf-8", "replace"))
        wanted = ("client_credentials", options.CLIENT_ID, options.CLIENT_SECRET)
        if (given.get("grant_type"), given.get("client_id"), given.get("client_secret")) != wanted:
            return as_json({"error": "invalid_client", "error_description": "Client authentication failed."}, 401)
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens.add(token)
        scope = ",".join(self.shop.options.scopes)
        return as_json({"access_token": token, "scope": scope, "expires_in": TOKEN_SECONDS})

    def _google(self, name: str, request: Request, handle: Any) -> Response:
        self.requests[name] += 1
        wait = self.limits[name].take()
        if wait:
            self.throttled += 1
            error = GoogleError(429, f"Quota exceeded for {name}.", "RESOURCE_EXHAUSTED", "rateLimitExceeded")
            return as_json(error.body, 429, **{"Retry-After": f"{math.ceil(wait)}"})
        try:
            with self.shop.lock:
                answer = handle(request)
        except GoogleError as error:
            return as_json(error.body, error.code)
        except ValueError as error:
            refused = GoogleError(400, f"Invalid request: {error}", "INVALID_ARGUMENT")
            return as_json(refused.body, 400)
        return Response(200, answer) if isinstance(answer, str) else as_json(answer)

    def _google_grant(self, request: Request) -> Response:
        try:
            answer = tokens.grant(parse_query(request.body.decode("utf-8", "replace")))
        except tokens.InvalidGrant as error:
            return as_json({"error": "invalid_grant", "error_description": str(error)}, 400)
        self.tokens.add(answer["access_token"])
        return as_json(answer)

    def _search(self, request: Request) -> Any:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token != options.GOOGLE_TOKEN and not (token.startswith(tokens.PREFIX) and token in self.tokens):
            raise unauthenticated()
        if request.path == "/webmasters/v3/sites" and request.method == "GET":
            return self.search_console.sites()
        match = SEARCH.match(request.path)
        if not match or request.method != "POST":
            raise GoogleError(404, "Not found.", "NOT_FOUND", "notFound")
        return self.search_console.query(unquote(match["site"]), request.json())

    @staticmethod
    def _need_key(request: Request) -> None:
        if not (request.query.get("key") or request.headers.get("x-goog-api-key")):
            message = "The request is missing a valid API key."
            raise GoogleError(403, message, "PERMISSION_DENIED", "forbidden")

    def _crux(self, request: Request) -> Any:
        self._need_key(request)
        body = request.json()
        return self.crux.history(body) if request.path.endswith("queryHistoryRecord") else self.crux.record(body)

    def _psi(self, request: Request) -> Any:
        self._need_key(request)
        return self.psi.run(request.query)

    def _control(self, request: Request) -> Response:
        """The sandbox's own controls, for tests and demonstrations; no vendor has them."""
        name = request.path.removeprefix("/_sandbox/")
        if name.startswith("bulk/") and request.method == "GET":
            return self._bulk_result(request, name)
        if name == "state" and request.method == "GET":
            with self.shop.lock:
                return as_json(self.state())
        change = {
            "advance": self._advance,
            "delete": self._delete,
            "touch": self._touch,
            "edit": lambda body: self.shop.edit(str(body["gid"]), str(body["field"]), body.get("value")),
            "faults": lambda body: self.faults.add(body["faults"]),
            "expire_tokens": lambda body: self.tokens.intersection_update({options.ACCESS_TOKEN}),
        }.get(name)
        if request.method != "POST" or change is None:
            return as_json({"error": "Not Found"}, 404)
        try:
            with self.shop.lock:
                outcome = change(request.json())
        except (ValueError, KeyError, TypeError, FaultPlanError) as error:
            return as_json({"error": str(error)}, 400)
        return as_json({"today": self.shop.today.isoformat()} | (outcome or {}))

    def _advance(self, body: dict[str, Any]) -> None:
        days = int(body.get("days", 1))
        if days < 0:
            raise ValueError("days must not be negative: a shop's clock only moves on")
        self.shop.advance(days)
        self.write_truth()

    def _delete(self, body: dict[str, Any]) -> dict[str, Any]:
        deleted = self.shop.delete(str(body["gid"]))
        self.write_truth()
        return {"deleted": deleted}

    def _touch(self, body: dict[str, Any]) -> dict[str, Any]:
        touched = self.shop.touch(int(body["orders"]))
        self.write_truth()
        return {"touched": touched}

    def _bulk_result(self, request: Request, name: str) -> Response:
        """A finished bulk operation's lines. As on Google's storage, a token sent here is an error,
        and ``Range: bytes=N-`` asks for the rest of a body that was cut."""
        if "x-shopify-access-token" in request.headers or "authorization" in request.headers:
            return as_json({"error": "a signed URL takes no credentials"}, 400)
        found = self.admin.bulk_operations.result(name.removeprefix("bulk/").removesuffix(".jsonl"))
        if found is None or request.query.get("signature") != "valid":
            return as_json({"error": "no such object"}, 403)
        wanted = RANGE.match(request.headers.get("range", ""))
        if wanted is None:
            return Response(200, found, content_type="application/jsonl")
        start, total = int(wanted["start"]), len(found)
        if start >= total:
            return Response(416, b"", {"Content-Range": f"bytes */{total}"}, "application/jsonl")
        place = {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
        return Response(206, found[start:], place, "application/jsonl")

    def state(self) -> dict[str, Any]:
        return {
            "today": self.shop.today.isoformat(),
            "writes": self.shop.writes,
            "resources": self.shop.written_resources(),
            "requests": dict(self.requests),
            "throttled": self.throttled + self.admin.bucket.throttled,
            "faults": {"struck": dict(self.faults.struck), **self.score.report()},
        }

    def write_truth(self) -> None:
        if self.truth_file is not None:
            truth.write(self.shop, self.truth_file)
