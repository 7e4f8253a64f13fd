"""A switchback at a planned look: whole days of the shop, compared within pairs of neighbouring blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.comparison import Comparison, from_interval
from growth_pipelines.experiments.planned_looks import newest_look
from growth_pipelines.experiments.planned_readout import Units, read_planned
from growth_pipelines.experiments.readout import Declared, Measure, Readout
from growth_pipelines.experiments.switchback import switchback_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Fewer pairs of blocks have intervals several times as wide.
LEAST_PAIRS = 8


@dataclass(frozen=True, eq=False)
class Switchback:
    """``arms`` (0 control, 1 treatment) of each day since the first, ``values`` of it by metric (NaN: missing).

    Blocks of ``block`` days, the first ``carry_over`` of which are left out after a switch; ``measured`` days are
    known.
    """

    arms: NDArray[Any]
    values: Mapping[str, NDArray[Any]]
    block: int
    carry_over: int
    measured: int


def read_slices(declared: Declared, test: Switchback) -> Readout:
    """The reading at the newest planned look; units are blocks, relative to control's."""
    look = newest_look(declared.planned_days, test.measured)
    pairs = (look.days if look else 0) // (2 * test.block)

    def compared(measure: Measure, arm: str, alpha: float) -> Comparison | str:
        days = 2 * test.block * pairs
        try:
            found = switchback_effect(
                test.values[measure.metric][:days], test.arms[:days], test.block, test.carry_over, alpha, True
            )
        except UnusableSample as error:
            return error.message
        return from_interval(found.diff, found.ci_low, found.ci_high, found.p_value, alpha)

    return read_planned(declared, Units((pairs, pairs), LEAST_PAIRS), test.measured, compared)
