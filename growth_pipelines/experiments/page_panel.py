"""Days of paired pages as arrays: before and after the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.monitoring.day_grid import calendar_days

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

    A date with a time zone is the day of that zone. ``settle_days`` from the start on are left out of both sides;
    ``after`` may have no day. Raises UnusableSample (a ValueError) for columns that are not there, values that are
    missing or infinite, pairs that are not whole, and for too few pairs or days.
    """
    import pandas as pd

    ordered = _whole_pairs(pairs)
    if settle_days < 0 or settle_days != int(settle_days):
        raise UnusableSample(f"settle_days {settle_days}.", "It is a whole number of days, 0 or more.")
    first = _day_of(start)
    must_have(daily, ("page", "date", value), "daily")
    known = daily[daily["page"].isin(ordered["page"])]
    days = calendar_days(known["date"])
    if np.isnat(days).any():
        raise UnusableSample("daily: a date is missing.", "Leave these rows out.")
    if days.size == 0 or (first - days.min()).astype(int) < _LEAST_DAYS_BEFORE:
        raise UnusableSample(f"Too few days before {first}.", f"Give at least {_LEAST_DAYS_BEFORE}.")
    begin = first + int(settle_days)
    calendar = np.arange(days.min(), days.max() + 1)
    grid = np.zeros((len(ordered), calendar.size))
    row = pd.Index(ordered["page"]).get_indexer(pd.Index(known["page"]))
    values = numbers_of(known, value, "daily")
    np.add.at(grid, (row, (days - calendar[0]).astype(int)), values)
    paired = grid.reshape(len(ordered) // 2, 2, calendar.size)
    weekdays = (calendar.astype(int) + 3) % 7
    before, after = calendar < first, calendar >= begin
    return PagePanel(paired[:, :, before], paired[:, :, after], weekdays[before], weekdays[after], calendar[after])


def must_have(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raises UnusableSample unless the frame called ``name`` has all ``columns``."""
    if missing := [column for column in columns if column not in frame]:
        raise UnusableSample(f"{name}: no column {', '.join(missing)}.", f"It needs {', '.join(columns)}.")


def numbers_of(frame: pd.DataFrame, column: str, name: str) -> FloatArray:
    """A column of the frame called ``name`` as numbers. Raises UnusableSample where one is none, or not finite."""
    import pandas as pd

    values: FloatArray = pd.to_numeric(frame[column], errors="coerce").to_numpy(float, na_value=np.nan)
    if wrong := int((~np.isfinite(values)).sum()):
        raise UnusableSample(
            f"{name}: {wrong} of {values.size} {column} are no finite number.", "Leave these rows out, or write 0."
        )
    return values


def _whole_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pages by pair, control's first."""
    must_have(pairs, ("page", "pair", "arm"), "pairs")
    ordered = pairs[["page", "pair", "arm"]].sort_values(["pair", "arm"], kind="stable")
    arms, numbers = ordered["arm"].to_numpy(), ordered["pair"].to_numpy()
    if len(ordered) % 2 or not ((arms.reshape(-1, 2) == [0, 1]).all() and (numbers[::2] == numbers[1::2]).all()):
        raise UnusableSample("A pair is not one page of each arm.", "Take the pairs that match_pages gave.")
    if ordered["page"].duplicated().any():
        twice = ordered.loc[ordered["page"].duplicated(), "page"].iloc[0]
        raise UnusableSample(f"The page {twice} is in two pairs.", "Take the pairs that match_pages gave.")
    if len(ordered) < 2 * _LEAST_PAIRS:
        raise UnusableSample(f"{len(ordered) // 2} pairs of pages.", f"At least {_LEAST_PAIRS} are needed.")
    return ordered


def _day_of(start: object) -> np.datetime64:
    try:
        [first] = calendar_days(np.array([start], dtype=object))
    except (TypeError, ValueError):
        first = np.datetime64("NaT")
    if np.isnat(first):
        raise UnusableSample(f"start {start!r} is no day.", "Give the day of the change, such as 2026-05-01.")
    return np.datetime64(first, "D")
