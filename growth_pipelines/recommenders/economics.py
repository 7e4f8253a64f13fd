"""Each page's conversion and order value, with the shop's where a page has none of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from growth_pipelines.recommenders.cells import number

PROXY = "clicks_proxy"
# Without sessions the price of a visit is a proxy, and counts half (the finding itself is not in doubt).
PROXY_FACTOR = 0.5


@dataclass(frozen=True)
class PageEconomics:
    """``conversion`` orders per visit, ``order_value`` in major units, ``basis`` sessions or clicks_proxy.

    ``orders`` are as many orders as would make a rate as uncertain as ``conversion`` is; ``sessions`` is None
    where they can't be read, ``margin`` where costs are unknown.
    """

    conversion: float
    order_value: float
    basis: str
    orders: float
    sessions: float | None
    margin: float | None

    @property
    def basis_factor(self) -> float:
        return PROXY_FACTOR if self.basis == PROXY else 1.0


# Minor units in a major one, where the shop's currency is not known; 1 for yen, 1,000 for dinars.
MINOR_UNITS = 100.0


def minor_units(shop: pd.DataFrame) -> float:
    """Minor units in one major unit of the shop's currency."""
    return number(shop.iloc[0].get("minor_units"), MINOR_UNITS) if len(shop) else MINOR_UNITS


def economics_by_page(performance: pd.DataFrame, shop: pd.DataFrame) -> dict[str, PageEconomics]:
    """Economics per page_key; the key "" holds the shop's own, for pages without a row."""
    whole = shop.iloc[0].to_dict() if len(shop) else {}
    shop_rate, shop_value = number(whole.get("shop_cvr"), 0.0), number(whole.get("shop_aov"), 0.0)
    basis = str(whole.get("conversion_basis") or PROXY)
    minor = minor_units(shop)
    # Nothing is known of a page without a row: its rate is as uncertain as if it rested on one order.
    found = {"": PageEconomics(shop_rate, shop_value, basis, 1.0, None, None)}
    for row in performance.to_dict("records"):
        rate = number(row.get("conversion_rate"), shop_rate)
        found[str(row["page_key"])] = PageEconomics(
            conversion=rate,
            order_value=number(row.get("aov_cents"), shop_value * minor) / minor,
            basis=str(row.get("conversion_basis") or basis),
            orders=number(row.get("known_from_orders"), 1.0),
            sessions=_known(row, "sessions"),
            margin=_known(row, "margin_rate"),
        )
    return found


def _known(row: Mapping[Any, Any], name: str) -> float | None:
    value = number(row.get(name), math.nan)
    return None if math.isnan(value) else value
