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
# The least that a place is looked at, as a logarithm (2 %).
_OVERLOOKED = -4.0
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


def linear(
    rows: FloatArray, values: FloatArray, weights: FloatArray, blocks: IntArray, believed: FloatArray
) -> Coefficients:
    """Of ``values`` (n,) on ``rows`` (n, columns); ``values`` should have a spread of about 1.

    ``believed`` (columns,) are the coefficients before any value is known: their prior's means.
    """
    precisions, noise = _start(blocks), 1.0
    values = values - rows @ believed
    moment, against = (rows * weights[:, None]).T @ rows, rows.T @ (weights * values)
    for _ in range(_ROUNDS):
        covariance = np.asarray(np.linalg.inv(np.diag(precisions[blocks]) + moment / noise), dtype=float)
        mean = np.asarray(covariance @ against / noise, dtype=float)
        precisions, free = _evidence(precisions, blocks, mean, covariance)
        residual = float(weights @ (values - rows @ mean) ** 2)
        noise = (residual + _NOISE_BELIEF) / max(float(weights.sum()) - free + _NOISE_BELIEF, 1.0)
    return Coefficients(believed + mean, _root(covariance))


def logistic(
    rows: FloatArray, labels: FloatArray, weights: FloatArray, blocks: IntArray, places: FloatArray | None = None
) -> Coefficients:
    """Of ``labels`` (0 or 1) on ``rows``, on the scale of log odds (Laplace's approximation).

    With ``places`` (n,), where in its list each row was shown (missing: not known), a label is 1 only if the row
    was also looked at: the position-based model of clicks (Craswell et al. 2008). What is first always is; how
    often each further place is looked at (never more often) is estimated together with the coefficients, which
    are those of what is looked at. So what was overlooked counts little as a refusal.
    """
    columns, further = rows.shape[1], _further(places, len(rows))
    groups = np.concatenate([blocks, np.full(further.shape[1], blocks.max() + 1, dtype=np.int64)])
    precisions, mean = _start(groups), np.zeros(groups.size)
    for _ in range(_ROUNDS):
        # The chance is exp(looked) × logistic(odds): Fisher's scoring in the coefficients of both.
        mean[columns:] = np.clip(mean[columns:], _OVERLOOKED, 0)
        odds = np.clip(rows @ mean[:columns], -8, 8)
        liked, looked = 1 / (1 + np.exp(-odds)), further @ mean[columns:]
        chance = liked * np.exp(looked)
        slopes = np.column_stack([rows * (1 - liked)[:, None], further])
        known = weights * chance / (1 - chance)
        precision = np.diag(precisions[groups]) + (slopes * known[:, None]).T @ slopes
        covariance = np.asarray(np.linalg.inv(precision), dtype=float)
        towards = (1 - liked) * odds + looked + (labels - chance) / chance
        mean = np.asarray(covariance @ (slopes.T @ (known * towards)), dtype=float)
        precisions, _ = _evidence(precisions, groups, mean, covariance)
    return Coefficients(mean[:columns], _root(covariance[:columns, :columns]))


def _further(places: FloatArray | None, rows: int) -> FloatArray:
    """One column for each place after the first (rows, places - 1): 1 where the row was shown there."""
    if places is None:
        return np.zeros((rows, 0), dtype=float)
    known = np.unique(places[np.isfinite(places)])
    return np.asarray(places[:, None] == known[1:], dtype=float)


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
