"""Customers as keyed hashes. Personal fields are selected only where ``privacy.personal_fields`` asks for them.

All are read at first and in sweeps, however long ago they changed: whoever buys again after years is a customer of
old. A sweep is no snapshot, which would remove the customers of an export; those that are gone are told by events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import AccessDenied
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, period_begins, read_window, window_of
from growth_pipelines.ingestion.streams.sources import SHOPIFY
from growth_pipelines.ingestion.windows import midnight

# Before Shopify's first shop.
BEGINNING = midnight(date(2004, 1, 1))


def _asked_fields(job: Job, *, country: bool) -> dict[str, Any]:
    asked = job.settings.privacy.personal_fields
    return {
        "withCountry": country,
        "withEmail": "email" in asked,
        "withPhone": "phone" in asked,
        "withName": "name" in asked,
        "withAddress": "address" in asked,
    }


def _connection(*, country: bool) -> Connection:
    return Connection(
        "customers",
        "customers",
        counted="customers_count",
        variables=lambda job: _asked_fields(job, country=country),
    )


def _customers(job: Job) -> Iterator[Landed]:
    window = window_of(job)
    if period_begins(job):
        window = replace(window, start=BEGINNING)
    with job.connect() as client:
        try:
            yield read_window(job, client, _connection(country=True), window)
        except AccessDenied:
            # Addresses are protected data that not every app may read.
            job.meter.note("the app may not read addresses: customers have no country")
            yield read_window(job, client, _connection(country=False), window)


CUSTOMERS = Stream(
    name="customers",
    cadence="hourly",
    source=SHOPIFY,
    group="orders",
    description="Customers as keyed hashes with their number of orders and country.",
    folder="customers",
    parts=(Part("customers"),),
    fetch=_customers,
    scopes=("read_customers",),
    counted="customersCount",
)
