"""A shop with an action of every kind, as the recommenders draft them, and the series that their pages draw."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from growth_pipelines.actions.lifecycle import SubmitRules, submit
from growth_pipelines.actions.model import ActionDraft, Evidence
from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.recommenders.context import (
    MerchPlaybookConfig,
    MetaobjectGenConfig,
    RecommenderContext,
)
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse
from tests import basket_frames, catalogue_frames, goods_frames
from tests.console_shop import (
    END,
    NOW,
    SHOP,
    SITE,
    SNIPPETS,
    ConsoleShop,
    image_draft,
    publish,
    snippet_draft,
    task_draft,
)
from tests.goods_frames import goods, pair

CONTEXT = RecommenderContext(date(2026, 11, 22), "Hot Rod Parts", SITE, "USD")
DAYS = 182
# Drafted by the recommenders of the names, in this order.
Drafts = list[tuple[str, list[ActionDraft]]]


def every_kind() -> Drafts:
    """Drafts of every kind and subtype that has a page of its own."""
    return [
        ("seo_ctr", [snippet_draft(SNIPPETS[0])]),
        ("cwv_repair", [_measured(image_draft(), "LCP"), _measured(task_draft(), "LCP")]),
        ("merch_playbook", [*merchandising(), *shown_first(), *returned()]),
        ("metaobject_gen", content()),
        ("guided_selling", [*guided(), *better_and_kit(), *asked()]),
    ]


def _measured(draft: ActionDraft, vital: str) -> ActionDraft:
    """The draft with its first row of evidence named as the recommender names it."""
    first, *rest = draft.evidence
    named = first.model_copy(update={"name": f"{vital} p75, field"})
    return draft.model_copy(update={"evidence": (named, *rest)})


def merchandising() -> list[ActionDraft]:
    """Reorder, clearance, bundle and an order of a collection."""
    good = [goods(100 + n, orders=60, title=f"Swivel {n}°, black") for n in range(10)]
    frames = goods_frames.frames_of(
        goods(99, available=2, every=1),
        goods(98, available=60, every=0, units_year=1),
        *good,
        collections=({"title": "Fittings", "members": [*range(1, 41), *(row["number"] for row in good)]},),
        pairs=[pair(1, 2)],
    )
    return RECOMMENDERS["merch_playbook"].recommend(frames, goods_frames.CONTEXT, MerchPlaybookConfig())


def shown_first() -> list[ActionDraft]:
    """A product that sells four times as well as the others, in the middle of its collection."""
    best = goods(97, orders=90, margin_rate=0.6, title="Billet Fuel Rail, LS3")
    members = [*range(1, 31), 97, *range(31, 61)]
    frames = goods_frames.frames_of(
        best,
        collections=(
            {"title": "Fittings", "members": [*range(1, 31)]},
            {"title": "Fuel rails", "members": members},
        ),
    )
    return _only("feature", RECOMMENDERS["merch_playbook"].recommend(frames, goods_frames.CONTEXT))


def returned() -> list[ActionDraft]:
    """A product that was out for nine days, and is back."""
    frames = goods_frames.frames_of(goods(96, every=2, available=40, out=tuple(range(3, 12)), title="Surge Tank"))
    return _only("back_in_stock", RECOMMENDERS["merch_playbook"].recommend(frames, goods_frames.CONTEXT))


def content() -> list[ActionDraft]:
    """Questions, answers, specifications and steps for a product, and a page for a topic."""
    frames = catalogue_frames.searched(
        catalogue_frames.frames_of(
            *catalogue_frames.pumps(),
            catalogue_frames.product(
                30, **catalogue_frames.PUMP, variants=5, body_html=catalogue_frames.INSTALLED
            ),
        )
    )
    return RECOMMENDERS["metaobject_gen"].recommend(frames, CONTEXT, MetaobjectGenConfig())


def guided() -> list[ActionDraft]:
    """Rules of what goes with what."""
    planted = [(30, (1, 2)), (20, (1, 3)), (60, (3,)), (80, (4,)), (60, (5,)), (5, (2,))]
    frames = basket_frames.frames_of(basket_frames.baskets(*planted))
    return _only("cross_sell_rule", RECOMMENDERS["guided_selling"].recommend(frames, CONTEXT))


def better_and_kit() -> list[ActionDraft]:
    """A better filter beside a plain one, and a kit of a hose, the filter and a wrench."""
    orders = [(40, [1, 2, 3]), (30, [1, 2]), (60, [1]), (20, [2]), (20, [3]), (400, [4]), (100, [5])]
    filters: dict[str, Any] = {"product_type": "Filters"}
    frames = basket_frames.frames_of(
        basket_frames.baskets(*orders),
        basket_frames.product(1, title="PTFE Hose, 20 ft", handle="ptfe-hose"),
        basket_frames.product(2, title="10 Micron Filter", handle="filter", visits=3_000, **filters),
        basket_frames.product(3, title="AN Wrench Set", handle="wrench"),
        basket_frames.product(
            5, title="10 Micron Filter, Polished", visits=1_000, price_min_cents=14_000, **filters
        ),
    )
    drafts = RECOMMENDERS["guided_selling"].recommend(frames, CONTEXT)
    return [*_only("upsell_rule", drafts), *_only("kit_rule", drafts)]


def asked() -> list[ActionDraft]:
    """A question that searchers ask and no page answers."""
    seen = {"impressions": 900.0, "clicks": 3.0, "position": 28.0}
    others = {"other_clicks": 90.0, "other_impressions": 3000.0, "other_position": 9.0}
    query = {"query": "why does a regulator whistle", "cluster": "regulator whistle", **seen, **others}
    page = {"page_key": "/collections/fuel-rails", "page_type": "collection", "description": ""}
    frames = basket_frames.frames_of(basket_frames.baskets((20, [1]), (20, [2])))
    frames["questions"] = pd.DataFrame([{**query, "main_page_key": page["page_key"]}])
    shown = pd.DataFrame([{**page, "title": "Fuel Rails", "effective_title": "Fuel Rails"}])
    frames["pages"] = pd.concat([frames["pages"], shown], ignore_index=True)
    return _only("content_gap", RECOMMENDERS["guided_selling"].recommend(frames, CONTEXT))


def _only(subtype: str, drafts: list[ActionDraft]) -> list[ActionDraft]:
    return [draft for draft in drafts if draft.subtype == subtype][:1]


def fill_every_kind(home: Path, **variables: str) -> ConsoleShop:
    """A machine in ``home`` with three operators, an action of every kind, and the series that its pages draw."""
    settings = ConsoleShop.settings_in(home, **variables)
    store = Store.of(settings)
    for name, role in (("maria", "operator"), ("bo", "operator"), ("vik", "viewer")):
        add_operator(store, settings, name, role, NOW)
    drafts = every_kind()
    for recommender, drafted in drafts:
        refused = submit(
            store, drafted, recommender=recommender, shop_id=SHOP, now=NOW, rules=SubmitRules()
        ).refused
        assert not refused, [why for _, why in refused]
    publish(settings)
    publish_series(settings, [draft for _, drafted in drafts for draft in drafted])
    return ConsoleShop(settings)


_TABLES: dict[str, str] = {
    "fct_page_daily": "shop_id text, page_key text, date_day date, search_impressions bigint, "
    "search_clicks bigint, sessions bigint",
    "fct_product_daily": "shop_id text, product_id text, date_day date, units bigint, orders bigint",
    "fct_ctr_curve": "shop_id text, position_bucket bigint, ctr double precision",
    "fct_web_vitals": "shop_id text, scope text, page_key text, form_factor text, metric text, period_end date, "
    "p75 double precision, is_weekly boolean",
    "dim_collection_products": "shop_id text, collection_id text, product_id text",
    "dim_products": "shop_id text, product_id text, page_key text, handle text",
    "dim_pages": "resource_gid text, page_key text, title text, product_type text, vendor text, tags text, "
    "description text, effective_title text, effective_description text",
}


def publish_series(settings: Settings, drafts: list[ActionDraft]) -> None:
    """Publish the marts that the plots and the texts' judge read, made up but the same every time."""
    rows = _series(drafts, random.Random(7))
    warehouse = Warehouse.of(settings)
    with warehouse.write() as connection:
        connection.execute("alter table marts.dim_shops add column conversion_basis text")
        connection.execute("alter table marts.dim_shops add column primary_locale text")
        connection.execute(
            "update marts.dim_shops set window_end = ?, conversion_basis = 'sessions', primary_locale = 'en'",
            (END.isoformat(),),
        )
        for name, columns in _TABLES.items():
            connection.execute(f"drop table if exists marts.{name}")
            connection.execute(f"create table marts.{name} ({columns})")
            if connection.engine == "duckdb" and rows[name]:
                connection.native.register("made_up", pd.DataFrame(rows[name]))
                connection.execute(f"insert into marts.{name} select * from made_up")
                connection.native.unregister("made_up")
            elif rows[name]:
                places = ", ".join(["%s"] * len(rows[name][0]))
                connection.native.cursor().executemany(f"insert into marts.{name} values ({places})", rows[name])
    warehouse.publish()


