"""A request body, as JSON or as a form of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from growth_pipelines.console.failures import BadRequest
from growth_pipelines.console.identity import FORM

# More than any of our forms has.
_MOST_FIELDS = 100


@dataclass(frozen=True)
class Sent:
    """A request body: fields by name, and whether they came from a form of ours."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    form: bool = False


async def sent(request: Request) -> Sent:
    """The body as JSON or as a form, whichever it says it is."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == FORM:
        entered = await request.form(max_files=0, max_fields=_MOST_FIELDS)
        return Sent({name: value for name, value in entered.items() if isinstance(value, str)}, True)
    if kind != "application/json":
        raise BadRequest("The body must be JSON or a form.", "Send Content-Type: application/json.", 415)
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return Sent(body)
