"""What a visit to a page is worth, in the shop's own currency."""

from __future__ import annotations

import pandas as pd
import pytest

from growth_pipelines.recommenders.economics import economics_by_page

SHOP = {"shop_cvr": 0.02, "shop_aov": 9000.0, "conversion_basis": "sessions"}


def _economics(shop: dict[str, object], aov_cents: float | None) -> dict[str, float]:
    performance = pd.DataFrame([{"page_key": "/a", "conversion_rate": 0.03, "aov_cents": aov_cents, "orders": 4}])
    found = economics_by_page(performance, pd.DataFrame([shop]))
    return {page: economics.order_value for page, economics in found.items()}


@pytest.mark.parametrize(("currency", "minor_units"), [("USD", 100), ("JPY", 1), ("KWD", 1000)])
def test_order_values_are_in_major_units_of_any_currency(currency: str, minor_units: int) -> None:
    shop = SHOP | {"currency": currency, "minor_units": minor_units}
    assert _economics(shop, 12_000 * minor_units)["/a"] == 12_000


def test_a_page_without_orders_has_the_shops_order_value() -> None:
    assert _economics(SHOP | {"minor_units": 1}, None) == {"": 9000.0, "/a": 9000.0}


def test_a_shop_that_does_not_say_counts_in_hundredths() -> None:
    assert _economics(SHOP, 12_345)["/a"] == 123.45
