"""Who we are to Search Console: a static token, or a service account whose tokens google-auth makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from growth_pipelines.errors import CredentialRefused, SettingsError, TransientError
from growth_pipelines.settings import Settings

SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"


class StaticToken:
    """A token given as a setting; it can't be renewed."""

    renewable = False

    def __init__(self, token: str) -> None:
        self._token = token

    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self, refused: Mapping[str, str]) -> None:
        """Nothing to renew."""


class ServiceAccount:
    """A service account's key file. Tokens live an hour and are renewed before they end; thread-safe."""

    renewable = True

    def __init__(self, key_file: Path) -> None:
        from google.oauth2 import service_account

        try:
            self._credentials: Any = service_account.Credentials.from_service_account_file(
                str(key_file), scopes=[SCOPE]
            )
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"GROWTH_SEARCH_CONSOLE__CREDENTIALS_FILE: {key_file} is no service account key ({error}).",
                "Download the key as JSON from the Google Cloud console.",
            ) from error
        self._lock = Lock()

    def header(self) -> dict[str, str]:
        from google.auth.exceptions import RefreshError, TransportError

        with self._lock:
            if not self._credentials.valid:
                try:
                    self._credentials.refresh(_token_request)
                except RefreshError as error:
                    if error.retryable:
                        raise TransientError("Google's token server failed.", "Try again later.") from error
                    raise CredentialRefused(
                        "Google refused the service account of GROWTH_SEARCH_CONSOLE__CREDENTIALS_FILE.",
                        "Is the key still active, and this machine's clock right?",
                    ) from error
                except TransportError as error:
                    raise TransientError(f"Google's token server cannot be reached ({error}).") from error
            return self._bearer()

    def forget(self, refused: Mapping[str, str]) -> None:
        """Renew at the next call, unless another thread has done so since ``refused`` was made."""
        with self._lock:
            if refused == self._bearer():
                self._credentials.token = None

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._credentials.token}"}


class _TokenResponse:
    """An answer in the shape that google-auth reads."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.data = response.content


def _token_request(
    url: str, method: str = "GET", body: Any = None, headers: Any = None, timeout: float | None = 30.0, **_: Any
) -> _TokenResponse:
    """google-auth's transport, over httpx: its own needs the requests package."""
    from google.auth.exceptions import TransportError

    try:
        return _TokenResponse(
            httpx.request(method, url, content=body, headers=headers, timeout=timeout, trust_env=False)
        )
    except httpx.HTTPError as error:
        raise TransportError(error) from error


def search_console_credentials(settings: Settings) -> StaticToken | ServiceAccount:
    """The credential that the settings name. Raises SettingsError when there is none."""
    given = settings.search_console
    if given.credentials_file:
        return ServiceAccount(Path(given.credentials_file).expanduser())
    if given.access_token.get_secret_value():
        return StaticToken(given.access_token.get_secret_value())
    raise SettingsError(
        "No Search Console credential is set: GROWTH_SEARCH_CONSOLE__CREDENTIALS_FILE is empty.",
        "Set it to a service account's key file that was added as a user of the property.",
    )
