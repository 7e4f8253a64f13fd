"""The shop's records, compact: money in cents, times aware and in UTC. The resolvers give them Shopify's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SALES_TAX = 0.0479  # added to the price, for about a third of the orders


@dataclass(slots=True)
class Seo:
    """What a merchant typed for search engines; None where nothing was typed."""

    title: str | None = None
    description: str | None = None


@dataclass(slots=True)
class Picture:
    """A product's image file. ``number`` is unique among images; its gid is of type MediaImage."""

    number: int
    alt: str
    url: str
    width: int
    height: int
    created_at: datetime
    updated_at: datetime

    typename = "MediaImage"

    @property
    def gid(self) -> str:
        return f"gid://shopify/MediaImage/{self.number}"


@dataclass(slots=True)
class Variant:
    number: int
    product: Product
    title: str
    sku: str
    price_cents: int
    compare_at_cents: int | None
    cost_cents: int | None
    on_hand: int
    updated_at: datetime
    position: int

    typename = "ProductVariant"

    @property
    def gid(self) -> str:
        return f"gid://shopify/ProductVariant/{self.number}"


@dataclass(slots=True)
class Resource:
    """What has a page of its own in the online store."""

    number: int
    handle: str
    title: str
    body: str
    seo: Seo
    created_at: datetime
    updated_at: datetime
    metafields: dict[tuple[str, str], str] = field(default_factory=dict)

    typename = "Resource"

    @property
    def gid(self) -> str:
        return f"gid://shopify/{self.typename}/{self.number}"

    @property
    def path(self) -> str:
        """The path of its page: the page key."""
        raise NotImplementedError


@dataclass(slots=True)
class Product(Resource):
    product_type: str = ""
    vendor: str = ""
    tags: tuple[str, ...] = ()
    variants: list[Variant] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    collections: list[Collection] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    popularity: float = 1.0

    typename = "Product"

    @property
    def path(self) -> str:
        return f"/products/{self.handle}"


@dataclass(slots=True)
class Collection(Resource):
    products: list[Product] = field(default_factory=list)
    sort_order: str = "MANUAL"

    typename = "Collection"

    @property
    def path(self) -> str:
        return f"/collections/{self.handle}"


@dataclass(slots=True)
class ContentPage(Resource):
    typename = "Page"

    @property
    def path(self) -> str:
        return f"/pages/{self.handle}"


@dataclass(slots=True)
class Blog:
    number: int
    handle: str
    title: str
    created_at: datetime

    typename = "Blog"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Blog/{self.number}"


@dataclass(slots=True)
class Article(Resource):
    blog: Blog | None = None

    typename = "Article"

    @property
    def path(self) -> str:
        return f"/blogs/{self.blog.handle if self.blog else 'news'}/{self.handle}"


@dataclass(slots=True)
class Customer:
    number: int
    created_at: datetime
    updated_at: datetime
    country: str
    first_name: str
    last_name: str
    email: str
    orders_count: int = 0

    typename = "Customer"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Customer/{self.number}"


@dataclass(slots=True)
class Line:
    number: int
    variant: Variant | None
    title: str
    sku: str
    quantity: int
    current_quantity: int
    unit_cents: int
    discount_cents: int
    tax_cents: int = 0

    typename = "LineItem"

    @property
    def gid(self) -> str:
        return f"gid://shopify/LineItem/{self.number}"


@dataclass(slots=True)
class RefundLine:
    number: int
    line: Line
    quantity: int
    subtotal_cents: int

    typename = "RefundLineItem"

    @property
    def gid(self) -> str:
        return f"gid://shopify/RefundLineItem/{self.number}"


@dataclass(slots=True)
class Refund:
    number: int
    order: Order
    created_at: datetime
    total_cents: int
    lines: list[RefundLine]

    typename = "Refund"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Refund/{self.number}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Money that moved: an order's SALE, or a REFUND of it (whose ``parent`` is the sale)."""

    number: int
    order: Order
    kind: str
    amount_cents: int
    created_at: datetime
    parent: Transaction | None = None

    typename = "OrderTransaction"

    @property
    def gid(self) -> str:
        return f"gid://shopify/OrderTransaction/{self.number}"


@dataclass(slots=True)
class Order:
    number: int
    name: str
    customer: Customer | None
    country: str
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    lines: list[Line]
    shipping_cents: int
    landing_path: str | None
    source_name: str
    discount_code: str | None
    test: bool = False
    cancelled_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)

    typename = "Order"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Order/{self.number}"

    @property
    def gross_cents(self) -> int:
        """Unit price × ordered quantity, before discounts, without tax and shipping."""
        return sum(line.unit_cents * line.quantity for line in self.lines)

    @property
    def discount_cents(self) -> int:
        return sum(line.discount_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        return sum(line.tax_cents for line in self.lines)

    @property
    def refunded_cents(self) -> int:
        return sum(refund.total_cents for refund in self.refunds)

    @property
    def total_cents(self) -> int:
        return self.gross_cents - self.discount_cents + self.shipping_cents + self.tax_cents

    @property
    def financial_status(self) -> str:
        if self.refunds:
            return "REFUNDED" if self.refunded_cents >= self.total_cents else "PARTIALLY_REFUNDED"
        return "VOIDED" if self.cancelled_at else "PAID"


def transactions_of(order: Order) -> list[Transaction]:
    """One sale, and a refund for each of the order's refunds."""
    sale = Transaction(order.number + 100_000_000_000, order, "SALE", order.total_cents, order.processed_at)
    refunds = [
        Transaction(refund.number + 100_000_000_000, order, "REFUND", refund.total_cents, refund.created_at, sale)
        for refund in order.refunds
    ]
    return [sale, *refunds]
