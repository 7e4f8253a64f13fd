"""The raw tables: one row a source record, typed, with the landing file and line it came from.

Types are neutral and mean the same on DuckDB and PostgreSQL. Identifiers are Shopify gids as text. Money is
DECIMAL(18,4) in the shop's currency, never float. Times are UTC; ``local_date`` is the day in the shop's zone.
Personal data never arrive here: customers are keyed hashes (``customer_key``), made at the door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# json is text that holds JSON.
ColumnType = Literal["text", "bigint", "double", "money", "bool", "date", "timestamp", "json"]
SQL_TYPES: dict[str, dict[str, str]] = {
    "duckdb": {
        "text": "VARCHAR",
        "bigint": "BIGINT",
        "double": "DOUBLE",
        "money": "DECIMAL(18,4)",
        "bool": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "json": "VARCHAR",
    },
    "postgres": {
        "text": "text",
        "bigint": "bigint",
        "double": "double precision",
        "money": "numeric(18,4)",
        "bool": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "json": "text",
    },
}


@dataclass(frozen=True)
class Column:
    """``at`` is where the value stands in a landed record (names joined by dots), for streams without .sql."""

    name: str
    type: ColumnType
    at: str = ""


@dataclass(frozen=True)
class RawTable:
    """``replace_by`` are the columns whose values in a batch are deleted before it is inserted: the primary
    key for records, the parent's key for children (so that a removed child goes), a day for daily facts."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    replace_by: tuple[str, ...]
    description: str

    @property
    def version(self) -> str:
        """The column that tells which of two states of a record is the newer; empty where none does."""
        names = {column.name for column in self.columns}
        return "updated_at" if "updated_at" in names and self.replace_by == self.key else ""

    @property
    def deleted_by(self) -> str:
        """The column with the id by which the shop would tell that a record is deleted; empty without one."""
        types = {column.name: column.type for column in self.columns}
        column = self.replace_by[-1]
        single = len(self.replace_by) == 2 and types.get(column) == "text"
        return column if single and self.name != "deletions" else ""

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return (Column("shop_id", "text"), *self.columns, *LINEAGE)


LINEAGE = (Column("_file_id", "text"), Column("_line", "bigint"), Column("_loaded_at", "timestamp"))


def _columns(**types: ColumnType) -> tuple[Column, ...]:
    return tuple(Column(name, type_) for name, type_ in types.items())


def _table(
    table: str,
    meaning: str,
    /,
    *,
    key: tuple[str, ...],
    replace_by: tuple[str, ...] | None = None,
    **types: ColumnType,
) -> RawTable:
    return RawTable(table, _columns(**types), ("shop_id", *key), ("shop_id", *(replace_by or key)), meaning)


def raw_table(name: str, meaning: str, *columns: Column, key: str) -> RawTable:
    """Declare a table of records, each replaced as a whole: for the file of a stream that fills it.

    Raises ValueError when the name is taken or ``key`` is no column.
    """
    if name in BY_NAME:
        raise ValueError(f"raw.{name} is declared already")
    if key not in {column.name for column in columns}:
        raise ValueError(f"raw.{name} has no column {key!r} to be its key")
    table = BY_NAME[name] = RawTable(name, columns, ("shop_id", key), ("shop_id", key), meaning)
    return table


def all_tables() -> tuple[RawTable, ...]:
    """Every raw table: those below, those that stream files declare beside their stream, and the store's."""
    import growth_pipelines.ingestion.streams
    import growth_pipelines.warehouse.operations_tables  # noqa: F401 - both declare them

    return tuple(BY_NAME.values())


