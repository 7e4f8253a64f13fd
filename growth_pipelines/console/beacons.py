"""The public part of the console, off unless switched on: browsers of the shop's visitors send beacons here.

It has nothing to do with the rest: no session, no cookie, no form token, no store, no warehouse. A beacon is
validated and appended to the spool, and that is all. The guard lets exactly the requests in PUBLIC through under
any host name and from other sites; whatever else the console serves stays behind it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from growth_pipelines.console.rate_limits import TokenBucket
from growth_pipelines.ingestion.beacons.spool import Spool, SpoolFull
from growth_pipelines.ingestion.beacons.validation import BeaconRefused, ForeignPage, read_beacon, shop_hosts
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import Settings

ENDPOINT = "/beacons/web-vitals"
SCRIPT = "/beacons/web-vitals.js"
PUBLIC = frozenset({("POST", ENDPOINT), ("OPTIONS", ENDPOINT), ("GET", SCRIPT)})
PARTS = Path(__file__).parent / "web_vitals"
NOTICE = "/*! web-vitals, Copyright 2020 Google LLC, Apache License 2.0 */\n"
# sendBeacon sends text/plain, which needs no preflight; a fetch may send JSON.
CONTENT_TYPES = ("text/plain", "application/json")
# A process takes this many a second, and this many at once: far more than the page views of a large shop.
BEACONS_A_SECOND = 50.0
BURST = 200.0


def beacon_router(settings: Settings) -> APIRouter:
    """The two public addresses. Beacons are taken from the shop's own pages only."""
    router = APIRouter(include_in_schema=False)
    spool, pseudonyms, limit = Spool.of(settings), Pseudonyms.of(settings), TokenBucket(BEACONS_A_SECOND, BURST)
    script = NOTICE + "".join(
        (PARTS / name).read_text(encoding="utf-8") for name in ("web-vitals.iife.js", "beacon.js")
    )

    @router.get(SCRIPT)
    def web_vitals_script() -> Response:
        headers = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
        return Response(script, media_type="text/javascript", headers=headers)

    @router.options(ENDPOINT)
    def preflight(request: Request) -> Response:
        allowed = {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": "86400",
        }
        return Response(status_code=204, headers={**shared_with(request, settings), **allowed})

    @router.post(ENDPOINT)
    async def take(request: Request) -> Response:
        headers = shared_with(request, settings)
        if not limit.allows():
            return refusal(429, "Too many beacons at once.", {**headers, "retry-after": "1"})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in CONTENT_TYPES:
            return refusal(415, f"A beacon is {' or '.join(CONTENT_TYPES)}.", headers)
        try:
            if "origin" in request.headers and "access-control-allow-origin" not in headers:
                raise ForeignPage("The page is not of this shop.")
            record = read_beacon(
                await request.body(),
                hosts=shop_hosts(settings),
                pseudonyms=pseudonyms,
                user_agent=request.headers.get("user-agent", ""),
                received_at=settings.clock.now(),
            )
            await run_in_threadpool(spool.append, record)
        except ClientDisconnect:
            return refusal(400, "The beacon was cut short.", headers)
        except ForeignPage as error:
            return refusal(403, error.message, headers)
        except BeaconRefused as error:
            return refusal(400, error.message, headers)
        except SpoolFull as error:
            return refusal(503, error.message, headers)
        return Response(status_code=204, headers=headers)

    return router


def shared_with(request: Request, settings: Settings) -> dict[str, str]:
    """The headers by which a page of the shop, and no other, may read the answer."""
    headers = {"vary": "origin", "cross-origin-resource-policy": "cross-origin"}
    origin = request.headers.get("origin", "")
    try:
        ours = (urlsplit(origin).hostname or "") in shop_hosts(settings)
    except ValueError:
        ours = False
    return {**headers, "access-control-allow-origin": origin} if ours else headers


def refusal(status: int, message: str, headers: dict[str, str]) -> JSONResponse:
    body = {"title": message, "status": status}
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)
