"""What a beacon may say. It comes from anyone, so whatever isn't exactly as expected refuses the whole beacon.

Nothing that identifies a visitor is kept: no address, no user agent, no cookie, no query of a page's address. The
session is a random id of one browser tab and is kept as a keyed hash only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.page_addresses import public_address
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.settings import Settings

MAX_BODY = 16 * 1024
MAX_METRICS = 20
MAX_PATH = 1024
# The largest value that a browser can plausibly report: ten minutes in ms; CLS has no unit.
LARGEST = {"LCP": 600_000.0, "INP": 600_000.0, "FCP": 600_000.0, "TTFB": 600_000.0, "CLS": 100.0}
RATINGS = ("good", "needs-improvement", "poor")
DEVICES = ("phone", "desktop", "tablet")
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{16,64}")
_NAVIGATION = re.compile(r"[a-z-]{1,32}")


class BeaconRefused(GrowthError):
    """The beacon is not kept; the message says why."""


class ForeignPage(BeaconRefused):
    """The page is not one of the shop's."""


def shop_hosts(settings: Settings) -> frozenset[str]:
    """The hosts whose pages are the shop's: as set, else the primary one and the configured domain."""
    if settings.web_vitals.beacon_hosts:
        return frozenset(host.lower() for host in settings.web_vitals.beacon_hosts)
    known = (settings.primary_host, settings.shop.domain.lower())
    return frozenset(host for host in known if host)


def read_beacon(
    body: bytes,
    *,
    hosts: Collection[str],
    pseudonyms: Pseudonyms,
    user_agent: str,
    received_at: datetime,
) -> dict[str, Any]:
    """The record that is kept of a beacon; raises BeaconRefused.

    ``body`` is a JSON object ``{page, device?, session?, landing?, landing_page?, metrics: [Metric, …]}``, or a
    Metric of the web-vitals library or a list of them, each with its ``page`` (or ``url``).
    """
    envelope, metrics = _opened(_json(body))
    if not 1 <= len(metrics) <= MAX_METRICS:
        raise BeaconRefused(f"A beacon holds 1 to {MAX_METRICS} metrics.")
    page = _path(_address(envelope), hosts)
    session = envelope.get("session")
    if session is not None and not _matches(_SESSION, session):
        raise BeaconRefused("The session is not a random id.")
    landing_page = envelope.get("landing_page")
    return {
        "received_at": received_at.isoformat(),
        "page_path": page,
        "device": _device(envelope.get("device"), user_agent),
        "session_key": pseudonyms.web_session(session) if session is not None else None,
        "is_landing": _flag(envelope.get("landing")),
        "landing_path": None if landing_page is None else _path(landing_page, hosts, or_path=True),
        "metrics": _metrics(metrics),
    }


def device_of(user_agent: str) -> str:
    """phone, tablet or desktop, from what a browser calls itself."""
    if re.search(r"iPad|Tablet|Android(?!.*Mobile)", user_agent):
        return "tablet"
    return "phone" if re.search(r"Mobi|iPhone|iPod", user_agent) else "desktop"


def _json(body: bytes) -> Any:
    if len(body) > MAX_BODY:
        raise BeaconRefused(f"A beacon has at most {MAX_BODY // 1024} KB.")
    try:
        return json.loads(body, parse_constant=_no_number)
    # Numbers of thousands of digits and deep nesting are errors of their own kind.
    except (ValueError, RecursionError) as error:
        raise BeaconRefused("The beacon is no JSON.") from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _opened(document: Any) -> tuple[Mapping[str, Any], list[Any]]:
    """What says where the metrics were measured, and the metrics."""
    if isinstance(document, dict):
        metrics = document.get("metrics", [document])
        if isinstance(metrics, list):
            return document, metrics
    if isinstance(document, list) and document and all(isinstance(metric, dict) for metric in document):
        if any(_address(metric) != _address(document[0]) for metric in document):
            raise BeaconRefused("The metrics of one beacon are of one page.")
        return document[0], document
    raise BeaconRefused("A beacon is an object with metrics, a metric, or a list of metrics.")


def _address(envelope: Mapping[str, Any]) -> Any:
    return envelope.get("page", envelope.get("url"))


def _path(address: Any, hosts: Collection[str], *, or_path: bool = False) -> str:
    """The path of an address of the shop's, as browsers write it, without query, fragment and tokens."""
    if not isinstance(address, str) or len(address) > MAX_BODY or not address.isprintable():
        raise BeaconRefused("The page is no address.")
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
        path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    except ValueError as error:
        raise BeaconRefused("The page is no address.") from error
    if not (or_path and not parts.scheme and not parts.netloc) and (
        parts.scheme not in ("http", "https") or host not in hosts
    ):
        raise ForeignPage("The page is not of this shop.")
    if not path.startswith("/") or len(path) > MAX_PATH:
        raise BeaconRefused("The page is no address.")
    return public_address(path)


def _device(said: Any, user_agent: str) -> str:
    if said is None:
        return device_of(user_agent)
    if said not in DEVICES:
        raise BeaconRefused(f"A device is one of {', '.join(DEVICES)}.")
    return str(said)


def _flag(said: Any) -> bool:
    if said is not None and not isinstance(said, bool):
        raise BeaconRefused("landing is true or false.")
    return bool(said)


def _metrics(found: list[Any]) -> list[dict[str, Any]]:
    """Each metric once, as it was last reported."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for document in found:
        metric = _metric(document)
        kept[metric["id"], metric["name"]] = metric
    return list(kept.values())


def _metric(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise BeaconRefused("A metric is an object.")
    name, value = document.get("name"), document.get("value")
    if not isinstance(name, str) or name not in LARGEST:
        raise BeaconRefused(f"A metric is one of {', '.join(LARGEST)}.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST[name]:
        raise BeaconRefused(f"No browser measures such a {name}.")
    delta = document.get("delta", 0)
    if isinstance(delta, bool) or not isinstance(delta, int | float) or not abs(delta) <= LARGEST[name]:
        raise BeaconRefused("A delta is a number.")
    if document.get("rating") not in RATINGS:
        raise BeaconRefused(f"A rating is one of {', '.join(RATINGS)}.")
    if not _matches(_ID, document.get("id")):
        raise BeaconRefused("A metric has an id.")
    navigation = document.get("navigationType")
    if navigation is not None and not _matches(_NAVIGATION, navigation):
        raise BeaconRefused("The navigation type is a word.")
    return {
        "id": document["id"],
        "name": name.lower(),
        "value": float(value),
        "rating": document["rating"],
        "navigation_type": navigation,
    }


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
