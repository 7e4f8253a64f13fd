"""Experiments: who gets what, what the difference is, whether it may be believed, and what follows from it.

Units are visitors, customers, pages (``page_pairs``, ``page_effects``) or slices of time (``switchback``). The
functions are loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.experiments.arms import UnusableSample, sufficient_statistics
    from growth_pipelines.experiments.assignment import assign, assign_all
    from growth_pipelines.experiments.comparison import (
        Comparison,
        compare,
        effects_differ,
        mean_difference,
        stratified,
    )
    from growth_pipelines.experiments.decision import Criteria, Decision, decide
    from growth_pipelines.experiments.guardrails import guardrail_verdict
    from growth_pipelines.experiments.multiplicity import benjamini_hochberg, holm
    from growth_pipelines.experiments.page_effects import difference_in_differences, synthetic_control
    from growth_pipelines.experiments.page_pairs import balance, match_pages
    from growth_pipelines.experiments.planning import (
        Plan,
        days_left,
        minimum_detectable_effect,
        plan,
        power,
        sample_size,
    )
    from growth_pipelines.experiments.ratio_mismatch import sample_ratio_mismatch
    from growth_pipelines.experiments.revenue import revenue_cap, winsorised
    from growth_pipelines.experiments.switchback import switchback_effect, switchback_schedule
    from growth_pipelines.experiments.uplift import UpliftModel, qini, uplift_model

_HOME = {
    "UnusableSample": "arms",
    "sufficient_statistics": "arms",
    "assign": "assignment",
    "assign_all": "assignment",
    "Comparison": "comparison",
    "compare": "comparison",
    "effects_differ": "comparison",
    "stratified": "comparison",
    "mean_difference": "comparison",
    "Criteria": "decision",
    "Decision": "decision",
    "decide": "decision",
    "guardrail_verdict": "guardrails",
    "benjamini_hochberg": "multiplicity",
    "holm": "multiplicity",
    "difference_in_differences": "page_effects",
    "synthetic_control": "page_effects",
    "balance": "page_pairs",
    "match_pages": "page_pairs",
    "Plan": "planning",
    "days_left": "planning",
    "minimum_detectable_effect": "planning",
    "plan": "planning",
    "power": "planning",
    "sample_size": "planning",
    "sample_ratio_mismatch": "ratio_mismatch",
    "revenue_cap": "revenue",
    "winsorised": "revenue",
    "switchback_effect": "switchback",
    "switchback_schedule": "switchback",
    "UpliftModel": "uplift",
    "qini": "uplift",
    "uplift_model": "uplift",
}

__all__ = [
    "Comparison",
    "Criteria",
    "Decision",
    "Plan",
    "UnusableSample",
    "UpliftModel",
    "assign",
    "assign_all",
    "balance",
    "benjamini_hochberg",
    "compare",
    "days_left",
    "decide",
    "difference_in_differences",
    "effects_differ",
    "guardrail_verdict",
    "holm",
    "match_pages",
    "mean_difference",
    "minimum_detectable_effect",
    "plan",
    "power",
    "qini",
    "revenue_cap",
    "sample_ratio_mismatch",
    "sample_size",
    "stratified",
    "sufficient_statistics",
    "switchback_effect",
    "switchback_schedule",
    "synthetic_control",
    "uplift_model",
    "winsorised",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
