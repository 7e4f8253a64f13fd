"""How fast what people did fades in what is learnt from it."""

from __future__ import annotations

HALF_LIFE_DAYS = 90.0


def faded(age_days: float) -> float:
    """What something so old still counts, 0 to 1; what is yet to come counts like today's."""
    return float(0.5 ** (max(age_days, 0.0) / HALF_LIFE_DAYS))
