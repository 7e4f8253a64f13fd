"""The one client of Shopify's Admin GraphQL API, for reading streams and for writing approved changes.

An answer counts only when it was read whole, parses, and carries no ``errors``: Shopify reports throttling,
missing scopes and failures with HTTP 200. Reads are tried again patiently; writes once, because only the
caller knows how to find out whether a lost answer belonged to a change that was made. Both wait for their turn
in the budget that all of this machine's programs share.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import TracebackType
from typing import Any, TypeVar

import httpx

from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.buckets import Grant
from growth_pipelines.ingestion.budgets import BudgetFile, CostBudget, scope_name
from growth_pipelines.ingestion.calls import Meter, Patience, renewing
from growth_pipelines.ingestion.failures import AccessDenied as AccessDenied
from growth_pipelines.ingestion.failures import (
    CostTooHigh,
    Unauthorized,
    graphql_failure,
    ignored_filter,
    status_failure,
)
from growth_pipelines.ingestion.shopify.token import AccessToken
from growth_pipelines.settings import Settings
from growth_pipelines.transport import RetryPolicy, StatusError, Transport, json_object, retry_after

Variables = Mapping[str, Any]
T = TypeVar("T")
# Bytes of a bulk result that are taken at a time: what fits the processor's cache is redacted twice as fast.
DOWNLOAD_BLOCK = 1 << 18
# The pause after an HTTP 429 that names none.
PAUSE_SECONDS = 1.0


class AddressExpired(GrowthError):
    """The signed address of a bulk result is refused; the operation may tell another one."""


@lru_cache(maxsize=64)
def document(name: str) -> str:
    """The text of ``documents/{name}.graphql``."""
    return resources.files(__package__).joinpath("documents", f"{name}.graphql").read_text(encoding="utf-8")


@dataclass
class _Turn:
    """The place of one document in the budget; taken anew for each try."""

    budget: CostBudget
    fingerprint: str
    grant: Grant = Grant(0.0, 0.0)  # noqa: RUF009 - frozen

    def take(self, patience: float) -> float:
        self.grant = self.budget.reserve(self.fingerprint, patience)
        return self.grant.wait

    def paused(self, patience: float) -> float:
        return self.budget.paused(patience)

    def settle(self, told: Mapping[str, Any]) -> float:
        """Correct the budget by an answer's cost; returns the seconds until the same could be asked again."""
        return self.budget.settle(self.fingerprint, self.grant, told)


