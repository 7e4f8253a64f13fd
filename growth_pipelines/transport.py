"""The one HTTP transport: pooled connections, timeouts, typed failures and polite retries.

A response counts only when its body was read whole. Transient failures (429, 5xx, dropped connections,
timeouts) are retried with full-jitter exponential backoff (Brooker, "Exponential backoff and jitter",
2015), honouring Retry-After in both of its forms, until a deadline: the budget is time, not attempts.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import httpx

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.telemetry import current_trace_id, logger, mask

_log = logger("transport")


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often one call is tried. All times in seconds."""

    deadline: float = 300.0
    base: float = 0.25
    ceiling: float = 20.0
    attempts: int = 12


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One TLS context for all: reading the certificate authorities takes longer than many a request."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass
class Transport:
    """Sends JSON requests to one host.

    ``sleep`` and ``jitter`` are parameters so that tests can prove the waiting without waiting.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.base_url,
            headers=dict(self.headers),
            timeout=httpx.Timeout(self.timeout, connect=10.0),
            trust_env=False,
            verify=_tls(),
        )

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (200,),
        retried: bool = True,
    ) -> httpx.Response:
        """One request; its response has a status in ``accept``. ``retried=False`` tries once (writes).

        Raises CredentialRefused on 401/403, TransientError when retries are used up, GrowthError otherwise.
        """
        started = time.monotonic()
        attempt = 0
        while True:
            try:
                return self._once(method, path, json, params, headers, accept)
            except TransientError as error:
                attempt += 1
                wait = self.wait_before(attempt, error.retry_after)
                spent = time.monotonic() - started
                if not retried or attempt >= self.retry.attempts or spent + wait > self.retry.deadline:
                    raise
                _log.warning(
                    "retrying",
                    url=mask(self.base_url + path),
                    attempt=attempt,
                    wait=round(wait, 2),
                    why=str(error),
                )
                self.sleep(wait)

    def wait_before(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait before try number ``attempt`` + 1: full jitter, never less than was asked for."""
        backoff = self.jitter() * min(self.retry.ceiling, self.retry.base * 2**attempt)
        return max(backoff, retry_after or 0.0)

    def _once(
        self,
        method: str,
        path: str,
        json: Any,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        accept: tuple[int, ...],
    ) -> httpx.Response:
        sent = {**(headers or {})}
        if current_trace_id():
            sent["X-Trace-Id"] = current_trace_id()
        where = mask(f"{method} {self.base_url}{path}")
        try:
            response = self._client.request(method, path, json=json, params=params, headers=sent)
        except httpx.ConnectError as error:
            raise TransientError(
                f"{where}: no connection ({error}).", "Is the address right and the host up?"
            ) from error
        except httpx.HTTPError as error:
            raise TransientError(f"{where}: {type(error).__name__} ({error}).", "Try again later.") from error
        if response.status_code in accept:
            return response
        if response.status_code in (401, 403) and not _is_quota(response):
            raise CredentialRefused(
                f"{where}: the credential was refused (HTTP {response.status_code}).",
                "Check the token and its scopes with `growth doctor`.",
            )
        if response.status_code in (403, 408, 425, 429) or response.status_code >= 500:
            raise TransientError(
                f"{where}: HTTP {response.status_code}.",
                "Try again later.",
                retry_after=retry_after(response),
            )
        raise GrowthError(
            f"{where}: HTTP {response.status_code}: {response.text[:300]}",
            "Check the request and the settings.",
        )


def _is_quota(response: httpx.Response) -> bool:
    """Google answers 403 both for a refused credential and for a used-up quota; the body tells."""
    text = response.text.lower()
    return "quota" in text or "ratelimitexceeded" in text


def retry_after(response: httpx.Response) -> float | None:
    """Retry-After in seconds: a number (Shopify sends "2.0") or an HTTP date."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The body as a JSON object. A 200 with HTML or broken JSON is a transient failure, not an empty answer."""
    try:
        body = response.json()
    except ValueError as error:
        raise TransientError(f"{mask(str(response.url))}: the answer is not JSON.", "Try again later.") from error
    if not isinstance(body, dict):
        raise TransientError(f"{mask(str(response.url))}: the answer is not a JSON object.", "Try again later.")
    return body
