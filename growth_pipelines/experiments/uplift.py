"""Whom a treatment helps most: a doubly robust ridge learner from a randomised experiment.

Response models rank those who buy anyway; this ranks by what the treatment *adds*. Outcome models of both arms are
fitted on other folds; each unit's doubly robust pseudo-outcome, unbiased for its effect as treatment was random,
is then regressed on its features (Kennedy 2023, "Towards optimal doubly robust estimation of heterogeneous causal
effects"). Ridge penalties by generalised cross-validation (Golub, Heath & Wahba 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.features import Features, FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

_FOLDS = 5
_LEAST_UNITS = 50
_PENALTIES = np.logspace(-4, 4, 33)


class _Line(NamedTuple):
    level: float
    slopes: FloatArray

    def at(self, features: FloatArray) -> FloatArray:
        values: FloatArray = self.level + features @ self.slopes
        return values


@dataclass(frozen=True, eq=False)
class UpliftModel:
    """``effect`` is the mean of what the treatment adds to a unit's outcome, with its 95 % interval.

    ``heterogeneity_p_value`` doubts that units differ in it in the way the scores say: above 0.05 rank nobody,
    treat all or none by cost.
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    heterogeneity_p_value: float
    _features: Features
    _line: _Line

    def score(self, X: ArrayLike | pd.DataFrame) -> FloatArray:  # noqa: N803
        """What the treatment is expected to add to each unit's outcome, in the outcome's units."""
        return self._line.at(self._features.of(X))


def uplift_model(
    X: ArrayLike | pd.DataFrame,  # noqa: N803
    treated: ArrayLike,
    outcome: ArrayLike,
    propensity: ArrayLike | None = None,
    seed: int = 0,
) -> UpliftModel:
    """Fit to one row a unit: features before treatment, whether it was treated (0 or 1), and its outcome.

    ``X``: an array of numbers or a frame of numbers and categories; a number that is missing or infinite enters as
    the median and a mark (``Features``), so units without it are not lost. ``propensity``: each unit's probability
    of treatment, where it was not the same for all. Raises UnusableSample (a ValueError) for fewer than 50 units
    an arm, treatments or outcomes that are missing, lengths that differ, or where no feature is known of any unit.
    """
    features = Features(X)
    units = features.of(X)
    took, got = np.asarray(treated, dtype=float), np.asarray(outcome, dtype=float)
    share = np.full(took.size, took.mean()) if propensity is None else np.asarray(propensity, dtype=float)
    _check(units, took, got, share)
    folds = _folds(took, seed)
    pseudo = np.empty(got.size)
    for fold in range(_FOLDS):
        held, rest = folds == fold, folds != fold
        with_it, without = (_ridge(units[rest & (took == arm)], got[rest & (took == arm)]) for arm in (1, 0))
        gain, loss = with_it.at(units[held]), without.at(units[held])
        residual = got[held] - np.where(took[held] == 1, gain, loss)
        weight = (took[held] - share[held]) / (share[held] * (1 - share[held]))
        pseudo[held] = gain - loss + weight * residual
    effect, se = float(pseudo.mean()), float(pseudo.std(ddof=1)) / math.sqrt(pseudo.size)
    return UpliftModel(
        effect,
        se,
        effect - 1.959964 * se,
        effect + 1.959964 * se,
        _heterogeneity_p_value(units, pseudo, folds),
        features,
        _ridge(units, pseudo),
    )


