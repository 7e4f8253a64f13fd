"""Products' days, months, stock, discounts and affinities, recounted with pandas and scipy, on both engines."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment
from scipy import special, stats

from growth_pipelines.settings import Settings
from growth_pipelines.warehouse import dbt, dbt_project
from growth_pipelines.warehouse.database import Warehouse

from .raw_rows import HOST, SHOP, TODAY, Rows, frame, load, settings_for, shop_rows

# One worker: what is built once serves all.
pytestmark = pytest.mark.xdist_group("products")
PRODUCTS, ORDERS, MAX_BASKET, MIN_ORDERS = 40, 900, 30, 5
ENGINES = ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)]


def _product(n: int) -> str:
    return f"gid://shopify/Product/{n}"


def _basket(rng: np.random.Generator, n: int) -> list[int]:
    """Products of an order's lines: 2 goes with 1 and never with 3, a product may have two lines, and a few orders
    are a dealer's."""
    if n % 200 == 7:
        return list(range(PRODUCTS - 2))
    weights = 1 / (np.arange(PRODUCTS) + 2.0)
    chosen = [int(p) for p in rng.choice(PRODUCTS, int(rng.integers(1, 5)), p=weights / weights.sum())]
    if 1 in chosen and rng.random() < 0.7:
        chosen.append(2)
    return [p for p in chosen if not (p == 3 and 2 in chosen)]


