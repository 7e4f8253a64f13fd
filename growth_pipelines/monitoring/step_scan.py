"""Is there a step beyond what drift and noise do anyhow? Every date at once, for many series at once.

Under the null a series is a slow drift (AR(1), up to nearly a random walk) plus independent noise, in a mixture
that is not known: a grid of correlation and noise share. For each of them, steps are fitted at every date by
generalised least squares; the t values are averaged with the mixtures' posterior weights, a part of them as if
there were no step, the rest as if there was the one being looked at. So a series that wanders anyway has to jump
further to be told, and one that is quiet but for its step is not taken for a wanderer. With rolling windows,
noise and drift are those of the days behind, the overlaps of windows are in the covariance, and a step is a ramp
as long as the window.

The p-value is for the *largest* of all dates: expected up-crossings of a Gaussian sequence of the given local
correlation (Siegmund 1985, with ν(x) ≈ exp(−0.583 x)), at most the number of dates times one date's. The mixture
is estimated too: where drift is strong, small p-values are up to three times too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.monitoring.toeplitz import toeplitz_inverses

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

# A level must hold for this many samples to be one.
SHORTEST = 7
# Drift by its correlation from day to day, and the share of noise in the variance of a day.
_CORRELATIONS = (0.5, 0.8, 0.93, 0.985)
_NOISE_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)
# Of rolling windows: fewer mixtures, but also what rounding and quantiles add to a window's variance.
_ROLLING_CORRELATIONS = (0.5, 0.75, 0.9, 0.96)
_ROLLING_NOISE_SHARES = (0.0, 0.25, 0.6)
_NUGGETS = (1e-5, 1e-3, 0.03)
# Days before the foot of the first ramp, so that there is a level to leave.
_BEFORE_RAMP = 14
_OVERSHOOT = 0.583
# How many calendars are remembered: the looks of a quarter.
_REMEMBERED = 13


@dataclass(frozen=True)
class Design:
    """Evenly spaced samples: per mixture, the precision without the mean, and what follows by date.

    ``candidates``: the first sample of the new level; ``steps`` (samples × dates) their shapes; ``precision`` is
    samples × mixtures × samples; ``log_prior``: no drift is as likely beforehand as all drifts together; ``norm``
    and ``locality`` (1 − correlation with the next date) are mixtures × dates.
    """

    candidates: IndexArray
    steps: FloatArray
    precision: FloatArray
    log_determinant: FloatArray
    log_prior: FloatArray
    norm: FloatArray
    locality: FloatArray


@dataclass(frozen=True)
class Scan:
    """Per series (rows) the best date and, for that date, step, standard error and p-value for the best of all.

    ``z`` (series × dates) is each date's normal deviate, ``date_weight`` the posterior of the date given one step.
    """

    candidates: IndexArray
    best: IndexArray
    step: FloatArray
    error: FloatArray
    p_value: FloatArray
    z: FloatArray
    date_weight: FloatArray


@lru_cache(maxsize=_REMEMBERED)
def design(samples: int, spacing: int = 1, window: int = 1) -> Design:
    """The design of ``samples`` that are ``spacing`` days apart and each hold the last ``window`` days."""
    candidates = np.arange(SHORTEST if window == 1 else max(_BEFORE_RAMP // spacing, 2), samples - SHORTEST + 1)
    if window > 1:
        candidates = np.arange(candidates[0], samples - max(SHORTEST // spacing, 1) + 1)
    age = np.arange(samples)[:, None] - candidates[None, :]
    steps = np.where(age >= 0, np.minimum((age * spacing + min(spacing, window)) / window, 1.0), 0.0)
    inverse, log_determinant = toeplitz_inverses(_autocovariances(np.arange(samples) * spacing, window))
    row = inverse.sum(axis=1)
    total = row.sum(axis=1)
    # The mean of the series is projected out, and counted as in restricted likelihood.
    precision = inverse - row[:, :, None] * row[:, None, :] / total[:, None, None]
    weighted = _against_steps(precision, candidates, steps, window)
    norm = np.sqrt(np.maximum((steps * weighted).sum(axis=1), 1e-300))
    beside = (steps[:, 1:] * weighted[:, :, :-1]).sum(axis=1)
    driftless = len(_NUGGETS) if window > 1 else 1
    prior = np.full(len(precision), 0.5 / (len(precision) - driftless))
    prior[:driftless] = 0.5 / driftless
    return Design(
        candidates.astype(np.intp),
        steps,
        np.ascontiguousarray(precision.transpose(1, 0, 2)),
        log_determinant + np.log(total),
        np.log(prior),
        norm,
        np.clip(1 - beside / (norm[:, 1:] * norm[:, :-1]), 0.0, 1.0),
    )


def _autocovariances(lag: NDArray[np.int64], window: int) -> FloatArray:
    """Covariance of samples ``lag`` days apart (variance about 1) by mixture, those without drift first."""
    same = (lag == 0).astype(float)
    if window == 1:
        drifts = [(1 - share) * rho**lag + share * same for rho in _CORRELATIONS for share in _NOISE_SHARES]
        return np.array([same, *drifts])
    mixtures = [(0.0, 1.0), *((rho, share) for rho in _ROLLING_CORRELATIONS for share in _ROLLING_NOISE_SHARES)]
    rolled = [_rolled(rho, share, lag, window) for rho, share in mixtures]
    return np.array([one + nugget * same for one in rolled for nugget in _NUGGETS])


def _rolled(rho: float, share: float, lag: NDArray[np.int64], window: int) -> FloatArray:
    """Autocorrelation at ``lag`` of means over ``window`` days of drift and noise."""
    offset = np.arange(1 - window, window)
    distance = np.abs(lag[:, None] + offset[None, :])
    daily = (1 - share) * rho**distance + share * (distance == 0)
    rolled: FloatArray = (daily * (window - np.abs(offset))).sum(axis=1)
    return rolled / rolled[0]


def scan_steps(
    levels: FloatArray,
    spacing: int = 1,
    window: int = 1,
    allowed: NDArray[np.bool_] | None = None,
    quiet_weight: float = 0.5,
) -> Scan:
    """The best single step of each row of ``levels``: series × samples, nothing missing, ``spacing`` days apart.

    ``allowed``: which candidates of the design may be it; the p-value is for the best of all, all the same.
    ``quiet_weight``: the part of the weight that mixtures have if there is no step. With less of it steps are
    told sooner, and drift is sooner taken for one.
    """
    samples = levels.shape[1]
    model = design(samples, spacing, window)
    freedom = samples - 2
    weighted = np.tensordot(levels, model.precision, axes=1).transpose(1, 0, 2)
    total = np.maximum((weighted * levels).sum(axis=2), 1e-300)
    step = _against_steps(weighted, model.candidates, model.steps, window) / model.norm[:, None, :]
    rest = np.maximum(total[:, :, None] - step**2, 1e-12 * total[:, :, None])
    t_value = step / np.sqrt(rest / freedom)
    step = step / model.norm[:, None, :]
    constant = -0.5 * model.log_determinant + model.log_prior
    quiet = constant[:, None] - 0.5 * (samples - 1) * np.log(total)
    stepped = constant[:, None, None] - 0.5 * freedom * np.log(rest)
    if allowed is not None:
        t_value, stepped = np.where(allowed, t_value, 0.0), np.where(allowed, stepped, -np.inf)
    return _summed_up(model, t_value, step, (quiet, stepped), freedom, quiet_weight)


def _against_steps(weighted: FloatArray, candidates: IndexArray, steps: FloatArray, window: int) -> FloatArray:
    """``weighted`` times the steps: where these are no ramps, sums from each date on."""
    if window > 1:
        product: FloatArray = weighted @ steps
        return product
    return np.cumsum(weighted[..., ::-1], axis=-1)[..., ::-1][..., candidates]


def _summed_up(
    model: Design,
    t_value: FloatArray,
    step: FloatArray,
    likelihoods: tuple[FloatArray, FloatArray],
    freedom: int,
    quiet_weight: float,
) -> Scan:
    """Averages over the mixtures (first axis) by their weights."""
    row = np.arange(t_value.shape[1])
    quiet, stepped = likelihoods
    weight = quiet_weight * _shares(quiet)[:, :, None]
    weight = weight + (1 - quiet_weight) * _shares(stepped - np.log(model.norm)[:, None, :])
    z = _normal((weight * t_value).sum(axis=0), freedom)
    best = np.abs(z).argmax(axis=1)
    chosen = weight[:, row, best]
    locality = np.einsum("ms,md->sd", chosen, model.locality)
    at_best, t_best = step[:, row, best], t_value[:, row, best]
    mean = (chosen * at_best).sum(axis=0)
    error = np.abs(at_best) / np.maximum(np.abs(t_best), 1e-12)
    # Within each mixture and between them.
    variance = (chosen * (error**2 + (at_best - mean) ** 2)).sum(axis=0)
    dated = _logs_of_sums(stepped)
    return Scan(
        model.candidates,
        best,
        mean,
        np.sqrt(variance),
        _of_the_largest(np.abs(z)[row, best], locality),
        z,
        np.exp(dated - _logs_of_sums(dated.T)[:, None]),
    )


def _shares(logs: FloatArray) -> FloatArray:
    top = logs.max(axis=0, keepdims=True)
    weights: FloatArray = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    weights = np.where(np.isfinite(top), weights, 1.0)
    return weights / weights.sum(axis=0, keepdims=True)


def _logs_of_sums(logs: FloatArray) -> FloatArray:
    top = logs.max(axis=0)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: FloatArray = top + np.log(np.exp(logs - top).sum(axis=0))
    return total


def _normal(t_value: FloatArray, freedom: int) -> FloatArray:
    """The normal deviate as improbable as Student's ``t_value`` (Wallace 1959, to a few thousandths)."""
    factor = (8 * freedom + 1) / (8 * freedom + 3)
    z: FloatArray = np.sign(t_value) * factor * np.sqrt(freedom * np.log1p(t_value**2 / freedom))
    return z


def _of_the_largest(z: FloatArray, locality: FloatArray) -> FloatArray:
    """P(the largest |deviate| over all dates of a quiet series is at least ``z``)."""
    from scipy.special import ndtr

    tail = ndtr(-z)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    crossings = (locality * np.exp(-_OVERSHOOT * z[:, None] * np.sqrt(2 * locality))).sum(axis=1)
    found = np.minimum(2 * (tail + density * z * crossings), 2 * (locality.shape[1] + 1) * tail)
    p_value: FloatArray = np.clip(found, 0.0, 1.0)
    return p_value
