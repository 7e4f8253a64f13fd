"""A product export in either spelling becomes products, variants and images; a bad cell is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.errors import GrowthError
from growth_pipelines.ingestion.imports.product_columns import is_expected
from growth_pipelines.ingestion.imports.products import is_product_export, product_records
from tests.unit.ingestion.test_exports import sheets_of, text_of

OLDER_HEADER = """Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,\
Option1 Linked To,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,\
Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,\
Variant Requires Shipping,Variant Taxable,Unit Price Total Measure,Variant Barcode,Image Src,Image Position,\
Image Alt Text,Gift Card,SEO Title,SEO Description,Google Shopping / MPN,Variant Image,Variant Weight Unit,\
Variant Tax Code,Cost per item,Included / United States,Price / International,Compare At Price / International,\
Status"""
NEWER_HEADER = """Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,\
SKU,Barcode,Option1 name,Option1 value,Option1 Linked To,Option2 name,Option2 value,Option2 Linked To,\
Option3 name,Option3 value,Option3 Linked To,Price,Compare-at price,Cost per item,Charge tax,Tax code,\
Unit price total measure,Inventory tracker,Inventory quantity,Continue selling when out of stock,\
Weight value (grams),Weight unit for display,Requires shipping,Fulfillment service,Product image URL,\
Image position,Image alt text,Variant image URL,Gift card,SEO title,SEO description,Google Shopping / Gender"""
OLDER, NEWER = OLDER_HEADER.split(","), NEWER_HEADER.split(",")
SAME_IN_NEWER = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Published": "Published on online store",
    "Option1 Value": "Option1 value",
    "Option2 Value": "Option2 value",
    "Variant SKU": "SKU",
    "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price",
    "Variant Inventory Qty": "Inventory quantity",
    "Image Src": "Product image URL",
    "Image Position": "Image position",
    "Image Alt Text": "Image alt text",
    "SEO Title": "SEO title",
    "SEO Description": "SEO description",
}
IMAGES = "https://cdn.example/"
FIRST = {
    "Handle": "hose",
    "Title": "Hose",
    "Body (HTML)": "<p>Long, and\nbraided</p>",
    "Vendor": "Fuel & Co",
    "Type": "Hoses",
    "Tags": "fuel,  braided",
    "Published": "TRUE",
    "Option1 Value": "1 m",
    "Option2 Value": "Black",
    "Variant SKU": "'-6AN",
    "Variant Inventory Qty": "'-2",
    "Variant Price": "10.00",
    "Variant Compare At Price": "12.50",
    "Image Src": IMAGES + "b.jpg",
    "Image Position": "2",
    "SEO Title": "Fuel hose",
    "Cost per item": "4.2",
    "Status": "active",
}
SECOND = {
    "Handle": "hose",
    "Option1 Value": "2 m",
    "Option2 Value": "Black",
    "Variant Inventory Qty": "5",
    "Variant Price": "19.00",
    "Image Src": IMAGES + "a.jpg",
    "Image Position": "1",
    "Image Alt Text": "=A hose",
    "Status": "active",
}
PICTURE = {"Handle": "hose", "Image Src": IMAGES + "c.jpg", "Image Position": "3", "Status": "active"}
PLAIN = {"Handle": "clamp", "Title": "Clamp", "Option1 Value": "Default Title", "Variant Price": "1"}


def records(folder: Path, *rows: dict[str, str], columns: list[str] = OLDER) -> list[dict[str, Any]]:
    return list(product_records(sheets_of(folder, text_of(*rows, columns=columns), "p.csv"), "https://a.example"))


def renamed(row: dict[str, str]) -> dict[str, str]:
    return {SAME_IN_NEWER.get(name, name): value for name, value in row.items()}


def test_rows_of_one_handle_are_one_product_with_its_variants_and_images_in_order(tmp_path: Path) -> None:
    (hose, clamp) = records(tmp_path, FIRST, SECOND, PICTURE, PLAIN)
    assert hose["product_id"] == "export:hose"
    assert (hose["title"], hose["tags"], hose["seo_title"]) == ("Hose", "fuel, braided", "Fuel hose")
    assert hose["seo_description"] is None
    assert hose["url"] == "https://a.example/products/hose"
    assert [image["url"] for image in hose["images"]] == [IMAGES + name for name in ("a.jpg", "b.jpg", "c.jpg")]
    assert hose["images"][0] == {
        "id": None,
        "alt": "=A hose",
        "url": IMAGES + "a.jpg",
        "width": None,
        "height": None,
    }
    assert hose["variants"] == [
        {
            "variant_id": "export:hose/1 m / Black",
            "sku": "-6AN",
            "title": "1 m / Black",
            "price": "10.0000",
            "compare_at_price": "12.5000",
            "unit_cost": "4.2000",
            "inventory_quantity": -2,
        },
        {
            "variant_id": "export:hose/2 m / Black",
            "sku": None,
            "title": "2 m / Black",
            "price": "19.0000",
            "compare_at_price": None,
            "unit_cost": None,
            "inventory_quantity": 5,
        },
    ]
    assert [variant["title"] for variant in clamp["variants"]] == ["Default Title"]


def test_the_newer_spelling_tells_the_same(tmp_path: Path) -> None:
    rows = (FIRST, SECOND, PICTURE, PLAIN)
    assert records(tmp_path, *map(renamed, rows), columns=NEWER) == records(tmp_path, *rows)


@pytest.mark.parametrize("columns", [OLDER, NEWER], ids=["older", "newer"])
def test_no_column_of_shopifys_own_is_told_as_not_read(columns: list[str]) -> None:
    assert [column for column in columns if not is_expected(column)] == []
    assert not is_expected("Color (product.metafields.shopify.color-pattern)")


@pytest.mark.parametrize(
    ("published", "status", "expected"),
    [
        ("TRUE", "active", ("active", True)),
        ("true", "Active", ("active", True)),
        ("", "", ("active", True)),
        ("FALSE", "active", ("active", False)),
        ("FALSE", "", ("draft", False)),
        ("TRUE", "draft", ("draft", False)),
        ("TRUE", "archived", ("archived", False)),
    ],
)
def test_only_what_is_published_and_active_has_an_address(
    tmp_path: Path, published: str, status: str, expected: tuple[str, bool]
) -> None:
    (clamp,) = records(tmp_path, PLAIN | {"Published": published, "Status": status})
    assert (clamp["status"], clamp["url"] is not None) == expected


def test_a_handle_in_other_letters_is_addressed_as_a_browser_does(tmp_path: Path) -> None:
    (clamp,) = records(tmp_path, PLAIN | {"Handle": "Schlauch-é"})
    assert (clamp["handle"], clamp["url"]) == ("schlauch-é", "https://a.example/products/schlauch-%C3%A9")


def test_a_variant_without_a_price_has_that_of_the_first_row(tmp_path: Path) -> None:
    (hose,) = records(tmp_path, FIRST, SECOND | {"Variant Price": ""})
    assert [variant["price"] for variant in hose["variants"]] == ["10.0000", "10.0000"]


def test_variants_without_options_are_told_apart_by_their_skus(tmp_path: Path) -> None:
    (clamp,) = records(tmp_path, PLAIN, {"Handle": "clamp", "Variant SKU": "C2", "Variant Price": "2"})
    assert [variant["variant_id"] for variant in clamp["variants"]] == [
        "export:clamp/Default Title",
        "export:clamp/sku/C2",
    ]


def test_a_product_in_two_files_counts_as_in_the_last_with_its_variants(tmp_path: Path) -> None:
    first = sheets_of(tmp_path, text_of(FIRST, SECOND, columns=OLDER), "a.csv")
    second = sheets_of(tmp_path, text_of(FIRST | {"Title": "New hose"}, columns=OLDER), "b.csv")
    (hose,) = product_records([*first, *second], "https://a.example")
    assert (hose["title"], len(hose["variants"])) == ("New hose", 1)


def test_a_description_with_pictures_in_it_is_read_whole(tmp_path: Path) -> None:
    (clamp,) = records(tmp_path, PLAIN | {"Body (HTML)": "x" * 300_000})
    assert len(clamp["description"]) == 300_000


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([FIRST, SECOND | {"Variant Price": "ten"}], "line 4, column 'Variant Price': 'ten' is not an amount"),
        ([PLAIN | {"Variant Inventory Qty": "2.5"}], "line 2, column 'Variant Inventory Qty'.*whole number"),
        ([PLAIN | {"Image Position": "x"}], "line 2, column 'Image Position'.*whole number"),
        ([PLAIN | {"Cost per item": "1,5"}], "line 2, column 'Cost per item': '1,5' is not an amount"),
        ([PLAIN | {"Published": "maybe"}], "line 2, column 'Published': 'maybe' is not TRUE or FALSE"),
        ([PLAIN | {"Status": "gone"}], "line 2, column 'Status': 'gone' is not one of active"),
        ([PLAIN | {"Title": ""}], "line 2, column 'Title'.*is not a product's title"),
        ([PLAIN, PLAIN | {"Handle": ""}], "line 3, column 'Handle'"),
        ([PLAIN, PLAIN], r"line 3, column 'Option1 Value': 'Default Title' .*\(line 2 has the same options\)"),
        (
            [PLAIN, {"Handle": "clamp", "Variant Price": "2"}],
            "line 3, column 'Option1 Value': '' is not a variant",
        ),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, rows: list[dict[str, str]], message: str) -> None:
    with pytest.raises(GrowthError, match=message):
        records(tmp_path, *rows)


def test_a_bad_cell_of_the_newer_spelling_is_named_as_the_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match="line 2, column 'Price': 'ten'"):
        records(tmp_path, renamed(PLAIN | {"Variant Price": "ten"}), columns=NEWER)


def test_a_missing_column_is_named_in_both_spellings(tmp_path: Path) -> None:
    with pytest.raises(GrowthError, match=r"p\.csv, line 1: column 'Variant Price or Price' is missing"):
        records(tmp_path, {"Handle": "a", "Title": "A"}, columns=["Handle", "Title"])


def test_an_inventory_export_is_no_product_export(tmp_path: Path) -> None:
    columns = ["Handle", "Title", "Option1 Name", "Option1 Value", "SKU", "HS Code", "COO", "Location", "On hand"]
    (sheet,) = sheets_of(tmp_path, text_of(columns=columns), "i.csv")
    assert not is_product_export(sheet)
