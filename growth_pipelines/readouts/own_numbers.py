"""The shop's own numbers, to begin the plan of an experiment with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from growth_pipelines.clock import local_date
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import NothingPublished, Warehouse
from growth_pipelines.warehouse.named_queries import query

DAYS = 28


@dataclass(frozen=True)
class Late:
    """Of the shop's last whole days (``days``, 28 at most): ``sessions`` a day, and ``orders`` of each session."""

    days: int
    sessions: float
    orders: float


def of_late(connection: WarehouseConnection, shop_id: str, today: date) -> Late | None:
    """The shop's last 28 days before ``today``, as far as they are complete; None where it had no session."""
    bounds = [shop_id, today - timedelta(days=DAYS), today - timedelta(days=1)]
    days = connection.frame(query("experiment_shop_days"), bounds).dropna(subset=["sessions", "orders"])
    sessions, orders = float(days["sessions"].sum()), float(days["orders"].sum())
    return Late(len(days), sessions / len(days), orders / sessions) if sessions > 0 else None


def last_days(settings: Settings, now: datetime) -> Late | None:
    """:func:`of_late`, as of ``now`` in the shop's zone; None also where nothing is published yet.

    Raises GrowthError where what is published can't be read: a plan must not begin as if the shop were new.
    """
    try:
        with Warehouse.of(settings).read() as connection:
            return of_late(connection, settings.shop.domain, local_date(now, settings.zone))
    except NothingPublished:
        return None
