"""What a failure answers. Its socket's part (closing, cutting off) is the server's."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from growth_pipelines.sandbox.faults import Fault
from growth_pipelines.sandbox.google.errors import BAD_DAYS
from growth_pipelines.sandbox.routes import Request, Response, Routes, as_json
from growth_pipelines.sandbox.target import Target

Strike = Callable[[Fault, Request, Target, Routes], Response | None]


def strike(fault: Fault, request: Request, target: Target, routes: Routes) -> Response | None:
    """The answer to a request that a fault hits; None when the connection closes without one."""
    if fault.kind in BAD_DAYS:
        error = BAD_DAYS[fault.kind]
        return as_json(error.body, error.code)
    if fault.kind.startswith("bulk_"):
        routes.admin.bulk_operations.fail_next(fault.kind, fault.polls)
        return routes.answer(request)
    return STRIKES[fault.kind](fault, request, target, routes)


def _refusal(status: int, retry_after: str | None = None) -> Response:
    retry = {} if retry_after is None else {"Retry-After": retry_after}
    return as_json({"errors": HTTPStatus(status).phrase}, status, **retry)


def _status(fault: Fault, *_: Any) -> Response:
    return _refusal(fault.status, None if fault.retry_after is None else f"{fault.retry_after}")


def _seconds(fault: Fault, *_: Any) -> Response:
    return _refusal(429, f"{math.ceil(fault.retry_after or 1)}")


def _fraction(fault: Fault, *_: Any) -> Response:
    return _refusal(429, f"{fault.retry_after or 0.3}")


def _date(fault: Fault, *_: Any) -> Response:
    """A date has whole seconds, so the wait is up to one longer than asked for."""
    return _refusal(429, formatdate(math.ceil(time.time() + (fault.retry_after or 1)), usegmt=True))


def _fixed(status: int) -> Strike:
    return lambda *_: _refusal(status)


def _throttle(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    routes.throttled += 1
    cost = {
        "requestedQueryCost": 12,
        "actualQueryCost": None,
        "throttleStatus": routes.admin.bucket.status(),
    }
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return as_json({"errors": [error], "extensions": {"cost": cost}})


def _graphql_error(*_: Any) -> Response:
    error = {"message": "Internal error. Looks like something went wrong on our end."}
    return as_json({"errors": [error | {"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})


def _html(*_: Any) -> Response:
    return Response(200, "<!doctype html><p>Something went wrong")


def _empty(*_: Any) -> Response:
    return Response(200)


def _drop(*_: Any) -> None:
    return None


def _crash(fault: Fault, request: Request, target: Target, routes: Routes) -> None:
    routes.answer(request)


def _answer(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    return routes.answer(request)


def _late(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    answer = routes.answer(request)  # what was asked for is done; only the answer is late
    time.sleep(fault.seconds)
    return answer


def _cut(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    answer = routes.answer(request)
    return replace(answer, body=answer.body[: max(1, len(answer.body) // 2)])


def _expire(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    routes.expire(target.token)
    return routes.answer(request)


def _repeat_cursor(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    answer = routes.answer(request)
    document = json.loads(answer.body)
    level = [document.get("data")]
    while level:  # the outermost page is the one that was asked for
        for found in level:
            if isinstance(found, dict) and "endCursor" in (found.get("pageInfo") or ()):
                found["pageInfo"] |= {"endCursor": target.after, "hasNextPage": True}
                return replace(answer, body=json.dumps(document, separators=(",", ":")))
        level = [
            inner
            for found in level
            for inner in (found.values() if isinstance(found, dict) else found if isinstance(found, list) else ())
        ]
    return answer


def _ignore_filter(fault: Fault, request: Request, target: Target, routes: Routes) -> Response:
    """As when an API version no longer knows a field: everything, and a warning that is easily overlooked."""
    asked = str(target.variables["query"])
    unfiltered = {**target.graphql, "variables": {**target.variables, "query": ""}}
    answer = routes.answer(replace(request, body=json.dumps(unfiltered).encode()))
    document = json.loads(answer.body)
    name, _, value = asked.partition(":")
    message = "Invalid search field for this query."
    warning = {
        "path": [target.filtered],
        "query": asked,
        "parsed": {"field": name, "match_all": value},
        "warnings": [{"field": name, "message": message, "code": "invalid_field"}],
    }
    document.setdefault("extensions", {})["search"] = [warning]
    return replace(answer, body=json.dumps(document, separators=(",", ":")))


STRIKES: dict[str, Strike] = {
    "status": _status,
    "status_429_seconds": _seconds,
    "status_429_fraction": _fraction,
    "status_429_date": _date,
    "status_429_bare": _fixed(429),
    "status_500": _fixed(500),
    "status_502": _fixed(502),
    "status_503": _fixed(503),
    "drop": _drop,
    "broken_json": _html,
    "empty": _empty,
    "throttle": _throttle,
    "graphql_error": _graphql_error,
    "expired_token": _expire,
    "crash_after_write": _crash,
    "truncate": _answer,  # the server cuts it off
    "cut_json": _cut,
    "delay": _late,
    "repeated_cursor": _repeat_cursor,
    "ignored_filter": _ignore_filter,
}
