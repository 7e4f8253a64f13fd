"""The marts of a random shop, recounted with pandas from the raw rows, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.coverage import history_notes
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build
from growth_pipelines.warehouse.frames import FRAMES, load_frames

from .raw_rows import HOST, TODAY, Rows, frame, limit_orders, load, random_shop, settings_for

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("marts")
ROWS: Rows = random_shop(seed=11)
WINDOW_END = TODAY - timedelta(days=4)  # the newest day for which both search streams are there
WINDOW_START = WINDOW_END - timedelta(days=27)

FIRST_ORDERS = date(2026, 3, 1)


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, BuildResult]]:
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else ""
    settings = settings_for(tmp_path_factory.mktemp("home"), url)
    load(settings, ROWS)
    limit_orders(settings, FIRST_ORDERS, "no more can be read")
    result = build(settings)
    Warehouse.of(settings).publish()
    return settings, result


@pytest.fixture
def settings(built: tuple[Settings, BuildResult]) -> Settings:
    return built[0]


def mart(settings: Settings, name: str) -> pd.DataFrame:
    with Warehouse.of(settings).read() as connection:
        return connection.frame(f"select * from marts.{name}")


def counted_orders() -> pd.DataFrame:
    orders = frame(ROWS, "orders")
    orders = orders[orders["cancelled_at"].isna() & ~orders["is_test"].astype(bool)].copy()
    orders["day"] = pd.to_datetime(orders["local_date"])
    orders["net"] = ((orders["gross_amount"] - orders["discount_amount"]) * 100).round().astype(int)
    return orders


def test_everything_is_built_and_every_test_passes(built: tuple[Settings, BuildResult]) -> None:
    result = built[1]
    assert [node for node in result.results if node.status not in ("success", "pass")] == []
    sizes = {node.name: node.rows for node in result.results if node.kind == "model"}
    assert sizes["fct_orders"] == len(counted_orders())
    assert sizes["stg_shopify__orders"] is None


def test_orders_leave_out_test_and_cancelled_ones(settings: Settings) -> None:
    orders, expected = mart(settings, "fct_orders"), counted_orders()
    assert sorted(orders["order_id"]) == sorted(expected["order_id"])
    assert orders["net_cents"].sum() == expected["net"].sum()
    first = expected.dropna(subset="customer_key").sort_values("created_at").groupby("customer_key").cumcount() + 1
    numbers = orders.dropna(subset="customer_key").set_index("order_id")["customer_order_number"]
    assert numbers.to_dict() == dict(zip(expected.loc[first.index, "order_id"], first, strict=True))


def test_the_shop_a_day_agrees_with_a_recount(settings: Settings) -> None:
    daily = mart(settings, "fct_shop_daily").set_index("date_day")
    orders = counted_orders()
    by_day = orders.groupby("day")["net"].sum().reindex(daily.index, fill_value=0)
    assert daily["net_cents"].tolist() == by_day.tolist()
    known = orders.dropna(subset="customer_key")
    first = known.groupby("customer_key")["day"].min()
    new = first.value_counts().reindex(daily.index, fill_value=0)
    assert daily["customers_new"].tolist() == new.tolist()
    refunds = frame(ROWS, "refunds").merge(orders[["order_id"]])
    cents = (
        (refunds["total_amount"] * 100).round().astype(int).groupby(pd.to_datetime(refunds["local_date"])).sum()
    )
    assert daily["refund_cents"].tolist() == cents.reindex(daily.index, fill_value=0).tolist()
    assert daily.index.max() == pd.Timestamp(TODAY - timedelta(days=1))
    assert daily["search_clicks"].sum() == frame(ROWS, "search_property_daily")["clicks"].sum()
    assert daily["sessions"].sum() == frame(ROWS, "sessions_daily")["sessions"].sum()


def test_cohorts_agree_with_a_recount(settings: Settings) -> None:
    triangle = mart(settings, "fct_cohort_retention")
    orders = counted_orders().dropna(subset="customer_key")
    orders["month"] = orders["day"].dt.to_period("M")
    orders["cohort"] = orders.groupby("customer_key")["month"].transform("min")
    for cohort, members in orders.groupby("cohort"):
        rows = triangle[triangle["cohort_month"] == cohort.to_timestamp()].set_index("period_index").sort_index()
        assert rows.index.tolist() == list(range((pd.Period("2026-11", "M") - cohort).n + 1))
        assert set(rows["cohort_size"]) == {members["customer_key"].nunique()}
        for index, row in rows.iterrows():
            active = members[members["month"] == cohort + index]
            assert row["active_customers"] == active["customer_key"].nunique()
            assert row["net_cents"] == active["net"].sum()
        assert rows["ltv_cents"].iloc[-1] == pytest.approx(
            members["net"].sum() / members["customer_key"].nunique()
        )
    assert not triangle.loc[triangle["date_month"] == "2026-11-01", "is_complete"].any()
    assert triangle.loc[triangle["date_month"] < "2026-11-01", "is_complete"].all()


def test_cohorts_carry_where_history_starts_and_why_is_said_once(settings: Settings) -> None:
    triangle, coverage = mart(settings, "fct_cohort_retention"), mart(settings, "dim_data_coverage")
    assert set(triangle["history_starts_on"]) == {pd.Timestamp(FIRST_ORDERS)}
    row = coverage.set_index("stream").loc["orders"]
    assert row[["source", "timezone"]].tolist() == ["shopify", "America/Denver"]
    assert row["covered_to"] == pd.Timestamp("2026-11-22 05:00:00")
    assert row["last_read_at"] == pd.Timestamp("2026-11-22 06:00:00")
    with Warehouse.of(settings).read() as connection:
        assert history_notes(connection) == {"orders": "history starts on 2026-03-01: no more can be read"}


def test_customers_agree_with_a_recount_and_those_without_orders_are_there(settings: Settings) -> None:
    customers = mart(settings, "dim_customers").set_index("customer_key")
    orders = counted_orders().dropna(subset="customer_key")
    assert len(customers) == 95
    worth = orders.groupby("customer_key")["net"].sum().reindex(customers.index, fill_value=0)
    assert customers["net_cents"].tolist() == worth.tolist()
    first = orders.groupby("customer_key")["day"].transform("min")
    early = orders[(orders["day"] - first).dt.days < 90].groupby("customer_key")["net"].sum()
    assert customers["net_cents_90d"].tolist() == early.reindex(customers.index, fill_value=0).tolist()


def test_two_spellings_of_a_page_are_one_page(settings: Settings) -> None:
    search = mart(settings, "fct_search_query_page_daily")
    raw = frame(ROWS, "search_page_query_daily")
    raw["page_key"] = raw["page"].map(lambda url: url.removeprefix(HOST).partition("?")[0].rstrip("/") or "/")
    expected = raw.groupby(["page_key", "query", "date"])[["clicks", "impressions"]].sum().reset_index()
    merged = search.assign(date=search["date_day"].dt.date).merge(expected, on=["page_key", "query", "date"])
    assert len(merged) == len(expected) == len(search)
    assert (merged["clicks_x"] == merged["clicks_y"]).all()
    assert (merged["impressions_x"] == merged["impressions_y"]).all()


def _page_keys(rows: pd.DataFrame) -> pd.Series:
    return rows["page"].map(lambda url: url.removeprefix(HOST).partition("?")[0].rstrip("/") or "/")


def test_hidden_queries_are_totals_less_what_is_shown_page_by_page_and_day_by_day(settings: Settings) -> None:
    hidden = mart(settings, "fct_search_hidden_daily")
    pages, queries = frame(ROWS, "search_page_daily"), frame(ROWS, "search_page_query_daily")
    grain = ["page_key", "date"]
    measures = ["clicks", "impressions"]
    totals = pages.assign(page_key=_page_keys(pages)).groupby(grain)[measures].sum()
    shown = queries.assign(page_key=_page_keys(queries)).groupby(grain)[measures].sum()
    expected = totals.loc[totals.index.get_level_values("date") <= WINDOW_END].sub(shown, fill_value=0)
    found = hidden.assign(date=hidden["date_day"].dt.date).set_index(grain).sort_index()
    assert found.index.tolist() == expected.index.tolist(), "the newest day, not read by query yet, is left out"
    assert found["hidden_clicks"].tolist() == expected["clicks"].tolist()
    assert found["hidden_impressions"].tolist() == expected["impressions"].tolist()
    assert (found["hidden_impressions"] < 0).any(), "nothing is cut off"
    shares = found["hidden_impressions"] / found["impressions"]
    assert np.allclose(found["hidden_impression_share"], shares)


def test_the_three_ways_to_count_a_search_day_stand_side_by_side(settings: Settings) -> None:
    daily = mart(settings, "fct_search_totals_daily").set_index("date_day").sort_index()
    known = daily.loc[: pd.Timestamp(WINDOW_END)]
    pages, queries = frame(ROWS, "search_page_daily"), frame(ROWS, "search_page_query_daily")
    both = pages["date"] <= WINDOW_END
    assert daily["property_clicks"].sum() == frame(ROWS, "search_property_daily")["clicks"].sum()
    assert known["pages_impressions"].tolist() == pages[both].groupby("date")["impressions"].sum().tolist()
    assert known["visible_impressions"].tolist() == queries.groupby("date")["impressions"].sum().tolist()
    assert daily.loc[pd.Timestamp(WINDOW_END) + timedelta(days=1) :, "hidden_clicks"].isna().all()


def test_provisional_days_are_apart_and_end_where_final_ones_begin(settings: Settings) -> None:
    provisional = mart(settings, "fct_search_provisional_daily").sort_values("date_day")
    assert [day.date() for day in provisional["date_day"]] == [
        TODAY - timedelta(days=2),
        TODAY - timedelta(days=1),
    ]
    counted = provisional[["property_clicks", "pages", "pages_clicks", "pages_impressions"]]
    assert counted.to_numpy().tolist() == [[7, 4, 8, 80]] * 2
    newest = TODAY - timedelta(days=3)
    for name, column in {"fct_page_daily": "search_clicks", "fct_shop_daily": "search_clicks"}.items():
        facts = mart(settings, name)
        assert facts.loc[facts[column] > 0, "date_day"].max() == pd.Timestamp(newest), name


def test_positions_survive_adding_up(settings: Settings) -> None:
    search = mart(settings, "fct_search_query_page_daily")
    raw = frame(ROWS, "search_page_query_daily")
    exact = (raw["position"] * raw["impressions"]).sum() / raw["impressions"].sum()
    assert search["position_x100_impr"].sum() / search["impressions"].sum() / 100 == pytest.approx(exact, abs=0.01)


def test_brand_queries_are_told_apart_by_whole_words_or_run_together(settings: Settings) -> None:
    brand = mart(settings, "fct_search_query_page_daily").groupby("query")["is_brand"].first()
    assert brand.to_dict() == {
        "Hot-Rod Parts shop": True,
        "hotrodparts": True,
        "an fitting": False,
        "fuel line 6an": False,
    }


def test_page_performance_agrees_with_a_recount(settings: Settings) -> None:
    performance = mart(settings, "fct_page_performance").set_index("page_key")
    pages = mart(settings, "dim_pages")
    assert sorted(performance.index) == sorted(pages["page_key"])
    assert set(performance["window_end"]) == {pd.Timestamp(WINDOW_END)}
    page_rows, query_rows = frame(ROWS, "search_page_daily"), frame(ROWS, "search_page_query_daily")
    row = performance.loc["/products/part-2"]
    for prefix, start in {"": WINDOW_START, "prior_": WINDOW_START - timedelta(days=28)}.items():
        window = [start + timedelta(days=n) for n in range(28)]
        mine = page_rows[page_rows["date"].isin(window) & (page_rows["page"] == f"{HOST}/products/part-2")]
        assert row[f"{prefix}clicks"] == mine["clicks"].sum()
        assert row[f"{prefix}impressions"] == mine["impressions"].sum()
        plain = query_rows[
            query_rows["date"].isin(window)
            & (query_rows["page"] == f"{HOST}/products/part-2")
            & query_rows["query"].isin(["an fitting", "fuel line 6an"])
        ]
        assert row[f"{prefix}nonbrand_clicks"] == plain["clicks"].sum()
        position = np.average(plain["position"], weights=plain["impressions"])
        assert row[f"{prefix}nonbrand_avg_position"] == pytest.approx(position, abs=0.01)


def _page(addresses: pd.Series) -> pd.Series:
    """The page of each address; a product within a collection is the product."""
    return (
        addresses.str.removeprefix(HOST).str.replace(r"^.*(/products/)", r"\1", regex=True).str.split("?").str[0]
    )


def test_conversion_is_the_types_and_departs_by_what_is_put_into_the_cart(settings: Settings) -> None:
    performance = mart(settings, "fct_page_performance").set_index("page_key")
    orders, sessions = counted_orders(), frame(ROWS, "sessions_daily")
    window = [WINDOW_START + timedelta(days=n) for n in range(28)]
    recent = orders["local_date"].isin(window)
    shop_rate = recent.sum() / sessions.loc[sessions["date"].isin(window), "sessions"].sum()

    known = sessions["date"].min(), WINDOW_END
    orders, sessions = orders[orders["local_date"].between(*known)], sessions[sessions["date"].between(*known)]
    counts = pd.DataFrame(index=performance.index)
    by_page = sessions.groupby(_page(sessions["landing_path"]))
    counts["visits"], counts["carts"] = by_page["sessions"].sum(), by_page["cart_additions"].sum()
    placed = orders[orders["landing_path"].notna()].groupby(_page(orders["landing_path"].dropna()))["net"]
    counts["orders"], counts["net"] = placed.size(), placed.sum()
    counts = counts.fillna(0)
    placed_rate = counts["orders"].sum() / counts["visits"].sum()

    products = counts[performance["page_type"] == "product"]
    visits, carts = products["visits"].to_numpy(), products["carts"].to_numpy()
    mean = carts.sum() / visits.sum()
    variance = (((carts - mean * visits) ** 2).sum() - carts.sum()) / (visits**2).sum()
    assert variance > 0
    prior = max(mean / variance, 1 / mean)
    own = (carts + mean * prior) / (visits + prior) / mean
    of_type = (products["orders"].sum() + 10) / (visits.sum() + 10 / placed_rate) / placed_rate
    found = performance.loc[products.index]
    assert np.allclose(found["conversion_rate"], shop_rate * of_type * own)
    assert own.max() > 1.1 > 0.9 > own.min()
    relative_variance = 1 / (carts + mean * prior) + 1 / (products["orders"].sum() + 10) + 1 / recent.sum()
    assert np.allclose(found["known_from_orders"], 1 / relative_variance)
    aov = counted_orders()[recent]["net"].mean()
    assert np.allclose(performance["aov_cents"], (counts["net"] + 10 * aov) / (counts["orders"] + 10))


def test_pages_know_what_a_search_engine_shows(settings: Settings) -> None:
    pages = mart(settings, "dim_pages").set_index("page_key")
    assert pages.loc["/products/part-0", ["seo_title", "effective_title"]].tolist() == ["Search title"] * 2
    assert pd.isna(pages.loc["/products/part-1", "seo_title"])
    assert pages.loc["/products/part-1", "effective_title"] == "Part 1"
    shown = pages.loc["/products/part-1", "effective_description"]
    assert shown.startswith("Steel & brass . Steel")
    assert len(shown) == 155
    assert pages.loc["/pages/about", "description"] == "Since 1932 & on"
    assert pages.loc["/old-page", "page_type"] == "other"
    assert pages.loc["/", "page_type"] == "home"
    assert pages.loc["/products/part-0", "image_width"] == 800
    assert pd.isna(pages.loc["/products/part-5", "image_url"])
    assert pages.loc["/products/part-2", "price"] == 22.0
    assert not pages.loc["/products/part-7", "is_published"]
    assert pages.loc["/collections/fuel", "url"] == f"{HOST}/collections/fuel"


def test_margin_is_unknown_unless_every_cost_is_known(settings: Settings) -> None:
    products = mart(settings, "dim_products").set_index("handle")
    assert pd.isna(products.loc["part-3", "margin_rate"])
    assert products.loc["part-2", "margin_rate"] == pytest.approx((22 + 23 - 20) / 45)


def test_vitals_are_rated_and_a_page_without_its_own_shows_the_origins(settings: Settings) -> None:
    vitals = mart(settings, "fct_web_vitals")
    newest = vitals[vitals["is_latest"] & (vitals["page_key"] == "/products/part-0")].set_index("metric")
    assert newest["rating"].to_dict() == {"lcp": "poor", "inp": "needs-improvement", "cls": "poor"}
    assert newest.loc["lcp", "period_end"] == pd.Timestamp(date(2026, 11, 20))
    assert not newest.loc["lcp", "is_weekly"]
    assert vitals[vitals["scope"] == "origin"]["page_key"].isna().all()
    performance = mart(settings, "fct_page_performance").set_index("page_key")
    assert performance.loc["/products/part-0", ["vitals_scope", "lcp_p75_ms"]].tolist() == ["page", 4100.0]
    assert performance.loc["/products/part-4", ["vitals_scope", "inp_p75_ms"]].tolist() == ["origin", 270.0]


def test_the_ctr_curve_never_rises_and_says_where_it_comes_from(settings: Settings) -> None:
    curve = mart(settings, "fct_ctr_curve").sort_values("position_bucket")
    assert curve["position_bucket"].tolist() == list(range(1, 21))
    assert curve["ctr"].is_monotonic_decreasing
    assert curve.loc[curve["impressions"] == 0, "source"].unique().tolist() == ["prior"]
    assert (curve["impressions"] > 0).any()


def test_frames_hold_the_columns_that_recommenders_read(settings: Settings) -> None:
    with Warehouse.of(settings).read() as connection:
        frames = load_frames(connection, FRAMES, TODAY)
    assert list(frames["search"]) == [
        "page_key",
        "query",
        "date_day",
        "is_brand",
        "clicks",
        "impressions",
        "position",
    ]
    assert list(frames["page_daily"]) == ["page", "date", "clicks", "impressions", "position", "sessions"]
    windows = {pd.Timestamp(WINDOW_END), pd.Timestamp(WINDOW_END - timedelta(days=28))}
    assert set(pd.to_datetime(frames["search"]["date_day"])) == windows
    assert not frames["search"].duplicated(["page_key", "query", "date_day"]).any()
    assert frames["search"]["position"].between(1, 20).all()
    assert frames["vitals"]["is_weekly"].all()
    assert len(frames["lab"]) == 1
    shop = frames["shop"].iloc[0]
    assert shop["shop_aov"] == pytest.approx(shop["aov_cents"] / 100)
    assert shop["conversion_basis"] == "sessions"
    assert {"window_start", "nonbrand_clicks", "conversion_rate", "vitals_scope"} <= set(frames["performance"])
