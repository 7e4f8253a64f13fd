"""Customer and product exports go in once, beside orders and beside what the shop's API told."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.imports import import_paths
from growth_pipelines.ingestion.results import StreamResult
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from tests.integration.ingestion.conftest import raw_rows
from tests.integration.ingestion.test_imports import MONTH, SHOP

AFTER = {"GROWTH_NOW": "2010-03-02T12:00:00+00:00"}
PRODUCT_COLUMNS = """Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,\
Variant Inventory Qty,Variant Price,Image Src,Image Position,Cost per item,Status,Loyalty points"""
HOSE = """\
hose,Hose,<p>Long</p>,Fuel,Hoses,a,TRUE,Length,1 m,H1,5,10.00,https://cdn.example/a.jpg,1,4.20,active,9
hose,,,,,,,,2 m,H2,,19.99,https://cdn.example/b.jpg,2,,active,
"""
CLAMP = "clamp,Clamp,,Fuel,,,FALSE,Title,Default Title,C1,7,1.50,,,,draft,\n"
CUSTOMER_COLUMNS = (
    """Customer ID,First Name,Last Name,Email,Default Address Country Code,Phone,Total Orders,Tags"""
)


@pytest.fixture
def settings(tmp_path: Path, database: dict[str, str]) -> Settings:
    return load_settings({"GROWTH_HOME": str(tmp_path / "home"), **SHOP, **database, **AFTER})


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(line.rstrip("\n") + "\n" for line in lines))
    return path


def fetched(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse.of(settings).write() as connection:
        return [tuple(row) for row in connection.execute(sql).fetchall()]


def imported(settings: Settings, *paths: Path) -> dict[str, StreamResult]:
    return {result.stream: result for result in import_paths(settings, paths)}


def emails() -> list[str]:
    """The addresses in a month of a real retailer's orders."""
    with gzip.open(MONTH, "rt", encoding="utf-8", newline="") as file:
        return sorted({row["Email"] for row in csv.DictReader(file)} - {""})


def customer_export(path: Path, addresses: list[str]) -> Path:
    rows = (f"'{9000 + n},Jo,Doe,{email.upper()},GB,'+441,{n},vip" for n, email in enumerate(addresses))
    return written(path, CUSTOMER_COLUMNS, *rows)


def test_products_are_loaded_once_with_variants_images_and_costs(settings: Settings, tmp_path: Path) -> None:
    export = written(tmp_path / "products.csv", PRODUCT_COLUMNS, HOSE, CLAMP)
    result = imported(settings, export)["product_export"]
    assert result.rows == {"products": 2, "product_variants": 3}
    assert result.notes == ("1 column is not read: Loyalty points",)
    once = raw_rows(settings, "products", "product_variants")
    imported(settings, export)
    assert raw_rows(settings, "products", "product_variants") == once
    assert fetched(settings, "select product_id, status, url from raw.products order by 1") == [
        ("export:clamp", "draft", None),
        ("export:hose", "active", "https://online-retail.example/products/hose"),
    ]
    found = fetched(
        settings,
        "select variant_id, sku, price, unit_cost, inventory_quantity from raw.product_variants order by 1",
    )
    assert found == [
        ("export:clamp/Default Title", "C1", Decimal("1.50"), None, 7),
        ("export:hose/1 m", "H1", Decimal("10.00"), Decimal("4.20"), 5),
        ("export:hose/2 m", "H2", Decimal("19.99"), None, None),
    ]
    ((images,),) = fetched(settings, "select images from raw.products where handle = 'hose'")
    assert [sorted(image) for image in json.loads(images)] == [["alt", "height", "id", "url", "width"]] * 2
    assert [image["url"][-5:] for image in json.loads(images)] == ["a.jpg", "b.jpg"]


def test_a_later_export_replaces_its_products_and_their_gone_variants_and_no_others(
    settings: Settings, tmp_path: Path
) -> None:
    imported(settings, written(tmp_path / "products.csv", PRODUCT_COLUMNS, HOSE, CLAMP))
    imported(settings, written(tmp_path / "products.csv", PRODUCT_COLUMNS, HOSE.splitlines()[0]))
    assert fetched(settings, "select variant_id from raw.product_variants order by 1") == [
        ("export:clamp/Default Title",),
        ("export:hose/1 m",),
    ]


def test_a_product_that_the_api_told_stays_as_it_told_it(
    small_shop: Any, machine: Callable[..., Settings], database: dict[str, str], tmp_path: Path
) -> None:
    settings = machine(small_shop, **database)
    ingest(settings, ["shop", "products"])
    before = raw_rows(settings, "products", "product_variants")
    ((handle,),) = fetched(settings, "select min(handle) from raw.products")
    known = HOSE.replace("hose,", f"{handle},")
    result = imported(settings, written(tmp_path / "p.csv", PRODUCT_COLUMNS, known))["product_export"]
    assert result.rows == {"products": 0, "product_variants": 0}
    assert "1 known from the shop's API: left as they are" in result.notes
    assert raw_rows(settings, "products", "product_variants") == before
    imported(settings, written(tmp_path / "p.csv", PRODUCT_COLUMNS, known, CLAMP))
    assert len(raw_rows(settings, "products")["products"]) == len(before["products"]) + 1
    ingest(settings, ["products"])
    assert raw_rows(settings, "products", "product_variants") == before


