"""The columns of Shopify's product export under our names, in the spellings of its older and newer files."""

from __future__ import annotations

from growth_pipelines.ingestion.imports.sheets import Sheet

COLUMNS: dict[str, tuple[str, ...]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "description": ("Body (HTML)", "Body HTML", "Description"),
    "vendor": ("Vendor",),
    "product_type": ("Type", "Custom Product Type", "Product Type"),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    "option1": ("Option1 Value",),
    "option2": ("Option2 Value",),
    "option3": ("Option3 Value",),
    "sku": ("Variant SKU", "SKU"),
    "price": ("Variant Price", "Price"),
    "compare_at_price": ("Variant Compare At Price", "Compare-at price"),
    "unit_cost": ("Cost per item",),
    "inventory_quantity": ("Variant Inventory Qty", "Inventory quantity"),
    "image": ("Image Src", "Product image URL"),
    "image_position": ("Image Position",),
    "image_alt": ("Image Alt Text",),
    "seo_title": ("SEO Title",),
    "seo_description": ("SEO Description",),
}
REQUIRED = ("handle", "title", "price")
# Shopify's other columns: there is no table for them, and nothing to tell about it.
NOT_READ = frozenset(
    {
        "product category",
        "standard product type",
        "standardized product type",
        "collection",
        "gift card",
        "template suffix",
        "published scope",
        "option1 name",
        "option2 name",
        "option3 name",
        "option1 linked to",
        "option2 linked to",
        "option3 linked to",
        "barcode",
        "charge tax",
        "tax code",
        "inventory tracker",
        "continue selling when out of stock",
        "weight value (grams)",
        "weight unit for display",
        "requires shipping",
        "fulfillment service",
        "variant image url",
        "variant barcode",
        "variant taxable",
        "variant tax code",
        "variant inventory tracker",
        "variant inventory policy",
        "variant grams",
        "variant weight unit",
        "variant requires shipping",
        "variant fulfillment service",
        "variant image",
    }
)
# The columns of Google's feed, of each market and of prices a unit.
NOT_READ_STARTS = ("google shopping / ", "included / ", "price / ", "compare at price / ", "unit price ")
_READ = frozenset(spelling.lower() for spellings in COLUMNS.values() for spelling in spellings)


def spelled(sheet: Sheet) -> dict[str, str]:
    """Our name of each column → as ``sheet`` spells it; all its spellings where the sheet has none of them."""
    there = {name.lower(): name for name in sheet.columns}
    return {
        name: next((there[s.lower()] for s in spellings if s.lower() in there), " or ".join(spellings))
        for name, spellings in COLUMNS.items()
    }


def is_expected(column: str) -> bool:
    """True for a column that Shopify's own exports have, read or not."""
    name = column.lower()
    return name in _READ or name in NOT_READ or name.startswith(NOT_READ_STARTS)
