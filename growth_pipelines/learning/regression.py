"""Bayesian linear and logistic regression with grouped priors that the data choose (empirical Bayes).

Each group of coefficients has one prior precision; it and the noise are set by MacKay's fixed-point updates of the
evidence (1992), held near their starting values by weak gamma priors, so that few rows neither forbid nor promise
anything. Rows are weighted, which is how old ones are forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from growth_pipelines.learning.features import FloatArray, IntArray

_ROUNDS = 12
# Of each group's precision: what is believed before, and how many coefficients' worth that belief is.
_PRECISION, _BELIEF = 10.0, 2.0
_FREE = 1e-2
_NOISE_BELIEF = 4.0


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Their posterior: ``mean`` (columns,) and ``root`` (columns, columns), the covariance's square root."""

    mean: FloatArray
    root: FloatArray

    def draw(self, rng: np.random.Generator, spread: float) -> FloatArray:
        """One draw of the posterior, its standard deviations multiplied by ``spread``."""
        drawn: FloatArray = self.mean + spread * (self.root @ rng.normal(size=self.mean.size))
        return drawn


def linear(rows: FloatArray, values: FloatArray, weights: FloatArray, blocks: IntArray) -> Coefficients:
    """Of ``values`` (n,) on ``rows`` (n, columns); ``values`` should have a spread of about 1."""
    precisions, noise = _start(blocks), 1.0
    moment, against = (rows * weights[:, None]).T @ rows, rows.T @ (weights * values)
    for _ in range(_ROUNDS):
        covariance = np.asarray(np.linalg.inv(np.diag(precisions[blocks]) + moment / noise), dtype=float)
        mean = np.asarray(covariance @ against / noise, dtype=float)
        precisions, free = _evidence(precisions, blocks, mean, covariance)
        residual = float(weights @ (values - rows @ mean) ** 2)
        noise = (residual + _NOISE_BELIEF) / max(float(weights.sum()) - free + _NOISE_BELIEF, 1.0)
    return Coefficients(mean, _root(covariance))


def logistic(rows: FloatArray, labels: FloatArray, weights: FloatArray, blocks: IntArray) -> Coefficients:
    """Of ``labels`` (0 or 1) on ``rows``, on the scale of log odds (Laplace's approximation)."""
    precisions, mean = _start(blocks), np.zeros(rows.shape[1], dtype=float)
    for _ in range(_ROUNDS):
        odds = np.clip(rows @ mean, -8, 8)
        chance = 1 / (1 + np.exp(-odds))
        slope = weights * chance * (1 - chance)
        precision = np.diag(precisions[blocks]) + (rows * slope[:, None]).T @ rows
        covariance = np.asarray(np.linalg.inv(precision), dtype=float)
        mean = np.asarray(covariance @ (rows.T @ (slope * odds + weights * (labels - chance))), dtype=float)
        precisions, _ = _evidence(precisions, blocks, mean, covariance)
    return Coefficients(mean, _root(covariance))


def _start(blocks: IntArray) -> FloatArray:
    return np.where(np.arange(blocks.max() + 1) == 0, _FREE, _PRECISION)


def _evidence(
    precisions: FloatArray, blocks: IntArray, mean: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, float]:
    """The groups' next precisions, and how many coefficients the data determine."""
    groups = precisions.size
    free = np.bincount(blocks, 1 - precisions[blocks] * np.diag(covariance), groups)
    size = np.bincount(blocks, mean**2, groups)
    following = (np.maximum(free, 0) + _BELIEF) / (size + _BELIEF / _PRECISION)
    following[0] = _FREE
    return following, float(free.sum())


def _root(covariance: FloatArray) -> FloatArray:
    symmetric = (covariance + covariance.T) / 2 + 1e-12 * np.eye(len(covariance))
    return np.asarray(np.linalg.cholesky(symmetric), dtype=float)
