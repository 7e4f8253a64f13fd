"""Scores with what was learnt, beside the truth: are confidences right then, and does each failure count once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from growth_pipelines.actions.scoring import bounded
from growth_pipelines.bench.statistics.figure import Figure
from growth_pipelines.bench.statistics.made_up_promises import SHOPS, Promises, Shop
from growth_pipelines.learning import Corrections, by_win_rates, chained, expected_values, impact_ratios
from growth_pipelines.learning.features import FloatArray

DECISIONS = 300
_FRESH, _POOL, _SHOWN = 600, 30, 5
_NO_PAGE = {"ease": 1.0, "page_visits": np.nan, "page_position": np.nan}


class Scored(NamedTuple):
    """Means over shops of one sort. ``off_before`` and ``off_after``: how far confidence is from the truth (RMS).

    ``best``: the share of the best five of thirty that each score finds, by the scores' names. ``once``: by how
    much a score's learnt factor grows with the true one, in logarithms; 1 counts all evidence once.
    """

    off_before: float
    off_after: float
    best: dict[str, float]
    once: dict[str, float]


def corrected(shops: int) -> list[Figure]:
    """``shops`` of each sort, learnt from 300 decisions."""
    found = {promises.name: scored(promises, range(shops)) for promises in SHOPS}
    honest, mixed = found[SHOPS[0].name], found[SHOPS[3].name]
    off = [one for one in found.values() if one.off_before > 0.01]
    gains = [one.best["chained"] - one.best["win-rates"] for one in found.values()]
    return [
        Figure(
            "corrected confidence: distance from the truth ÷ before, where it is off",
            float(np.mean([one.off_after / one.off_before for one in off])),
            most=0.75,
        ),
        Figure("corrected confidence: distance where all was right before", honest.off_after, most=0.06),
        Figure("share of the best found, chained − win-rates: mean", float(np.mean(gains)), least=0.0),
        Figure("share of the best found, chained − win-rates: worst shop", min(gains), least=-0.01),
        Figure("evidence that counts (1: once), chained", mixed.once["chained"], most=1.0),
        Figure("evidence that counts (1: once), all three multiplied", mixed.once["all three"]),
        *_pages_unknown(list(found.values())),
    ]


def _pages_unknown(found: list[Scored]) -> list[Figure]:
    """What the ranking by expected value costs where pages tell nothing and estimates all: without a limit."""
    best = {name: [one.best[name] for one in found] for name in ("chained", "expected")}
    return [
        Figure(f"share of the best found, {name}: {what}", float(of(shares)))
        for name, shares in best.items()
        for what, of in (("mean", np.mean), ("worst shop", np.min))
    ]


def scored(promises: Promises, seeds: range, decisions: int = DECISIONS) -> Scored:
    """Learn from ``decisions`` in each shop, then look at proposals that are new."""
    runs = [_one(Shop(promises, seed), seed, decisions) for seed in seeds]
    return Scored(
        math.sqrt(float(np.mean([run.off_before**2 for run in runs]))),
        math.sqrt(float(np.mean([run.off_after**2 for run in runs]))),
        {name: float(np.mean([run.best[name] for run in runs])) for name in runs[0].best},
        {name: float(np.mean([run.once[name] for run in runs])) for name in runs[0].once},
    )


def _one(shop: Shop, seed: int, decisions: int) -> Scored:
    signals = shop.signals(decisions, np.random.default_rng([seed, 1]))
    fresh = shop.proposals(_FRESH, np.random.default_rng([seed, 2]))
    chain, rates = chained(signals), by_win_rates(signals, "win-rates")
    parts = pd.DataFrame(_parts(chain, fresh))
    chained_factor = parts.prod(axis=1).to_numpy()
    win_rates = pd.DataFrame(_parts(rates, fresh))["win_rate"].to_numpy()
    plain = impact_ratios(signals)
    ratios = np.array([bounded(plain.get(name, plain[""]).ratio) for name in fresh["recommender"]])
    works = fresh["confidence"].to_numpy() * parts["calibration"].to_numpy()
    stated = (fresh["revenue"] * fresh["confidence"]).to_numpy()
    pages = expected_values(signals.assign(place=np.nan, **_NO_PAGE))
    learnt = {
        "chained": chained_factor,
        "expected": chained_factor * pages.factors(fresh.assign(score=stated * chained_factor, **_NO_PAGE)),
        "win-rates": win_rates,
        "all three": win_rates * parts["calibration"].to_numpy() * ratios,
    }
    true = (fresh["approval"] * fresh["works"] * fresh["worth"] / fresh["confidence"]).to_numpy()
    return Scored(
        _distance(fresh["confidence"].to_numpy(), fresh["works"].to_numpy()),
        _distance(works, fresh["works"].to_numpy()),
        {name: _best_found(stated * factor, stated * true) for name, factor in learnt.items()},
        {name: _slope(np.log(factor), np.log(true)) for name, factor in learnt.items()},
    )


def _distance(said: FloatArray, true: FloatArray) -> float:
    return math.sqrt(float(((said - true) ** 2).mean()))


def _parts(corrections: Corrections, fresh: pd.DataFrame) -> list[dict[str, float]]:
    rows = fresh[["recommender", "subtype", "confidence"]].itertuples(index=False, name=None)
    return [corrections.of(*row) for row in rows]


def _best_found(score: FloatArray, value: FloatArray) -> float:
    """Of the value of each pool's best five, the share that the five of the highest score have."""
    scores, values = score.reshape(-1, _POOL), value.reshape(-1, _POOL)
    chosen = np.take_along_axis(values, np.argsort(-scores, axis=1)[:, :_SHOWN], axis=1)
    return float((chosen.sum(axis=1) / np.sort(values, axis=1)[:, -_SHOWN:].sum(axis=1)).mean())


def _slope(learnt: FloatArray, true: FloatArray) -> float:
    spread = float(true.var())
    return float(np.mean((learnt - learnt.mean()) * (true - true.mean()))) / spread if spread > 1e-12 else 0.0
