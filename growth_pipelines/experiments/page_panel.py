"""Days of paired pages as arrays: before and after the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.experiments.arms import UnusableSample

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
# Two of each weekday, or its level is not known; the flips of fewer pairs than these can show nothing at 5 %.
_LEAST_DAYS_BEFORE, _LEAST_PAIRS = 14, 8


@dataclass(frozen=True)
class PagePanel:
    """``before`` and ``after``: pair × arm (0 control, 1 treatment) × day; weekdays are Monday 0 to Sunday 6."""

    before: FloatArray
    after: FloatArray
    weekdays_before: NDArray[np.int64]
    weekdays_after: NDArray[np.int64]
    dates_after: NDArray[np.datetime64]


def page_panel(
    daily: pd.DataFrame, pairs: pd.DataFrame, start: object, value: str, settle_days: int = 0
) -> PagePanel:
    """The panel of ``daily`` (page, date and ``value``; a day without a row is 0) for ``pairs`` (page, pair, arm).

    ``settle_days`` from the start on are left out of both sides; ``after`` may have no day. Raises
    UnusableSample (a ValueError) for pairs
    that are not whole, and for too few pairs or days.
    """
    import pandas as pd

    ordered = pairs[["page", "pair", "arm"]].sort_values(["pair", "arm"], kind="stable")
    if len(ordered) % 2 or not (ordered["arm"].to_numpy().reshape(-1, 2) == [0, 1]).all():
        raise UnusableSample("A pair is not one page of each arm.", "Take the pairs that match_pages gave.")
    if len(ordered) < 2 * _LEAST_PAIRS:
        raise UnusableSample(f"{len(ordered) // 2} pairs of pages.", f"At least {_LEAST_PAIRS} are needed.")
    known = daily[daily["page"].isin(ordered["page"])]
    first = np.datetime64(pd.Timestamp(start), "D")
    days = pd.to_datetime(known["date"]).to_numpy().astype("datetime64[D]")
    if days.size == 0 or (first - days.min()).astype(int) < _LEAST_DAYS_BEFORE:
        raise UnusableSample(f"Too few days before {first}.", f"Give at least {_LEAST_DAYS_BEFORE}.")
    begin = first + settle_days
    calendar = np.arange(days.min(), days.max() + 1)
    grid = np.zeros((len(ordered), calendar.size))
    row = pd.Index(ordered["page"]).get_indexer(pd.Index(known["page"]))
    np.add.at(grid, (row, (days - calendar[0]).astype(int)), known[value].to_numpy(float))
    paired = grid.reshape(len(ordered) // 2, 2, calendar.size)
    weekdays = (calendar.astype(int) + 3) % 7
    before, after = calendar < first, calendar >= begin
    return PagePanel(paired[:, :, before], paired[:, :, after], weekdays[before], weekdays[after], calendar[after])
