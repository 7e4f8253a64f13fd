"""Google's way to refuse: an error object with a code, a status and reasons."""

from __future__ import annotations

from typing import Any


class GoogleError(Exception):
    """An answer with an HTTP status other than 200, in the shape that all of Google's APIs use."""

    def __init__(
        self, code: int, message: str, status: str, reason: str = "invalid", domain: str = "global"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "error": {
                "code": code,
                "message": message,
                "status": status,
                "errors": [{"message": message, "domain": domain, "reason": reason}],
            }
        }


def invalid(message: str) -> GoogleError:
    return GoogleError(400, message, "INVALID_ARGUMENT")


def unauthenticated() -> GoogleError:
    message = "Request had invalid authentication credentials."
    return GoogleError(401, message, "UNAUTHENTICATED", "authError")


def _usage(code: int, message: str, status: str, reason: str) -> GoogleError:
    return GoogleError(code, message, status, reason, "usageLimits")


# Failures that are no fault of the request, by the sandbox's names for them.
BAD_DAYS = {
    "quota_exceeded": _usage(403, "Quota exceeded.", "PERMISSION_DENIED", "quotaExceeded"),
    "user_rate_limit": _usage(403, "User rate limit exceeded.", "PERMISSION_DENIED", "rateLimitExceeded"),
    "load_quota": _usage(403, "Search Analytics load quota exceeded.", "PERMISSION_DENIED", "quotaExceeded"),
    "resource_exhausted": _usage(429, "Resource has been exhausted.", "RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    "backend_error": GoogleError(500, "Backend Error", "INTERNAL", "backendError"),
    "lighthouse_error": GoogleError(
        500, "Lighthouse returned error: NO_FCP. Something went wrong.", "INTERNAL", "lighthouseError"
    ),
}