def _lines(rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    lines = []
    for position, product in enumerate(_basket(rng, n)):
        quantity, gross = int(rng.integers(1, 5)), 1000 + 137 * product
        lines.append(
            {
                "order_line_id": f"l{n}-{position}",
                "order_id": f"o{n}",
                "product_id": None if rng.random() < 0.02 else _product(product),
                "variant_id": f"v{product}",
                "quantity": quantity,
                "current_quantity": quantity,
                "gross_amount": gross * quantity / 100,
                "discount_amount": int(rng.integers(0, 400)) / 100 if n % 4 == 0 else 0.0,
            }
        )
    return lines


def _returns(rng: np.random.Generator, n: int, day: date, lines: list[dict[str, Any]]) -> Rows:
    """Some orders come back in parts, on two days."""
    rows: Rows = {"refunds": [], "refund_lines": []}
    units = sum(line["quantity"] for line in lines)
    for part in range(min(2, units) if rng.random() < 0.15 else 0):
        back = min(day + timedelta(days=int(rng.integers(0, 50))), TODAY)
        line = lines[part % len(lines)]
        amount = round((line["gross_amount"] - line["discount_amount"]) / line["quantity"] - 0.01, 2)
        key = f"r{n}-{part}"
        rows["refunds"].append(
            {"refund_id": key, "order_id": f"o{n}", "local_date": back, "total_amount": amount + 1}
        )
        rows["refund_lines"].append(
            {
                "refund_line_id": f"l{key}",
                "refund_id": key,
                "order_id": f"o{n}",
                "order_line_id": line["order_line_id"],
                "quantity": 1,
                "subtotal_amount": amount,
            }
        )
    return rows


def _shop(seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    rows: Rows = {**shop_rows(), **_catalogue()}
    rows |= {name: [] for name in ("orders", "order_lines", "refunds", "refund_lines", "order_discount_codes")}
    for n in range(ORDERS):
        day = date(2026, 5, 10) + timedelta(days=int(rng.integers(0, 197)))
        lines = _lines(rng, n)
        rows["order_lines"] += lines
        for table, found in _returns(rng, n, day, lines).items():
            rows[table] += found
        discount = sum(line["discount_amount"] for line in lines)
        rows["orders"].append(
            {
                "order_id": f"o{n}",
                "customer_key": f"c{rng.integers(0, 300)}",
                "created_at": datetime(day.year, day.month, day.day, 18),
                "cancelled_at": datetime(2026, 11, 1) if rng.random() < 0.05 else None,
                "local_date": day,
                "is_test": bool(rng.random() < 0.05),
                "currency": "USD",
                "gross_amount": round(sum(line["gross_amount"] for line in lines), 2),
                "discount_amount": round(discount, 2),
                "total_amount": round(sum(line["gross_amount"] for line in lines) - discount + 6, 2),
            }
        )
        codes = ["SPRING", "spring", "VIP"][: int(rng.integers(1, 4))] if n % 4 == 0 else []
        rows["order_discount_codes"] += [
            {"order_id": f"o{n}", "position": place, "code": code} for place, code in enumerate(codes, 1)
        ]
    rows["search_page_daily"] = [
        {
            "date": TODAY - timedelta(days=back),
            "page": f"{HOST}/products/part-{p}",
            "clicks": p,
            "impressions": 10 + p + back % 3,
            "position": 4.5,
        }
        for back in range(3, 90)
        for p in range(6)
    ]
    return rows


def _catalogue() -> Rows:
    products, variants, levels = [], [], []
    for n in range(PRODUCTS - 1):  # the last product is gone
        products.append(
            {
                "product_id": _product(n),
                "handle": f"part-{n}",
                "title": f"Part {n}",
                "status": "ACTIVE",
                "url": f"{HOST}/products/part-{n}",
            }
        )
        variants.append(
            {
                "variant_id": f"v{n}",
                "product_id": _product(n),
                "price": 10.0,
                "unit_cost": None if n == 5 else 4.0,
                "inventory_quantity": n,
                "inventory_item_id": f"i{n}",
                "_loaded_at": datetime(2026, 11, 22, 9),
            }
        )
        # two locations; part 6 is known by its variant alone, part 7 is not counted
        levels += [
            {
                "inventory_item_id": f"i{n}",
                "location_id": place,
                "is_tracked": n != 7,
                "available": n,
                "committed": 1,
                "incoming": 0,
                "on_hand": n + 1,
                "_loaded_at": datetime(2026, 11, 22, 9),
            }
            for place in ("x", "y")
            if n != 6
        ]
    members = [
        {"collection_id": "k1", "product_id": _product(n), "position": place} for place, n in enumerate((4, 2, 9))
    ]
    collections = [{"collection_id": key, "handle": key, "title": key} for key in ("k1", "k2")]
    return {
        "products": products,
        "product_variants": variants,
        "inventory_levels": levels,
        "collections": collections,
        "collection_products": members,
    }


ROWS: Rows = _shop(seed=5)


# test_engines compares these marts of the same shop row by row.
@pytest.fixture(
    scope="module", params=["duckdb", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])]
)
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = request.getfixturevalue("module_postgres_url") if request.param == "postgres" else ""
    settings = settings_for(tmp_path_factory.mktemp("home"), url)
    load(settings, ROWS)
    result = dbt.build(settings)
    noted = [node.name for node in result.results if node.status not in ("success", "pass")]
    assert noted == ["fct_order_lines__product_id_exists"], "the last product is gone, and nothing else is odd"
    Warehouse.of(settings).publish()
    return settings


def mart(settings: Settings, name: str) -> pd.DataFrame:
    with Warehouse.of(settings).read() as connection:
        return connection.frame(f"select * from marts.{name}")


def counted_lines() -> pd.DataFrame:
    """Lines of known products in orders that count, in cents, with their order's day."""
    orders = frame(ROWS, "orders")
    orders = orders[orders["cancelled_at"].isna() & ~orders["is_test"].astype(bool)]
    lines = frame(ROWS, "order_lines").merge(orders[["order_id", "local_date"]], on="order_id")
    for name in ("gross", "discount"):
        lines[f"{name}_cents"] = (lines[f"{name}_amount"] * 100).round().astype(int)
    lines["net_cents"] = lines["gross_cents"] - lines["discount_cents"]
    lines["date_day"] = pd.to_datetime(lines["local_date"])
    return lines.dropna(subset="product_id")


