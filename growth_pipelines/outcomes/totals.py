"""Many effects added up, with the interval of the sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from growth_pipelines.outcomes.looks import HORIZONS, REACH

# Half a 95 % interval in standard errors. Those that come in are a little wider, as the last of three looks.
_HALF = 1.959964
_GIVEN = REACH[HORIZONS[-1]]


@dataclass(frozen=True)
class Total:
    effect: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        return self.low <= 0 <= self.high


def total(effects: Sequence[tuple[float, float, float, float]]) -> Total | None:
    """The sum of effects of 28 days (effect, low, high, shared error) with its 95 % interval; None for none.

    What is each effect's own adds up in squares. What comes from the controls' fit may be the same error in all
    of them, so it is added up as if it were: a sum over few controls is not surer than they are. Each side is
    added up by itself, so a lopsided interval stays so (Zou & Donner 2008, "Construction of confidence limits
    about effect measures").
    """
    if not effects:
        return None
    sides = []
    for place in (1, 2):
        errors = [abs(one[place] - one[0]) / _GIVEN for one in effects]
        shared = [min(one[3], error) for one, error in zip(effects, errors, strict=True)]
        own = sum(error**2 - part**2 for error, part in zip(errors, shared, strict=True))
        sides.append(_HALF * math.sqrt(own + sum(shared) ** 2))
    middle = sum(one[0] for one in effects)
    return Total(middle, middle - sides[0], middle + sides[1])
