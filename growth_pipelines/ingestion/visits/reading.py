"""What a visit may say. It comes from anyone, so whatever isn't exactly as expected refuses the whole of it.

A visitor is a random id that the browser made; it is kept as a keyed hash only. Neither address, user agent nor
page is kept. Only what a browser can know for certain is counted, once each, always as one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from growth_pipelines.errors import GrowthError

MAX_BODY = 8 * 1024
MAX_ITEMS = 20
METRICS = frozenset({"sessions", "product_views", "carts", "checkouts", "conversions"})
_VISITOR = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{1,63}")
_EVENT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|lighthouse|headless|preview|monitor|scrap|facebookexternalhit|curl/|wget/|"
    r"python|go-http|okhttp|java/|axios|node-fetch|phantom|selenium|ptst",
    re.IGNORECASE,
)


class VisitRefused(GrowthError):
    """The visit is not kept; the message says why."""


@dataclass(frozen=True)
class Visit:
    """``exposures`` are keys of experiments whose arm was shown, ``events`` are (id, metric)."""

    visitor: str
    exposures: tuple[str, ...]
    events: tuple[tuple[str, str], ...]


def is_bot(user_agent: str) -> bool:
    """Whether the client calls itself a program, or does not say what it is."""
    return not user_agent.strip() or bool(_BOT.search(user_agent))


def read_visit(body: bytes) -> Visit:
    """The visit in a JSON object ``{visitor, exposures?: [key], events?: [{id, metric}]}``.

    Raises VisitRefused.
    """
    document = _json(body)
    if set(document) - {"visitor", "exposures", "events"}:
        raise VisitRefused("A visit has a visitor, exposures and events, nothing else.")
    visitor, exposures = document.get("visitor"), document.get("exposures", [])
    events = document.get("events", [])
    if not _fits(_VISITOR, visitor):
        raise VisitRefused("The visitor is no random id: 32 digits of 0-9 and a-f.")
    for items in (exposures, events):
        if not isinstance(items, list) or len(items) > MAX_ITEMS:
            raise VisitRefused(f"Exposures and events are lists of at most {MAX_ITEMS}.")
    if not all(_fits(_KEY, key) for key in exposures):
        raise VisitRefused("An exposure is the key of an experiment.")
    return Visit(str(visitor), tuple(dict.fromkeys(exposures)), tuple(map(_event, events)))


def _event(said: Any) -> tuple[str, str]:
    if not isinstance(said, dict) or set(said) != {"id", "metric"} or not _fits(_EVENT, said["id"]):
        raise VisitRefused("An event has an id and a metric.")
    if not isinstance(said["metric"], str) or said["metric"] not in METRICS:
        raise VisitRefused(f"A metric is one of {', '.join(sorted(METRICS))}.")
    return said["id"], said["metric"]


def _json(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise VisitRefused(f"A visit has at most {MAX_BODY // 1024} KB.")
    try:
        document = json.loads(body)
    # Numbers of thousands of digits and deep nesting are errors of their own kind.
    except (ValueError, RecursionError) as error:
        raise VisitRefused("The visit is no JSON.") from error
    if not isinstance(document, dict):
        raise VisitRefused("The visit is no JSON object.")
    return document


def _fits(pattern: re.Pattern[str], said: Any) -> bool:
    return isinstance(said, str) and pattern.fullmatch(said) is not None
