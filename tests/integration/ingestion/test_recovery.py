"""What goes wrong in one run harms no later one: bad files, wrong clocks, unforeseen answers, older versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.ingestion.landing import Landing, Shop
from growth_pipelines.ingestion.results import IngestError
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.ingestion.shopify.client import ShopifyClient
from growth_pipelines.ingestion.status import ingest_status
from growth_pipelines.ingestion.windows import Window, midnight
from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from tests.integration.ingestion.conftest import QUICK, raw_rows

Machine = Callable[..., Settings]


def land(settings: Settings, stream: str, line: bytes, window: Window | None = None) -> Path:
    """A landing file as a run that was killed would leave it."""
    shop = Shop(settings.shop.domain, "America/Denver", "USD", "https://www.hotrodparts.example")
    extra = {"site_url": "sc-domain:hotrodparts.example"}
    with Landing(settings.home).write(stream, shop, settings.clock.now(), window, extra) as file:
        file.writer.raw(line)
    path: Path = file.result.path
    return path


def status(settings: Settings, stream: str) -> dict[str, Any]:
    (row,) = [row for row in ingest_status(settings) if row["stream"] == stream]
    return row


def test_a_file_that_an_engine_refuses_is_set_aside_and_costs_nobody_anything(
    small_shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    settings = machine(small_shop, **database)
    window = Window(midnight(date(2026, 11, 1)), midnight(date(2026, 11, 2)))
    line = b'{"keys":["2026-11-01"],"clicks":1e30,"impressions":1,"position":1}'
    path = land(settings, "search_property", line, window)
    results = {result.stream: result for result in ingest(settings, ["search_property", "redirects"])}
    assert "set aside" in results["search_property"].notes[0]
    assert results["search_property"].rows["search_property_daily"] == 40
    assert results["redirects"].rows["redirects"] > 0
    assert path.exists()  # for a person to look at
    again = {result.stream: result for result in ingest(settings, ["search_property"])}
    assert not again["search_property"].notes


def test_text_that_postgresql_can_t_hold_is_loaded_without_that_character(
    small_shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    settings = machine(small_shop, **database)
    ingest(settings, ["shop"])
    land(settings, "redirects", b'{"id":"gid://shopify/UrlRedirect/1","path":"/a\\u0000b","target":"/c"}')
    (result,) = ingest(settings, ["redirects"])
    assert "loaded 1 landing file" in result.notes[0]
    assert len(raw_rows(settings, "redirects")["redirects"]) == small_shop.truth["counts"]["redirects"]


def test_a_clock_that_was_ahead_is_found_out_and_everything_read_again(
    small_shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    streams = ["shop", "collections", "orders", "search_property"]
    ahead = machine(small_shop, **{**database, "GROWTH_NOW": "2027-11-22T12:00:00+00:00"})
    ingest(ahead, streams)
    settings = machine(small_shop, **database)
    with Warehouse.of(settings).write() as connection:
        connection.execute("delete from raw.collections")
        connection.execute("delete from raw.search_property_daily")
    assert status(settings, "orders")["late"]
    results = {result.stream: result for result in ingest(settings, streams)}
    assert any("the clock was wrong" in note for note in results["orders"].notes)
    counts = small_shop.truth["counts"]
    assert len(raw_rows(settings, "orders")["orders"]) == counts["orders"]
    assert len(raw_rows(settings, "collections")["collections"]) == counts["collections"]
    assert len(raw_rows(settings, "search_property_daily")["search_property_daily"]) == 40
    assert not status(settings, "orders")["late"]


def test_days_that_were_asked_for_first_do_not_hide_what_came_before(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    ingest(settings, ["orders"], since=date(2026, 6, 1), until=date(2026, 6, 30))
    ingest(settings, ["search_property"], since=date(2026, 11, 10), until=date(2026, 11, 12))
    ingest(settings, ["orders", "search_property"])
    assert len(raw_rows(settings, "orders")["orders"]) == small_shop.truth["counts"]["orders"]
    assert len(raw_rows(settings, "search_property_daily")["search_property_daily"]) == 40


def test_a_pending_file_says_nothing_of_the_time_before_it(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop, GROWTH_INGESTION__HISTORY_DAYS="60")
    ingest(settings, ["orders"])
    started = status(settings, "orders")["covered_from"]
    land(settings, "orders", b"{}", Window(midnight(date(2026, 3, 1)), midnight(date(2026, 4, 1)), False))
    ingest(settings, ["orders"])
    assert status(settings, "orders")["covered_from"] == started


def test_an_answer_that_nobody_foresaw_fails_its_stream_alone(
    small_shop: Any, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one place where the client is meddled with: no server of ours would answer so."""
    honest = ShopifyClient.execute

    def meddled(self: ShopifyClient, document_name: str, variables: Any = None) -> dict[str, Any]:
        answer = honest(self, document_name, variables)
        if document_name == "redirects":
            answer["urlRedirects"]["nodes"] = [7]
        return answer

    monkeypatch.setattr(ShopifyClient, "execute", meddled)
    settings = machine(small_shop, GROWTH_INGESTION__DEADLINE_SECONDS="5")
    with pytest.raises(IngestError, match="redirects"):
        ingest(settings, ["shop", "redirects", "collections"])
    assert status(settings, "redirects")["state"] == "failed"
    assert status(settings, "collections")["state"] == "loaded"


def test_a_home_of_an_older_version_reads_again_what_it_had_not_read(
    small_shop: Any, machine: Machine, database: dict[str, str]
) -> None:
    settings = machine(small_shop, **database)
    ingest(settings, ["shop", "orders", "customers"])
    whole = raw_rows(settings, "orders", "order_transactions")
    with Warehouse.of(settings).write() as connection:
        connection.execute("drop table raw.order_transactions")
        connection.execute("alter table raw.orders drop column fulfillment_status")
    ingest(settings, ["orders", "customers"])
    found = raw_rows(settings, "orders", "order_transactions")
    assert len(found["order_transactions"]) == len(whole["order_transactions"])
    with Warehouse.of(settings).write() as connection:
        filled = connection.execute("select count(fulfillment_status) from raw.orders").fetchone()
    assert filled == (len(whole["orders"]),)


def test_what_the_shop_removed_goes_also_when_a_killed_run_is_taken_up(
    start_sandbox: Callable[..., Any], tmp_path: Path
) -> None:
    """On the real clock: a snapshot that was pending is older than the one that follows it in the same run."""
    shop = start_sandbox("--seed", "3", "--orders", "50", "--products", "20", "--today", "2026-11-22")
    real_clock = {name: value for name, value in QUICK.items() if name != "GROWTH_NOW"}
    settings = shop.settings(tmp_path, **real_clock)
    ingest(settings, ["shop", "redirects"])
    record = b'{"id":"gid://shopify/UrlRedirect/1","path":"/gone","target":"/c"}'
    here = Shop(settings.shop.domain)
    with Landing(settings.home).write("redirects", here, settings.clock.now(), whole=True) as file:
        file.writer.raw(record)
    ingest(settings, ["redirects"])
    assert len(raw_rows(settings, "redirects")["redirects"]) == shop.truth["counts"]["redirects"]
