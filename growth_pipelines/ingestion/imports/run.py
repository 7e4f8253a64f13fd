"""One import: read and check everything, land it without personal data, load it in one transaction."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from growth_pipelines.errors import SettingsError
from growth_pipelines.ingestion.imports.customers import CUSTOMERS
from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece
from growth_pipelines.ingestion.imports.known import read_known
from growth_pipelines.ingestion.imports.orders import ORDERS
from growth_pipelines.ingestion.imports.products import PRODUCTS
from growth_pipelines.ingestion.imports.search import SEARCH
from growth_pipelines.ingestion.imports.sheets import BadSheet, Sheet, read_sheets
from growth_pipelines.ingestion.landing import Landed, Landing, Shop
from growth_pipelines.ingestion.loading import Part, load
from growth_pipelines.ingestion.queries import query
from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.state import prepared, read_state, record_file, record_run
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse

# In the order in which they are asked whether a sheet is theirs, and loaded: what a customer export tells of a
# customer is more than what an order tells, so it comes after.
KINDS: tuple[Kind, ...] = (ORDERS, CUSTOMERS, PRODUCTS, SEARCH)
SHOP_PARTS = (Part("shops", scope="all"),)


@dataclass(frozen=True)
class _Batch:
    """A piece of the import that has landed."""

    piece: Piece
    landed: Landed


def import_paths(settings: Settings, paths: Sequence[Path | str]) -> list[StreamResult]:
    """Load exports of Shopify (orders, customers, products) and of Search Console; one result a kind.

    ``paths`` are .csv, .csv.gz, .zip or folders of them. Loading the same file again changes nothing. Raises
    BadSheet naming file, line and column; then nothing was loaded.
    """
    began = time.monotonic()
    started = settings.clock.now()
    sorted_sheets = _by_kind(read_sheets([Path(path) for path in paths]))
    warehouse = Warehouse.of(settings)
    with warehouse.lock():  # What is known of the shop must hold until the rows are written.
        with prepared(warehouse) as connection:
            shops = read_state(connection).shops
            shop = _shop(settings, shops)
            context = Context(settings, shop, _zone(shop), read_known(connection, shop.shop_id))
        pieces = [piece for kind, sheets in sorted_sheets for piece in kind.read(sheets, context)]
        if shop.shop_id not in shops:
            pieces.insert(0, _shop_piece(context))
        landing = Landing(settings.home)
        done: list[_Batch] = []
        try:
            done.extend(_Batch(piece, _write(landing, piece, context)) for piece in pieces)
            return _load(warehouse, context, done, (began, started))
        except BaseException:
            for batch in done:  # Nothing of it was loaded.
                landing.discard(batch.landed)
            raise


def _by_kind(sheets: Sequence[Sheet]) -> list[tuple[Kind, list[Sheet]]]:
    """The sheets of each kind that is there. Raises BadSheet for a sheet of none."""
    found: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        kind = next((kind for kind in KINDS if kind.recognises(sheet)), None)
        if kind is None:
            known = "; ".join(f"{kind.name} ({kind.signs})" for kind in KINDS)
            raise BadSheet(
                f"{sheet.label}, line 1: the columns are of no export that is known.",
                f"Accepted are, by their columns: {known}.",
            )
        found.setdefault(kind.name, []).append(sheet)
    return [(kind, found[kind.name]) for kind in KINDS if kind.name in found]


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


def _zone(shop: Shop) -> ZoneInfo:
    try:
        return ZoneInfo(shop.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"GROWTH_SHOP__TIMEZONE: there is no zone {shop.timezone!r}.", "Use a name like Europe/London."
        ) from error


def _shop_piece(context: Context) -> Piece:
    shop = context.shop
    record = {
        "name": shop.shop_id,
        "myshopifyDomain": shop.shop_id,
        "primaryDomain": {"url": shop.primary_url},
        "currencyCode": shop.currency,
        "ianaTimezone": shop.timezone,
        "primaryLocale": next(iter(context.settings.shop.locales), None),
    }
    return Piece("shop", "shop", SHOP_PARTS, [record])


def _write(landing: Landing, piece: Piece, context: Context) -> Landed:
    # The shop's own row lands beside, not in, the stream that reads it: only its API's answers are taken up later.
    stream = "shop_settings" if piece.stream == "shop" else piece.stream
    site = context.settings.search_console.site_url or f"https://{context.shop.shop_id}/"
    now = context.settings.clock.now()
    with landing.write(stream, context.shop, now, piece.window, {"site_url": site}) as file:
        for record in piece.records:
            file.writer.record(record)
    return file.result


def _load(
    warehouse: Warehouse, context: Context, batches: Sequence[_Batch], times: tuple[float, datetime]
) -> list[StreamResult]:
    """Write everything in one transaction; ``times`` are when the import began, monotonic and by the clock."""
    began, started = times
    shop_id = context.shop.shop_id
    run_id = secrets.token_hex(8)
    rows: dict[str, dict[str, int]] = {}
    with warehouse.write() as connection:
        for batch in batches:
            piece = batch.piece
            loaded = load(connection, batch.landed, piece.folder, piece.parts, started, piece.kept)
            rows.setdefault(piece.stream, {}).update(loaded.rows)
            record_file(connection, batch.landed, started)
            for stream in piece.read_again:
                connection.execute(query("forget_sweep"), (shop_id, stream))
        results = [_result(stream, batches, counts, began) for stream, counts in rows.items()]
        for result in results:
            record_run(connection, run_id, shop_id, result, (started, context.settings.clock.now()))
    return results


def _result(stream: str, batches: Sequence[_Batch], rows: dict[str, int], began: float) -> StreamResult:
    mine = [batch for batch in batches if batch.piece.stream == stream]
    window = mine[0].landed.window
    return StreamResult(
        stream=stream,
        rows=rows,
        window_start=window.start if window else None,
        window_end=window.end if window else None,
        bytes=sum(batch.landed.bytes for batch in mine),
        seconds=round(time.monotonic() - began, 3),
        notes=tuple(note for batch in mine for note in batch.piece.notes),
    )