TABLES: tuple[RawTable, ...] = (
    _table(
        "deletions",
        "What the shop has deleted: such records are removed from the other tables, and never come back.",
        key=("subject_id",),
        subject_id="text",
        subject_type="text",
        deleted_at="timestamp",
    ),
    _table(
        "shops",
        "The shop itself: its name, primary host, currency, zone and locale.",
        key=(),
        name="text",
        domain="text",
        primary_url="text",
        currency="text",
        timezone="text",
        primary_locale="text",
    ),
    _table(
        "orders",
        "Orders, test and cancelled ones included. gross_amount is before discounts, without tax and shipping.",
        key=("order_id",),
        order_id="text",
        name="text",
        customer_key="text",
        created_at="timestamp",
        processed_at="timestamp",
        updated_at="timestamp",
        cancelled_at="timestamp",
        local_date="date",
        is_test="bool",
        financial_status="text",
        currency="text",
        gross_amount="money",
        discount_amount="money",
        tax_amount="money",
        shipping_amount="money",
        total_amount="money",
        refunded_amount="money",
        landing_path="text",
        source_name="text",
        cancel_reason="text",
        fulfillment_status="text",
        presentment_currency="text",
    ),
    _table(
        "order_lines",
        "Line items of orders. gross_amount is unit price × ordered quantity; discount_amount its allocations.",
        key=("order_line_id",),
        replace_by=("order_id",),
        order_line_id="text",
        order_id="text",
        product_id="text",
        variant_id="text",
        title="text",
        sku="text",
        quantity="bigint",
        current_quantity="bigint",
        unit_price="money",
        gross_amount="money",
        discount_amount="money",
    ),
    _table(
        "refunds",
        "Refunds, dated by themselves and not by their order.",
        key=("refund_id",),
        replace_by=("order_id",),
        refund_id="text",
        order_id="text",
        created_at="timestamp",
        local_date="date",
        total_amount="money",
    ),
    _table(
        "refund_lines",
        "Refunded line items.",
        key=("refund_line_id",),
        replace_by=("order_id",),
        refund_line_id="text",
        refund_id="text",
        order_id="text",
        order_line_id="text",
        quantity="bigint",
        subtotal_amount="money",
    ),
    _table(
        "order_transactions",
        "Payments of orders: authorisations, sales, captures, refunds and voids, with their outcome.",
        key=("transaction_id",),
        replace_by=("order_id",),
        transaction_id="text",
        order_id="text",
        parent_id="text",
        kind="text",
        status="text",
        gateway="text",
        is_test="bool",
        processed_at="timestamp",
        local_date="date",
        amount="money",
    ),
    _table(
        "order_discount_codes",
        "The discount codes of orders, one row a code.",
        key=("order_id", "position"),
        replace_by=("order_id",),
        order_id="text",
        position="bigint",
        code="text",
    ),
    _table(
        "products",
        "Products with their search fields. images is a JSON list of {id, alt, url, width, height}, in order; tags"
        ' are separated by ", "; url is null where the product is not in the online store;'
        " complementary_products and related_products are JSON lists of the ids of products, as the shop keeps"
        " them.",
        key=("product_id",),
        product_id="text",
        handle="text",
        title="text",
        product_type="text",
        vendor="text",
        status="text",
        tags="text",
        description="text",
        description_html="text",
        related_links="text",
        seo_title="text",
        seo_description="text",
        url="text",
        images="text",
        complementary_products="text",
        related_products="text",
        created_at="timestamp",
        updated_at="timestamp",
        published_at="timestamp",
    ),
    _table(
        "product_variants",
        "Variants of products; unit_cost is null where the shop does not know it.",
        key=("variant_id",),
        replace_by=("product_id",),
        variant_id="text",
        product_id="text",
        sku="text",
        title="text",
        price="money",
        compare_at_price="money",
        unit_cost="money",
        inventory_quantity="bigint",
        inventory_item_id="text",
        updated_at="timestamp",
    ),
    _table(
        "inventory_levels",
        "Stock of an item at a location: on hand, available to sell, committed to orders, and incoming.",
        key=("inventory_item_id", "location_id"),
        replace_by=("inventory_item_id",),
        inventory_item_id="text",
        location_id="text",
        location_name="text",
        sku="text",
        is_tracked="bool",
        available="bigint",
        committed="bigint",
        incoming="bigint",
        on_hand="bigint",
        updated_at="timestamp",
    ),
    _table(
        "abandoned_checkouts",
        "Checkouts that were begun and not finished, or finished later (completed_at).",
        key=("checkout_id",),
        checkout_id="text",
        customer_key="text",
        created_at="timestamp",
        updated_at="timestamp",
        completed_at="timestamp",
        local_date="date",
        lines_amount="money",
        discount_amount="money",
        total_amount="money",
    ),
    _table(
        "abandoned_checkout_lines",
        "What was in abandoned checkouts.",
        key=("checkout_line_id",),
        replace_by=("checkout_id",),
        checkout_line_id="text",
        checkout_id="text",
        product_id="text",
        variant_id="text",
        title="text",
        sku="text",
        quantity="bigint",
        unit_price="money",
    ),
    _table(
        "customers",
        "Customers as keyed hashes. E-mail, phone, names, city and postal code are null unless"
        " GROWTH_PRIVACY__PERSONAL_FIELDS asks for them.",
        key=("customer_key",),
        customer_key="text",
        created_at="timestamp",
        updated_at="timestamp",
        orders_count="bigint",
        country="text",
        email="text",
        phone="text",
        first_name="text",
        last_name="text",
        city="text",
        postal_code="text",
    ),
    _table(
        "collections",
        "Collections with their search fields.",
        key=("collection_id",),
        collection_id="text",
        handle="text",
        title="text",
        description="text",
        description_html="text",
        seo_title="text",
        seo_description="text",
        sort_order="text",
        url="text",
        updated_at="timestamp",
    ),
    _table(
        "collection_products",
        "Which products a collection holds, in its order.",
        key=("collection_id", "product_id"),
        replace_by=("collection_id",),
        collection_id="text",
        product_id="text",
        position="bigint",
    ),
    _table(
        "pages",
        "Online store pages and blog articles (content_type page or article) with their SEO metafields.",
        key=("page_id",),
        page_id="text",
        content_type="text",
        handle="text",
        title="text",
        body="text",
        seo_title="text",
        seo_description="text",
        url="text",
        updated_at="timestamp",
    ),
    _table(
        "search_page_query_daily",
        "Search Console, page × query × day. Anonymised queries are missing here by design.",
        key=("date", "page", "query"),
        replace_by=("date",),
        site_url="text",
        date="date",
        page="text",
        query="text",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "search_page_daily",
        "Search Console, page × day: anonymised queries included.",
        key=("date", "page"),
        replace_by=("date",),
        site_url="text",
        date="date",
        page="text",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "search_property_daily",
        "Search Console, the whole property a day. Page rows never add up to it.",
        key=("date",),
        replace_by=("date",),
        site_url="text",
        date="date",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "search_country_device_daily",
        "Search Console, the whole property by day, country (ISO 3166-1 alpha-3) and device.",
        key=("date", "country", "device"),
        replace_by=("date",),
        site_url="text",
        date="date",
        country="text",
        device="text",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "search_page_provisional_daily",
        "Search Console, page × day, of the days whose figures are not final yet: they still grow.",
        key=("date", "page"),
        replace_by=("date",),
        site_url="text",
        date="date",
        page="text",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "search_property_provisional_daily",
        "Search Console, the whole property, of the days whose figures are not final yet: they still grow.",
        key=("date",),
        replace_by=("date",),
        site_url="text",
        date="date",
        clicks="bigint",
        impressions="bigint",
        position="double",
    ),
    _table(
        "sessions_daily",
        "Online store sessions by day in the shop's zone, landing page and kind of device, and how far they came.",
        key=("date", "landing_path", "device"),
        replace_by=("date",),
        date="date",
        landing_path="text",
        device="text",
        sessions="bigint",
        cart_additions="bigint",
        reached_checkout="bigint",
        completed_checkout="bigint",
    ),
    _table(
        "crux_records",
        "The newest CrUX record of a page or of the origin; found is false where CrUX has none (asked, thin)."
        " scope is page or origin, form_factor phone or desktop, metric lcp, inp, cls, fcp or ttfb (null if not"
        " found); p75 in ms (cls unitless); good, needs_improvement and poor are shares of visits.",
        key=("scope", "target", "form_factor", "metric"),
        replace_by=("scope", "target"),
        scope="text",
        target="text",
        form_factor="text",
        metric="text",
        found="bool",
        period_start="date",
        period_end="date",
        p75="double",
        good="double",
        needs_improvement="double",
        poor="double",
        fetched_at="timestamp",
    ),
    _table(
        "crux_history",
        "CrUX history: weekly collection periods of 28 days each; p75 is null in thin periods. Words and units as"
        " in crux_records.",
        key=("scope", "target", "form_factor", "metric", "period_end"),
        replace_by=("scope", "target", "form_factor", "period_end"),
        scope="text",
        target="text",
        form_factor="text",
        metric="text",
        period_start="date",
        period_end="date",
        p75="double",
        good="double",
        needs_improvement="double",
        poor="double",
    ),
    _table(
        "psi_runs",
        "PageSpeed Insights lab runs; strategy is mobile or desktop; details is JSON: lcp_element, images,"
        " render_blocking, third_parties, layout_shifts, unsized_images, long_tasks, fonts, server_ms.",
        key=("url", "strategy", "fetched_at"),
        url="text",
        strategy="text",
        fetched_at="timestamp",
        performance_score="double",
        lcp_ms="double",
        cls="double",
        tbt_ms="double",
        ttfb_ms="double",
        fcp_ms="double",
        details="text",
    ),
    _table(
        "web_vitals_beacons",
        "Core Web Vitals that visitors' browsers sent, each metric of a page view as it was last reported. source"
        " is always rum; metric lcp, inp, cls, fcp or ttfb; value in ms (cls unitless); form_factor phone, desktop"
        " or tablet; session_key a keyed hash of a tab's random id, landing_path where that session began.",
        key=("metric_id", "metric"),
        metric_id="text",
        metric="text",
        value="double",
        rating="text",
        url="text",
        form_factor="text",
        navigation_type="text",
        session_key="text",
        is_landing="bool",
        landing_path="text",
        received_at="timestamp",
        local_date="date",
        source="text",
    ),
)
BY_NAME: dict[str, RawTable] = {table.name: table for table in TABLES}
