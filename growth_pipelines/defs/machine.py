"""The one resource of every asset, check, job and sensor: the machine's settings and what is opened from them.

It hands plain domain objects to code that never imports dagster. It is an object and not a config schema, so
that no setting, least of all a secret, ever enters a run's configuration, which the Dagster UI shows to all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from growth_pipelines.clock import local_date
from growth_pipelines.settings import Settings

if TYPE_CHECKING:
    from growth_pipelines.store.database import Store
    from growth_pipelines.warehouse.database import Warehouse

# Called with what is worked on and how far it is: ("orders", 0.4); None where the end is not known.
Progress = Callable[[str, float | None], None]


def silent(_: str, __: float | None) -> None:
    """Nobody watches: runs that the daemon starts."""


def query(name: str) -> str:
    """The text of a query of this folder's ``queries/``."""
    return files("growth_pipelines.defs").joinpath(f"queries/{name}.sql").read_text(encoding="utf-8")


def _day(value: Any) -> date | None:
    """A date, whatever the engine's frame holds: date, Timestamp, text, or one of their missing values."""
    if value is None or value != value:
        return None
    return date.fromisoformat(str(value)[:10])


def freshness_label(days: dict[str, date], notes: dict[str, str]) -> str:
    """What a reader is told of the data's age: ``orders to 2026-11-21, search to 2026-11-19``; in brackets where a
    source's history starts, if later than one would think."""
    return ", ".join(
        f"{source} to {day.isoformat()}" + (f" ({notes[source]})" if source in notes else "")
        for source, day in sorted(days.items())
    )


@dataclass(frozen=True)
class Machine:
    """Cheap to make: databases are opened by whoever asks for them."""

    settings: Settings
    on_progress: Progress = silent

    @property
    def now(self) -> datetime:
        return self.settings.clock.now()

    @property
    def today(self) -> date:
        """The date in the shop's zone."""
        return local_date(self.now, self.zone)

    @property
    def store(self) -> Store:
        from growth_pipelines.store.database import Store

        return Store.of(self.settings)

    @property
    def warehouse(self) -> Warehouse:
        from growth_pipelines.warehouse.database import Warehouse

        return Warehouse.of(self.settings)

    @property
    def zone(self) -> str:
        """The shop's IANA zone."""
        return self.settings.zone

    def read_shop(self) -> dict[str, Any]:
        """The shop's row of ``dim_shops``, empty before the first ingestion."""
        with self.warehouse.read() as connection:
            rows = connection.frame(query("shop")).to_dict("records")
        return {name: None if value != value else value for name, value in rows[0].items()} if rows else {}

    def newest_days(self) -> dict[str, date]:
        """The newest day that is loaded, by source; sources without a row are missing."""
        with self.warehouse.read() as connection:
            rows = connection.frame(query("newest_days")).to_dict("records")
        return {row["source"]: day for row in rows if (day := _day(row["newest"])) is not None}

    def freshness(self) -> str:
        """The data's age, and where their history starts, in words; empty before the first build."""
        from growth_pipelines.warehouse.coverage import history_notes

        with self.warehouse.read() as connection:
            notes = history_notes(connection)
        return freshness_label(self.newest_days(), notes)

    def remember_shop(self) -> None:
        """Keep what the shop says of itself where settings and definitions can read it: opening the warehouse for
        its zone, which schedules need when definitions load, would be too slow there."""
        text = json.dumps(self.read_shop(), default=str)
        file = self.settings.shop_file
        partial = file.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
