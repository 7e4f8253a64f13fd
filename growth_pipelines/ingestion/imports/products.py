"""Shopify's product export (Products → Export): rows of one handle are a product with its variants and images.

The product's own columns stand on its first row. A row with an option, a SKU or a price is a variant; others hold
further images only. Both spellings of Shopify's columns are read, in any case of letters.

The export has no ids, so they are made of the handle and, for variants, of the options. A product whose handle
the shop's API told stays as the API told it: the API knows its ids, which order lines and changes of it need, and
the next reading of the whole catalogue would replace the export's rows anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from growth_pipelines.ingestion.imports.kinds import Context, Kind, Piece, unread_columns
from growth_pipelines.ingestion.imports.product_columns import COLUMNS, REQUIRED, is_expected, spelled
from growth_pipelines.ingestion.imports.sheets import BadSheet, Cells, Sheet
from growth_pipelines.ingestion.loading import Part

PARTS = (Part("products"), Part("product_variants", scope="parent", parent="products"))
OPTIONS = ("option1", "option2", "option3")
STATUSES = ("active", "draft", "archived", "unlisted")
# Shopify's own name for the one variant of a product without options.
ONLY_VARIANT = "Default Title"
FOUR_DECIMALS = Decimal("0.0001")


def is_product_export(sheet: Sheet) -> bool:
    """True for a sheet that means to be a product export; Shopify's inventory export has handles too."""
    there = spelled(sheet)
    own = ("description", "vendor", "price", "image", "published")
    return there["handle"] in sheet.columns and any(there[name] in sheet.columns for name in own)


@dataclass(frozen=True)
class _Row:
    """A row whose cells are asked for by our names of the columns (``product_columns``)."""

    cells: Cells
    columns: dict[str, str]

    def text(self, name: str) -> str:
        return self.cells.text(self.columns[name])

    def bad(self, name: str, expected: str) -> BadSheet:
        return self.cells.bad(self.columns[name], expected)

    def amount(self, name: str) -> str | None:
        amount = self.cells.money(self.columns[name])
        return None if amount is None else f"{amount.quantize(FOUR_DECIMALS):f}"

    def whole(self, name: str) -> int | None:
        return self.cells.whole(self.columns[name]) if self.text(name) else None

    @property
    def is_variant(self) -> bool:
        return any(self.text(name) for name in (*OPTIONS, "sku", "price"))


@dataclass
class _Product:
    handle: str
    rows: list[_Row] = field(default_factory=list)


def product_records(sheets: Iterable[Sheet], primary_url: str) -> Iterator[dict[str, Any]]:
    """One record a product with its variants and images, as ``parse/product_export`` reads them.

    A product that is in several files counts as in the last one. Raises BadSheet at the first bad cell.
    """
    products: dict[str, _Product] = {}
    for sheet in sheets:
        columns = spelled(sheet)
        sheet.require([columns[name] for name in REQUIRED])
        in_this_sheet: dict[str, _Product] = {}
        for cells in sheet.cells():
            row = _Row(cells, columns)
            handle = row.text("handle").lower()
            if not handle:
                raise row.bad("handle", "a product's handle")
            in_this_sheet.setdefault(handle, _Product(handle)).rows.append(row)
        products.update(in_this_sheet)
    for product in products.values():
        yield _record(product, primary_url)


def read_products(sheets: Sequence[Sheet], context: Context) -> list[Piece]:
    """One piece, without the products that the API told. Raises BadSheet."""
    records = list(product_records(sheets, context.shop.primary_url))
    fresh = [record for record in records if record["handle"] not in context.known.handles]
    notes = unread_columns(sheets, is_expected)
    if len(fresh) < len(records):
        notes += (f"{len(records) - len(fresh)} known from the shop's API: left as they are",)
    return [Piece("product_export", "product_export", PARTS, fresh, notes=notes, read_again=("products",))]


def _record(product: _Product, primary_url: str) -> dict[str, Any]:
    first = product.rows[0]
    title = first.text("title")
    if not title:
        raise first.bad("title", "a product's title (its first row has one)")
    published = _published(first)
    status = _status(first, published)
    address = f"{primary_url.rstrip('/')}/products/{quote(product.handle)}"
    return {
        "product_id": f"export:{product.handle}",
        "handle": product.handle,
        "title": title,
        "product_type": first.text("product_type"),
        "vendor": first.text("vendor"),
        "status": status,
        "tags": ", ".join(tag for part in first.text("tags").split(",") if (tag := part.strip())),
        "description": first.text("description"),
        "seo_title": first.text("seo_title") or None,
        "seo_description": first.text("seo_description") or None,
        "url": address if published and status == "active" else None,
        "images": _images(product),
        "variants": list(_variants(product)),
    }


def _published(row: _Row) -> bool:
    """Whether the product is in the online store; Shopify takes a blank cell as yes."""
    text = row.text("published").lower()
    if text not in ("true", "false", ""):
        raise row.bad("published", "TRUE or FALSE")
    return text != "false"


def _status(row: _Row, published: bool) -> str:
    """The status; exports from before there was one say it by what is published."""
    status = row.text("status").lower()
    if not status:
        return "active" if published else "draft"
    if status not in STATUSES:
        raise row.bad("status", f"one of {', '.join(STATUSES)}")
    return status


def _images(product: _Product) -> list[dict[str, Any]]:
    """In the order of their positions; those without one come last, as they stand."""
    found: list[tuple[bool, int, int, dict[str, Any]]] = []
    for row in product.rows:
        position = row.whole("image_position")
        if url := row.text("image"):
            image = {"id": None, "alt": row.text("image_alt") or None, "url": url, "width": None, "height": None}
            found.append((position is None, position or 0, len(found), image))
    return [image for *_, image in sorted(found, key=lambda entry: entry[:3])]


def _variants(product: _Product) -> Iterator[dict[str, Any]]:
    first = product.rows[0]
    lines: dict[str, int] = {}
    for row in product.rows:
        if row is not first and not row.is_variant:
            continue
        options = " / ".join(text for name in OPTIONS if (text := row.text(name)))
        sku = row.text("sku")
        # Without options a product has one variant; if there are more all the same, their SKUs tell them apart.
        own = options or (ONLY_VARIANT if row is first else f"sku/{sku}")
        if own in lines or own == "sku/":
            other = f" (line {lines[own]} has the same options)" if own in lines else ""
            raise row.bad("option1", f"a variant of its own{other}")
        lines[own] = row.cells.line
        yield {
            "variant_id": f"export:{product.handle}/{own}",
            "sku": sku or None,
            "title": options or ONLY_VARIANT,
            "price": row.amount("price") or first.amount("price"),
            "compare_at_price": row.amount("compare_at_price"),
            "unit_cost": row.amount("unit_cost"),
            "inventory_quantity": row.whole("inventory_quantity"),
        }


PRODUCTS = Kind(
    name="Shopify product export",
    signs=f"'{COLUMNS['handle'][0]}' or '{COLUMNS['handle'][1]}' and prices, vendors or images",
    recognises=is_product_export,
    read=read_products,
)
