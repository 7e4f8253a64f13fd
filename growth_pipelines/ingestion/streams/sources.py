"""The sources that come with the machine."""

from __future__ import annotations

from growth_pipelines.ingestion.google.client import GoogleClient
from growth_pipelines.ingestion.google.search_console import search_console_client
from growth_pipelines.ingestion.google.web_vitals import crux_client, psi_client
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.streams.base import Job, Source


def _shopify(job: Job) -> ShopifyClient:
    return ShopifyClient(job.settings, meter=job.meter)


def _search_console(job: Job) -> GoogleClient:
    return search_console_client(job.settings, job.meter)


def _crux(job: Job) -> GoogleClient:
    return crux_client(job.settings, job.meter)


def _psi(job: Job) -> GoogleClient:
    return psi_client(job.settings, job.meter)


SHOPIFY = Source("shopify", "Shopify", _shopify)
# Search Console's days are Pacific.
SEARCH_CONSOLE = Source("search_console", "Search Console", _search_console, zone="America/Los_Angeles")
CRUX = Source("crux", "Chrome UX Report", _crux)
PSI = Source("psi", "PageSpeed Insights", _psi)
RUM = Source("rum", "Beacons of the shop's visitors")
