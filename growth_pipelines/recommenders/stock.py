"""The arithmetic of stock: cover, urgency, reorder points, turnover, ABC classes, bundles and price floors.

Units are pieces, days are days, rates are units a day; every function takes arrays of equal length or numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# Turnovers a year from which on stock is very fast, fast and of medium speed; below, it is slow.
TURNOVER_BANDS = ((12.0, "very fast"), (6.0, "fast"), (3.0, "medium"))
ABC_SHARES = (0.80, 0.95)
# Order quantities are rounded up to these steps: a day's demand more or less must not turn into another draft.
_STEPS = np.array([1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])


def days_of_cover(on_hand: npt.ArrayLike, daily: npt.ArrayLike) -> FloatArray:
    """On hand ÷ daily sales: 6 at 2.4 a day are 2.5 days. Infinite where nothing is sold."""
    stock, rate = np.maximum(np.asarray(on_hand, float), 0.0), np.asarray(daily, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rate > 0, stock / rate, np.inf)


def urgency(
    on_hand: npt.ArrayLike, cover: npt.ArrayLike, limits: tuple[float, float, float] = (3.0, 7.0, 14.0)
) -> npt.NDArray[np.str_]:
    """``critical`` under the first limit of days or out of stock, ``high``, ``medium``, otherwise ``low``."""
    stock, days = np.asarray(on_hand, float), np.asarray(cover, float)
    critical, high, medium = limits
    return np.select(
        [(stock <= 0) | (days < critical), days < high, days < medium],
        ["critical", "high", "medium"],
        default="low",
    )


def reorder_point(daily: npt.ArrayLike, lead_days: float, z: float, sigma: npt.ArrayLike) -> FloatArray:
    """Daily × lead time + z·σ·√lead time; ``sigma`` is the standard deviation of one day's sales."""
    return np.asarray(daily, float) * lead_days + z * np.asarray(sigma, float) * np.sqrt(lead_days)


def order_step(quantity: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The quantity rounded up to a step that people order by: 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40 …"""
    wanted = np.maximum(np.ceil(np.asarray(quantity, float)), 1.0)
    scale = 10.0 ** np.floor(np.log10(wanted))
    steps = np.where(wanted[..., None] <= scale[..., None] * _STEPS, scale[..., None] * _STEPS, np.inf).min(-1)
    return np.ceil(steps - 1e-9).astype(np.int64)


def turnover_band(turnover: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Turnovers a year as a band: over 12 very fast, 6 to 12 fast, 3 to 6 medium, under 3 slow."""
    rate = np.asarray(turnover, float)
    (very_fast, first), (fast, second), (medium, third) = TURNOVER_BANDS
    return np.select([rate > very_fast, rate >= fast, rate >= medium], [first, second, third], default="slow")


def abc_class(revenue: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """A: what begins within the first 80 % of the revenue, B: within the first 95 %, C: the rest."""
    value = np.asarray(revenue, float)
    order = np.argsort(-value, kind="stable")
    before = np.empty(len(value))
    before[order] = np.cumsum(value[order]) - value[order]
    whole = value.clip(min=0).sum()
    a, b = ABC_SHARES
    return np.select([value <= 0, before < a * whole, before < b * whole], ["C", "A", "B"], default="C")


def bundle_stock(components: npt.ArrayLike, quantities: npt.ArrayLike) -> Any:
    """How many bundles can be sold: the least floor(component ÷ quantity) on the last axis, never under 0.

    A component that is not counted is infinite; so are bundles of such components alone.
    """
    have, need = np.asarray(components, float), np.asarray(quantities, float)
    return np.floor(np.maximum(have, 0.0) / need).min(axis=-1)


def floor_price(cost: npt.ArrayLike, margin_floor: float) -> FloatArray:
    """The lowest price that keeps the margin: cost ÷ (1 − floor), rounded up. NaN where the cost is unknown."""
    return np.ceil(np.round(np.asarray(cost, float) / (1.0 - margin_floor), 6))
