"""Learning: what operators approve, what of it brings something, and what follows for the order.

Pure functions of frames and arrays, loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.learning.corrections import (
        Corrections,
        by_win_rates,
        calibrated,
        chained,
        with_expectations,
    )
    from growth_pipelines.learning.departures import Drift, drift
    from growth_pipelines.learning.edits import EditSignal, Preference, edit_signal, followed_by, preferences
    from growth_pipelines.learning.expected import ExpectedValues, expected_values, realised_share
    from growth_pipelines.learning.off_policy import (
        OffPolicyDifference,
        OffPolicyValue,
        UnusableLog,
        off_policy_difference,
        off_policy_value,
    )
    from growth_pipelines.learning.policy import Policy, fit_policy
    from growth_pipelines.learning.ranking import Expectation, expectations, rank
    from growth_pipelines.learning.rates import Rate, WinRate, factors, win_rates
    from growth_pipelines.learning.recalibration import (
        ConfidenceCalibration,
        ImpactRatio,
        calibrate_confidence,
        impact_ratios,
        reliability,
    )

_HOME = {
    "Corrections": "corrections",
    "by_win_rates": "corrections",
    "calibrated": "corrections",
    "chained": "corrections",
    "with_expectations": "corrections",
    "Drift": "departures",
    "drift": "departures",
    "EditSignal": "edits",
    "Preference": "edits",
    "edit_signal": "edits",
    "followed_by": "edits",
    "preferences": "edits",
    "ExpectedValues": "expected",
    "expected_values": "expected",
    "realised_share": "expected",
    "OffPolicyDifference": "off_policy",
    "OffPolicyValue": "off_policy",
    "UnusableLog": "off_policy",
    "off_policy_difference": "off_policy",
    "off_policy_value": "off_policy",
    "Policy": "policy",
    "fit_policy": "policy",
    "Expectation": "ranking",
    "expectations": "ranking",
    "rank": "ranking",
    "ConfidenceCalibration": "recalibration",
    "ImpactRatio": "recalibration",
    "calibrate_confidence": "recalibration",
    "impact_ratios": "recalibration",
    "reliability": "recalibration",
    "Rate": "rates",
    "WinRate": "rates",
    "factors": "rates",
    "win_rates": "rates",
}

__all__ = [
    "ConfidenceCalibration",
    "Corrections",
    "Drift",
    "EditSignal",
    "Expectation",
    "ExpectedValues",
    "ImpactRatio",
    "OffPolicyDifference",
    "OffPolicyValue",
    "Policy",
    "Preference",
    "Rate",
    "UnusableLog",
    "WinRate",
    "by_win_rates",
    "calibrate_confidence",
    "calibrated",
    "chained",
    "drift",
    "edit_signal",
    "expectations",
    "expected_values",
    "factors",
    "fit_policy",
    "followed_by",
    "impact_ratios",
    "off_policy_difference",
    "off_policy_value",
    "preferences",
    "rank",
    "realised_share",
    "reliability",
    "win_rates",
    "with_expectations",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
