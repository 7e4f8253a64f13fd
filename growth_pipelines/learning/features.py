"""Proposals as numbers: their kind, what each kind makes of position and traffic, impact, effort, confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
_SKEWED = 2.0
_OUTERMOST = 4.0
# How estimates and outcomes are believed to be correlated as long as nothing is measured: weakly.
_BELIEVED = 0.25


class Features:
    """Columns scaled by the rows it was made of (all that are known: past and present).

    ``blocks`` numbers the group of each column; the columns of a group share one prior. Group 0 is the intercept.
    """

    def __init__(self, known: pd.DataFrame) -> None:
        self.kinds = sorted(set(_kinds(known)))
        self._scales = {
            name: _Scale(_numbers(known, name))
            for name in ("predicted_impact", "effort", "traffic", "position", "confidence")
        }
        kinds = len(self.kinds)
        # intercept, kinds, what all kinds have in common, kind × position, kind × traffic, kind × impact
        self.blocks = np.repeat(np.arange(6, dtype=np.int64), [1, kinds, 5, kinds, kinds, kinds])

    @property
    def believed(self) -> FloatArray:
        """Coefficients of a standardised outcome before any is known: what is estimated to bring more, does."""
        coefficients = np.zeros(self.blocks.size, dtype=float)
        coefficients[1 + len(self.kinds)] = _BELIEVED
        return coefficients

    def of(self, frame: pd.DataFrame) -> FloatArray:
        """One row a proposal."""
        kind = np.array(_kinds(frame))[:, None] == np.array(self.kinds)
        impact, effort, traffic, position, confidence = (
            scale.of(_numbers(frame, name)) for name, scale in self._scales.items()
        )
        traffic = np.tanh(traffic)
        own = kind.astype(float)
        return np.column_stack(
            [
                np.ones(len(frame)),
                own,
                impact,
                effort,
                traffic,
                position,
                confidence,
                own * position[:, None],
                own * traffic[:, None],
                own * impact[:, None],
            ]
        )


class _Scale:
    """Centred, of unit spread; logarithms first where values are amounts with a long tail."""

    def __init__(self, values: FloatArray) -> None:
        spread = values.std()
        skew = ((values - values.mean()) ** 3).mean() / spread**3 if spread > 0 else 0.0
        self._unit = float(np.median(values)) if skew > _SKEWED and values.min() >= 0 else 0.0
        values = self._unrolled(values)
        self._centre, self._spread = float(values.mean()), float(values.std())

    def of(self, values: FloatArray) -> FloatArray:
        centred = self._unrolled(values) - self._centre
        scaled = centred / self._spread if self._spread > 0 else np.zeros(values.size)
        return np.clip(scaled, -_OUTERMOST, _OUTERMOST)

    def _unrolled(self, values: FloatArray) -> FloatArray:
        return np.log1p(np.maximum(values, 0.0) / self._unit) if self._unit > 0 else values


def _kinds(frame: pd.DataFrame) -> list[str]:
    return [str(kind) for kind in frame["action_type"].to_numpy(dtype=object)]


def _numbers(frame: pd.DataFrame, name: str) -> FloatArray:
    """The column as numbers; what is not known is as the middle of what is."""
    values = frame[name].to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, np.median(values[finite]) if finite.any() else 0.0)
