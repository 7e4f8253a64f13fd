"""What the warehouse has of the shop when an import begins, where an import must not add it a second time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from growth_pipelines.ingestion.queries import query

if TYPE_CHECKING:
    from growth_pipelines.warehouse.connection import WarehouseConnection


@dataclass(frozen=True)
class Known:
    """``handles`` of the products and keys of the customers that the shop's API told (``read_customers``), and
    keys of the customers that a customer export told (``exported_customers``)."""

    handles: frozenset[str] = frozenset()
    read_customers: frozenset[str] = frozenset()
    exported_customers: frozenset[str] = frozenset()


def read_known(connection: WarehouseConnection, shop_id: str) -> Known:
    products = connection.execute(query("known_products"), (shop_id,)).fetchall()
    customers = connection.execute(query("known_customers"), (shop_id,)).fetchall()
    return Known(
        handles=frozenset(handle.lower() for (handle,) in products),
        read_customers=frozenset(key for key, exported in customers if not exported),
        exported_customers=frozenset(key for key, exported in customers if exported),
    )