class ShopifyClient:
    """A context manager; safe to share between threads. ``meter`` may be shared by several."""

    def __init__(
        self, settings: Settings, *, meter: Meter | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings.shopify
        self._transport = Transport(settings.shopify_base_url, timeout=120.0)
        self._sleep = sleep
        self.meter = meter or Meter()
        policy = RetryPolicy(deadline=settings.ingestion.deadline_seconds)
        self._patience = Patience(policy, self.meter, sleep=sleep)
        self._token = AccessToken(settings.shopify, self._transport, self.meter)
        scope = scope_name("shopify", settings.shopify_base_url, secret=self._token.app)
        self._budget = CostBudget(BudgetFile.of(settings), scope, "Shopify", zone=settings.zone)
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
        sized = isinstance(asked.get("first"), int)
        if sized:
            asked["first"] = self._budget.page_size(_fingerprint(text), asked["first"])
        while True:
            try:
                return self._read(text, asked)
            except CostTooHigh:
                if not sized or asked["first"] <= 1:
                    raise
                asked["first"] //= 2
                self._budget.cut_pages(_fingerprint(text), asked["first"])
                self.meter.note(f"pages were made smaller ({asked['first']} records) to fit the API's cost limit")

    def execute_ids(self, document_name: str, ids: Sequence[str]) -> list[Any]:
        """What ``documents/{document_name}.graphql`` answers to each of ``ids`` (``nodes(ids: $ids)``), in order.

        A call whose ids cost too much asks for half as many, remembered as for pages.
        """
        text = document(document_name)
        size = self._budget.page_size(_fingerprint(text), len(ids))
        found: list[Any] = []
        while len(found) < len(ids):
            part = list(ids[len(found) : len(found) + size])
            try:
                found += self._nodes_of(text, part)
            except CostTooHigh:
                if len(part) <= 1:
                    raise
                size = len(part) // 2
                self._budget.cut_pages(_fingerprint(text), size)
                self.meter.note(f"calls were made smaller ({size} records) to fit the API's cost limit")
        return found

    def _nodes_of(self, text: str, ids: list[str]) -> list[Any]:
        nodes = self._read(text, {"ids": ids}).get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(ids):
            raise TransientError(f"Shopify did not answer all of {len(ids)} ids.", "Try again later.")
        return nodes

    def mutate(self, document_name: str, variables: Variables) -> dict[str, Any]:
        """Write with ``documents/{document_name}.graphql``, tried exactly once; returns ``data``.

        ``userErrors`` are left to the caller. A TransientError may have left the change made or not made:
        read back before trying again. ``last_request_id`` holds Shopify's id of the request.
        """
        return self.mutate_text(document(document_name), variables)

    def mutate_text(self, text: str, variables: Variables) -> dict[str, Any]:
        """The same for a document given as text."""
        turn = self._turn(text, variables)
        return renewing(lambda: self._patience.once(lambda: self._once(text, variables, turn), turn))

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
                if response.status_code == 416:
                    return  # The file ends before it: whether too early, its size tells.
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

    def _read(self, text: str, variables: Variables) -> dict[str, Any]:
        turn = self._turn(text, variables)
        return renewing(lambda: self._patience.call(lambda: self._once(text, variables, turn), turn))

    def _turn(self, text: str, variables: Variables) -> _Turn:
        # A connection's cost grows with its page size, so each size has a cost of its own.
        size = len(variables["ids"]) if "ids" in variables else variables.get("first")
        return _Turn(self._budget, _fingerprint(text, size))

    def _once(self, text: str, variables: Variables, turn: _Turn) -> dict[str, Any]:
        """One request whose turn has come, and the judgement of its answer."""
        body = self._post(text, variables)
        extensions = body.get("extensions") or {}
        refill_seconds = turn.settle(extensions.get("cost") or {})
        if body.get("errors"):
            raise graphql_failure(body["errors"], refill_seconds)
        ignored = ignored_filter(extensions)
        if ignored is not None:
            raise ignored
        data = body.get("data")
        if not isinstance(data, dict):
            raise TransientError("Shopify answered without data.", "Try again later.")
        return data

    def _post(self, text: str, variables: Variables) -> dict[str, Any]:
        path = f"/admin/api/{self._settings.api_version}/graphql.json"
        payload = {"query": text, "variables": dict(variables)}
        response = self._send(path, payload)
        self.last_request_id = response.headers.get("X-Request-Id", "")
        served = response.headers.get("X-Shopify-API-Version")
        if served and served != self._settings.api_version:
            self.api_version = served
            self.meter.note(f"Shopify served API version {served}, not {self._settings.api_version}")
        return json_object(response)

    def _send(self, path: str, payload: dict[str, Any]) -> httpx.Response:
        try:
            token = self._token.get()
            self.meter.add(requests=1)
            headers = {"X-Shopify-Access-Token": token}
            response = self._transport.request("POST", path, json=payload, headers=headers, accept=(200, 401))
        except StatusError as error:
            failure = status_failure(error, PAUSE_SECONDS)
            if failure.retry_after:
                self._budget.pause(failure.retry_after, "requested pause lasts")
            raise failure from error
        if response.status_code == 401:
            raise Unauthorized(
                f"{self._transport.base_url} refused the access token (HTTP 401).",
                "Check GROWTH_SHOPIFY__ACCESS_TOKEN, or GROWTH_SHOPIFY__CLIENT_ID and __CLIENT_SECRET.",
                (lambda: self._token.forget(token)) if self._token.renewable else None,
            )
        self.meter.add(bytes=len(response.content))
        return response


def _fingerprint(text: str, first: Any = None) -> str:
    """What a document's cost is remembered by."""
    return hashlib.sha256(f"{text}\0{first}".encode()).hexdigest()[:16]