def test_customers_and_orders_of_an_export_are_the_same_customers_in_either_order(
    settings: Settings, tmp_path: Path
) -> None:
    export = customer_export(tmp_path / "customers.csv", emails())
    imported(settings, MONTH)
    assert imported(settings, export)["customer_export"].rows == {"customers": len(emails())}
    first = raw_rows(settings, "customers")
    assert len(first["customers"]) == len(emails())
    imported(settings, MONTH)
    assert raw_rows(settings, "customers") == first
    imported(settings, export)
    assert raw_rows(settings, "customers") == first
    orders = fetched(
        settings, "select count(distinct customer_key) from raw.orders where customer_key is not null"
    )
    assert orders == [(len(emails()),)]


def test_nothing_that_names_a_person_is_kept_anywhere(tmp_path: Path) -> None:
    settings = load_settings({"GROWTH_HOME": str(tmp_path / "home"), **SHOP})
    row = "'90017,Josephine,Doeringer,jo@example.org,US,'+15550100,2,vip lady"
    imported(settings, written(tmp_path / "customers.csv", CUSTOMER_COLUMNS, row))
    kept = str(raw_rows(settings))
    for path in (settings.home / "landing").rglob("*"):
        if path.suffix == ".zst":
            kept += zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).decode()
        elif path.is_file():
            kept += path.read_text()
    assert "customer_key" in kept
    for personal in ("90017", "Josephine", "Doeringer", "jo@example", "15550100", "vip"):
        assert personal not in kept


def test_a_customer_that_the_api_told_is_not_added_under_another_key(
    small_shop: Any, machine: Callable[..., Settings], database: dict[str, str], tmp_path: Path
) -> None:
    settings = machine(small_shop, **database)
    ingest(settings, ["shop", "customers"])
    before = raw_rows(settings, "customers")
    number = first_customer(small_shop, settings)
    rows = (f"'{number},Jo,Doe,jo@example.org,US,,2,", "'77,Al,Doe,al@example.org,US,,1,")
    result = imported(settings, written(tmp_path / "customers.csv", CUSTOMER_COLUMNS, *rows))["customer_export"]
    assert result.rows == {"customers": 1}
    assert result.notes == ("1 known from the shop's API: left as they are",)
    assert len(raw_rows(settings, "customers")["customers"]) == len(before["customers"]) + 1


def first_customer(shop: Any, settings: Settings) -> str:
    """The number of one of the shop's customers, asked as any app may."""
    answer = httpx.post(
        f"{shop.base_url}/admin/api/{settings.shopify.api_version}/graphql.json",
        json={"query": "{ customers(first: 1) { nodes { id } } }"},
        headers={"X-Shopify-Access-Token": "shpat_sandbox"},
        trust_env=False,
    )
    gid: str = answer.raise_for_status().json()["data"]["customers"]["nodes"][0]["id"]
    return gid.rsplit("/", 1)[1]


# That both engines hold the same rows, and make the same marts of them, is shown above and in test_engines.
@pytest.mark.slow
@pytest.mark.parametrize(
    "database",
    ["duckdb", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])],
    indirect=True,
)
def test_each_customer_of_an_imported_shop_is_in_the_cohorts_once(settings: Settings, tmp_path: Path) -> None:
    known = [*emails(), "never-bought@example.org"]
    products = written(tmp_path / "products.csv", PRODUCT_COLUMNS, HOSE, CLAMP)
    imported(settings, MONTH, customer_export(tmp_path / "customers.csv", known), products)
    result = build(settings)
    assert [(node.name, node.message) for node in result.failed] == []
    Warehouse.of(settings).publish()
    with Warehouse.of(settings).read() as connection:

        def one(sql: str) -> Any:
            return tuple(connection.execute(sql).fetchone())

        customers, distinct, bought, countries = one(
            "select count(*), count(distinct customer_key), sum(case when orders > 0 then 1 else 0 end),"
            " count(country) from marts.dim_customers"
        )
        cohorts = one("select sum(cohort_size) from marts.fct_cohort_retention where period_index = 0")
        pages = connection.execute(
            "select page_key, image_url from marts.dim_pages where page_type = 'product' order by 1"
        ).fetchall()
    assert (customers, distinct, countries) == (len(known), len(known), len(known))
    assert cohorts == (bought,)
    assert [tuple(page) for page in pages] == [
        ("/products/clamp", None),
        ("/products/hose", "https://cdn.example/a.jpg"),
    ]


def test_one_bad_cell_loads_nothing_of_any_file(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    customer_export(folder / "customers.csv", ["jo@example.org"])
    written(folder / "products.csv", PRODUCT_COLUMNS, HOSE.replace("19.99", '"19,99"'))
    with pytest.raises(
        GrowthError, match=r"products\.csv, line 3, column 'Variant Price': '19,99' is not an amount"
    ):
        import_paths(settings, [folder])
    assert sum(len(rows) for rows in raw_rows(settings).values()) == 0
    assert not list((settings.home / "landing").glob("*/*"))


def test_a_file_of_no_known_kind_is_refused_with_the_kinds_there_are(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match=r"things\.csv, line 1: the columns are of no export") as refused:
        import_paths(settings, [written(tmp_path / "things.csv", "Thing,Colour", "a,b")])
    hint = refused.value.hint
    for kind in ("order export", "customer export", "product export", "Search Console export"):
        assert kind in hint


def test_an_export_without_rows_loads_none(settings: Settings, tmp_path: Path) -> None:
    products = written(tmp_path / "products.csv", PRODUCT_COLUMNS)
    customers = written(tmp_path / "customers.csv", CUSTOMER_COLUMNS)
    results = imported(settings, products, customers)
    assert results["product_export"].rows == {"products": 0, "product_variants": 0}
    assert results["customer_export"].rows == {"customers": 0}
