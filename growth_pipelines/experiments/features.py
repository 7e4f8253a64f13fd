"""Columns of any kind as numbers for a linear model: bent lines for numbers, one column a level for categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

FloatArray = NDArray[np.float64]
# Rarer levels tell nothing of their own: they are read as "another".
_LEAST_OF_A_LEVEL = 20
_BENDS = (0.25, 0.5, 0.75)


class Features:
    """Learnt from the units a model is fitted to, applied to any others with the same columns.

    A number enters as itself and as what it is above its quartiles, so that a line may bend three times; where
    it is missing, as the median and a mark. Everything is scaled to mean 0 and variance 1.
    """

    def __init__(self, units: ArrayLike | pd.DataFrame) -> None:
        columns = _columns(units)
        self._levels: dict[object, list[str]] = {}
        self._bends: dict[object, tuple[FloatArray, float, bool]] = {}
        for name, values in columns.items():
            if values.dtype == object:
                levels, counts = np.unique(values.astype(str), return_counts=True)
                self._levels[name] = [str(one) for one in levels[counts >= _LEAST_OF_A_LEVEL]]
            else:
                known = values[np.isfinite(values)]
                median = float(np.median(known)) if known.size else 0.0
                bends = np.unique(np.quantile(known, _BENDS)) if known.size else np.empty(0)
                self._bends[name] = (bends, median, bool(known.size < values.size))
        if not self._levels and not any(bends.size for bends, _, _ in self._bends.values()):
            raise UnusableSample("No feature is known of any unit.", "Check how features are joined to units.")
        raw = self._raw(columns)
        self._mean, spread = raw.mean(axis=0), raw.std(axis=0)
        self._kept = spread > 1e-9
        self._spread = np.where(self._kept, spread, 1.0)

    def of(self, units: ArrayLike | pd.DataFrame) -> FloatArray:
        """Units × features. Raises UnusableSample (a ValueError) when a column is missing."""
        scaled = (self._raw(_columns(units)) - self._mean) / self._spread
        kept: FloatArray = scaled[:, self._kept]
        return kept

    def _raw(self, columns: dict[object, NDArray[np.generic]]) -> FloatArray:
        missing = [str(name) for name in (*self._levels, *self._bends) if name not in columns]
        if missing:
            raise UnusableSample(f"Columns {', '.join(missing)} are missing.", "Give those of the fit.")
        found: list[FloatArray] = []
        for name, levels in self._levels.items():
            text = columns[name].astype(str)
            found += [(text == level).astype(float) for level in levels]
        for name, (bends, median, marked) in self._bends.items():
            values = columns[name].astype(float)
            known = np.isfinite(values)
            filled = np.where(known, values, median)
            found += [filled, *(np.maximum(filled - bend, 0.0) for bend in bends)]
            if marked:
                found.append((~known).astype(float))
        rows = len(next(iter(columns.values())))
        return np.column_stack(found) if found else np.empty((rows, 0))


def _columns(units: ArrayLike | pd.DataFrame) -> dict[object, NDArray[np.generic]]:
    import pandas as pd

    if isinstance(units, pd.DataFrame):
        if not len(units.columns):
            raise UnusableSample("No columns.", "Give one feature at least.")
        return {
            name: (
                column.to_numpy(dtype=float, na_value=np.nan)
                if pd.api.types.is_numeric_dtype(column)
                else column.to_numpy(dtype=object)
            )
            for name, column in units.items()
        }
    table = np.asarray(units, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    return {number: table[:, number] for number in range(table.shape[1])}
