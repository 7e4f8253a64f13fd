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

from growth_pipelines.monitoring.precisions import DensePrecisions, DriftPrecisions

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
_DATES_AT_ONCE = 64
_OVERSHOOT = 0.583
# How many calendars are remembered: the looks of a year, of about 1 MB each. Rolling ones have up to 50 MB.
_REMEMBERED, _REMEMBERED_ROLLING = 64, 13


@dataclass(frozen=True)
class Design:
    """Evenly spaced samples: the mixtures' precisions without the mean, and what follows by date.

    ``candidates``: the first sample of the new level; ``steps`` (samples × dates) their shapes; ``log_prior``: no
    drift is as likely beforehand as all drifts together; ``norm`` and ``locality`` (1 − correlation with the next
    date) are mixtures × dates.
    """

    candidates: IndexArray
    steps: FloatArray
    precisions: DriftPrecisions | DensePrecisions
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


def design(samples: int, spacing: int = 1, window: int = 1) -> Design:
    """The design of ``samples`` that are ``spacing`` days apart and each hold the last ``window`` days."""
    return (_daily_design if window == 1 else _rolling_design)(samples, spacing, window)


@lru_cache(maxsize=_REMEMBERED)
def _daily_design(samples: int, spacing: int, window: int) -> Design:
    return _designed(samples, spacing, window)


@lru_cache(maxsize=_REMEMBERED_ROLLING)
def _rolling_design(samples: int, spacing: int, window: int) -> Design:
    return _designed(samples, spacing, window)


def _designed(samples: int, spacing: int, window: int) -> Design:
    candidates = np.arange(SHORTEST if window == 1 else max(_BEFORE_RAMP // spacing, 2), samples - SHORTEST + 1)
    if window > 1:
        candidates = np.arange(candidates[0], samples - max(SHORTEST // spacing, 1) + 1)
    age = np.arange(samples)[:, None] - candidates[None, :]
    steps = np.where(age >= 0, np.minimum((age * spacing + min(spacing, window)) / window, 1.0), 0.0)
    precisions = _precisions(samples, spacing, window)
    mixtures = precisions.log_determinant.size
    norm, beside = np.empty((mixtures, candidates.size)), np.empty((mixtures, candidates.size - 1))
    # The precision is symmetric: its product with a step, summed from another one's date on.
    for part in np.array_split(np.arange(candidates.size), max(1, candidates.size // _DATES_AT_ONCE)):
        both = _against_steps(precisions.times(steps[:, part].T.copy()), candidates, steps, window)
        norm[:, part] = np.sqrt(np.maximum(both[:, np.arange(part.size), part], 1e-300))
        before = part[part > 0]
        beside[:, before - 1] = both[:, before - part[0], before - 1]
    driftless = len(_NUGGETS) if window > 1 else 1
    prior = np.full(mixtures, 0.5 / (mixtures - driftless))
    prior[:driftless] = 0.5 / driftless
    return Design(
        candidates.astype(np.intp),
        steps,
        precisions,
        np.log(prior),
        norm,
        np.clip(1 - beside / (norm[:, 1:] * norm[:, :-1]), 0.0, 1.0),
    )


def _precisions(samples: int, spacing: int, window: int) -> DriftPrecisions | DensePrecisions:
    """Mixtures without drift first."""
    if window == 1:
        drifts = [(rho**spacing, share) for rho in _CORRELATIONS for share in _NOISE_SHARES]
        return DriftPrecisions([(0.0, 0.0), *drifts], samples)
    lag = np.arange(samples) * spacing
    mixtures = [(0.0, 1.0), *((rho, share) for rho in _ROLLING_CORRELATIONS for share in _ROLLING_NOISE_SHARES)]
    rolled = [_rolled(rho, share, lag, window) for rho, share in mixtures]
    return DensePrecisions(np.array([one + nugget * (lag == 0) for one in rolled for nugget in _NUGGETS]))


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
    weighted = model.precisions.times(levels)
    total = np.maximum(np.einsum("msn,sn->ms", weighted, levels), 1e-300)
    step = _against_steps(weighted, model.candidates, model.steps, window)
    step /= model.norm[:, None, :]
    rest = total[:, :, None] - step**2
    np.maximum(rest, 1e-12 * total[:, :, None], out=rest)
    t_value = step / np.sqrt(rest / freedom)
    step /= model.norm[:, None, :]
    constant = -0.5 * model.precisions.log_determinant + model.log_prior
    quiet = constant[:, None] - 0.5 * (samples - 1) * np.log(total)
    stepped = np.log(rest, out=rest)
    stepped *= -0.5 * freedom
    stepped += constant[:, None, None]
    if allowed is not None:
        t_value, stepped = np.where(allowed, t_value, 0.0), np.where(allowed, stepped, -np.inf)
    return _summed_up(model, t_value, step, (quiet, stepped), freedom, quiet_weight)


def _against_steps(weighted: FloatArray, candidates: IndexArray, steps: FloatArray, window: int) -> FloatArray:
    """``weighted`` times the steps: where these are no ramps, sums from each date on."""
    if window > 1:
        product: FloatArray = weighted @ steps
        return product
    # Rows of a precision without the mean add up to nothing: from a date on is minus all before it.
    since: FloatArray = -np.cumsum(weighted[..., : candidates[-1]], axis=-1)[..., candidates[0] - 1 :]
    return since


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
    likelihood, top = _scaled(stepped)
    by_date = likelihood.sum(axis=0)
    weight = likelihood
    weight /= model.norm[:, None, :]
    weight *= (1 - quiet_weight) / weight.sum(axis=0)
    weight += quiet_weight * _shares(quiet)[:, :, None]
    z = _normal(np.einsum("msd,msd->sd", weight, t_value), freedom)
    best = np.abs(z).argmax(axis=1)
    chosen = weight[:, row, best]
    locality = np.einsum("ms,md->sd", chosen, model.locality)
    at_best, t_best = step[:, row, best], t_value[:, row, best]
    mean = (chosen * at_best).sum(axis=0)
    error = np.abs(at_best) / np.maximum(np.abs(t_best), 1e-12)
    # Within each mixture and between them.
    variance = (chosen * (error**2 + (at_best - mean) ** 2)).sum(axis=0)
    with np.errstate(divide="ignore"):
        dated = top + np.log(by_date)
    return Scan(
        model.candidates,
        best,
        mean,
        np.sqrt(variance),
        _of_the_largest(np.abs(z)[row, best], locality),
        z,
        _shares(dated.T).T,
    )


def _scaled(logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """exp(``logs`` − their largest along the first axis) and that largest; where all are −∞: ones, −∞."""
    top = logs.max(axis=0)
    known = np.isfinite(top)
    scaled = np.exp(logs - np.where(known, top, 0.0))
    if not known.all():
        scaled[:, ~known] = 1.0
    return scaled, top


def _shares(logs: FloatArray) -> FloatArray:
    weights, _ = _scaled(logs)
    return weights / weights.sum(axis=0)


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
