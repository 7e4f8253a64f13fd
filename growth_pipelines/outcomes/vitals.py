"""Whether a repair made the web vital itself better for visitors, beside pages that nothing was done to.

A field value is the 75th percentile of 28 days, new every week: neighbouring ones share most of their days, and a
step shows as a ramp of 28 days. So the two that are compared share no day with each other or with the day of the
repair: the last period that ended before it and the first one that began after it. Percentiles are never averaged.
What untouched pages' values did between the same two periods says what to expect; their errors, each left out of
its own fit, are what chance does (as in ``effect``). A page that was in the middle of a step is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.outcomes.effect import Effect, Skipped, reach
from growth_pipelines.outcomes.panel import FloatArray

if TYPE_CHECKING:
    import pandas as pd

VITALS = ("lcp", "inp", "cls")
# Kinds of devices of which the field data are enough; each is a metric of its own, such as ``lcp_phone``.
FORM_FACTORS = ("phone", "desktop")
# The interval leaves one in twenty out, so it takes that many to know; and some more for what is fitted.
LEAST_PAGES = 24
# A value below its resolution (milliseconds; layout shift has two decimals) is not told from it.
_RESOLUTION = {"lcp": 1.0, "inp": 1.0, "cls": 0.01}
_LEVEL = 0.95
# In pages' worth of data.
_RIDGE = 1.0
# New every week; one that is missing may be bridged, no more: other things happen in between.
_NEAR = np.timedelta64(14, "D")
_WEEK, _FORTNIGHT = np.timedelta64(7, "D"), np.timedelta64(14, "D")
# Moves in the last fortnight beyond so many standard deviations of the others' are a change under way.
_USUAL = 2.0
# First and last day of each period, by name.
Spans = Mapping[str, tuple[np.datetime64, np.datetime64]]


def read_vital(
    periods: pd.DataFrame, page: str, vital: str, form_factor: str, executed: date, touches: pd.DataFrame
) -> Effect | Skipped:
    """What ``vital`` did on ``page`` for visitors on ``form_factor`` since the day ``executed``; less is better.

    ``observed`` is the 75th percentile of the 28 days from ``first`` on, ``baseline`` that of the 28 before, in ms
    or, of layout shift, without a unit. It is read once, so the interval is a plain 95 % one. No days are told.

    ``periods``: unit, form_factor, metric, period_start, period_end and p75, one row a page's 28 days.
    ``touches``: unit and date of all that was executed or rolled back.
    """
    known = periods[(periods["metric"] == vital) & (periods["form_factor"] == form_factor)]
    day = np.datetime64(executed, "D")
    spans = _spans(known, page, day)
    if isinstance(spans, Skipped):
        return spans
    values, controls = _compared(known, spans, touches, page)
    if len(controls) < LEAST_PAGES:
        was, became = float(values.loc[page, "before"]), float(values.loc[page, "after"])
        return Skipped(
            f"It went from {told(vital, was)} to {told(vital, became)}, but only {len(controls)} untouched pages"
            f" have field data of both times; {LEAST_PAGES} are needed to tell its own change from everybody's.",
            final=True,
        )
    if _is_under_way(values.loc[page], controls, vital):
        return Skipped(
            "It was changing in the weeks before the repair: its 28 days mix two levels, so nobody can say where"
            " it would have gone.",
            final=True,
        )
    touched = _days(touches["date"])[(touches["unit"] == page).to_numpy()]
    others = (touched >= spans["before"][0]) & (touched <= spans["after"][1]) & (touched != day)
    return _against(values.loc[page], controls, vital, spans["after"][0], bool(others.any()))


def _spans(known: pd.DataFrame, page: str, day: np.datetime64) -> Spans | Skipped:
    """First and last day of the periods to compare: the last before the repair and the first after it, that of a
    fortnight before, and the one that led there, where it is known."""
    own = known[known["unit"] == page]
    starts, ends = _days(own["period_start"]), _days(own["period_end"])
    if not ((ends < day) & (ends >= day - _NEAR)).any():
        return Skipped("Chrome has no field data of its 28 days before.", final=True)
    if not (starts > day).any():
        return Skipped("28 days of field data that begin after it are not published yet.")
    if starts[starts > day].min() > day + _NEAR:
        return Skipped("Chrome has no field data of its 28 days after.", final=True)
    before = _span(own, "period_end", ends[ends < day].max())
    weeks_ago = before[1] - _FORTNIGHT
    if not (np.abs(ends - weeks_ago) < _WEEK).any():
        return Skipped("Chrome has too little field data of the weeks before it.", final=True)
    after = _span(own, "period_start", starts[starts > day].min())
    longer_ago = ends[ends < before[0]]
    earlier = {"earlier": _span(own, "period_end", longer_ago.max())} if longer_ago.size else {}
    nearest = ends[np.argmin(np.abs(ends - weeks_ago))]
    return {**earlier, "fortnight": _span(own, "period_end", nearest), "before": before, "after": after}


def _compared(
    known: pd.DataFrame, spans: Spans, touches: pd.DataFrame, page: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values of all pages that have them, and those of untouched ones; without the period that led there
    where it would leave too few."""
    values = _values(known, spans)
    controls = _untouched(values, spans, touches, page)
    if len(controls) >= LEAST_PAGES or "earlier" not in spans:
        return values, controls
    values = _values(known, {name: span for name, span in spans.items() if name != "earlier"})
    return values, _untouched(values, spans, touches, page)


