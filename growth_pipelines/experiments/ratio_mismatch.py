"""Sample ratio mismatch: arms whose sizes their weights do not explain. With one, no result is to be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from growth_pipelines.experiments.arms import UnusableSample

# No result is read below this.
SRM_ALPHA = 0.001
# Prior weight of the always-valid test, in units: it is keenest on departures of some 1/√this.
_CONCENTRATION = 10_000.0


def sample_ratio_mismatch(counts: Sequence[float], weights: Sequence[float], sequential: bool = False) -> float:
    """P-value of the counts of units an arm, if they were assigned by ``weights``; 1 without units.

    Pearson's χ² (for looks that were planned), or with ``sequential`` a p-value that may be looked at every day:
    1 ÷ the Bayes factor of a Dirichlet alternative around the weights (Lindon & Malek 2022, "Anytime-Valid
    Inference for Multinomial Count Data", arXiv 2011.03567). Units in an arm of weight 0 give 0.
    Raises UnusableSample (a ValueError) for negative numbers or lengths that differ.
    """
    if len(counts) != len(weights) or len(counts) < 2:
        raise UnusableSample(
            f"{len(counts)} counts and {len(weights)} weights.", "Give one of each an arm, two arms at least."
        )
    if not all(math.isfinite(value) and value >= 0 for value in (*counts, *weights)) or not sum(weights) > 0:
        raise UnusableSample(
            f"Counts {list(counts)}, weights {list(weights)}.", "They are ≥ 0, not all weights 0."
        )
    if any(count > 0 and weight == 0 for count, weight in zip(counts, weights, strict=True)):
        return 0.0
    used = [(count, weight) for count, weight in zip(counts, weights, strict=True) if weight > 0]
    units, total = math.fsum(count for count, _ in used), math.fsum(weight for _, weight in used)
    if units == 0 or len(used) < 2:
        return 1.0
    shares = [weight / total for _, weight in used]
    observed = [count for count, _ in used]
    return _always_valid(observed, shares) if sequential else _chi_square(observed, shares, units)


def _chi_square(observed: list[float], shares: list[float], units: float) -> float:
    from scipy.special import chdtrc

    distance = math.fsum(
        (count - units * share) ** 2 / (units * share) for count, share in zip(observed, shares, strict=True)
    )
    return float(chdtrc(len(shares) - 1, distance))


def _always_valid(observed: list[float], shares: list[float]) -> float:
    """Multinomial likelihood of the weights ÷ the Dirichlet-multinomial one, at most 1."""
    units = math.fsum(observed)
    log_odds = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + units)
    for count, share in zip(observed, shares, strict=True):
        prior = _CONCENTRATION * share
        log_odds += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return math.exp(min(0.0, -log_odds))
