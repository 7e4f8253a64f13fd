"""The one client of Shopify's Admin GraphQL API, for reading streams and for writing approved changes.

An answer counts only when it was read whole, parses, and carries no ``errors``: Shopify reports throttling,
missing scopes and failures with HTTP 200. Reads are tried again patiently; writes once, because only the
caller knows how to find out whether a lost answer belonged to a change that was made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from types import TracebackType
from typing import Any, TypeVar

import httpx

from growth_pipelines.errors import CredentialRefused, GrowthError, SettingsError, TransientError
from growth_pipelines.ingestion.calls import Meter, Patience, Throttled
from growth_pipelines.ingestion.shopify.cost import CostBucket
from growth_pipelines.settings import Settings
from growth_pipelines.telemetry import logger
from growth_pipelines.transport import RetryPolicy, Transport, json_object, retry_after

_log = logger("shopify")
Variables = Mapping[str, Any]
T = TypeVar("T")
DOWNLOAD_BLOCK = 1 << 22
# A client-credentials token is renewed this long before it ends (they live 24 hours).
RENEW_BEFORE_SECONDS = 300.0


class AccessDenied(CredentialRefused):
    """The token is good but lacks a scope (ACCESS_DENIED)."""


class AddressExpired(GrowthError):
    """The signed address of a bulk result is refused; the operation may tell another one."""


class CostTooHigh(GrowthError):
    """One query costs more than Shopify ever grants (MAX_COST_EXCEEDED); nothing was executed."""


@lru_cache(maxsize=64)
def document(name: str) -> str:
    """The text of ``documents/{name}.graphql``."""
    return resources.files(__package__).joinpath("documents", f"{name}.graphql").read_text(encoding="utf-8")


class ShopifyClient:
    """A context manager; safe to share between threads. ``bucket`` and ``meter`` may be shared by several."""

    def __init__(
        self,
        settings: Settings,
        *,
        bucket: CostBucket | None = None,
        meter: Meter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings.shopify
        self._transport = Transport(settings.shopify_base_url, timeout=120.0)
        self._bucket = bucket or CostBucket()
        self._sleep = sleep
        self.meter = meter or Meter()
        policy = RetryPolicy(deadline=settings.ingestion.deadline_seconds)
        self._patience = Patience(policy, self.meter, sleep=sleep)
        self._token = self._settings.access_token.get_secret_value()
        self._token_until = float("inf")
        self._page_sizes: dict[str, int] = {}
        self.last_request_id = ""
        self.api_version = self._settings.api_version

    def __enter__(self) -> ShopifyClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def execute(self, document_name: str, variables: Variables | None = None) -> dict[str, Any]:
        """Read with ``documents/{document_name}.graphql``; returns ``data``.

        Raises CredentialRefused (AccessDenied for a missing scope), TransientError when the time budget is
        used up, GrowthError for a refused document.
        """
        return self.execute_text(document(document_name), variables)

    def execute_text(self, text: str, variables: Variables | None = None) -> dict[str, Any]:
        """The same for a document given as text. A ``$first`` that costs too much is halved and remembered."""
        asked = dict(variables or {})
        if text in self._page_sizes and "first" in asked:
            asked["first"] = min(asked["first"], self._page_sizes[text])
        while True:
            try:
                return self._patience.call(lambda: self._once(text, asked))
            except CostTooHigh:
                if int(asked.get("first") or 1) <= 1:
                    raise
                asked["first"] = max(1, int(asked["first"]) // 2)
                self._page_sizes[text] = asked["first"]
                self.meter.note(f"pages were made smaller ({asked['first']} records) to fit the API's cost limit")

    def mutate(self, document_name: str, variables: Variables) -> dict[str, Any]:
        """Write with ``documents/{document_name}.graphql``, tried exactly once; returns ``data``.

        ``userErrors`` are left to the caller. A TransientError may have left the change made or not made:
        read back before trying again. ``last_request_id`` holds Shopify's id of the request.
        """
        return self.mutate_text(document(document_name), variables)

    def mutate_text(self, text: str, variables: Variables) -> dict[str, Any]:
        """The same for a document given as text."""
        return self._once(text, variables)

    def stream(self, url: str, offset: int) -> Iterator[bytes]:
        """The bytes from ``offset`` on of a bulk result at its signed address on another host.

        Shopify's token is not sent there. Raises AddressExpired when the signature is no longer good, and
        TransientError when the connection breaks: what was given until then is right, so go on from there.
        """
        self.meter.add(requests=1)
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={offset}-"} if offset else {})}
        timeout = httpx.Timeout(120.0, connect=10.0)
        try:
            with httpx.stream("GET", url, headers=headers, timeout=timeout, trust_env=False) as response:
                if response.status_code in (401, 403, 404, 410):
                    raise AddressExpired("The address of the bulk result is no longer good.")
                if response.status_code not in (200, 206):
                    raise TransientError(
                        f"The bulk result answered HTTP {response.status_code}.", retry_after=retry_after(response)
                    )
                # A host without ranges sends everything again.
                skip = offset if response.status_code == 200 else 0
                for block in response.iter_raw(DOWNLOAD_BLOCK):
                    self.meter.add(bytes=len(block))
                    fresh, skip = block[skip:], max(0, skip - len(block))
                    if fresh:
                        yield fresh
        except httpx.HTTPError as error:
            raise TransientError(f"The bulk result was cut off ({type(error).__name__}).") from error

    def retried(self, attempt_once: Callable[[], T]) -> T:
        """``attempt_once`` with this client's patience: again while it raises TransientError and time is left."""
        return self._patience.call(attempt_once)

    def pause(self, seconds: float) -> None:
        """Wait for something that takes its time on Shopify's side."""
        self._sleep(seconds)

    def _once(self, text: str, variables: Variables) -> dict[str, Any]:
        """One request: paced before, judged after."""
        reserved = self._bucket.expected(text)
        wait = self._bucket.reserve(text)
        if wait > 0:
            self._sleep(wait)
        cost: Mapping[str, Any] | None = None
        try:
            body = self._post(text, variables)
            extensions = body.get("extensions") or {}
            cost = extensions.get("cost")
        finally:
            self._bucket.settle(text, reserved, cost)
        if body.get("errors"):
            raise self._failure(text, body["errors"])
        for warning in extensions.get("search") or ():
            # Shopify drops a filter that it does not know, and answers with everything.
            if warning.get("warnings"):
                raise GrowthError(
                    f"Shopify ignored a part of the filter {warning.get('query')!r}: {warning['warnings']}.",
                    "The API version may have changed its filters; check GROWTH_SHOPIFY__API_VERSION.",
                )
        data = body.get("data")
        if not isinstance(data, dict):
            raise TransientError("Shopify answered without data.", "Try again later.")
        return data

    def _post(self, text: str, variables: Variables) -> dict[str, Any]:
        path = f"/admin/api/{self._settings.api_version}/graphql.json"
        payload = {"query": text, "variables": dict(variables)}
        response = self._send(path, payload)
        if response.status_code == 401 and self._renewable:
            self._token_until = 0.0
            response = self._send(path, payload)
        if response.status_code == 401:
            raise CredentialRefused(
                f"{self._transport.base_url} refused the access token (HTTP 401).",
                "Check GROWTH_SHOPIFY__ACCESS_TOKEN, or GROWTH_SHOPIFY__CLIENT_ID and __CLIENT_SECRET.",
            )
        self.last_request_id = response.headers.get("X-Request-Id", "")
        served = response.headers.get("X-Shopify-API-Version")
        if served and served != self._settings.api_version:
            self.api_version = served
            self.meter.note(f"Shopify served API version {served}, not {self._settings.api_version}")
        return json_object(response)

    def _send(self, path: str, payload: dict[str, Any]) -> httpx.Response:
        self.meter.add(requests=1)
        headers = {"X-Shopify-Access-Token": self._access_token()}
        try:
            response = self._transport.request(
                "POST", path, json=payload, headers=headers, accept=(200, 401), retried=False
            )
        except TransientError as error:
            if "HTTP 429" in error.message:
                raise Throttled(error.message, error.hint, error.retry_after or 1.0) from error
            raise
        self.meter.add(bytes=len(response.content))
        return response

    @property
    def _renewable(self) -> bool:
        return bool(self._settings.client_id and self._settings.client_secret.get_secret_value())

    def _access_token(self) -> str:
        if self._token and time.monotonic() < self._token_until:
            return self._token
        if not self._renewable:
            raise SettingsError(
                "No Shopify credential is set: GROWTH_SHOPIFY__ACCESS_TOKEN is empty.",
                "Set it, or GROWTH_SHOPIFY__CLIENT_ID and GROWTH_SHOPIFY__CLIENT_SECRET.",
            )
        grant = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        self.meter.add(requests=1)
        answer = json_object(
            self._transport.request("POST", "/admin/oauth/access_token", json=grant, retried=False)
        )
        if not answer.get("access_token"):
            raise CredentialRefused(
                "Shopify granted no access token for GROWTH_SHOPIFY__CLIENT_ID.",
                "Check the id and the secret, and that the app is installed in this shop.",
            )
        self._token = str(answer["access_token"])
        lifetime = float(answer.get("expires_in") or 86400)
        self._token_until = time.monotonic() + max(60.0, lifetime - RENEW_BEFORE_SECONDS)
        return self._token

    def _failure(self, text: str, errors: Any) -> GrowthError:
        """The typed form of a GraphQL ``errors`` list (or of the text that some refusals carry)."""
        if not isinstance(errors, list):
            return GrowthError(f"Shopify refused the request: {errors}.", "Check the shop's domain and the token.")
        first = errors[0] if errors and isinstance(errors[0], dict) else {}
        message = str(first.get("message", errors))[:300]
        code = (first.get("extensions") or {}).get("code", "")
        if code == "THROTTLED":
            return Throttled("Shopify throttled the request.", "", self._bucket.refill_seconds(text))
        if code == "MAX_COST_EXCEEDED":
            return CostTooHigh(f"Shopify refused the query as too costly: {message}")
        if code == "ACCESS_DENIED":
            return AccessDenied(
                f"The Shopify token lacks a scope: {message}",
                "Grant it to the app in the Shopify admin, then see `growth doctor`.",
            )
        if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"):
            return TransientError(f"Shopify failed ({code}): {message}", "Try again later.")
        return GrowthError(f"Shopify refused the query: {message}", "The API version may not know a field of it.")
