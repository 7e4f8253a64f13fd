"""How an API's failure is answered. Its type decides, and only here is one made out of an answer.

| type | what is done about it |
| --- | --- |
| Throttled | wait as long as the API asks, everywhere in this quota scope, then ask again |
| TransientError | ask again after a jittered backoff |
| FilterIgnored | the same, a few times: a search index has bad moments |
| CostTooHigh | ask for half as many records, and remember that |
| WindowTooLarge | split the window (streams do): it cannot be had in one piece |
| Unauthorized | renew the credential once and ask again, where it can be renewed |
| CredentialRefused, any other GrowthError | fail |

Throttled also answers a used-up load quota. Smaller questions would use less of it, but they would meet the same
pause, which holds for the whole scope; after it the question as it is passes too.

A 404 by which Google itself says NOT_FOUND (CrUX has no data on a page) is no failure: the caller records it and
goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from growth_pipelines.errors import CredentialRefused, GrowthError, TransientError
from growth_pipelines.transport import StatusError

FILTER_TRIES = 3


class Throttled(TransientError):
    """The API asked for a pause. Waiting it out is the normal course, so only the time budget limits it."""


class WindowTooLarge(GrowthError):
    """A window asks for more than the API delivers at once; its halves may pass."""


class FilterIgnored(TransientError):
    """Shopify dropped a filter and answered with everything."""


class Unauthorized(CredentialRefused):
    """A token was refused (HTTP 401) and nothing was done; ``renew`` makes the next one new, where that can be."""

    def __init__(self, message: str, hint: str, renew: Callable[[], None] | None) -> None:
        super().__init__(message, hint)
        self.renew = renew


class AccessDenied(CredentialRefused):
    """The token is good but lacks a scope (ACCESS_DENIED)."""


class CostTooHigh(GrowthError):
    """One query costs more than Shopify ever grants (MAX_COST_EXCEEDED); nothing was executed."""


def tries(error: TransientError, usual: int) -> int:
    """How many failures in a row of this kind are borne."""
    return min(usual, FILTER_TRIES) if isinstance(error, FilterIgnored) else usual


def status_failure(error: StatusError, pause: float) -> TransientError:
    """The typed form of an HTTP status that says "not now"; ``pause`` in seconds when the API names none."""
    if error.status == 429 or error.quota:
        asked = pause if error.retry_after is None else error.retry_after
        return Throttled(error.message, error.hint, asked)
    return error


def graphql_failure(errors: Any, refill_seconds: float) -> GrowthError:
    """The typed form of a GraphQL ``errors`` list (or of the text that some refusals carry).

    ``refill_seconds`` is when the cost bucket holds what the query needs, for THROTTLED.
    """
    if not isinstance(errors, list):
        return GrowthError(f"Shopify refused the request: {errors}.", "Check the shop's domain and the token.")
    first = errors[0] if errors and isinstance(errors[0], dict) else {}
    message = str(first.get("message", errors))[:300]
    code = (first.get("extensions") or {}).get("code", "")
    if code == "THROTTLED":
        return Throttled("Shopify throttled the request.", "", refill_seconds)
    if code == "MAX_COST_EXCEEDED":
        return CostTooHigh(f"Shopify refused the query as too costly: {message}")
    if code == "ACCESS_DENIED":
        return AccessDenied(
            f"The Shopify token lacks a scope: {message}",
            "Grant it to the app in the Shopify admin, then see `growth doctor`.",
        )
    if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"):
        return TransientError(f"Shopify failed ({code}): {message}", "Try again later.")
    return GrowthError(f"Shopify refused the query: {message}", "The API version may not know a field of it.")


def ignored_filter(extensions: Mapping[str, Any]) -> FilterIgnored | None:
    """The failure that ``extensions.search`` tells of, if any."""
    for warning in extensions.get("search") or ():
        if warning.get("warnings"):
            return FilterIgnored(
                f"Shopify ignored a part of the filter {warning.get('query')!r}: {warning['warnings']}.",
                "The API version may have changed its filters; check GROWTH_SHOPIFY__API_VERSION.",
            )
    return None