def _series(drafts: list[ActionDraft], chance: random.Random) -> dict[str, list[tuple[Any, ...]]]:
    days = [END - timedelta(days=ago) for ago in range(DAYS)]
    weeks = [date(2026, 11, 14) - timedelta(days=7 * ago) for ago in range(26)]
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _TABLES}
    rows["fct_ctr_curve"] = [("shop", place, 0.3 / place**0.9) for place in range(1, 21)]
    for gid, draft in {draft.target.gid: draft for draft in drafts}.items():
        page = urlsplit(draft.target.url).path
        rows["dim_pages"].append(_page(draft, page))
        rows["fct_page_daily"] += [
            ("shop", page, day, chance.randint(380, 470), chance.randint(14, 22), chance.randint(3, 9))
            for day in days
        ]
        rows["fct_product_daily"] += [
            ("shop", gid, day, chance.randint(0, 3), chance.randint(0, 2)) for day in days
        ]
        rows["fct_web_vitals"] += [
            ("shop", "page", page, form, "lcp", week, (4180 - 80 * ago) * share, True)
            for ago, week in enumerate(weeks)
            for form, share in (("phone", 1.0), ("desktop", 0.6))
        ]
    for draft in drafts:
        for change in draft.diff:
            if change.field == "collection.order":
                rows_of_members(rows, draft.target.gid, change.before.split(), days[:84], chance)
    return rows


