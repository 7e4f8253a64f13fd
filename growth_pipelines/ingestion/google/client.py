"""One caller for Google's APIs: patient, measured, and held to an API's rate once it complained.

Google publishes its rates per minute but grants more to some projects. So calls go out freely until the API
answers that a quota is used up; from then on they keep to the published rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from types import TracebackType
from typing import Any, Protocol

import httpx

from growth_pipelines.errors import CredentialRefused, TransientError
from growth_pipelines.ingestion.calls import Meter, Patience, Throttled
from growth_pipelines.transport import RetryPolicy, Transport, json_object

QUOTA_PAUSE_SECONDS = 5.0


class Credential(Protocol):
    """What a call is signed with: headers, or (an API key) query parameters."""

    renewable: bool

    def header(self) -> dict[str, str]: ...

    def parameters(self) -> dict[str, str]: ...

    def forget(self) -> None: ...


class ApiKey:
    """A key sent as the parameter ``key``; the transport masks it in every message and log."""

    renewable = False

    def __init__(self, key: str) -> None:
        self._key = key

    def header(self) -> dict[str, str]:
        return {}

    def parameters(self) -> dict[str, str]:
        return {"key": self._key} if self._key else {}

    def forget(self) -> None:
        """Nothing to renew."""


class Pace:
    """Spaces calls evenly at ``per_minute``, but only after :meth:`enforce`."""

    def __init__(self, per_minute: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60.0 / per_minute
        self._monotonic = monotonic
        self._enforced = False
        self._next = 0.0
        self._lock = Lock()

    def enforce(self) -> None:
        with self._lock:
            self._enforced = True

    def wait(self) -> float:
        """Seconds to wait before the next call may go out."""
        with self._lock:
            if not self._enforced:
                return 0.0
            now = self._monotonic()
            at = max(now, self._next)
            self._next = at + self._interval
            return at - now


class GoogleClient:
    """A context manager; safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        meter: Meter,
        *,
        per_minute: float,
        deadline: float,
        timeout: float = 60.0,
        attempts: int = RetryPolicy.attempts,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = Transport(base_url.rstrip("/"), timeout=timeout)
        self._credential = credential
        self._meter = meter
        self._pace = Pace(per_minute)
        self._sleep = sleep
        self._patience = Patience(RetryPolicy(deadline=deadline, attempts=attempts), meter, sleep=sleep)

    def __enter__(self) -> GoogleClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        not_found: bool = False,
    ) -> tuple[bytes, dict[str, Any]] | None:
        """One answer as (its bytes, its JSON object); None for a 404 when ``not_found`` is an answer too."""
        return self._patience.call(lambda: self._once(method, path, json, params, not_found))

    def _once(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None, not_found: bool
    ) -> tuple[bytes, dict[str, Any]] | None:
        wait = self._pace.wait()
        if wait > 0:
            self._sleep(wait)
        try:
            response = self._send(method, path, json, params, not_found)
        except CredentialRefused:
            if not self._credential.renewable:
                raise
            self._credential.forget()
            response = self._send(method, path, json, params, not_found)
        if response.status_code == 404:
            return None
        return response.content, json_object(response)

    def _send(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None, not_found: bool
    ) -> httpx.Response:
        self._meter.add(requests=1)
        try:
            response = self._transport.request(
                method,
                path,
                json=json,
                params={**(params or {}), **self._credential.parameters()},
                headers=self._credential.header(),
                accept=(200, 404) if not_found else (200,),
                retried=False,
            )
        except TransientError as error:
            if "HTTP 429" in error.message or "HTTP 403" in error.message:
                self._pace.enforce()
                raise Throttled(error.message, error.hint, error.retry_after or QUOTA_PAUSE_SECONDS) from error
            raise
        self._meter.add(bytes=len(response.content))
        return response
