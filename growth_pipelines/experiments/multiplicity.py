"""Many metrics or many arms at once: adjusted p-values, compared with α as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[Any]:
    """Adjusted p-values that keep the chance of *any* false claim ≤ α (Holm 1979): for decisions.

    NaN stays NaN and is not counted. Always at least as good as Bonferroni, under any dependence.
    """
    import numpy as np

    raw = _checked(p_values)
    adjusted = np.full(raw.shape, np.nan)
    known = np.flatnonzero(~np.isnan(raw))
    order = known[np.argsort(raw[known], kind="stable")]
    factors = known.size - np.arange(known.size)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * factors))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[Any]:
    """Adjusted p-values that keep the expected share of false claims ≤ α (1995): for the metrics looked over."""
    from growth_pipelines.monitoring.discovery import adjusted_p_values

    return adjusted_p_values(_checked(p_values))


def _checked(p_values: ArrayLike) -> NDArray[Any]:
    import numpy as np

    raw = np.asarray(p_values, dtype=float)
    if raw.ndim != 1 or ((raw < 0) | (raw > 1)).any():
        raise UnusableSample("These are no p-values.", "Give a list of numbers from 0 to 1, NaN = none known.")
    return raw
