"""What is to be said beside figures whose data do not go back as far as one would think: one text for all who show
them."""

from __future__ import annotations

from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query


def history_notes(connection: WarehouseConnection) -> dict[str, str]:
    """By stream: ``{"orders": "history starts on 2026-09-23: only the last 60 days of orders can be read"}``.

    Empty where no limit is known. Reads the marts: the engine's own error says that they are not built yet.
    """
    return dict(connection.execute(query("history_notes")).fetchall())
