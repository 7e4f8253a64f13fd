"""Marts as experiments read them, written from frames: with effects that a test knows, on either engine."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.drafts import SHOP, settings_in

_TYPES = {"int64": "bigint", "float64": "double precision", "bool": "boolean", "datetime64": "date"}


def at(settings: Settings, now: datetime) -> Settings:
    """The same machine at another time, in live mode."""
    live = {"GROWTH_ACTIONS__MODE": "live", "GROWTH_SHOP__DOMAIN": SHOP, "GROWTH_NOW": now.isoformat()}
    return settings_in(settings.home, settings.postgres_url, **live)


def publish(settings: Settings, last_day: date, **marts: pd.DataFrame) -> None:
    """Write and publish these marts, whose newest complete day is ``last_day``."""
    shops = pd.DataFrame(
        {
            "window_end": [pd.Timestamp(last_day)],
            "as_of": [pd.Timestamp(last_day + timedelta(1))],
            "minor_units": [100],
        }
    )
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        connection.execute("create schema if not exists marts")
        for name, frame in {**marts, "dim_shops": shops}.items():
            connection.execute(f"drop table if exists marts.{name}")
            columns = {"shop_id": "varchar", **{column: _type(frame[column]) for column in frame}}
            made = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table marts.{name} ({made})")
            table = pa.Table.from_pandas(_plain(frame.assign(shop_id=SHOP)), preserve_index=False)
            connection.insert(f"marts.{name}", list(columns), table.select(list(columns)).to_reader())
    warehouse.publish()


def _type(column: Any) -> str:
    kind = str(column.dtype)
    return next((ours for theirs, ours in _TYPES.items() if kind.startswith(theirs)), "varchar")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    days = {name: frame[name].dt.date for name in frame if str(frame[name].dtype).startswith("datetime64")}
    return frame.assign(**days)
