"""The links of lists that come in pages: back to the beginning and on, on pages and in the header of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

NEXT_LINK = {"Link": {"schema": {"type": "string"}, "description": 'the next page, `rel="next"`, if there is one'}}
Cursor = int | str | None


@dataclass(frozen=True)
class Pages:
    """Where the first and the next page are; empty where the first is shown, and where nothing follows."""

    first: str
    next: str


def pages(path: str, asked: Mapping[str, str], key: str, at: Cursor, following: Cursor) -> Pages:
    """The links of a list that is filtered by what is ``asked`` (empty: not).

    ``key`` is what the query calls the row after which a page begins: ``at`` is that of the page shown (None: its
    first row is the list's), ``following`` that of the next (None: nothing follows).
    """
    filters = {name: value for name, value in asked.items() if value}
    first = f"{path}?{urlencode(filters)}" if filters else path
    onward = f"{path}?{urlencode({**filters, key: following})}"
    return Pages("" if at is None else first, "" if following is None else onward)


def next_link(request: Request, key: str, following: Cursor) -> dict[str, str]:
    """The Link header of an answer that has another page after it."""
    if following is None:
        return {}
    after = request.url.include_query_params(**{key: following})
    return {"link": f'<{after.path}?{after.query}>; rel="next"'}