def rows_of_members(
    rows: dict[str, list[tuple[Any, ...]]], gid: str, handles: list[str], days: list[date], chance: random.Random
) -> None:
    """The products of a collection; what stands later sells better. Pages that have days keep theirs."""
    known = {row[1] for row in rows["fct_page_daily"]}
    for place, handle in enumerate(handles):
        product, page = f"gid://shopify/Product/{handle}", f"/products/{handle}"
        rows["dim_collection_products"].append(("shop", gid, product))
        rows["dim_products"].append(("shop", product, page, handle))
        if page not in known:
            rows["fct_page_daily"] += [("shop", page, day, 100, 5, 10) for day in days[:28]]
        rows["fct_product_daily"] += [
            ("shop", product, day, 1, 1) for day in days[:28] if chance.random() < 0.02 + place / 100
        ]


def _page(draft: ActionDraft, page: str) -> tuple[Any, ...]:
    shown = next((change.before for change in draft.diff if change.field == "seo.title"), draft.target.handle)
    facts = "Braided PTFE hose and ten reusable AN-6 fittings for EFI and carb builds. E85 safe, 20 ft."
    return draft.target.gid, page, shown, "Fuel lines", "Mesa Speed", "fuel", facts, shown, facts


def evidence_row(name: str, value: float | None, unit: str = "", **more: Any) -> dict[str, Any]:
    """A row of evidence as an action keeps it."""
    row = Evidence(name=name, source="marts.x", value=value, unit=unit, start=END, end=END, **more)
    return row.model_dump(mode="json")
