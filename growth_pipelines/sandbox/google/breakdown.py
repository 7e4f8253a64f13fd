"""Where and on what people searched: a day's rows split into country × device, exactly and always the same way.

A row's impressions are laid out one after the other and cut where the shares say, from a starting point that the
row and the day give. So parts add up to their row to the click, whichever dimensions are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from growth_pipelines.sandbox.demand import SearchDay

COUNTRIES = {"usa": 0.76, "can": 0.09, "gbr": 0.06, "aus": 0.05, "deu": 0.04}
DEVICES = {"MOBILE": 0.61, "DESKTOP": 0.34, "TABLET": 0.05}
CELLS = len(COUNTRIES) * len(DEVICES)
# Ends of the cells on a line of length one, country by country.
_ENDS = np.cumsum(np.outer(list(COUNTRIES.values()), list(DEVICES.values())))
_ROW_STEP, _DAY_STEP = 0.6180339887498949, 0.7548776662466927  # steps that never fall into a rhythm


@dataclass(frozen=True)
class Parts:
    """Aligned arrays, one a part that was seen: ``row`` is an index into the day's rows, ``cell`` is
    country index × number of devices + device index."""

    row: np.ndarray
    cell: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray


def split(day: date, rows: SearchDay) -> Parts:
    """The parts of a day's rows; no part has more clicks than impressions."""
    seen = rows.impressions.astype(np.int64)[:, None]
    clicks = rows.clicks.astype(np.int64)[:, None]
    start = np.modf(rows.query * _ROW_STEP + day.toordinal() * _DAY_STEP)[0][:, None]
    ends = np.floor(_ENDS * seen + start).astype(np.int64)
    ends[:, -1:] = seen
    ends = np.minimum(ends, seen)
    # Clicks are spread evenly over the laid out impressions: never two on one.
    clicked = (ends * clicks + np.floor(start * seen).astype(np.int64)) // np.maximum(seen, 1)
    impressions = np.diff(ends, axis=1, prepend=0)
    row, cell = np.nonzero(impressions)
    return Parts(row, cell, impressions[row, cell], np.diff(clicked, axis=1, prepend=0)[row, cell])


def counted_once(group: np.ndarray, clicks: np.ndarray, impressions: np.ndarray, share: float) -> np.ndarray:
    """Impressions when a search that shows two of our pages counts once: ``share`` of each group's, as whole
    numbers that add up over its rows and never fall below the clicks. ``group`` is sorted."""
    _, first, of = np.unique(group, return_index=True, return_inverse=True)
    idle = impressions - clicks
    all_idle, all_clicks = np.add.reduceat(idle, first), np.add.reduceat(clicks, first)
    kept = np.maximum(0, np.round((all_idle + all_clicks) * share).astype(np.int64) - all_clicks)
    upto = np.cumsum(idle)
    upto -= (upto[first] - idle[first])[of]
    room = np.maximum(all_idle, 1)[of]
    counted: np.ndarray = clicks + upto * kept[of] // room - (upto - idle) * kept[of] // room
    return counted
