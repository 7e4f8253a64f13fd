"""One import: read and check everything, land it without personal data, load it in one transaction."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from growth_pipelines.errors import SettingsError
from growth_pipelines.ingestion.imports.orders import is_order_export, order_records
from growth_pipelines.ingestion.imports.search import is_search_export, read_search_export
from growth_pipelines.ingestion.imports.sheets import BadSheet, read_sheets
from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Part, load
from growth_pipelines.ingestion.pseudonyms import Pseudonyms
from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.state import prepared, read_state, record_file, record_run
from growth_pipelines.ingestion.windows import Window, midnight
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

SHOP_PARTS = (Part("shops", scope="all"),)
ORDER_PARTS = (
    Part("order_lines", scope="parent", parent="orders"),
    Part("orders"),
    Part("refunds", scope="parent", parent="orders"),
    Part("refund_lines", scope="parent", parent="orders"),
    Part("customers"),
)
DAY_PARTS = (Part("search_property_daily", "rows"),)
PAGE_PARTS = (Part("search_page_daily", "rows"),)
UNDATED_REFUNDS = "the export does not date refunds: they count on the day of the cancellation or of the order"


@dataclass(frozen=True)
class _Batch:
    """One landing file of the import, the tables it fills and what to tell about it."""

    stream: str
    folder: str
    parts: tuple[Part, ...]
    landed: Landed
    notes: tuple[str, ...] = ()


def import_paths(settings: Settings, paths: Sequence[Path | str]) -> list[StreamResult]:
    """Load Shopify order exports and Search Console exports; one result a kind.

    ``paths`` are .csv, .csv.gz, .zip or folders of them. Loading the same file again changes nothing. Raises
    BadSheet naming file, line and column; then nothing was loaded.
    """
    began = time.monotonic()
    started = settings.clock.now()
    sheets = read_sheets([Path(path) for path in paths])
    orders = [sheet for sheet in sheets if is_order_export(sheet)]
    search = [sheet for sheet in sheets if not is_order_export(sheet) and is_search_export(sheet)]
    for sheet in sheets:
        if sheet not in orders and sheet not in search:
            raise BadSheet(
                f"{sheet.label}, line 1: neither a Shopify order export nor a Search Console export.",
                "Order exports have columns 'Name' and 'Lineitem …'; Search Console exports must be in English.",
            )
    warehouse = Warehouse.of(settings)
    with prepared(warehouse) as connection:
        known = read_state(connection).shops
    shop = _shop(settings, known)
    importer = _Importer(settings, shop, new_shop=shop.shop_id not in known)
    try:
        batches = importer.land(orders, search)
        return _load(settings, warehouse, importer, batches, (started, began))
    except BaseException:
        importer.discard()
        raise


def _load(
    settings: Settings,
    warehouse: Warehouse,
    importer: _Importer,
    batches: list[_Batch],
    times: tuple[datetime, float],
) -> list[StreamResult]:
    """Everything in one transaction."""
    started, began = times
    rows: dict[str, dict[str, int]] = {}
    with warehouse.write() as connection:
        for batch in batches:
            loaded = load(connection, batch.landed, batch.folder, batch.parts, started)
            rows.setdefault(batch.stream, {}).update(loaded.rows)
            record_file(connection, batch.landed, started)
        results = [_result(stream, batches, counts, began) for stream, counts in rows.items()]
        for result in results:
            record_run(
                connection,
                secrets.token_hex(8),
                importer.shop.shop_id,
                result,
                (started, settings.clock.now()),
            )
    return results


def _shop(settings: Settings, known: dict[str, Shop]) -> Shop:
    """The shop that the exports are of: as the warehouse knows it, or as the settings say."""
    given = settings.shop
    if not given.domain and len(known) == 1:
        return next(iter(known.values()))
    for name in ("domain", "timezone", "currency"):
        if not getattr(given, name) and (name == "domain" or given.domain not in known):
            raise SettingsError(
                f"GROWTH_SHOP__{name.upper()} is not set, and no shop was read that would tell.",
                "Set GROWTH_SHOP__DOMAIN, GROWTH_SHOP__TIMEZONE (e.g. Europe/London) and GROWTH_SHOP__CURRENCY.",
            )
    found = known.get(given.domain, Shop(given.domain, primary_url=f"https://{given.domain}"))
    return Shop(
        found.shop_id, given.timezone or found.timezone, given.currency or found.currency, found.primary_url
    )


class _Importer:
    def __init__(self, settings: Settings, shop: Shop, *, new_shop: bool) -> None:
        self.settings = settings
        self.shop = shop
        self.new_shop = new_shop
        self.landing = Landing(settings.home)
        self.landed: list[Landed] = []
        try:
            self.zone = ZoneInfo(shop.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(
                f"GROWTH_SHOP__TIMEZONE: there is no zone {shop.timezone!r}.", "Use a name like Europe/London."
            ) from error

    def land(self, orders: list[Any], search: list[Any]) -> list[_Batch]:
        batches = []
        if orders:
            pseudonyms = Pseudonyms.of(self.settings)
            records = list(order_records(orders, self.zone, self.shop.currency, pseudonyms))
            refunded = any(record["refunded_amount"] not in ("0", "0.00") for record in records)
            landed = self._write("order_export", records, _order_window(records))
            notes = (UNDATED_REFUNDS,) if refunded else ()
            batches.append(_Batch("order_export", "order_export", ORDER_PARTS, landed, notes))
        if search:
            export = read_search_export(search)
            if not export.days:
                raise BadSheet(
                    f"{search[0].label}: the export has no Chart.csv or Dates.csv, so none of it has a day.",
                    "Export the whole performance report as CSV and import the zip file.",
                )
            first, last = export.window
            window = Window(midnight(first), midnight(last) + timedelta(days=1))
            days = self._write("search_export", export.days, window)
            batches.append(_Batch("search_export", "search_export", DAY_PARTS, days, tuple(export.notes)))
            if export.pages:
                pages = self._write("search_export", export.pages, window)
                batches.append(_Batch("search_export", "search_export", PAGE_PARTS, pages))
        if self.new_shop and batches:
            batches.insert(0, _Batch("shop", "shop", SHOP_PARTS, self._write("shop_settings", [self._shop_row()])))
        return batches

    def _shop_row(self) -> dict[str, Any]:
        return {
            "name": self.shop.shop_id,
            "myshopifyDomain": self.shop.shop_id,
            "primaryDomain": {"url": self.shop.primary_url},
            "currencyCode": self.shop.currency,
            "ianaTimezone": self.shop.timezone,
            "primaryLocale": next(iter(self.settings.shop.locales), None),
        }

    def _write(self, stream: str, records: Iterable[dict[str, Any]], window: Window | None = None) -> Landed:
        site = self.settings.search_console.site_url or f"https://{self.shop.shop_id}/"
        now = self.settings.clock.now()
        with self.landing.write(stream, self.shop, now, window, {"site_url": site}) as file:
            for record in records:
                file.writer.record(record)
        self.landed.append(file.result)
        return file.result

    def discard(self) -> None:
        """Take back what was landed by an import that failed."""
        for landed in self.landed:
            self.landing.discard(landed)


def _order_window(records: list[dict[str, Any]]) -> Window | None:
    days = [datetime.fromisoformat(record["created_at"]) for record in records]
    return Window(min(days), max(days)) if days else None


def _result(stream: str, batches: list[_Batch], rows: dict[str, int], began: float) -> StreamResult:
    mine = [batch for batch in batches if batch.stream == stream]
    window = mine[0].landed.window
    return StreamResult(
        stream=stream,
        rows=rows,
        window_start=window.start if window else None,
        window_end=window.end if window else None,
        bytes=sum(batch.landed.bytes for batch in mine),
        seconds=round(time.monotonic() - began, 3),
        notes=tuple(note for batch in mine for note in batch.notes),
    )
