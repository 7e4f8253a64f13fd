"""Resources × days, with the days on which something was done to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Panel:
    """``values``: resource × day, days without gaps from ``first`` on; the last day is the last complete one.

    ``names`` and ``templates``: one a resource. ``touched``: resource × day, whether an action was executed or
    rolled back there on that day.
    """

    values: FloatArray
    first: np.datetime64
    names: NDArray[np.object_]
    templates: NDArray[np.object_]
    touched: NDArray[np.bool_]

    @property
    def days(self) -> int:
        return int(self.values.shape[1])

    def day(self, date: object) -> int:
        """The column of a day; below 0 or from ``days`` on where it is outside."""
        return int((np.datetime64(date, "D") - self.first).astype(int))  # type: ignore[call-overload]


def panel_of(daily: pd.DataFrame, units: pd.DataFrame, touches: pd.DataFrame, value: str, last: object) -> Panel:
    """The panel of ``daily`` (unit, date and ``value``; a day without a row is 0) up to the complete day ``last``.

    ``units``: unit and template, one row each; ``touches``: unit and date of each execution and rollback. Raises
    ValueError where there is no day up to ``last``.
    """
    import pandas as pd

    end = np.datetime64(pd.Timestamp(last), "D")
    days = pd.to_datetime(daily["date"]).to_numpy().astype("datetime64[D]")
    known = days <= end
    if not known.any():
        raise ValueError(f"There is no complete day up to {end}.")
    first = days[known].min()
    index = pd.Index(units["unit"])
    values = np.zeros((len(units), int((end - first).astype(int)) + 1))
    row = index.get_indexer(pd.Index(daily["unit"]))
    held = known & (row >= 0)
    np.add.at(values, (row[held], (days[held] - first).astype(int)), daily[value].to_numpy(float)[held])
    touched = np.zeros(values.shape, dtype=bool)
    if len(touches):
        when = pd.to_datetime(touches["date"]).to_numpy().astype("datetime64[D]")
        of = index.get_indexer(pd.Index(touches["unit"]))
        inside = (of >= 0) & (when >= first) & (when <= end)
        touched[of[inside], (when[inside] - first).astype(int)] = True
    names, templates = units["unit"].to_numpy(object), units["template"].to_numpy(object)
    return Panel(values, first, names, templates, touched)