def counted_returns() -> pd.DataFrame:
    """Returned units of those lines, with the day of the return and that of the order."""
    returned = frame(ROWS, "refund_lines").merge(
        frame(ROWS, "refunds")[["refund_id", "local_date"]].rename(columns={"local_date": "refund_day"}),
        on="refund_id",
    )
    returned = returned.merge(counted_lines()[["order_line_id", "product_id", "date_day"]], on="order_line_id")
    returned["refund_cents"] = (returned["subtotal_amount"] * 100).round().astype(int)
    returned["refund_day"] = pd.to_datetime(returned["refund_day"])
    return returned


def recounted_days() -> pd.DataFrame:
    grain = ["product_id", "date_day"]
    lines, returned = counted_lines(), counted_returns()
    sums = (
        lines.rename(columns={"quantity": "units"})
        .groupby(grain)[["units", "gross_cents", "discount_cents", "net_cents"]]
        .sum()
    )
    sums["orders"] = lines.groupby(grain)["order_id"].nunique()
    for basis, day in {"order": "date_day", "refund": "refund_day"}.items():
        back = returned.groupby(["product_id", day])[["quantity", "refund_cents"]].sum()
        back.index.names = grain
        back.columns = [f"refund_units_{basis}_basis", f"refund_cents_{basis}_basis"]
        sums = sums.join(back, how="outer")
    return sums.fillna(0).astype(int).sort_index()


def test_a_product_a_day_agrees_with_a_recount(settings: Settings) -> None:
    expected = recounted_days()
    found = mart(settings, "fct_product_daily").set_index(["product_id", "date_day"]).sort_index()
    assert found.index.tolist() == expected.index.tolist()
    for column in expected:
        assert found[column].tolist() == expected[column].tolist(), column
    repeated = counted_lines().groupby(["order_id", "product_id"]).size()
    assert (repeated > 1).any(), "some order has a product on two lines"
    unknown_cost = found["cost_cents"].isna().groupby("product_id").any()
    assert set(unknown_cost[unknown_cost].index) == {_product(5), _product(PRODUCTS - 1)} & set(unknown_cost.index)


def test_a_product_a_month_agrees_with_a_recount(settings: Settings) -> None:
    months = recounted_days().reset_index()
    months["date_month"] = months["date_day"].dt.to_period("M").dt.to_timestamp()
    grain = ["product_id", "date_month"]
    expected = months.drop(columns="date_day").groupby(grain).sum()
    pages = frame(ROWS, "search_page_daily")
    pages["product_id"] = pages["page"].map(lambda url: _product(int(url.rsplit("-", 1)[1])))
    pages["date_month"] = pd.to_datetime(pages["date"]).dt.to_period("M").dt.to_timestamp()
    search = pages.groupby(grain)[["clicks", "impressions"]].sum().add_prefix("search_")
    expected = expected.join(search, how="outer").fillna(0).astype(int)
    by_month = expected["net_cents"].groupby("date_month")
    expected["revenue_rank"] = by_month.rank(method="min", ascending=False).astype(int)
    found = mart(settings, "fct_product_monthly").set_index(grain).sort_index()
    assert found.index.tolist() == expected.index.tolist()
    for column in expected:
        assert found[column].tolist() == expected[column].tolist(), column
    assert np.allclose(found["revenue_share"], expected["net_cents"] / by_month.transform("sum"), rtol=1e-12)
    prior = expected["net_cents"].copy()
    prior.index = pd.MultiIndex.from_arrays(
        [prior.index.get_level_values(0), prior.index.get_level_values(1) + pd.DateOffset(months=1)]
    )
    change = expected["net_cents"] - prior.reindex(expected.index).fillna(0)
    first = found.index.get_level_values("date_month") == "2026-05-01"
    assert found.loc[first, "net_cents_change"].isna().all()
    assert found.loc[~first, "net_cents_change"].tolist() == change[~first].tolist()


