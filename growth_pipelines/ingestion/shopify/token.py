"""The access token: a static one, or one of the client-credentials grant, renewed before it ends."""

from __future__ import annotations

import time
from threading import Lock

from growth_pipelines.errors import CredentialRefused, SettingsError
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.settings import ShopifySettings
from growth_pipelines.transport import Transport, json_object

# A granted token is renewed this long before it ends (they live 24 hours).
RENEW_BEFORE_SECONDS = 300.0
SHORTEST_LIFE_SECONDS = 60.0


class AccessToken:
    """Thread-safe: one thread renews, the others wait for what it gets."""

    def __init__(self, settings: ShopifySettings, transport: Transport, meter: Meter) -> None:
        self._settings = settings
        self._secret = settings.client_secret.get_secret_value()
        self._transport = transport
        self._meter = meter
        self._lock = Lock()
        self._token = settings.access_token.get_secret_value()
        self._until = float("inf")

    @property
    def renewable(self) -> bool:
        return bool(self._settings.client_id and self._secret)

    @property
    def app(self) -> str:
        """What tells this app from others, also when its token is renewed. As secret as the token."""
        return self._settings.client_id if self.renewable else self._token

    def get(self) -> str:
        """A token that is good for a while. Raises SettingsError, CredentialRefused, TransientError."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._token, lifetime = self._grant()
                self._until = time.monotonic() + max(SHORTEST_LIFE_SECONDS, lifetime - RENEW_BEFORE_SECONDS)
            return self._token

    def forget(self, refused: str) -> None:
        """The shop refused this token. Another thread may have renewed it since; then there is nothing to do."""
        with self._lock:
            if self._token == refused:
                self._token = ""

    def _grant(self) -> tuple[str, float]:
        """A new token and its lifetime in seconds."""
        if not self.renewable:
            raise SettingsError(
                "No Shopify credential is set: GROWTH_SHOPIFY__ACCESS_TOKEN is empty.",
                "Set it, or GROWTH_SHOPIFY__CLIENT_ID and GROWTH_SHOPIFY__CLIENT_SECRET.",
            )
        self._meter.add(requests=1)
        grant = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._secret,
        }
        response = self._transport.request(
            "POST", "/admin/oauth/access_token", json=grant, accept=(200, 400, 401, 403)
        )
        answer = json_object(response) if response.status_code == 200 else {}
        if not answer.get("access_token"):
            raise CredentialRefused(
                f"Shopify granted no access token for GROWTH_SHOPIFY__CLIENT_ID (HTTP {response.status_code}).",
                "Check the id and the secret, and that the app is installed in this shop.",
            )
        return str(answer["access_token"]), float(answer.get("expires_in") or 86_400)
