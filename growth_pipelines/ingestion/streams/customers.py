"""Customers as keyed hashes. Personal fields are selected only where ``privacy.personal_fields`` asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.shopify.client import AccessDenied
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.reading import Connection, read_window, window_of
from growth_pipelines.ingestion.streams.sources import SHOPIFY


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
    with job.connect() as client:
        try:
            yield read_window(job, client, _connection(country=True), window)
        except AccessDenied:
            # Addresses are protected data that not every app may read.
            job.meter.note("the app may not read addresses: customers have no country")
            yield read_window(job, client, _connection(country=False), window)


CUSTOMERS = Stream(
    name="customers",
    source=SHOPIFY,
    group="orders",
    description="Customers as keyed hashes with their number of orders and country.",
    folder="customers",
    parts=(Part("customers"),),
    fetch=_customers,
    scopes=("read_customers",),
    counted="customersCount",
)
