"""Pages that lost search clicks in the last 28 days for a reason of their own: position, CTR or demand.

A page's change of clicks is split: Δ log clicks = Δ log impressions (demand) + Δ log expected CTR at its position
(position) + what is left of Δ log CTR (ctr). Each part is compared with the site's median page, so that a
season or a Google update that hits everyone accuses no single page; its error is the page's own weekly wobble
and chance, widened by how much pages of this site differ anyhow; all pages × causes share one
Benjamini–Hochberg correction, and losses under 20 % are left alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.discovery import adjusted_p_values, excess_dispersion

FloatArray = NDArray[np.float64]

COLUMNS = ("page", "cause", "size", "p_value")
_NEEDED = ("page", "date", "clicks", "impressions", "position")
CAUSES = ("position", "ctr", "demand")
WINDOW = 28
_WEEK = 7
_FDR, _LEAST_LOSS = 0.05, 0.20
# Fewer impressions or expected clicks than these in the earlier window say nothing.
_LEAST_IMPRESSIONS, _LEAST_CLICKS = 200, 10
# A shift of rank worth the name, and the exponent of CTR by position where the site says nothing itself.
_LEAST_SHIFT, _PRIOR_EXPONENT, _PRIOR_PAGES = 0.5, -1.0, 20.0
# Weekly noise is estimated from few weeks: mixed with the site's, worth this many weeks.
_SITE_WEEKS = 4.0
# How far back a page's wobble is learned: half a year; over more, seasons would pass for noise.
_MEMORY_WEEKS = 26


def scan_pages(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame``: page, date, clicks, impressions, position (one row a page × day; missing days are zeros).

    Returns page, cause (position, ctr or demand), size (relative change of clicks by that cause, negative) and
    p_value, worst loss of clicks first; one row a page. The last 28 days of the frame are judged against the 28
    before, so give it complete days only; earlier days, up to half a year, tell how much a page wobbles. Days
    before the site's first impression were not collected; they are left out, not taken for zeros.
    Raises ValueError where one of the columns is missing, and for clicks or impressions below 0 or infinite.
    """
    missing = [column for column in _NEEDED if column not in frame]
    if missing:
        raise ValueError(f"the frame has no column {', '.join(missing)}; needed: {', '.join(_NEEDED)}")
    _check_counts(frame)
    collected = frame[_collected(frame)] if len(frame) else frame
    if collected.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    weeks = _weekly(collected)
    now, before = _window(weeks, 0), _window(weeks, 4)
    seen = (before["impressions"] >= _LEAST_IMPRESSIONS) & (before["clicks"] >= _LEAST_CLICKS)
    now, before = now[seen], before[seen]
    if now.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    parts, shift = _parts(now, before)
    errors = _errors(weeks, now, before)
    verdicts = [_judge(cause, parts[cause], errors[cause]) for cause in CAUSES]
    table = pd.concat(verdicts, ignore_index=True)
    table["q"] = adjusted_p_values(table["p_value"].to_numpy(float))
    table["lost"] = -table["size"] * table["page"].map(before["clicks"])
    moved = table["page"].map(shift) >= _LEAST_SHIFT
    # What a page loses in impressions and CTR while its rank falls is rank loss.
    wanted = np.where(table["cause"] == "position", moved, ~moved)
    kept = table[(table["q"] <= _FDR) & (table["size"] <= -_LEAST_LOSS) & wanted]
    worst = kept.sort_values(["lost", "page"], ascending=[False, True], kind="stable").drop_duplicates("page")
    return worst[list(COLUMNS)].reset_index(drop=True)


def _check_counts(frame: pd.DataFrame) -> None:
    """A sum with one of these would make the whole site look quiet."""
    for column in ("clicks", "impressions"):
        counts = frame[column].to_numpy(float, na_value=np.nan)
        wrong = int(((counts < 0) | np.isinf(counts)).sum())
        if wrong:
            raise ValueError(f"{column} of {wrong} of {counts.size} rows are below 0 or infinite: drop these rows")


def _collected(frame: pd.DataFrame) -> pd.Series:
    """Which rows lie between the site's first impression and the newest day, and within memory."""
    day = pd.to_datetime(frame["date"])
    first = day[frame["impressions"] > 0].min()
    return (day >= first) & (day > day.max() - pd.Timedelta(weeks=_MEMORY_WEEKS))


