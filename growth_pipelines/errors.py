"""The one error that users see: what went wrong, where, and what to do about it."""


class GrowthError(Exception):
    """An expected failure, shown as one clear line and exit code 1; never as a traceback.

    ``message`` says what and where; ``hint`` says what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(GrowthError):
    """A setting is unknown, missing, unresolved or out of range; the message carries its full name."""


class TransientError(GrowthError):
    """The outside world failed in a way that a later attempt may not (429, 5xx, throttled, dropped).

    ``retry_after`` is the wait in seconds that the other side asked for, if it did; ``given_up``: it was tried
    again as long as patience lasts.
    """

    given_up = False

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class CredentialRefused(GrowthError):
    """A token was refused (401, 403); trying again with the same one is pointless."""
