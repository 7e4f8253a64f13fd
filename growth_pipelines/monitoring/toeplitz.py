"""Inverse and determinant of many Toeplitz covariances at once, in O(n²) each and without LAPACK.

Durbin–Levinson for the predictor of the last sample, then Trench's recursion along the diagonals (Trench 1964;
Golub & Van Loan 2013, section 4.7). A threaded LAPACK factorises matrices of this size a hundred times more slowly
as soon as another process wants the same cores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def toeplitz_inverses(autocovariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``autocovariance``: matrices × lags 0 … n − 1. Returns matrices × n × n inverses and log determinants."""
    many, size = autocovariance.shape
    predictor, variance, log_determinant = _last_predictor(autocovariance)
    error_filter = np.concatenate([np.ones((many, 1)), -predictor], axis=1)
    backwards = np.concatenate([np.zeros((many, 1)), error_filter[:, :0:-1]], axis=1)
    inverse = np.empty((many, size, size))
    inverse[:, 0] = error_filter / variance[:, None]
    for row in range(1, size):
        gained = error_filter[:, row : row + 1] * error_filter[:, 1:]
        lost = backwards[:, row : row + 1] * backwards[:, 1:]
        inverse[:, row, 1:] = inverse[:, row - 1, :-1] + (gained - lost) / variance[:, None]
        inverse[:, row, 0] = inverse[:, 0, row]
    return inverse, log_determinant


def _last_predictor(autocovariance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of samples 1, 2, … back in the best prediction, its error variance, Σ log of all such variances."""
    many, size = autocovariance.shape
    predictor = np.zeros((many, 0))
    variance = autocovariance[:, 0].copy()
    log_determinant = np.log(variance)
    for order in range(1, size):
        known = (predictor * autocovariance[:, order - 1 : 0 : -1]).sum(axis=1)
        reflection = (autocovariance[:, order] - known) / variance
        predictor = np.concatenate(
            [predictor - reflection[:, None] * predictor[:, ::-1], reflection[:, None]], axis=1
        )
        variance = variance * (1 - reflection**2)
        log_determinant = log_determinant + np.log(variance)
    return predictor, variance, log_determinant
