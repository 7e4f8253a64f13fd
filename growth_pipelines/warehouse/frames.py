"""The marts as frames for the pure core, which knows no tables: one named query a frame, read through Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from growth_pipelines.errors import GrowthError
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.named_queries import query

if TYPE_CHECKING:
    import pandas

FRAMES = (
    *("search", "pages", "performance", "vitals", "lab", "shop", "page_daily"),
    *("products", "metaobjects", "topics", "topic_queries"),
    *("affinity", "product_orders", "questions"),
    "bodies",
    *("stock", "variant_days", "days_out", "past_actions", "stock_age", "sell_through", "collection_products"),
    "bundle_pairs",
    *("shop_days", "stream_days", "stream_runs"),
    *("outcome_pages", "outcome_products", "outcome_units", "complete_days"),
)


def load_frames(connection: WarehouseConnection, names: Iterable[str], as_of: date) -> dict[str, pandas.DataFrame]:
    """The frames of these names; days from ``as_of`` on are left out, being incomplete.

    Columns are those of the queries in ``queries/frames``; dtypes as in :meth:`WarehouseConnection.frame`.
    Raises GrowthError for an unknown name.
    """
    frames = {}
    for name in names:
        if name not in FRAMES:
            raise GrowthError(f"There is no frame {name!r}.", f"Known frames: {', '.join(FRAMES)}.")
        sql = query(f"frames/{name}")
        frames[name] = connection.frame(sql, [as_of] * sql.count("?"))
    return frames
