"""What a sandbox shop is made from. The same options always give the same shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

SHOP_NAME = "Hot Rod Parts"
MYSHOPIFY_DOMAIN = "hot-rod-parts.myshopify.com"
PRIMARY_HOST = "www.hotrodparts.example"
PRIMARY_URL = f"https://{PRIMARY_HOST}"
SITE_URL = "sc-domain:hotrodparts.example"
CURRENCY = "USD"
TIMEZONE = "America/Denver"
LOCALE = "en"
ACCESS_TOKEN = "shpat_sandbox"  # noqa: S105 - the public token of a made-up shop
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105
GOOGLE_TOKEN = "sandbox-google"  # noqa: S105

SCOPES = (
    "read_all_orders",
    "read_content",
    "read_customers",
    "read_discounts",
    "read_files",
    "read_inventory",
    "read_locations",
    "read_metaobject_definitions",
    "read_metaobjects",
    "read_online_store_navigation",
    "read_orders",
    "read_products",
    "read_reports",
    "write_content",
    "write_files",
    "write_metaobject_definitions",
    "write_metaobjects",
    "write_products",
)


@dataclass(frozen=True)
class Options:
    """``today`` is the shop's current day: orders and sessions are complete up to the day before it."""

    today: date
    seed: int = 7
    orders: int = 5000
    products: int = 300
    months: int = 24
    healthy: bool = False
    limits: str = "generous"
    missing_scopes: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = field(default_factory=tuple)

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(scope for scope in SCOPES if scope not in self.missing_scopes)
