"""The one HTTP transport: pooled connections, timeouts and typed failures.

A response counts only when its body was read whole. What may pass (429, 5xx, dropped connections, timeouts) is a
TransientError with Retry-After, in both of its forms; only ``Patience`` (ingestion/calls.py) asks again.
No message carries a credential: not from an address, and not when a host repeats what it was sent.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal

import httpx

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.telemetry import current_trace_id, mask

Quota = Literal["", "rate", "load", "day"]
CREDENTIAL_HEADERS = ("Authorization", "X-Shopify-Access-Token", "X-Goog-Api-Key", "X-Api-Key")
# Google's reasons for "too much"; any other reason of a 403 is a refusal.
QUOTA_REASONS = {
    "concurrentlimitexceeded",
    "quotaexceeded",
    "ratelimitexceeded",
    "rate_limit_exceeded",
    "servinglimitexceeded",
    "userratelimitexceeded",
    "variabletermlimitexceeded",
}


class StatusError(TransientError):
    """An HTTP status that may be another one later. ``quota`` says which quota is used up, if one is."""

    def __init__(
        self, message: str, hint: str, retry_after: float | None, *, status: int, quota: Quota = ""
    ) -> None:
        super().__init__(message, hint, retry_after)
        self.status = status
        self.quota = quota


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often one call is tried: the budget is time, not attempts. All times in seconds.

    Backoff is exponential with full jitter (Brooker, "Exponential backoff and jitter", 2015).
    """

    deadline: float = 300.0
    base: float = 0.25
    ceiling: float = 20.0
    attempts: int = 12

    def wait_before(self, attempt: int, asked: float | None, jitter: Callable[[], float]) -> float:
        """Seconds before try number ``attempt`` + 1: full jitter, on top of what the other side ``asked`` for."""
        # Two to the hundredth is beyond any ceiling, and still a number.
        backoff = min(self.ceiling, self.base * 2 ** min(attempt, 100))
        return asked + jitter() * min(backoff, max(self.base, asked)) if asked else jitter() * backoff


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One TLS context for all: reading the certificate authorities takes longer than many a request."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass
class Transport:
    """Sends JSON requests to one host."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0

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
    ) -> httpx.Response:
        """One request, sent once; its response has a status in ``accept``.

        Raises CredentialRefused on 401/403, TransientError for what may pass, GrowthError otherwise.
        """
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
        raise _failure(response, where, self._credentials(sent))

    def _credentials(self, sent: Mapping[str, str]) -> list[str]:
        """What this request was signed with."""
        headers = httpx.Headers({**self.headers, **sent})
        return [headers[name].removeprefix("Bearer ") for name in CREDENTIAL_HEADERS if headers.get(name)]


def _failure(response: httpx.Response, where: str, credentials: list[str]) -> GrowthError:
    """The typed form of an answer whose status is none of the wanted ones."""
    status = response.status_code
    quota = _quota(response)
    if status in (401, 403) and not quota:
        return CredentialRefused(
            f"{where}: the credential was refused (HTTP {status}).",
            "Check the token and its scopes with `growth doctor`.",
        )
    if quota or status in (408, 425, 429) or status >= 500:
        return StatusError(
            f"{where}: HTTP {status}.", "Try again later.", retry_after(response), status=status, quota=quota
        )
    text = response.text
    for credential in credentials:
        text = text.replace(credential, "***")
    return GrowthError(f"{where}: HTTP {status}: {text[:300]}", "Check the request and the settings.")


def _quota(response: httpx.Response) -> Quota:
    """Google answers 403 both for a refused credential and for a used-up quota; the error object tells."""
    if response.status_code not in (403, 429):
        return ""
    try:
        error = response.json()["error"]
        reasons = {str(one.get("reason", "")).lower() for one in error.get("errors") or error.get("details") or ()}
        limits = [(one.get("metadata") or {}).get("quota_limit", "") for one in error.get("details") or ()]
        message = str(error.get("message", "")).lower()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    if "dailylimitexceeded" in reasons or any("PerDay" in limit for limit in limits):
        return "day"
    if not (reasons & QUOTA_REASONS or (not reasons and "quota exceeded" in message)):
        return ""
    # Both of Search Console's quotas have the same reason.
    return "load" if "load quota" in message else "rate"


def retry_after(response: httpx.Response) -> float | None:
    """Retry-After in seconds: a number (Shopify sends "2.0") or an HTTP date, by the clock of who sent it."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _http_date(value)
        if until is None:
            return None
        seconds = (until - (_http_date(response.headers.get("Date")) or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _http_date(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The body as a JSON object. A 200 with HTML or broken JSON is a transient failure, not an empty answer."""
    try:
        body = response.json()
    except ValueError as error:
        raise TransientError(f"{mask(str(response.url))}: the answer is not JSON.", "Try again later.") from error
    if not isinstance(body, dict):
        raise TransientError(f"{mask(str(response.url))}: the answer is not a JSON object.", "Try again later.")
    return body
