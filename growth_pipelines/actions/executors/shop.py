"""The line to the shop that executors use, opened when it is first needed."""

from __future__ import annotations

from types import TracebackType

from growth_pipelines.actions.executors.surfaces import ShopApi
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.settings import Settings


class ShopLine:
    """A context manager around one client, patient for ``actions.deadline_seconds``: a person is waiting."""

    def __init__(self, settings: Settings) -> None:
        patience = settings.ingestion.model_copy(update={"deadline_seconds": settings.actions.deadline_seconds})
        self._settings = settings.model_copy(update={"ingestion": patience})
        self._client: ShopifyClient | None = None

    def __enter__(self) -> ShopLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    @property
    def api(self) -> ShopApi:
        """The client. Raises SettingsError when no shop is configured."""
        if self._client is None:
            self._client = ShopifyClient(self._settings)
        return self._client