def _is_under_way(own: pd.Series, controls: pd.DataFrame, vital: str) -> bool:
    """Whether the page moved in the last fortnight unlike the others: a step before the repair is a ramp of 28
    days too, and what is left of it would be taken for the repair's doing."""
    least = _RESOLUTION[vital]
    moves = np.log(controls["before"].to_numpy(float) + least) - np.log(
        controls["fortnight"].to_numpy(float) + least
    )
    move = float(np.log(own["before"] + least) - np.log(own["fortnight"] + least))
    usual = float(np.median(moves))
    spread = 1.4826 * float(np.median(np.abs(moves - usual)))
    # Rounded values move by one step or not at all.
    step = least / (float(own["before"]) + least)
    return abs(move - usual) > _USUAL * max(spread, step)


def _span(known: pd.DataFrame, column: str, day: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    """First and last day of the period that is known by one of them."""
    one = known[_days(known[column]) == day].iloc[:1]
    return _days(one["period_start"])[0], _days(one["period_end"])[0]


def _values(known: pd.DataFrame, spans: Spans) -> pd.DataFrame:
    """p75 by page, a column a period; pages that have all of them."""
    import pandas as pd

    ends = _days(known["period_end"])
    columns = [known[ends == end].drop_duplicates("unit").set_index("unit")["p75"] for _, end in spans.values()]
    return pd.concat(columns, axis=1, keys=list(spans), join="inner")


def _untouched(
    values: pd.DataFrame,
    spans: Spans,
    touches: pd.DataFrame,
    page: str,
) -> pd.DataFrame:
    """Those to which nothing was done from the first day of the period before to the last one after."""
    when = _days(touches["date"])
    inside = (when >= spans["before"][0]) & (when <= spans["after"][1])
    return values[np.logical_not(values.index.isin({*touches["unit"][inside], page}))]


def told(vital: str, value: float) -> str:
    """A value of a vital as people write it."""
    return f"{value:.2f}" if vital == "cls" else f"{value:,.0f} ms"


def _against(
    own: pd.Series, controls: pd.DataFrame, vital: str, first: np.datetime64, overlapping: bool
) -> Effect:
    """The value after beside what untouched pages foresee, by the value before alone and by the step to it too.

    A step that was noise goes back as those of the others did; one that was real stays. Nobody can tell which it
    was, so the interval holds what both foresee.
    """
    foreseen = np.array([_foreseen(own, controls, vital, step) for step in (False, "earlier" in controls)])
    middle, low, high = float(foreseen[:, 0].mean()), float(foreseen[:, 1].min()), float(foreseen[:, 2].max())
    became = float(own["after"])
    return Effect(
        observed=became,
        counterfactual=middle,
        effect=became - middle,
        low=became - high,
        high=became - low,
        baseline=float(own["before"]),
        controls=len(controls),
        # Of the revenue only: percentiles are never added up.
        shared_error=0.0,
        is_overlapping=overlapping,
        first=first,
        actual=np.zeros(0),
        expected=np.zeros(0),
    )


def _foreseen(own: pd.Series, controls: pd.DataFrame, vital: str, with_step: bool) -> tuple[float, float, float]:
    """The value after that the untouched pages foresee, and its 95 % interval."""
    least = _RESOLUTION[vital]
    after = np.log(controls["after"].to_numpy(float) + least)
    before, x = _before(controls, least, with_step)
    own_before, own_x = _before(own.to_frame().T, least, with_step)
    rise, errors, own_share = _fit(x, after - before, own_x[0])
    expected = float(own_before[0]) + rise
    below, above = (far * np.sqrt(1 + own_share) for far in reach(errors, _LEVEL))
    middle, low, high = (float(np.exp(expected + far) - least) for far in (0.0, -below, above))
    return middle, low, high


def _before(values: pd.DataFrame, least: float, with_step: bool) -> tuple[FloatArray, FloatArray]:
    """The logarithm before, and page × 2 or 3 of what may foretell the change: a constant, the level, and the step
    that led to it."""
    before = np.log(values["before"].to_numpy(float) + least)
    columns = [np.ones_like(before), before]
    if with_step:
        columns.append(before - np.log(values["earlier"].to_numpy(float) + least))
    return before, np.column_stack(columns)


def _fit(x: FloatArray, change: FloatArray, own: FloatArray) -> tuple[float, FloatArray, float]:
    """Change on ``x``, all but the constant drawn a little towards 0: its value at ``own``, each error left out of
    its own fit in units of a new one's, and the share of the fit in the variance at ``own``."""
    middle, centred = x.mean(axis=0), x[:, 1:] - x[:, 1:].mean(axis=0)
    normal = centred.T @ centred
    inverse = np.linalg.inv(normal + np.diag(_RIDGE / len(x) * np.diag(normal) + 1e-12))
    slopes = inverse @ (centred.T @ (change - change.mean()))
    leverage = 1 / len(x) + np.einsum("ij,jk,ik->i", centred, inverse, centred)
    left_out = (change - change.mean() - centred @ slopes) / (1 - leverage)
    away = own[1:] - middle[1:]
    errors = left_out / np.sqrt(1 + leverage / (1 - leverage))
    return float(change.mean() + away @ slopes), errors, float(1 / len(x) + away @ inverse @ away)


def _days(column: pd.Series) -> np.ndarray:
    import pandas as pd

    days: np.ndarray = pd.to_datetime(column).to_numpy().astype("datetime64[D]")
    return days