def test_classes_hold_80_and_95_percent_of_a_months_sales(settings: Settings) -> None:
    months = mart(settings, "fct_product_monthly")
    for _, month in months.groupby("date_month"):
        ordered = month.sort_values(["net_cents", "product_id"], ascending=[False, True])
        begins = (ordered["net_cents"].cumsum() - ordered["net_cents"]) / ordered["net_cents"].sum()
        expected = np.select([ordered["net_cents"] <= 0, begins < 0.8, begins < 0.95], ["C", "A", "B"], "C")
        assert ordered["abc_class"].tolist() == expected.tolist()
    assert set(months["abc_class"]) == {"A", "B", "C"}


def _pairs() -> tuple[pd.DataFrame, int]:
    """Counts of unordered pairs in orders of at most 30 products, and how many pairs could have been counted."""
    baskets = counted_lines().groupby("order_id")["product_id"].agg(lambda ids: sorted(set(ids)))
    assert (baskets.map(len) > MAX_BASKET).any(), "some order is a dealer's"
    baskets = baskets[baskets.map(len) <= MAX_BASKET]
    alone = baskets.explode().value_counts()
    alone = alone[alone >= MIN_ORDERS]
    both = pd.Series([pair for basket in baskets for pair in combinations(basket, 2)]).value_counts()
    # an order without a customer is by somebody of its own
    buyer = frame(ROWS, "orders").set_index("order_id")["customer_key"].dropna()
    made = [
        (pair, buyer.get(order, order)) for order, basket in baskets.items() for pair in combinations(basket, 2)
    ]
    buyers = pd.DataFrame(made, columns=["pair", "buyer"]).groupby("pair")["buyer"].nunique()
    assert (buyers < both.reindex(buyers.index)).any(), "somebody buys a pair again"
    rows = [
        {"a": a, "b": b, "n_a": alone[a], "n_b": alone[b], "n_ab": n, "buyers": buyers[a, b], "n": len(baskets)}
        for (a, b), n in both.items()
        if n >= MIN_ORDERS
    ]
    return pd.DataFrame(rows), len(alone) * (len(alone) - 1) // 2


