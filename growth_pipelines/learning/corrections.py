"""What multiplies scores: whether an action is approved × whether it then works × what it then brings.

Each link is learnt from what the ones before it leave open, so that no outcome counts twice. Decisions teach the
first link only. Whether an approved action worked teaches the second: its stated confidence is the starting point,
and a recommender's or subtype's offset takes the place of its rate of success. What was realised is compared with
estimate × corrected confidence, so the third link learns only how large an effect is beyond how often there is
one. A product of the rates of success, of corrected confidences and of plain ratios of realised to estimated
would punish each failure three times.

A further version asks what is expected of the page beyond these three (:mod:`expected`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.actions.scoring import RANKING_VERSION, bounded
from growth_pipelines.learning.expected import ExpectedValues, expected_values
from growth_pipelines.learning.fading import HALF_LIFE_DAYS
from growth_pipelines.learning.rates import factors, win_rates
from growth_pipelines.learning.recalibration import (
    ConfidenceCalibration,
    ImpactRatio,
    calibrate_confidence,
    impact_ratios,
)

if TYPE_CHECKING:
    import pandas as pd

_APPROVALS_ONLY = {"succeeded": np.nan}


@dataclass(frozen=True)
class Corrections:
    """Of a version of the ranking; without any data nothing is multiplied.

    ``win_rates`` by "recommender" and "recommender/subtype"; ``realised`` by recommender, "" being the shop's.
    ``expected`` comes last: it is asked of many proposals at once, with the score that the others lead to.
    """

    version: str = RANKING_VERSION
    win_rates: Mapping[str, float] = field(default_factory=dict)
    calibration: ConfidenceCalibration = field(default_factory=ConfidenceCalibration)
    realised: Mapping[str, ImpactRatio] = field(default_factory=dict)
    expected: ExpectedValues = field(default_factory=ExpectedValues)

    def of(self, recommender: str, subtype: str, confidence: float) -> dict[str, float]:
        """What multiplies the score of an action with this stated confidence, by the factors' names."""
        kind = f"{recommender}/{subtype}"
        found = {"win_rate": self.win_rates.get(kind, self.win_rates.get(recommender, 1.0))}
        if self.calibration.n and confidence > 0:
            works = float(self.calibration.of([confidence], recommender, subtype)[0])
            found["calibration"] = works / confidence
        if ratio := self.realised.get(recommender, self.realised.get("")):
            found["realised"] = ratio.ratio
        return {name: bounded(factor) for name, factor in found.items()}


def by_win_rates(signals: pd.DataFrame, version: str) -> Corrections:
    """How often such proposals are approved × how often they work, against the shop's average; nothing else."""
    return Corrections(version, factors(win_rates(signals)))


def chained(signals: pd.DataFrame, version: str = RANKING_VERSION) -> Corrections:
    """Approval, corrected confidence, realised share, each learnt from what the ones before leave open.

    ``signals``: one row an action with recommender, subtype, change_type, age_days, approved, succeeded (as
    :func:`win_rates` takes them), confidence, and estimate, effect, effect_low, effect_high where measured.
    """
    approvals = factors(win_rates(signals.assign(**_APPROVALS_ONLY)))
    measured = signals[signals["succeeded"].notna()]
    calibration = calibrated(measured)
    priced = signals[signals["effect"].notna()]
    paths = list(zip(priced["recommender"].astype(str), priced["subtype"].astype(str), strict=True))
    said, works = priced["confidence"].to_numpy(dtype=float), np.ones(len(priced))
    for path in set(paths):
        mine = np.array([one == path for one in paths])
        works[mine] = calibration.of(said[mine], *path)
    foretold = priced.assign(estimate=priced["estimate"].to_numpy(dtype=float) * works)
    ratios = impact_ratios(foretold)
    return Corrections(version, approvals, calibration, ratios if ratios[""].n else {})


def with_expectations(signals: pd.DataFrame, version: str) -> Corrections:
    """The chain, and what is expected of the page; ``signals`` as for both."""
    return replace(chained(signals, version), expected=expected_values(signals))


def calibrated(measured: pd.DataFrame) -> ConfidenceCalibration:
    """Of actions whose outcome is final: recommender, subtype, confidence, succeeded, age_days."""
    paths = list(zip(measured["recommender"].astype(str), measured["subtype"].astype(str), strict=True))
    weights = 0.5 ** (np.maximum(measured["age_days"].to_numpy(dtype=float), 0) / HALF_LIFE_DAYS)
    return calibrate_confidence(measured["confidence"], measured["succeeded"], paths, weights)
