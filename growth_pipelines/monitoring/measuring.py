"""Did the shop change, or only its measuring? What stopped being counted, apart from what stopped happening."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = ("date", "metric", "cause", "evidence")
# A day counts as lost below this share of its usual; the steady one must stay above that share.
_LOST, _STEADY = 0.1, 0.6
# Usual: the median of the same weekday over these weeks. Fewer than this many a day could be nothing by chance.
_WEEKS, _LEAST_USUAL = 8, 10.0
_PAGES, _SHARE_OF_PAGES = 10, 0.8


def find_tracking_losses(shop: pd.DataFrame, pages: pd.DataFrame | None = None) -> pd.DataFrame:
    """Days on which a count vanished although it cannot have: cause "tracking".

    ``shop``: date and any of clicks, sessions, orders (one row a day). A column under a tenth of its usual, on
    a day on which another has at least 0.6 of its own, was not counted. ``pages``: page, date, clicks; when
    four in five of the pages that had any (at least ten) are at zero on the same day, the source is missing,
    whatever the shop did. Usual is the median of the same weekday in the eight weeks before; under ten a day
    nothing is said. Returns date, metric, cause, evidence (a sentence), oldest first; empty frames give an
    empty one.
    """
    found = _lost_columns(shop) if len(shop) else []
    if pages is not None and len(pages):
        found += _silent_pages(pages)
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table.sort_values(["date", "metric"], kind="stable").drop_duplicates(
        ["date", "metric"], ignore_index=True
    )


def _by_day(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns on a calendar without holes; days without a row are zeros."""
    daily = frame.assign(date=pd.to_datetime(frame["date"])).groupby("date").sum(numeric_only=True)
    return daily.reindex(pd.date_range(daily.index.min(), daily.index.max(), name="date"), fill_value=0.0)


def _share_of_usual(daily: pd.DataFrame) -> pd.DataFrame:
    """Value ÷ median of the same weekday in the weeks before; NaN where that is too small or too short to say."""
    parts = [
        part.shift(1).rolling(_WEEKS, min_periods=3).median() for _, part in daily.groupby(daily.index.dayofweek)
    ]
    usual = pd.concat(parts).sort_index()
    return daily / usual.where(usual >= _LEAST_USUAL)


def _lost_columns(shop: pd.DataFrame) -> list[tuple[pd.Timestamp, str, str, str]]:
    counted = [name for name in ("clicks", "sessions", "orders") if name in shop]
    share = _share_of_usual(_by_day(shop[["date", *counted]]))
    found = []
    for metric in counted:
        others = share.drop(columns=metric)
        steady = others.ge(_STEADY).any(axis=1)
        for date in share.index[(share[metric] < _LOST) & steady]:
            witness = str(others.loc[date].idxmax())
            found.append(
                (date, metric, "tracking", _sentence(metric, share.at[date, metric], witness, others, date))
            )
    return found


def _sentence(metric: str, left: float, witness: str, others: pd.DataFrame, date: pd.Timestamp) -> str:
    return f"{metric} at {left:.0%} of usual while {witness} are at {others.at[date, witness]:.0%}"


def _silent_pages(pages: pd.DataFrame) -> list[tuple[pd.Timestamp, str, str, str]]:
    table = pages.assign(date=pd.to_datetime(pages["date"])).pivot_table(
        index="date", columns="page", values="clicks", aggfunc="sum", fill_value=0.0
    )
    table = table.reindex(pd.date_range(table.index.min(), table.index.max(), name="date"), fill_value=0.0)
    before = table.shift(1).rolling(28, min_periods=14).median()
    lively = before >= 1.0
    silent = (lively & (table == 0)).sum(axis=1)
    known = lively.sum(axis=1)
    lost = (known >= _PAGES) & (silent >= np.ceil(_SHARE_OF_PAGES * known))
    return [
        (
            date,
            "clicks",
            "tracking",
            f"{silent[date]} of {known[date]} pages with clicks are at zero on the same day",
        )
        for date in table.index[lost]
    ]