def test_affinities_agree_with_a_recount_and_with_scipy(settings: Settings) -> None:
    pairs, tested = _pairs()
    found = mart(settings, "fct_product_affinity").set_index(["product_id", "paired_product_id"])
    assert len(found) == 2 * len(pairs)
    assert set(found["pairs_tested"]) == {tested}
    tables = [
        [[r.n_ab, r.n_a - r.n_ab], [r.n_b - r.n_ab, r.n - r.n_a - r.n_b + r.n_ab]] for r in pairs.itertuples()
    ]
    tests = [stats.chi2_contingency(t, correction=False, lambda_="log-likelihood") for t in tables]
    p_values = [test.pvalue for test in tests]
    # pairs that are not reported are tested too, and as little significant as can be
    q_values = stats.false_discovery_control([*p_values, *[1.0] * (tested - len(pairs))])[: len(pairs)]
    for first, second in (("a", "b"), ("b", "a")):
        rows = found.loc[list(zip(pairs[first], pairs[second], strict=True))]
        assert rows["orders_product"].tolist() == pairs[f"n_{first}"].tolist()
        assert rows["orders_paired"].tolist() == pairs[f"n_{second}"].tolist()
        assert rows["orders_both"].tolist() == pairs["n_ab"].tolist()
        assert rows["buyers_both"].tolist() == pairs["buyers"].tolist()
        assert set(rows["orders_total"]) == set(pairs["n"])
        lift = pairs["n_ab"] * pairs["n"] / pairs["n_a"] / pairs["n_b"]
        assert np.allclose(rows["support"], pairs["n_ab"] / pairs["n"], rtol=1e-12)
        assert np.allclose(rows["confidence"], pairs["n_ab"] / pairs[f"n_{first}"], rtol=1e-12)
        assert np.allclose(rows["lift"], lift, rtol=1e-12)
        assert np.allclose(rows["log_likelihood_ratio"], [t.statistic for t in tests], rtol=1e-9, atol=1e-9)
        assert np.allclose(rows["p_value"], p_values, rtol=1e-6, atol=0)
        assert np.allclose(rows["q_value"], q_values, rtol=1e-6, atol=0)
        assert rows["is_significant"].tolist() == ((q_values <= 0.05) & (lift > 1)).tolist()
    planted = found.loc[(_product(1), _product(2))]
    assert planted["is_significant"]
    assert planted["confidence"] > 0.6
    assert (_product(2), _product(3)) not in found.index
    exact = np.array([stats.fisher_exact(t).pvalue for t in tables])
    assert np.abs(np.log10(exact) - np.log10(p_values)).max() < 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_small_probabilities_keep_seven_digits(engine: str, tmp_path: Any, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    warehouse = Warehouse.of(settings_for(tmp_path, url))
    macros = (dbt_project.PROJECT / "macros" / "statistics.sql").read_text(encoding="utf-8")
    expression = Environment().from_string(macros + "{{ chi_square_p('g') }}").render().strip()
    with warehouse.write() as connection:

        def p_value(statistic: float) -> float:
            sql = f"select {expression} from (select cast({statistic!r} as double precision) as g) as x"
            return float(connection.execute(sql).fetchone()[0])

        for statistic in (0.0, 1e-9, 0.3, 3.84, 25.0, 200.0, 1300.0):
            exact = special.erfc(np.sqrt(statistic / 2))
            assert p_value(statistic) == pytest.approx(exact, rel=1.3e-7), statistic
        assert p_value(1e6) < 1e-300


def test_stock_lasts_as_long_as_a_recount_says(settings: Settings) -> None:
    stock = mart(settings, "fct_inventory_daily").set_index("variant_id")
    lines = frame(ROWS, "order_lines").merge(frame(ROWS, "orders"), on="order_id")
    lines = lines[lines["cancelled_at"].isna() & ~lines["is_test"].astype(bool)]
    recent = lines[
        (lines["local_date"] >= TODAY - timedelta(days=28)) & (lines["local_date"] <= TODAY - timedelta(days=1))
    ]
    units = recent.groupby("variant_id")["quantity"].sum().reindex(stock.index, fill_value=0)
    assert set(stock["date_day"]) == {pd.Timestamp(TODAY)}
    assert stock["units_28d"].tolist() == units.tolist()
    on_hand = [int(v[1:]) if v == "v6" else 2 * int(v[1:]) + 2 for v in stock.index]
    assert stock["on_hand"].tolist() == on_hand
    cover = np.array(on_hand) / (units / 28).replace(0, np.nan)
    cover["v7"] = np.nan
    assert np.allclose(stock["days_of_cover"].astype(float), cover, rtol=1e-12, equal_nan=True)
    assert stock.loc["v6", "source"] == "variants"
    assert stock.loc["v0", "urgency"] == "critical", "in the building, but all of it sold"
    assert pd.isna(stock.loc["v7", "urgency"])
    variants = mart(settings, "dim_product_variants").set_index("variant_id")
    assert variants["urgency"].fillna("").to_dict() == stock["urgency"].fillna("").to_dict()
    assert variants["on_hand"].to_dict() == stock["on_hand"].to_dict()


def test_products_know_their_collections_and_collections_their_order(settings: Settings) -> None:
    products = mart(settings, "dim_products").set_index("product_id")
    held = [_product(n) for n in (2, 4, 9)]
    assert products["collections"].to_dict() == {key: int(key in held) for key in products.index}
    assert products.loc[_product(5), ["cost_min_cents", "margin_rate"]].isna().all()
    assert products.loc[_product(4), ["cost_max_cents", "on_hand", "available", "variants_out"]].tolist() == [
        400,
        10,
        8,
        0,
    ]
    collections = mart(settings, "dim_collections").set_index("collection_id")
    assert collections["products"].to_dict() == {"k1": 3, "k2": 0}
    assert collections.loc["k1", "page_key"] == "/collections/k1"
    members = mart(settings, "dim_collection_products").sort_values("product_position")
    assert members["product_id"].tolist() == [_product(n) for n in (4, 2, 9)]


def test_the_parts_of_codes_add_up_to_what_orders_gave_away(settings: Settings) -> None:
    found = mart(settings, "fct_discounts")
    orders = mart(settings, "fct_orders").set_index("order_id")["discount_cents"]
    codes = frame(ROWS, "order_discount_codes").merge(orders.rename("given"), on="order_id")
    assert len(found) == len(codes)
    totals = found.groupby("order_id")["discount_cents"].sum()
    assert totals.to_dict() == codes.groupby("order_id")["given"].first().to_dict()
    assert set(found["code_key"]) == {"spring", "vip"}
    spread = found.groupby("order_id")["discount_cents"].agg(["min", "max"])
    assert (spread["max"] - spread["min"]).max() == 1


def _read(day: date, hour: int, on_hand: int) -> list[dict[str, Any]]:
    return [
        {
            "inventory_item_id": "i1",
            "location_id": "x",
            "is_tracked": True,
            "available": on_hand,
            "on_hand": on_hand,
            "_loaded_at": datetime(day.year, day.month, day.day, hour),
        }
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_day_of_reading_keeps_its_last_stock(
    engine: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    """What is read at 3 o'clock UTC is of the day before in Denver. A second reading of a day replaces it."""
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = settings_for(tmp_path, url)
    warehouse = Warehouse.of(settings)
    variant = {"variant_id": "v1", "product_id": "p", "inventory_item_id": "i1", "inventory_quantity": 99}
    load(settings, {**shop_rows(), "product_variants": [variant]})
    for day, hour, on_hand in ((20, 3, 9), (20, 5, 8), (20, 5, 8), (22, 18, 2)):
        with warehouse.write() as connection:
            connection.execute("delete from raw.inventory_levels where shop_id = ?", [SHOP])
        load(settings, {"inventory_levels": _read(date(2026, 11, day), hour, on_hand)})
        dbt.prepare(settings, warehouse)
    with warehouse.write() as connection:
        kept = connection.execute("select date_day, on_hand from raw._inventory_days order by 1").fetchall()
    assert kept == [(date(2026, 11, 19), 8), (date(2026, 11, 22), 2)]


@pytest.mark.parametrize("engine", ENGINES)
def test_variants_keep_what_they_cost_before(engine: str, tmp_path: Any, request: pytest.FixtureRequest) -> None:
    """A price that changes twice on a day is that of the evening; what is read again unchanged adds nothing."""
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    settings = settings_for(tmp_path, url)
    warehouse = Warehouse.of(settings)
    load(settings, {**shop_rows(), "products": [{"product_id": "p", "title": "Part", "status": "ACTIVE"}]})
    for day, price in ((18, 10.0), (19, 10.0), (20, 12.0), (20, 11.0), (21, 11.0), (22, None)):
        variant = {"variant_id": "v1", "product_id": "p", "price": price, "unit_cost": 4.0}
        with warehouse.write() as connection:
            connection.execute("delete from raw.product_variants where shop_id = ?", [SHOP])
        load(settings, {"product_variants": [{**variant, "_loaded_at": datetime(2026, 11, day, 18)}]})
        dbt.prepare(settings, warehouse)
        dbt.prepare(settings, warehouse)
    with warehouse.write() as connection:
        kept = connection.execute("select date_day, price, status from raw._variant_changes order by 1").fetchall()
    assert kept == [
        (date(2026, 11, 18), 10, "active"),
        (date(2026, 11, 20), 11, "active"),
        (date(2026, 11, 22), None, "active"),
    ]
