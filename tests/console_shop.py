"""A small shop with a filled queue, and a running console over it: for tests that go through HTTP or a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import uvicorn

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import (
    ActionDraft,
    CheckRun,
    Evidence,
    FieldChange,
    Impact,
    Target,
)
from growth_pipelines.approvals.operators import add_operator, new_link
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse

NOW = datetime(2026, 11, 22, 15, 4, tzinfo=UTC)
SHOP = "hot-rod-parts.myshopify.com"
SITE = "https://www.hotrodparts.example"
START, END = date(2026, 10, 23), date(2026, 11, 19)
SEARCH = "marts.fct_search_query_page_daily"

# page, title before, title after, description after (None: kept), revenue low/expected/high, confidence
SNIPPETS: list[tuple[str, str, str, str | None, tuple[float, float, float], float]] = [
    (
        "/products/an-6-ptfe-fuel-line-kit",
        "AN-6 PTFE Fuel Line Kit - Hot Rod Parts",
        "AN-6 PTFE Fuel Line Kit, 20 ft with 10 Fittings | E85 Safe",
        "Braided PTFE hose and ten reusable AN-6 fittings for EFI and carb builds. Conductive liner, E85 safe. "
        "Ships today from Denver.",
        (610, 1184, 1790),
        0.86,
    ),
    (
        "/collections/an-fittings",
        "AN Fittings",
        "AN Fittings: -4 to -20, Straight to 180° Swivel | Hot Rod Parts",
        None,
        (420, 902, 1430),
        0.81,
    ),
    (
        "/products/ls-swap-fuel-system-1967-c10",
        "LS Swap Fuel System 67-72 C10",
        "LS Swap Fuel System for 1967–72 Chevy C10, Complete Kit",
        "Tank, pump, regulator and -6AN lines in one box, cut to length for the C10 frame.",
        (180, 655, 1210),
        0.74,
    ),
    (
        "/pages/an-size-chart",
        "AN Size Chart",
        "AN Fitting Size Chart: -4 to -20 AN in Inches and Millimetres",
        None,
        (90, 388, 720),
        0.71,
    ),
    (
        "/products/oil-cooler-25-row",
        "25 Row Oil Cooler",
        "25-Row Oil Cooler with -10AN Ports, Stacked Plate, Black",
        None,
        (110, 291, 480),
        0.69,
    ),
    (
        "/products/inline-fuel-filter-10-micron",
        "Inline fuel filter",
        "10 Micron Inline Fuel Filter for EFI, -6AN, Stainless Element",
        None,
        (60, 204, 371),
        0.66,
    ),
]
IMAGE = "/products/catch-can-baffled"
SLOW_PAGE = "/collections/fuel-pumps"


def target(page: str) -> Target:
    kind = {"products": "product", "collections": "collection", "pages": "page"}[page.split("/")[1]]
    number = 9_000_000 + sum(map(ord, page))
    return Target(
        type=kind, gid=f"gid://shopify/{kind.capitalize()}/{number}", url=SITE + page, handle=page.rsplit("/")[-1]
    )


def _worth(low: float, middle: float, high: float) -> Impact:
    return Impact(
        metric="search clicks",
        delta=round(middle / 2.3, 1),
        low=round(low / 2.3, 1),
        high=round(high / 2.3, 1),
        unit="clicks in 28 days",
        revenue_28d=middle,
        revenue_low=low,
        revenue_high=high,
    )


def _seen(name: str, value: float, unit: str, baseline: float | None = None, note: str = "") -> Evidence:
    return Evidence(
        name=name, source=SEARCH, value=value, unit=unit, baseline=baseline, start=START, end=END, note=note
    )


def snippet_draft(row: tuple[str, str, str, str | None, tuple[float, float, float], float]) -> ActionDraft:
    """A search snippet that underperforms its rank."""
    page, before, after, description, (low, middle, high), confidence = row
    draft: dict[str, Any] = {"title": after}
    diff = [FieldChange(field="seo.title", before=before, after=after)]
    if description is not None:
        draft["description"] = description
        diff.append(FieldChange(field="seo.description", before="", after=description, change_type="add"))
    draft["internal_links"] = [
        {"section": "related_products", "url": "/products/an-6-hose-end", "anchor": "AN-6 Hose End"}
    ]
    draft["variants"] = {"title": [after, f"{before}, Explained", f"{before} in Stock"]}
    return ActionDraft(
        kind="seo_ctr",
        subtype="title",
        source="seo_ctr/1",
        title=f"Say in the search result what {before.split(' - ')[0]} is",
        rationale="The page ranks at 3.2 on average, where your own pages win 8.9 % of the searches that show "
        "them. This one wins 4.1 %. The proposed text names the size, the count and the fuel it is safe for, "
        "which is what people type.",
        why_now="Impressions grew by 18 % against the four weeks before while the click rate fell.",
        target=target(page),
        draft=draft,
        diff=tuple(diff),
        evidence=(
            _seen("CTR", 0.041, "ratio", 0.089, "baseline: your pages at this position"),
            _seen("Clicks without brand queries", 497, "clicks", 1078, "baseline: expected"),
            _seen("Average position", 3.2, "position", 3.3, "baseline: 25 Sep – 22 Oct"),
            _seen("Impressions", 12_130, "impressions", 10_280, "baseline: 25 Sep – 22 Oct"),
            _seen("Conversion rate", 0.021, "orders per visit", None, "sessions"),
        ),
        checks=(
            CheckRun(name="rank is steady", passed=True, note="moved by 0.1, allowed 0.5"),
            CheckRun(name="claims are verified", passed=True, note="every number is in the catalogue"),
            CheckRun(name="title is unique", passed=True),
        ),
        freshness="search data to 19 Nov 2026",
        confidence=confidence,
        ease=1.0,
        impact=_worth(low, middle, high),
        risk_tier="low",
        priority="medium",
        score=middle * confidence,
        factors={
            "revenue_28d": middle,
            "confidence": confidence,
            "ease": 1.0,
            "win_rate": 1.0,
            "gap_probability": 0.98,
        },
        ranking_version="revenue-confidence-ease-1",
        rollback_plan=f"Write the present title back: “{before}”.",
    )


def image_draft() -> ActionDraft:
    """An alternative text that is missing, and the steps of a repair that a person makes."""
    steps = ["Export the photo as WebP at 1,200 px.", "Replace it in the product's media.", "Remove lazy loading."]
    return ActionDraft(
        kind="cwv_repair",
        subtype="image",
        source="cwv_repair/1",
        title="Make the catch can's main photo load sooner",
        rationale="The largest element is a 2.4 MB photo that loads lazily.",
        why_now="LCP on phones passed 4.0 s in the week to 14 November.",
        target=target(IMAGE),
        draft={
            "media_gid": "gid://shopify/MediaImage/77",
            "alt": "Baffled catch can, black, with -10AN ports",
            "summary": "The photo that loads last",
            "steps": steps,
        },
        diff=(
            FieldChange(
                field="image.alt",
                before="catch can",
                after="Baffled catch can, black, with -10AN ports",
            ),
            FieldChange(field="task", before="", after="\n".join(steps), change_type="task"),
        ),
        evidence=(
            Evidence(
                name="LCP at p75, phone",
                source="marts.fct_web_vitals",
                value=4180,
                unit="ms",
                baseline=2390,
                start=date(2026, 10, 18),
                end=date(2026, 11, 14),
                note="before: week to 10 October",
            ),
        ),
        confidence=0.78,
        ease=0.5,
        impact=Impact(
            metric="sessions",
            delta=96,
            low=31,
            high=158,
            unit="sessions in 28 days",
            revenue_28d=512,
            revenue_low=140,
            revenue_high=930,
        ),
        risk_tier="medium",
        priority="high",
        score=512 * 0.78 * 0.5,
        factors={"revenue_28d": 512, "confidence": 0.78, "ease": 0.5, "win_rate": 1.0},
        ranking_version="revenue-confidence-ease-1",
        rollback_plan="Write the present alternative text back; the photo itself is replaced by hand.",
    )


def task_draft() -> ActionDraft:
    """A repair that only a person can make."""
    steps = [
        "Open Apps and find the review widget.",
        "Load it after the first interaction.",
        "Test the page again.",
    ]
    return image_draft().model_copy(
        update={
            "subtype": "script",
            "title": "Load the review widget of Fuel Pumps later",
            "target": target(SLOW_PAGE),
            "draft": {"summary": "A third-party script blocks the page for 840 ms.", "steps": steps},
            "diff": (FieldChange(field="task", before="", after="\n".join(steps), change_type="task"),),
            "ease": 0.4,
            "score": 512 * 0.78 * 0.4,
            "factors": {"revenue_28d": 512, "confidence": 0.78, "ease": 0.4, "win_rate": 1.0},
        }
    )


@dataclass(frozen=True)
class ConsoleShop:
    """A home with a filled store, and how to get into its console."""

    settings: Settings
    base_url: str = ""

    @staticmethod
    def settings_in(home: Path, **variables: str) -> Settings:
        """The settings of a machine in ``home`` whose clock stands still."""
        return load_settings(
            {
                "GROWTH_HOME": str(home),
                "GROWTH_NOW": NOW.isoformat(),
                "GROWTH_SHOP__DOMAIN": SHOP,
                "GROWTH_SHOP__TIMEZONE": "America/Denver",
                "GROWTH_ACTIONS__MODE": "live",
                # Tests ask for more in a second than anybody does in a minute.
                **{f"GROWTH_CONSOLE__{kind}_PER_MINUTE": "100000" for kind in ("LOGINS", "CHANGES", "API")},
                **variables,
            }
        )

    @property
    def store(self) -> Store:
        return Store.of(self.settings)

    def link(self, name: str = "maria") -> str:
        """A fresh one-time link of an operator, as the command line prints it but at this server."""
        token = new_link(self.store, self.settings, name, self.settings.clock.now()).link_token
        return f"{self.base_url}/login?token={token}"


def fill(home: Path, **variables: str) -> ConsoleShop:
    """A machine in ``home`` with three operators, eight waiting actions and published data."""
    settings = ConsoleShop.settings_in(home, **variables)
    store = Store.of(settings)
    for name, role in (("maria", "operator"), ("bo", "operator"), ("vik", "viewer")):
        add_operator(store, settings, name, role, NOW)
    for recommender, drafts in (
        ("seo_ctr", [snippet_draft(row) for row in SNIPPETS]),
        ("cwv_repair", [image_draft(), task_draft()]),
    ):
        refused = submit(
            store, drafts, recommender=recommender, shop_id=SHOP, now=NOW, rules=SubmitRules()
        ).refused
        assert not refused, [why for _, why in refused]
    publish(settings)
    return ConsoleShop(settings)


def publish(settings: Settings, search_to: date = END, orders_note: str | None = None) -> None:
    """The few marts that the console reads."""
    tables = {
        "dim_shops": "select 'Hot Rod Parts' as name, cast(? as text) as domain, cast(? as text) as primary_url, "
        "'USD' as currency, 'America/Denver' as timezone, 'shop' as shop_id, "
        "cast(null as date) as window_end, cast(null as date) as as_of, 100 as minor_units",
        "dim_customers": "select 'c1' as customer_key, 'shop' as shop_id, date '2026-10-01' as first_order_date",
        "fct_shop_daily": "select date '2026-11-17' as date_day, 7 as orders, cast(? as text) as shop_id, "
        "true as is_complete, 70000 as net_cents, 350 as sessions, 120 as search_clicks",
        "fct_page_daily": "select cast(? as date) as date_day, 90 as search_impressions",
        "fct_web_vitals": "select date '2026-11-14' as period_end",
        "dim_pages": "select '' as resource_gid, '' as page_key, '' as effective_title, "
        "'' as effective_description",
        "dim_data_coverage": "select 'orders' as stream, cast(? as text) as history_note",
    }
    values = {
        "dim_shops": (SHOP, SITE),
        "fct_shop_daily": (SHOP,),
        "fct_page_daily": (search_to.isoformat(),),
        "dim_data_coverage": (orders_note,),
    }
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        connection.execute("create schema if not exists marts")
        connection.execute("create schema if not exists raw")
        connection.execute("drop table if exists raw._ingest_cursor")
        connection.execute(
            "create table raw._ingest_cursor as "
            "select 'orders' as stream, timestamp '2026-11-22 05:30:00' as position"
        )
        for name, rows in tables.items():
            connection.execute(f"drop table if exists marts.{name}")
            connection.execute(f"create table marts.{name} as {rows}", values.get(name, ()))
        for page, title, *_ in SNIPPETS:
            connection.execute(
                "insert into marts.dim_pages values (?, ?, ?, ?)",
                (target(page).gid, page, title, "Quality parts for your hot rod. Fast shipping, easy returns."),
            )
    warehouse.publish()


def judged(settings: Settings, *, broken: bool = True) -> None:
    """A report on the data: one contract broken, one day unusual, or all as it should be."""
    from growth_pipelines.quality.outcomes import Outcome
    from growth_pipelines.quality.report import Report, StreamState, write_report

    negative = Outcome(
        "order_lines",
        "quantity is at least 0",
        "validity",
        "error",
        not broken,
        "1 of 312 rows break it" if broken else "all of 312 rows",
        "Less than nothing cannot be sold; returns are refunds.",
        312,
        int(broken),
        ("quantity = -2 (line 17 of orders/20261121-20261122-0f1e2d3c4b5a)",) if broken else (),
    )
    fewer = Outcome(
        "search_page_daily",
        "as many rows as such days have",
        "volume",
        "warn",
        not broken,
        "2026-11-19: 12, usual are 310 to 402",
        "A sudden change is a reading gone wrong more often than it is the shop.",
    )
    streams = (StreamState("orders", 3600, 93600), StreamState("search_page", 250000, 345600))
    batches = {"order_lines": 312, "search_page_daily": 12}
    write_report(settings, Report(NOW, (negative, fewer), streams, batches))


@contextmanager
def serve(shop: ConsoleShop) -> Iterator[ConsoleShop]:
    """The shop's console behind a real socket."""
    from growth_pipelines.console.app import create_app

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(shop.settings), log_level="warning", access_log=False, proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield ConsoleShop(shop.settings, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        shop.store.close()
