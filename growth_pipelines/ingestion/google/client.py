"""One caller for Google's APIs: patient, measured, and within an API's published rate from the first call on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import httpx

from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.ingestion.buckets import until_midnight
from growth_pipelines.ingestion.budgets import CountBudget, CountTurn
from growth_pipelines.ingestion.calls import Meter, Patience, renewing
from growth_pipelines.ingestion.failures import Unauthorized, status_failure
from growth_pipelines.transport import RetryPolicy, StatusError, Transport, json_object

# The pause after a used-up quota that names none.
QUOTA_PAUSE_SECONDS = 5.0
Answer = tuple[bytes, dict[str, Any]]


class Credential(Protocol):
    """What a call is signed with. No secret goes into an address: addresses end up in logs."""

    renewable: bool

    def header(self) -> dict[str, str]: ...

    def forget(self, refused: Mapping[str, str]) -> None:
        """This header was refused: make the next one of a new token, unless that has happened already."""


class ApiKey:
    """A key, sent as a header: Google takes it there as well as in the address."""

    renewable = False

    def __init__(self, key: str) -> None:
        self._key = key

    def header(self) -> dict[str, str]:
        return {"X-Goog-Api-Key": self._key} if self._key else {}

    def forget(self, refused: Mapping[str, str]) -> None:
        """Nothing to renew."""


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    json: Any
    params: Mapping[str, str] | None
    not_found: bool
    needs: tuple[str, ...]


class GoogleClient:
    """A context manager; safe to share between threads. ``load_pause`` is for a used-up load quota (seconds)."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        budget: CountBudget,
        meter: Meter,
        *,
        deadline: float,
        timeout: float = 60.0,
        attempts: int = RetryPolicy.attempts,
        load_pause: float = QUOTA_PAUSE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = Transport(base_url.rstrip("/"), timeout=timeout)
        self._credential = credential
        self._budget = budget
        self._meter = meter
        self._load_pause = load_pause
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
        needs: tuple[str, ...] = (),
    ) -> Answer | None:
        """One answer as (its bytes, its JSON object); None for Google's NOT_FOUND when ``not_found`` is an answer
        too.

        An answer that holds none of the fields ``needs`` is none. Raises CredentialRefused, Throttled and
        BudgetUsedUp (until when, as TransientErrors), TransientError when the time budget is used up.
        """
        asked = _Call(method, path, json, params, not_found, needs)
        turn = CountTurn(self._budget)
        return renewing(lambda: self._patience.call(lambda: self._once(asked, turn), turn))

    def _once(self, asked: _Call, turn: CountTurn) -> Answer | None:
        """One request whose turn has come, and the judgement of its answer."""
        response = self._send(asked, self._credential.header(), turn)
        if response.status_code == 404:
            self._check_not_found(response)
            return None
        body = json_object(response)
        if "error" in body or (asked.needs and not any(name in body for name in asked.needs)):
            raise TransientError(f"{self._budget.label} answered without data.", "Try again later.")
        return response.content, body

    def _check_not_found(self, response: httpx.Response) -> None:
        """Raise GrowthError unless Google itself says so: a wrong address and a proxy answer 404 as well."""
        try:
            error = response.json()["error"]
            said = (error["code"], error["status"]) == (404, "NOT_FOUND")
        except (ValueError, KeyError, TypeError):
            said = False
        if not said:
            raise GrowthError(
                f'{self._budget.label} at {self._transport.base_url}: HTTP 404 that is not Google\'s "not found".',
                "Check the API's address in the settings, and any proxy before it.",
            )

    def _send(self, asked: _Call, header: dict[str, str], turn: CountTurn) -> httpx.Response:
        self._meter.add(requests=1)
        try:
            response = self._transport.request(
                asked.method,
                asked.path,
                json=asked.json,
                params=asked.params,
                headers=header,
                accept=(200, 401, 404) if asked.not_found else (200, 401),
            )
        except StatusError as error:
            raise self._judged(error) from error
        finally:
            turn.answered()
        if response.status_code == 401:
            raise Unauthorized(
                f"{self._budget.label} at {self._transport.base_url}: the credential was refused (HTTP 401).",
                "Check the credential and its rights with `growth doctor`.",
                (lambda: self._credential.forget(header)) if self._credential.renewable else None,
            )
        self._meter.add(bytes=len(response.content))
        return response

    def _judged(self, error: StatusError) -> TransientError:
        """The typed failure; a pause that it asks for holds for everybody."""
        pauses = {"load": self._load_pause, "day": until_midnight(self._budget.file.clock())}
        failure = status_failure(error, pauses.get(error.quota, QUOTA_PAUSE_SECONDS))
        if failure.retry_after:
            reasons = {"load": "load quota is used up", "day": "quota of the day is used up"}
            why = reasons.get(error.quota, "requested pause lasts")
            self._budget.pause(failure.retry_after, why)
            if error.quota in reasons:
                failure.message = self._budget.until(failure.retry_after, why)
                failure.hint = "The next run goes on there."
        return failure
