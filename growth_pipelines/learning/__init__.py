"""Learning: what operators approve, what of it brings something, and what follows for the order.

Pure functions of frames and arrays, loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growth_pipelines.learning.off_policy import OffPolicyValue, UnusableLog, off_policy_value
    from growth_pipelines.learning.policy import Policy, fit_policy
    from growth_pipelines.learning.ranking import Expectation, expectations, rank

_HOME = {
    "OffPolicyValue": "off_policy",
    "UnusableLog": "off_policy",
    "off_policy_value": "off_policy",
    "Policy": "policy",
    "fit_policy": "policy",
    "Expectation": "ranking",
    "expectations": "ranking",
    "rank": "ranking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


__all__ = [
    "Expectation",
    "OffPolicyValue",
    "Policy",
    "UnusableLog",
    "expectations",
    "fit_policy",
    "off_policy_value",
    "rank",
]
