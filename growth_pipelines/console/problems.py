"""RFC 9457 problem details: what every failure of the API is answered with.

``type`` says what sort of problem it is and stays the same; ``title`` is that in words, ``detail`` what happened
this time, ``hint`` what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
_URN = "urn:growth:problem:"
# Sorts of problems by the name of the refusal's class; others are told by their status.
TITLES = {
    "already-decided": "Somebody was first",
    "bad-experiment": "What was declared can't be run or read",
    "bad-cursor": "The cursor is of another list",
    "changed": "It is no longer what If-Match names",
    "key-reused": "The Idempotency-Key has been used for another request",
    "may-not-experiment": "The role changes no experiment",
    "may-not-decide": "The role decides nothing",
    "missing-scope": "The token is for something else",
    "no-such-action": "There is no such action",
    "no-such-experiment": "There is no such experiment",
    "no-such-move": "The experiment is not in a state for that",
    "not-allowed": "This person may not decide this",
    "not-confirmed": "The confirmation is of another list, person or time",
    "not-drawn": "The warehouse has too few units",
    "not-fresh": "It is too long ago that the person proved who they are",
    "not-proposed": "The question was not put",
    "not-read": "The experiment has no reading",
    "not-signed-in": "Nobody is signed in",
    "not-suppressed": "There is no such suppression",
    "proof-refused": "It is not proved who asks",
    "read-since": "The experiment was read again meanwhile",
    "stale-digest": "The draft has changed",
    "store-unavailable": "The store is busy or gone",
    "unbacked": "Nothing backs what the edit says",
    "time-is-over": "The time to answer is over",
}


def sort_of(problem: Exception) -> str:
    """The slug of a refusal's class, e.g. ``already-decided``; empty for those that only their status tells."""
    for kind in type(problem).__mro__:
        slug = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
        if slug in TITLES:
            return slug
    return ""


def document(
    status: int,
    detail: str,
    hint: str = "",
    trace_id: str = "",
    sort: str = "",
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body. ``more`` are members of this sort of problem, e.g. ``action``."""
    phrase = HTTPStatus(status).phrase
    return {
        "type": _URN + (sort or re.sub(r"[^a-z]+", "-", phrase.lower())),
        "title": TITLES.get(sort, phrase),
        "status": status,
        "detail": detail,
        "hint": hint,
        "trace_id": trace_id,
        **(more or {}),
    }


def problem_response(
    status: int,
    detail: str,
    hint: str = "",
    trace_id: str = "",
    *,
    sort: str = "",
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer."""
    told = dict(headers or {})
    if status == 401:
        told.setdefault("www-authenticate", 'Bearer realm="growth"')
    body = document(status, detail, hint, trace_id, sort, more)
    return JSONResponse(body, status, media_type=MEDIA_TYPE, headers=told)
