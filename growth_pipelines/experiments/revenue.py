"""Revenue a unit, where one wholesale order outweighs a hundred others: capped before it is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def revenue_cap(values: ArrayLike, quantile: float = 0.99) -> float:
    """The cap: the quantile of what *buyers* paid. Most visitors pay nothing, and their 0 is no tail.

    ``values``: revenue a unit, of a time before the experiment or of both arms together, never of one arm: a cap
    that depends on the arm is a difference of its own.
    """
    if not 0 < quantile < 1:
        raise UnusableSample(f"quantile {quantile:g}.", "It lies between 0 and 1, and is fixed beforehand.")
    paid = _known(values)
    paid = paid[paid > 0]
    if paid.size == 0:
        raise UnusableSample("Nobody bought anything: there is no cap.", "Take a longer time before the start.")
    return float(np.quantile(paid, quantile))


def winsorised(values: ArrayLike, cap: float) -> NDArray[Any]:
    """``values`` with what is above ``cap`` (or below −``cap``: a returned large order) drawn in to it."""
    if not cap > 0:
        raise UnusableSample(f"A cap of {cap:g}.", "It is what revenue_cap gives: above 0.")
    drawn: NDArray[Any] = np.clip(_known(values), -cap, cap)
    return drawn


def _known(values: ArrayLike) -> NDArray[Any]:
    amounts = np.asarray(values, dtype=float)
    if not np.isfinite(amounts).all():
        raise UnusableSample("A value is missing or infinite.", "Drop the unit, or count it as 0.")
    return amounts
