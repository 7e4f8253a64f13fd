"""The marts of search, pages and their speed, recounted with pandas from the raw rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import BuildResult, build

from .raw_rows import HOST, TODAY, Rows, frame, load, random_shop, settings_for

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("search_marts")
WINDOW_END = TODAY - timedelta(days=4)  # the newest day for which both search streams are there
WINDOW_START = WINDOW_END - timedelta(days=27)
PRIOR_START = WINDOW_START - timedelta(days=28)
LAST_YEAR_START = WINDOW_START - timedelta(days=364)
BRAND = ["Hot-Rod Parts shop", "hotrodparts"]
MOVED, MOVED_TO = "/products/part-zero", "/products/part-0"
NEW_PAGE, NEW_PAGE_DAY = "/products/newest-part", date(2026, 9, 7)


def shop() -> Rows:
    """The random shop with pages that come, move and are a year old, and a funnel with a shortcut."""
    rng = np.random.default_rng(5)
    rows = random_shop(seed=12)
    figures = {"clicks": 3, "impressions": 40, "position": 6.5}
    recent = [WINDOW_END - timedelta(days=back) for back in range(20)]
    for day in recent:
        rows["search_page_daily"].append({"date": day, "page": HOST + MOVED, **figures})
        rows["search_page_query_daily"].append(
            {"date": day, "page": HOST + MOVED, "query": "an fitting", **figures}
        )
        rows["search_page_daily"].append({"date": day, "page": HOST + NEW_PAGE, **figures, "clicks": 1})
    for back in range(360, 400):
        rows["search_page_daily"].append(
            {"date": WINDOW_END - timedelta(days=back), "page": f"{HOST}/products/part-2", **figures}
        )
    for n, row in enumerate(rows["sessions_daily"]):
        row["cart_additions"] = row["sessions"] // 4
        # Of every ninth row more come to the checkout than to the cart.
        row["reached_checkout"] = row["sessions"] // (2 if n % 9 == 0 else 8)
        row["completed_checkout"] = int(rng.integers(0, row["reached_checkout"] + 1))
    for product in rows["products"]:
        product["published_at"] = datetime(2024, 1, 1)
    newest = {"handle": "newest-part", "title": "Newest part", "description": "New.", "url": HOST + NEW_PAGE}
    published = datetime(NEW_PAGE_DAY.year, NEW_PAGE_DAY.month, NEW_PAGE_DAY.day, 9)
    newest |= {"product_id": "gid://shopify/Product/99", "status": "ACTIVE", "published_at": published}
    rows["products"].append(newest)
    rows["redirects"] = [{"redirect_id": "gid://shopify/UrlRedirect/1", "path": MOVED, "target": MOVED_TO}]
    return rows


ROWS = shop()


# On PostgreSQL test_engines builds and tests this shop too, and compares these marts with DuckDB's row by row.
@pytest.fixture(
    scope="module", params=["duckdb", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])]
)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, BuildResult]]:
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else ""
    settings = settings_for(tmp_path_factory.mktemp("home"), url)
    load(settings, ROWS)
    result = build(settings)
    Warehouse.of(settings).publish()
    return settings, result


@pytest.fixture
def settings(built: tuple[Settings, BuildResult]) -> Settings:
    return built[0]


def mart(settings: Settings, name: str) -> pd.DataFrame:
    with Warehouse.of(settings).read() as connection:
        return connection.frame(f"select * from marts.{name}")


def page_of(addresses: pd.Series) -> pd.Series:
    """The page of an address, written apart from the macro that is tested."""
    paths = addresses.str.removeprefix(HOST).str.partition("?")[0].str.rstrip("/")
    paths = paths.str.replace(r"^/collections/[^/]+/products/", "/products/", regex=True)
    return paths.replace({"": "/", MOVED: MOVED_TO})


def between(rows: pd.DataFrame, first: date, days: int = 28) -> pd.DataFrame:
    return rows[(rows["date"] >= first) & (rows["date"] < first + timedelta(days=days))]


def pairs(first: date, days: int = 28) -> pd.DataFrame:
    """Non-brand clicks, impressions and position by page and query."""
    rows = between(frame(ROWS, "search_page_query_daily"), first, days)
    rows = rows[~rows["query"].isin(BRAND)].assign(
        page_key=lambda each: page_of(each["page"]),
        weighted=lambda each: np.floor(100 * each["position"] * each["impressions"] + 0.5),
    )
    found = rows.groupby(["page_key", "query"])[["clicks", "impressions", "weighted"]].sum()
    return found.assign(position=found["weighted"] / found["impressions"] / 100)


def expected_clicks(settings: Settings, found: pd.DataFrame) -> pd.Series:
    curve = mart(settings, "fct_ctr_curve").sort_values("position_bucket")
    rate = np.interp(found["position"], curve["position_bucket"], curve["ctr"])
    return found["impressions"] * rate


def test_everything_is_built_and_every_test_passes(built: tuple[Settings, BuildResult]) -> None:
    assert [(node.name, node.message) for node in built[1].results if node.status not in ("success", "pass")] == []


def test_the_curve_is_that_of_ninety_days_with_its_median(settings: Settings) -> None:
    curve = mart(settings, "fct_ctr_curve").set_index("position_bucket").sort_index()
    found = pairs(WINDOW_END - timedelta(days=89), 90)
    found["bucket"] = np.floor(found["position"] + 0.5).astype(int)
    found["ctr"] = found["clicks"] / found["impressions"]
    for bucket, members in found.groupby("bucket"):
        row = curve.loc[bucket]
        assert (row["pairs"], row["clicks"]) == (len(members), members["clicks"].sum())
        assert row["median_ctr"] == pytest.approx(members["ctr"].median())
        assert row["own_ctr"] == pytest.approx(members["clicks"].sum() / members["impressions"].sum())
    assert (curve["ctr"].diff().dropna() <= 0).all()
    assert curve["next_ctr"].tolist() == [*curve["ctr"].iloc[1:], curve["ctr"].iloc[-1]]


def test_opportunities_agree_with_a_recount(settings: Settings) -> None:
    found = mart(settings, "fct_search_opportunities").set_index(["page_key", "query"]).sort_index()
    now, before = pairs(WINDOW_START), pairs(PRIOR_START)
    assert found.index.tolist() == sorted(now.index.union(before.index))
    now = now.reindex(found.index)
    assert found["clicks"].tolist() == now["clicks"].tolist()
    assert found["prior_clicks"].tolist() == before["clicks"].reindex(found.index).fillna(0).tolist()
    assert np.allclose(found["avg_position"], now["position"])
    assert np.allclose(found["expected_clicks"], expected_clicks(settings, now))
    assert np.allclose(found["missed_clicks"], found["expected_clicks"] - now["clicks"])
    assert found["is_striking_distance"].tolist() == now["position"].between(4, 15).tolist()
    lost = found["prior_clicks"] - found["clicks"]
    decays = (lost >= 5) & (lost >= 0.2 * found["prior_clicks"])
    assert found["is_decaying"].tolist() == (decays & (found["position_change"] > 0)).tolist()
    assert found["is_decaying"].any()


def competing() -> pd.DataFrame:
    found = pairs(WINDOW_START)
    totals = found.groupby("query")["impressions"].transform("sum")
    return found[(found["impressions"] >= 10) & (found["impressions"] >= 0.1 * totals)].assign(totals=totals)


def test_cannibalisation_agrees_with_a_recount(settings: Settings) -> None:
    found = mart(settings, "fct_search_cannibalisation").set_index(["page_key", "query"]).sort_index()
    expected = competing().sort_index()
    assert found.index.tolist() == expected.index.tolist()
    assert np.allclose(found["impression_share"], expected["impressions"] / expected["totals"])
    pages = expected.groupby("query")["impressions"].transform("size")
    assert found["competing_pages"].tolist() == pages.tolist()
    by_query = expected.groupby("query")["position"]
    spread = by_query.transform("max") - by_query.transform("min")
    assert np.allclose(found["position_spread"], spread)
    counted = mart(settings, "fct_search_opportunities").groupby("query")["competing_pages"].max()
    assert counted.to_dict() == pages.groupby("query").max().to_dict()


def test_who_leads_a_query_is_told_day_by_day(settings: Settings) -> None:
    found = mart(settings, "fct_search_cannibalisation")
    rows = between(frame(ROWS, "search_page_query_daily"), WINDOW_START)
    rows = rows.assign(page_key=page_of(rows["page"]), weighted=rows["position"] * rows["impressions"])
    days = rows.groupby(["query", "date", "page_key"])[["weighted", "impressions"]].sum().reset_index()
    days["position"] = days["weighted"] / days["impressions"]
    for query, members in found.groupby("query"):
        mine = days[(days["query"] == query) & days["page_key"].isin(members["page_key"])]
        leaders = mine.sort_values(["date", "position"]).groupby("date")["page_key"].first().sort_index()
        assert set(members["lead_changes"]) == {int((leaders != leaders.shift()).sum() - 1)}
        leading = members.set_index("page_key")["days_leading"]
        expected = leaders.value_counts().reindex(leading.index, fill_value=0)
        assert leading.to_dict() == expected.to_dict()
        assert set(members["query_days"]) == {28}
    assert set(found["pattern"]) == {"turns"}


def test_missed_clicks_and_what_they_are_worth_agree_with_a_recount(settings: Settings) -> None:
    found = mart(settings, "fct_page_performance").set_index("page_key")
    now = pairs(WINDOW_START)
    expected = expected_clicks(settings, now).groupby("page_key").sum().reindex(found.index, fill_value=0)
    assert np.allclose(found["expected_clicks"], expected)
    clicks = now["clicks"].groupby("page_key").sum().reindex(found.index, fill_value=0)
    assert np.allclose(found["missed_clicks"], expected - clicks)
    worth = (expected - clicks).clip(lower=0) * found["conversion_rate"] * found["aov_cents"]
    assert np.allclose(found["missed_net_cents"], np.floor(worth + 0.5))
    ranked = found[found["missed_net_cents"] > 0].sort_values("priority")
    assert ranked["priority"].tolist() == list(range(1, len(ranked) + 1))
    assert ranked["missed_net_cents"].is_monotonic_decreasing
    assert found.loc[found["missed_net_cents"] == 0, "priority"].isna().all()
    assert set(found["currency"]) == {"USD"}


def test_last_years_window_is_the_same_weekdays_and_unknown_before_a_source_begins(settings: Settings) -> None:
    found = mart(settings, "fct_page_performance").set_index("page_key")
    assert set(found["last_year_start"]) == {pd.Timestamp(LAST_YEAR_START)}
    assert LAST_YEAR_START.weekday() == WINDOW_START.weekday()
    rows = between(frame(ROWS, "search_page_daily"), LAST_YEAR_START)
    clicks = rows.groupby(page_of(rows["page"]))["clicks"].sum().reindex(found.index, fill_value=0)
    assert found["last_year_clicks"].tolist() == clicks.tolist()
    assert clicks["/products/part-2"] > 0
    assert found[["last_year_sessions", "last_year_orders", "last_year_net_cents"]].isna().all(axis=None)
    sessions = between(frame(ROWS, "sessions_daily"), PRIOR_START)
    sessions = sessions.groupby(page_of(sessions["landing_path"]))["sessions"].sum()
    assert found["prior_sessions"].tolist() == sessions.reindex(found.index, fill_value=0).tolist()
    row = found.loc["/products/part-1"]
    assert row["net_cents_per_session"] == pytest.approx(row["net_cents"] / row["sessions"])


def test_a_page_that_moved_has_the_figures_of_its_old_address(settings: Settings) -> None:
    pages = set(mart(settings, "dim_pages")["page_key"])
    assert MOVED not in pages
    found = mart(settings, "fct_page_performance").set_index("page_key").loc[MOVED_TO]
    rows = between(frame(ROWS, "search_page_daily"), WINDOW_START)
    assert found["clicks"] == rows.loc[page_of(rows["page"]) == MOVED_TO, "clicks"].sum()
    assert (rows["page"] == HOST + MOVED).any()


def shipped() -> dict[str, date]:
    """The first day of each page that came after the first search figures."""
    days: dict[str, list[date]] = {}
    for table, column in (("search_page_daily", "page"), ("sessions_daily", "landing_path")):
        rows = frame(ROWS, table)
        for page, day in zip(page_of(rows[column]), rows["date"], strict=True):
            days.setdefault(page, []).append(day)
    orders = frame(ROWS, "orders").dropna(subset="landing_path")
    orders = orders[orders["cancelled_at"].isna() & ~orders["is_test"].astype(bool)]
    for page, day in zip(page_of(orders["landing_path"]), orders["local_date"], strict=True):
        days.setdefault(page, []).append(day)
    for product in ROWS["products"]:
        if product["status"] == "ACTIVE":
            days.setdefault(product["url"].removeprefix(HOST), []).append(product["published_at"].date())
    return {page: min(found) for page, found in days.items()}


@pytest.mark.parametrize("grain", ["week", "month"])
def test_waves_of_pages_agree_with_a_recount(settings: Settings, grain: str) -> None:
    code = {"week": "W", "month": "M"}[grain]
    found = mart(settings, "fct_page_wave_performance")
    found = found[found["grain"] == grain]
    first_day = frame(ROWS, "search_page_daily")["date"].min()
    waves: dict[pd.Period, list[str]] = {}
    for page, day in shipped().items():
        wave = pd.Period(day, code)
        if wave.start_time.date() >= first_day and day <= WINDOW_END:
            waves.setdefault(wave, []).append(page)
    assert {wave.start_time for wave in waves} == set(found["wave_start"])
    rows = frame(ROWS, "search_page_daily")
    rows = rows[rows["date"] <= WINDOW_END].assign(page_key=page_of(rows["page"]))
    rows["period"] = pd.PeriodIndex(pd.to_datetime(rows["date"]), freq=code)
    for wave, pages in waves.items():
        cells = found[found["wave_start"] == wave.start_time].sort_values("period_index")
        periods = pd.period_range(wave, pd.Period(WINDOW_END, code))
        assert cells["period_index"].tolist() == list(range(len(periods))), "the triangle is complete"
        assert set(cells["pages"]) == {len(pages)}
        mine = rows[rows["page_key"].isin(pages)]
        clicks = mine.groupby("period")["clicks"].sum().reindex(periods, fill_value=0)
        assert cells["clicks"].tolist() == clicks.tolist()
        seen = mine[mine["impressions"] > 0].groupby("period")["page_key"].nunique().reindex(periods, fill_value=0)
        assert cells["indexed_pages"].tolist() == seen.tolist()
    new = found[found["wave_start"] == pd.Period(NEW_PAGE_DAY, code).start_time]
    assert set(new["pages_published_known"]) == {1}
    assert new["clicks"].sum() == 20


def test_sessions_and_the_funnel_agree_with_a_recount(settings: Settings) -> None:
    raw = frame(ROWS, "sessions_daily")
    raw["page_key"] = page_of(raw["landing_path"])
    steps = ["sessions", "cart_additions", "reached_checkout", "completed_checkout"]
    names = ["sessions", "cart_sessions", "checkout_sessions", "purchase_sessions"]
    daily = mart(settings, "fct_sessions_daily")
    daily["date"] = daily["date_day"].dt.date
    grain = ["page_key", "device", "date"]
    expected = raw.groupby(grain)[steps].sum()
    assert daily.set_index(grain).sort_index()[names].to_numpy().tolist() == expected.to_numpy().tolist()
    funnel = mart(settings, "fct_funnel_daily")
    expected["cart_additions"] = expected[["cart_additions", "reached_checkout"]].max(axis=1)
    by_day = expected.groupby(["device", "date"]).sum()
    funnel["date"] = funnel["date_day"].dt.date
    found = funnel.set_index(["device", "date"]).sort_index()[names]
    assert found.to_numpy().tolist() == by_day.to_numpy().tolist()
    for step, before in zip(names[1:], names, strict=False):
        assert (funnel[step] <= funnel[before]).all()


def test_revenue_at_risk_agrees_with_a_recount(settings: Settings) -> None:
    found = mart(settings, "fct_web_vitals_revenue_at_risk").set_index(["page_key", "metric"]).sort_index()
    performance = mart(settings, "fct_page_performance").set_index("page_key")
    sessions = between(frame(ROWS, "sessions_daily"), WINDOW_START)
    sessions = sessions[sessions["device"] == "mobile"]
    visits = sessions.groupby(page_of(sessions["landing_path"]))["sessions"].sum()
    # The newest record has a poor LCP, the newest week a good INP made worse by half, and a poor CLS.
    shares = {"lcp": 0.06, "inp": 0.09, "cls": 0.03}
    assert found.index.tolist() == sorted((page, metric) for page in visits.index for metric in shares)
    for (page, metric), row in found.iterrows():
        worth = visits[page] * shares[metric] * performance.loc[page, ["conversion_rate", "aov_cents"]].prod()
        assert row["revenue_at_risk_cents"] == np.floor(worth + 0.5)
        assert row["scope"] == ("page" if page in ("/products/part-0", "/products/part-1") else "origin")
        assert row["is_low_signal"] == (visits[page] < 30)


def test_topics_add_up_to_all_non_brand_queries(settings: Settings) -> None:
    clusters = mart(settings, "fct_search_query_clusters").set_index("cluster")
    queries = mart(settings, "dim_search_queries").set_index("query")
    now = pairs(WINDOW_START)
    assert queries["impressions"].to_dict() == now.groupby("query")["impressions"].sum().to_dict()
    assert queries["cluster"].to_dict() == {"an fitting": "an fitting", "fuel line 6an": "6an fuel"}
    assert clusters["impressions"].sum() == now["impressions"].sum()
    biggest = now["impressions"].groupby("query").idxmax()
    assert queries["main_page_key"].to_dict() == {query: page for query, (page, _) in biggest.items()}


def test_the_inventory_names_thin_pages_and_pages_that_say_the_same(settings: Settings) -> None:
    pages = mart(settings, "dim_pages").set_index("page_key")
    assert pages.loc["/products/part-1", "word_count"] == len(["Steel", "&", "brass", "."]) * 12
    assert pages.loc["/products/part-1", "is_thin"]
    assert pages.loc["/products/part-1", "title_length"] == len("Part 1")
    assert not pages["is_duplicate_title"].fillna(value=False).any()
    alike = pages.index[pages["is_duplicate_description"].fillna(value=False).astype(bool)]
    assert sorted(alike) == [f"/products/part-{n}" for n in range(7)], "the draft shows nothing to anybody"
    assert pages.loc["/old-page", ["word_count", "is_thin", "content_hash"]].isna().all()
    assert pages["content_hash"].str.len().dropna().eq(32).all()


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_changes_of_a_page_are_kept_from_build_to_build(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = settings_for(tmp_path, request.getfixturevalue("postgres_url") if engine == "postgres" else "")
    load(settings, ROWS)
    assert build(settings, ["+fct_page_content_changes", "+dim_pages"], data_tests=False).ok
    Warehouse.of(settings).publish()
    assert mart(settings, "fct_page_content_changes").empty
    later = settings_for(
        settings.home, settings.postgres_url or "", GROWTH_NOW=f"{TODAY + timedelta(days=1)}T09:00:00"
    )
    before = mart(settings, "dim_pages").set_index("page_key")["content_hash"]
    with Warehouse.of(later).write() as connection:
        connection.execute("update raw.products set seo_title = 'Better' where handle = 'part-0'")
    models = ["int_pages", "int_page_versions", "dim_pages", "fct_page_content_changes"]
    for _ in range(2):  # a second build of the same state adds nothing
        assert build(later, models, data_tests=False).ok
    Warehouse.of(later).publish()
    row = mart(later, "fct_page_content_changes").iloc[0]
    assert len(mart(later, "fct_page_content_changes")) == 1
    assert row[["page_key", "seo_title_before", "seo_title"]].tolist() == [MOVED_TO, "Search title", "Better"]
    assert row[["is_title_changed", "is_body_changed"]].tolist() == [True, False]
    assert row["seen_at"] == pd.Timestamp(TODAY) + pd.Timedelta(days=1, hours=9)
    pages = mart(later, "dim_pages").set_index("page_key")
    assert pages["content_changed_at"].dropna().to_dict() == {MOVED_TO: row["seen_at"]}
    changed = pages["content_hash"].dropna() != before.reindex(pages.index).dropna()
    assert changed[changed].index.tolist() == [MOVED_TO]


@pytest.mark.parametrize(
    ("table", "row", "check"),
    [
        (
            "search_page_query_daily",
            {"page": f"{HOST}/", "query": "q", "clicks": 2, "impressions": 1, "position": 1.0},
            "stg_search_console__page_query_daily__ctr_at_most_1_and_position_at_least_1",
        ),
        (
            "search_page_daily",
            {"page": f"{HOST}/", "clicks": 0, "impressions": 10, "position": 0.5},
            "stg_search_console__page_daily__ctr_at_most_1_and_position_at_least_1",
        ),
        (
            "sessions_daily",
            {"landing_path": "/", "device": "mobile", "sessions": -1},
            "stg_shopify__sessions_daily__no_count_is_negative",
        ),
    ],
)
def test_impossible_values_are_caught_by_name_and_stop_what_rests_on_them(
    tmp_path_factory: pytest.TempPathFactory, table: str, row: dict[str, object], check: str
) -> None:
    settings = settings_for(tmp_path_factory.mktemp("impossible"))
    load(settings, {"shops": ROWS["shops"], table: [{"date": WINDOW_END, **row}]})
    result = build(settings, select=[f"{check.rpartition('__')[0]}+"])
    assert [node.name for node in result.failed] == [check]
    assert any(node.status == "skipped" for node in result.results)
