"""Every stream that the machine reads, in the order in which they are shown."""

from __future__ import annotations

from growth_pipelines.ingestion.streams.base import Stream
from growth_pipelines.ingestion.streams.catalogue import COLLECTIONS, PAGES, PRODUCTS, SHOP
from growth_pipelines.ingestion.streams.rum import RUM
from growth_pipelines.ingestion.streams.sales import CUSTOMERS, ORDERS, SESSIONS
from growth_pipelines.ingestion.streams.search import SEARCH_PAGE, SEARCH_PAGE_QUERY, SEARCH_PROPERTY
from growth_pipelines.ingestion.streams.vitals import CRUX_HISTORY, CRUX_RECORDS, PSI

STREAMS: dict[str, Stream] = {
    stream.name: stream
    for stream in (
        SHOP,
        PRODUCTS,
        COLLECTIONS,
        PAGES,
        CUSTOMERS,
        ORDERS,
        SESSIONS,
        SEARCH_PAGE_QUERY,
        SEARCH_PAGE,
        SEARCH_PROPERTY,
        CRUX_RECORDS,
        CRUX_HISTORY,
        PSI,
        RUM,
    )
}

__all__ = ["STREAMS", "Stream"]
