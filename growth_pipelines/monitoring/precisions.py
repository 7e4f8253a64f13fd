"""Precision matrices of drift and noise with the mean of the series projected out, times many series at once.

Drift that is AR(1) has a tridiagonal precision T; with independent noise of share s beside it the covariance is
T⁻¹((1 − s) I + s T), so that its inverse is a tridiagonal system too: O(n) a series and mixture, without a matrix
and without the threads of a BLAS. Rolling windows have no such form: theirs are dense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.monitoring.toeplitz import toeplitz_inverses

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class _Bands:
    """(1 − s) I + s T factorised as L D Lᵀ: ``diagonal`` of D, ``beside`` the diagonal of L; T by its ``rho``."""

    rho: float
    diagonal: FloatArray
    beside: FloatArray


class DriftPrecisions:
    """Of ``mixtures`` (correlation from sample to sample, share of noise) over ``samples``; variance 1."""

    def __init__(self, mixtures: Sequence[tuple[float, float]], samples: int) -> None:
        self._bands = [_bands(rho, share, samples) for rho, share in mixtures]
        self._row = self._inverse_times(np.ones((1, samples)))[:, 0, :]
        self._total = self._row.sum(axis=1)
        of_drift = np.array([(samples - 1) * np.log1p(-(rho**2)) for rho, _ in mixtures])
        of_sum = np.array([np.log(one.diagonal).sum() for one in self._bands])
        # As in restricted likelihood.
        self.log_determinant: FloatArray = of_drift + of_sum + np.log(self._total)

    def times(self, series: FloatArray) -> FloatArray:
        """series × samples → mixtures × series × samples."""
        weighted = self._inverse_times(series)
        for place, row, total in zip(weighted, self._row, self._total, strict=True):
            place -= (place.sum(axis=1) / total)[:, None] * row
        return weighted

    def _inverse_times(self, series: FloatArray) -> FloatArray:
        from scipy.linalg.lapack import dpttrs

        found = np.empty((len(self._bands), *series.shape))
        differenced = {rho: _tridiagonal_times(rho, series) for rho in {one.rho for one in self._bands}}
        for one, place in zip(self._bands, found, strict=True):
            place[:] = dpttrs(one.diagonal, one.beside, differenced[one.rho].T)[0].T
        return found


def _bands(rho: float, share: float, samples: int) -> _Bands:
    from scipy.linalg.lapack import dpttrf

    inner = np.full(samples, 1 + rho**2)
    inner[[0, -1]] = 1.0
    diagonal = (1 - share) + share * inner / (1 - rho**2)
    beside = np.full(samples - 1, -share * rho / (1 - rho**2))
    diagonal, beside, _ = dpttrf(diagonal, beside)
    return _Bands(rho, diagonal, beside)


def _tridiagonal_times(rho: float, series: FloatArray) -> FloatArray:
    """The precision of AR(1) of variance 1, times each series."""
    found = (1 + rho**2) * series
    found[:, [0, -1]] = series[:, [0, -1]]
    found[:, 1:] -= rho * series[:, :-1]
    found[:, :-1] -= rho * series[:, 1:]
    found /= 1 - rho**2
    return found


class DensePrecisions:
    """Of any ``autocovariance`` (mixtures × lags), by the whole inverse."""

    def __init__(self, autocovariance: FloatArray) -> None:
        inverse, log_determinant = toeplitz_inverses(autocovariance)
        row = inverse.sum(axis=1)
        total = row.sum(axis=1)
        precision = inverse - row[:, :, None] * row[:, None, :] / total[:, None, None]
        # Samples × mixtures × samples: one product for all mixtures.
        self._precision = np.ascontiguousarray(precision.transpose(1, 0, 2))
        self.log_determinant: FloatArray = log_determinant + np.log(total)

    def times(self, series: FloatArray) -> FloatArray:
        """series × samples → mixtures × series × samples."""
        return np.tensordot(series, self._precision, axes=1).transpose(1, 0, 2)