def qini(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> float:
    """How much better than at random the score ranks: outcomes gained a unit of the whole, averaged over how
    many are treated, best first (Radcliffe 2007). 0 for a random ranking; judge it on units it was not fitted to.

    Raises UnusableSample (a ValueError) for lengths that differ, anything missing, or a single arm.
    """
    ranked, took, got = (np.asarray(one, dtype=float).ravel() for one in (score, treated, outcome))
    if not ranked.size == took.size == got.size or not np.isfinite([ranked, took, got]).all():
        raise UnusableSample(
            f"{ranked.size} scores, {took.size} treatments, {got.size} outcomes.", "Give one known of each a unit."
        )
    if set(np.unique(took)) != {0.0, 1.0}:
        raise UnusableSample("A treatment is not 0 or 1, or all are the same.", "Units of both arms are needed.")
    order = np.argsort(-ranked, kind="stable")
    took, got = took[order], got[order]
    with_it, without = np.cumsum(took), np.cumsum(1 - took)
    scale = np.where(without > 0, with_it / np.maximum(without, 1), 0.0)
    gained = np.cumsum(took * got) - scale * np.cumsum((1 - took) * got)
    share = np.arange(1, got.size + 1) / got.size
    return float(np.mean(gained - share * gained[-1])) / got.size


def _ridge(features: FloatArray, outcome: FloatArray) -> _Line:
    """Ridge regression; the penalty with the least generalised cross-validation error of the grid."""
    centre, level = features.mean(axis=0), float(outcome.mean())
    rows, y = features - centre, outcome - level
    values, vectors = np.linalg.eigh(rows.T @ rows / y.size)
    values = np.maximum(values, 0.0)
    along = vectors.T @ (rows.T @ y) / y.size
    shrunk = along[:, None] / (values[:, None] + _PENALTIES)
    error = y @ y / y.size - 2 * along @ shrunk + (values[:, None] * shrunk**2).sum(axis=0)
    freedom = 1 + (values[:, None] / (values[:, None] + _PENALTIES)).sum(axis=0)
    criterion = error / np.maximum(1 - freedom / y.size, 1e-6) ** 2
    slopes = vectors @ shrunk[:, int(np.argmin(criterion))]
    return _Line(level - float(centre @ slopes), slopes)


def _heterogeneity_p_value(units: FloatArray, pseudo: FloatArray, folds: FloatArray) -> float:
    """One-sided: do pseudo-outcomes rise with the scores of a model fitted without them (best linear predictor;
    Chernozhukov, Demirer, Duflo & Fernández-Val 2018)? Robust standard error."""
    from scipy.special import ndtr

    scores = np.empty(pseudo.size)
    for fold in range(_FOLDS):
        held = folds == fold
        scores[held] = _ridge(units[~held], pseudo[~held]).at(units[held])
        scores[held] -= scores[held].mean()
    spread = float(scores @ scores)
    if spread <= 1e-18 * max(1.0, float(pseudo @ pseudo)):
        return 1.0
    slope = float(scores @ (pseudo - pseudo.mean())) / spread
    residual = pseudo - pseudo.mean() - slope * scores
    return float(ndtr(-slope * spread / math.sqrt(float((scores * residual) @ (scores * residual)))))


def _folds(took: FloatArray, seed: int) -> FloatArray:
    """A fold a unit, each with its share of both arms."""
    rng, folds = np.random.default_rng(seed), np.empty(took.size)
    for arm in (0, 1):
        members = rng.permutation(np.flatnonzero(took == arm))
        folds[members] = np.arange(members.size) % _FOLDS
    return folds


def _check(units: FloatArray, took: FloatArray, got: FloatArray, share: FloatArray) -> None:
    if not len(units) == took.size == got.size == share.size:
        raise UnusableSample(
            f"{len(units)} units, {took.size} treatments, {got.size} outcomes.", "Give one of each a unit."
        )
    if not np.isin(took, (0, 1)).all() or not np.isfinite(got).all():
        raise UnusableSample("A treatment is not 0 or 1, or an outcome is missing.", "Leave these units out.")
    if min(took.sum(), (1 - took).sum()) < _LEAST_UNITS:
        raise UnusableSample(
            f"{took.sum():g} treated units, {(1 - took).sum():g} others.", f"At least {_LEAST_UNITS} of each."
        )
    if not ((share > 0) & (share < 1)).all():
        raise UnusableSample("A probability of treatment is not between 0 and 1.", "Leave these units out.")
