"""Google's way to refuse: an error object with a code, a status and reasons."""

from __future__ import annotations

from typing import Any


class GoogleError(Exception):
    """An answer with an HTTP status other than 200, in the shape that all of Google's APIs use."""

    def __init__(self, code: int, message: str, status: str, reason: str = "invalid") -> None:
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "error": {
                "code": code,
                "message": message,
                "status": status,
                "errors": [{"message": message, "domain": "global", "reason": reason}],
            }
        }


def invalid(message: str) -> GoogleError:
    return GoogleError(400, message, "INVALID_ARGUMENT")
