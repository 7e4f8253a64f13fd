"""The second public part of the console, off unless switched on: which arm a visitor's browser shows.

``GET`` tells what runs: keys and bounds, so that the browser draws the arm itself. ``POST`` takes what was shown
and done, draws the arm again (a browser can't choose one) and answers with it. A program that calls itself one
gets the same page as a person; what it saw is dropped before an arm is drawn. The store is only read here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from growth_pipelines.actions.experiments.registry import arm_names, arm_weights
from growth_pipelines.actions.experiments.registry import experiments as registered
from growth_pipelines.actions.experiments.units import arm_of_day
from growth_pipelines.clock import local_date
from growth_pipelines.console.beacons import CONTENT_TYPES, refusal, shared_with
from growth_pipelines.console.rate_limits import TokenBucket
from growth_pipelines.experiments.assignment import OUTSIDE, assign, bounds_of, share_of
from growth_pipelines.ingestion.beacons.spool import SpoolFull
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.visits.reading import Visit, VisitRefused, is_bot, read_visit
from growth_pipelines.ingestion.visits.taking import visit_spool
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store

ENDPOINT = "/beacons/experiments"
SCRIPT = "/beacons/experiments.js"
VISITS = frozenset({("GET", ENDPOINT), ("POST", ENDPOINT), ("OPTIONS", ENDPOINT), ("GET", SCRIPT)})
SNIPPET = Path(__file__).parent / "experiments" / "experiments.js"
# A stop reaches visitors within so many seconds.
KNOWN_SECONDS = 5.0
VISITS_A_SECOND, BURST = 100.0, 400.0


@dataclass(frozen=True)
class Running:
    """An experiment that shows something: drawn by visitor, or the ``promoted`` arm for all (a winner, or what a
    switchback has today)."""

    id: str
    key: str
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    coverage: float
    promoted: str

    def document(self) -> dict[str, Any]:
        """What a browser needs to draw the same arm: bounds in units of 2⁻⁴⁸."""
        if self.promoted:
            return {"key": self.key, "promoted": self.promoted}
        bounds = [[self.arms[arm], upper] for arm, upper in bounds_of(self.weights)]
        return {"key": self.key, "share": share_of(self.coverage), "bounds": bounds}

    def arm_of(self, visitor: str) -> str | None:
        """The arm of a visitor; None outside."""
        if self.promoted:
            return self.promoted
        drawn = assign(visitor, self.key, self.weights, self.coverage)
        return None if drawn == OUTSIDE else self.arms[drawn]


class Register:
    """What runs, as of at most KNOWN_SECONDS ago: strangers can't make the store read for each request."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store, self._until = settings, store, 0.0
        self._known: dict[str, Running] = {}

    def running(self) -> dict[str, Running]:
        if time.monotonic() >= self._until:
            zone = self._settings.zone
            today = local_date(self._settings.clock.now(), zone)
            with self._store.read() as session:
                shown = [
                    Running(
                        row.id,
                        row.key,
                        tuple(arm_names(row)),
                        arm_weights(row),
                        row.coverage,
                        row.promoted if row.unit == "visitor" else arm_of_day(session, row, today, zone),
                    )
                    for row in registered(session)
                    if row.unit in ("visitor", "time_slice") and (row.status == "running" or row.promoted)
                ]
            self._known = {one.key: one for one in shown}
            self._until = time.monotonic() + KNOWN_SECONDS
        return self._known


def visit_router(settings: Settings, store: Store) -> APIRouter:
    """The three public addresses. Visits are taken from the shop's own pages only."""
    router = APIRouter(include_in_schema=False)
    register, spool, pseudonyms = Register(settings, store), visit_spool(settings), Pseudonyms.of(settings)
    limit = TokenBucket(VISITS_A_SECOND, BURST)
    script = SNIPPET.read_text(encoding="utf-8")

    @router.get(SCRIPT)
    def snippet() -> Response:
        headers = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
        return Response(script, media_type="text/javascript", headers=headers)

    @router.options(ENDPOINT)
    def preflight(request: Request) -> Response:
        allowed = {
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": "86400",
        }
        return Response(status_code=204, headers={**shared_with(request, settings), **allowed})

    @router.get(ENDPOINT)
    def running(request: Request) -> Response:
        headers = shared_with(request, settings)
        if not limit.allows():
            return refusal(429, "Too many requests at once.", {**headers, "retry-after": "1"})
        shown = [one.document() for one in register.running().values()]
        return JSONResponse({"experiments": shown}, headers={**headers, "cache-control": "max-age=60"})

    @router.post(ENDPOINT)
    async def take(request: Request) -> Response:
        headers = shared_with(request, settings)
        if not limit.allows():
            return refusal(429, "Too many visits at once.", {**headers, "retry-after": "1"})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in CONTENT_TYPES:
            return refusal(415, f"A visit is {' or '.join(CONTENT_TYPES)}.", headers)
        if "origin" in request.headers and "access-control-allow-origin" not in headers:
            return refusal(403, "The page is not of this shop.", headers)
        try:
            visit = read_visit(await request.body())
            if is_bot(request.headers.get("user-agent", "")):
                return JSONResponse({"arms": {}}, headers=headers)
            return JSONResponse({"arms": await run_in_threadpool(kept, visit)}, headers=headers)
        except ClientDisconnect:
            return refusal(400, "The visit was cut short.", headers)
        except VisitRefused as error:
            return refusal(400, error.message, headers)
        except SpoolFull as error:
            return refusal(503, error.message, headers)

    def kept(visit: Visit) -> dict[str, str | None]:
        known = register.running()
        met = [known[key] for key in visit.exposures if key in known]
        arms = {one.key: one.arm_of(visit.visitor) for one in met}
        shown = [(one.id, arms[one.key]) for one in met if arms[one.key] is not None and not one.promoted]
        if shown or visit.events:
            now = settings.clock.now().isoformat()
            unit = pseudonyms.visitor(visit.visitor)
            spool.append({"at": now, "unit": unit, "arms": shown, "events": visit.events})
        return arms

    return router