def _weekly(frame: pd.DataFrame) -> pd.DataFrame:
    """Sums per page × week, weeks counted backwards from the newest day (0 = the last seven days)."""
    day = pd.to_datetime(frame["date"])
    age = (day.max() - day).dt.days // _WEEK
    rows = pd.DataFrame(
        {
            "page": frame["page"].astype(str),
            "week": age,
            "clicks": frame["clicks"].astype(float),
            "impressions": frame["impressions"].astype(float),
            "weighted": (frame["position"] * frame["impressions"]).fillna(0.0).astype(float),
        }
    )
    # The oldest week may be cut off: it would look like a wobble.
    whole = rows[rows["week"] < max((int((day.max() - day.min()).days) + 1) // _WEEK, 1)]
    return whole.groupby(["page", "week"], sort=True)[["clicks", "impressions", "weighted"]].sum()


def _window(weeks: pd.DataFrame, first: int) -> pd.DataFrame:
    """Sums over the four weeks from ``first`` on; pages without rows there count zero."""
    week = weeks.index.get_level_values("week")
    chosen = weeks[(week >= first) & (week < first + WINDOW // _WEEK)].groupby("page").sum()
    whole = chosen.reindex(weeks.index.get_level_values("page").unique(), fill_value=0.0).sort_index()
    shown = whole["impressions"].where(whole["impressions"] > 0)
    return whole.assign(position=whole["weighted"] / shown, ctr=whole["clicks"] / shown)


def _parts(now: pd.DataFrame, before: pd.DataFrame) -> tuple[dict[str, pd.Series], pd.Series]:
    """The three parts of each page's Δ log clicks, and by how many positions it fell."""
    demand = np.log((now["impressions"] + 1) / (before["impressions"] + 1))
    shift = (now["position"] - before["position"]).fillna(0.0)
    steps = np.log(now["position"] / before["position"]).fillna(0.0)
    ctr = np.log(
        ((now["clicks"] + 0.5) / (now["impressions"] + 1))
        / ((before["clicks"] + 0.5) / (before["impressions"] + 1))
    )
    expected = steps * _exponent(before)
    # Where rank was lost, the impressions lost with it belong to the rank.
    position = expected + demand.clip(upper=0).where(shift >= _LEAST_SHIFT, 0.0)
    return {"position": position, "ctr": ctr - expected, "demand": demand}, shift


def _exponent(pages: pd.DataFrame) -> float:
    """Exponent of CTR by position over the site's pages (weighted by clicks, capped), shrunk to −1."""
    known = pages[(pages["position"] > 0) & (pages["clicks"] > 0)]
    x, y = np.log(known["position"].to_numpy(float)), np.log(known["ctr"].to_numpy(float))
    weight = np.minimum(known["clicks"].to_numpy(float), 100.0)
    if len(known) < 3 or np.ptp(x) == 0:
        return _PRIOR_EXPONENT
    x = x - np.average(x, weights=weight)
    slope = float((weight * x * y).sum() / (weight * x * x).sum())
    pull = _PRIOR_PAGES / (_PRIOR_PAGES + len(known))
    return float(np.clip((1 - pull) * slope + pull * _PRIOR_EXPONENT, -2.5, 0.0))


def _errors(weeks: pd.DataFrame, now: pd.DataFrame, before: pd.DataFrame) -> dict[str, pd.Series]:
    """Variance of each part's change by the page's weekly wobble and by chance."""
    week = weeks.index.get_level_values("week")
    quiet = weeks[(week >= WINDOW // _WEEK)]
    clicks = 1 / (now["clicks"] + 0.5) + 1 / (before["clicks"] + 0.5)
    demand = _wobble(np.log(quiet["impressions"] + 1), now.index)
    rate = _wobble(np.log((quiet["clicks"] + 0.5) / (quiet["impressions"] + 1)), now.index)
    # Four weeks against four: the variance of the difference of two means of four.
    return {
        "demand": demand / 2 + 1 / (now["impressions"] + 1) + 1 / (before["impressions"] + 1),
        "ctr": np.maximum(rate / 2, clicks),
        "position": demand / 2 + 1 / (before["clicks"] + 1),
    }


def _wobble(logs: pd.Series, pages: pd.Index) -> pd.Series:
    """Variance from week to week per page in the weeks before the last four, shrunk to the site's median."""
    by_page = logs.groupby(level="page")
    own, count = by_page.var().reindex(pages), by_page.count().reindex(pages).fillna(0)
    site = float(own.median()) if own.notna().any() else 0.05
    weight = (count - 1).clip(lower=0)
    return (own.fillna(site) * weight + site * _SITE_WEEKS) / (weight + _SITE_WEEKS)


def _judge(cause: str, change: pd.Series, error: pd.Series) -> pd.DataFrame:
    """One-sided p-values of ``change`` being worse than the site's median page."""
    from scipy.special import ndtr

    deviation = (change - change.median()).to_numpy(float)
    noise = error.to_numpy(float)
    spread = excess_dispersion(deviation, noise) if len(change) >= 10 else 0.1
    p_value = ndtr(deviation / np.sqrt(noise + spread**2))
    return pd.DataFrame({"page": change.index, "cause": cause, "size": np.expm1(deviation), "p_value": p_value})
