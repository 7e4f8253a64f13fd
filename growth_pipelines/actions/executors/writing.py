"""Write fields, read them back, and leave either all of them written or none.

The answer to a write can be lost after the shop has made the change, and a process can die between writing
and recording. So nothing here trusts an answer: before each write and after it the fields are read, and what
they hold decides. A field can hold what it held before (nothing happened yet), what is wanted (it happened),
or a third value: the shop's own rewording when it had acknowledged our write, somebody's edit otherwise.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from growth_pipelines.actions.executors.surfaces import Reading, ShopApi, Surface, differing, tidy
from growth_pipelines.errors import GrowthError, TransientError
from growth_pipelines.telemetry import logger

_log = logger("executor")
BACKOFF_BASE, BACKOFF_CEILING = 0.25, 20.0


class Unsettled(GrowthError):
    """The shop can't be read, so it is unknown whether the write happened; the next execution finds out."""


@dataclass(frozen=True)
class Outcome:
    """How a write ended.

    ``confirmed``: the shop holds what is wanted. ``unchanged``: nothing was written. ``undone``: a part had
    been written and was put back. ``foreign``: somebody else's value is there and was left alone.
    ``damaged``: a part was written and could not be put back; ``error`` says which.
    """

    status: Literal["confirmed", "unchanged", "undone", "foreign", "damaged"]
    found: dict[str, str]
    request_ids: tuple[str, ...] = ()
    error: str = ""


@dataclass
class FieldWriter:
    """Writes the fields of one resource.

    ``allowed`` is asked before each write and raises to stop it; ``acknowledged`` is told the request ids as
    soon as the shop has accepted one.
    """

    shop: ShopApi
    surface: Surface
    gid: str
    attempts: int
    deadline_seconds: float
    allowed: Callable[[], None]
    acknowledged: Callable[[tuple[str, ...]], None]
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    _request_ids: list[str] = field(default_factory=list)

    def write(self, wanted: Mapping[str, str], prior: Mapping[str, str]) -> Outcome:
        """Bring the fields from ``prior`` to ``wanted``, once. Safe to call again after a crash at any point.

        Raises Unsettled when the shop can't be read, and what ``allowed`` raises.
        """
        started = time.monotonic()
        error: GrowthError | None = None
        acknowledged = False
        for attempt in range(self.attempts + 1):
            reading = self._read()
            found = {name: reading.values[name] for name in wanted}
            if not differing(wanted, found):
                return Outcome("confirmed", found, self._ids())
            if differing(prior, found) and not self._goes_on(wanted, prior, found, attempt, error):
                return self._put_back(wanted, prior, reading, acknowledged, error)
            if attempt == self.attempts or (error is not None and not isinstance(error, TransientError)):
                break
            if error is not None or acknowledged:
                wait = self._wait(attempt, error)
                if time.monotonic() - started + wait > self.deadline_seconds:
                    break
                self.sleep(wait)
            self.allowed()
            error = self._send({name: wanted[name] for name in differing(wanted, found)}, reading)
            acknowledged = error is None
            if acknowledged:
                self.acknowledged(self._ids())
        return Outcome(
            "unchanged", found, self._ids(), str(error or "The shop took the write but kept its value.")
        )

    def _goes_on(
        self,
        wanted: Mapping[str, str],
        prior: Mapping[str, str],
        found: Mapping[str, str],
        attempt: int,
        error: GrowthError | None,
    ) -> bool:
        """Whether a write in several calls that was cut short is continued: nobody else has come in between, and
        the shop has refused nothing."""
        ours = all(tidy(found[name]) in (tidy(wanted[name]), tidy(prior[name])) for name in wanted)
        passing = error is None or isinstance(error, TransientError)
        return self.surface.stepwise and ours and passing and attempt < self.attempts

    def _send(self, values: Mapping[str, str], seen: Reading) -> GrowthError | None:
        """Write once; the error, or None when the shop acknowledged it."""
        before = self.shop.last_request_id
        try:
            self.surface.write(self.shop, self.gid, values, seen)
        except GrowthError as error:
            _log.warning("write_failed", gid=self.gid, why=str(error))
            return error
        finally:
            # A write whose answer was lost has no id; the one standing there belongs to an earlier read.
            if self.shop.last_request_id != before:
                self._request_ids.append(self.shop.last_request_id)
        return None

    def _put_back(
        self,
        wanted: Mapping[str, str],
        prior: Mapping[str, str],
        reading: Reading,
        acknowledged: bool,
        error: GrowthError | None,
    ) -> Outcome:
        """A part was written, reworded or edited by somebody: restore what is ours, leave what isn't."""
        found = {name: reading.values[name] for name in wanted}
        theirs = (
            [] if acknowledged else [n for n in wanted if tidy(found[n]) not in (tidy(wanted[n]), tidy(prior[n]))]
        )
        ours = {name: prior[name] for name in differing(prior, found) if name not in theirs}
        why = self._explain(wanted, found, theirs, error)
        if not ours:
            return Outcome("foreign", found, self._ids(), why)
        for attempt in range(self.attempts):
            failure = self._send(ours, reading)
            if failure is not None:
                self.sleep(self._wait(attempt + 1, failure))
            reading = self._read()
            found = {name: reading.values[name] for name in wanted}
            if not differing(ours, found):
                return Outcome("foreign" if theirs else "undone", found, self._ids(), why)
        left = ", ".join(f"{name} holds {found[name]!r}, was {ours[name]!r}" for name in differing(ours, found))
        return Outcome("damaged", found, self._ids(), f"{why} It could not be put back: {left}.")

    def _explain(
        self, wanted: Mapping[str, str], found: Mapping[str, str], theirs: list[str], error: GrowthError | None
    ) -> str:
        if theirs:
            return f"{', '.join(theirs)} was changed by somebody else."
        missing = differing(wanted, found)
        return f"Only a part was written ({', '.join(missing)} not as drafted). {error or ''}".strip()

    def _read(self) -> Reading:
        try:
            return self.surface.read(self.shop, self.gid)
        except TransientError as error:
            raise Unsettled(
                f"{self.gid} can't be read: {error.message}",
                "Whether it was written is settled by the next `growth execute`.",
            ) from error

    def _wait(self, attempt: int, error: GrowthError | None) -> float:
        """Full-jitter backoff, never less than the shop asked for."""
        backoff = self.jitter() * min(BACKOFF_CEILING, BACKOFF_BASE * 2**attempt)
        return max(backoff, getattr(error, "retry_after", None) or 0.0)

    def _ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._request_ids))
