"""All executed actions read against the same panels: one reading an action, metric and horizon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from growth_pipelines.outcomes.classes import OutcomeClass, classify
from growth_pipelines.outcomes.effect import Effect, Skipped, measure
from growth_pipelines.outcomes.looks import HORIZONS
from growth_pipelines.outcomes.panel import Panel, panel_of
from growth_pipelines.outcomes.subjects import NotMeasurable, Subject, subject_of
from growth_pipelines.outcomes.vitals import FORM_FACTORS, read_vital

if TYPE_CHECKING:
    import pandas as pd

REVENUE = "revenue"
_DAYS = 28


@dataclass(frozen=True)
class Executed:
    """An executed action. ``path`` is its page's; ``delta`` and ``revenue`` are promised for 28 days, the latter
    in major units; ``vital``: the web vital (lcp, inp, cls) that it is to repair, if any; days are the shop's."""

    action_id: str
    kind: str
    subtype: str
    target_type: str
    gid: str
    path: str
    executed_on: date
    rolled_back_on: date | None
    delta: float
    revenue: float
    vital: str = ""

    @property
    def slug(self) -> str:
        """kind-target-date, by which reports name what it brought."""
        return f"{self.kind}-{self.path.strip('/').replace('/', '-') or 'home'}-{self.executed_on:%Y%m%d}"


@dataclass(frozen=True)
class Tested:
    """A page that a split test changed, and the shop's day on which it did: by its start, its end, a promotion."""

    path: str
    day: date


@dataclass(frozen=True)
class Reading:
    """What one action did to one metric by one horizon, or why that is not known."""

    action: Executed
    metric: str
    horizon: int
    is_promised: bool
    estimate: float | None
    result: Effect | Skipped

    @property
    def outcome_class(self) -> OutcomeClass | None:
        if isinstance(self.result, Skipped):
            return None
        return classify(self.result.effect, self.result.low, self.result.high, self.estimate)


def read_outcomes(
    due: Iterable[Executed],
    history: Sequence[Executed],
    frames: Mapping[str, pd.DataFrame],
    minor_units: int = 100,
    tested: Sequence[Tested] = (),
) -> list[Reading]:
    """The readings of ``due`` actions. The days of ``history``, all executed ones, and those on which a split test
    changed a page (``tested``) make a resource a touched one.

    ``frames``: outcome_pages and outcome_products (unit, date and a column a metric; net_cents in minor units),
    outcome_units (family, unit, template, gid) and complete_days (last_day).
    """
    panels = _Panels(history, tested, frames, minor_units)
    return [reading for action in due for reading in _readings(action, panels)]


def read_vitals(
    due: Iterable[Executed],
    history: Sequence[Executed],
    frames: Mapping[str, pd.DataFrame],
    tested: Sequence[Tested] = (),
) -> list[Reading]:
    """The readings of the vital that each of ``due`` was to repair, by kind of device, of 28 days of field data.

    ``frames``: vitals (page_key, form_factor, metric, period_start, period_end and p75, a row a page's 28 days)
    and outcome_units. Nothing was promised of the value itself, so there is neither an estimate nor a class.
    """
    panels = _Panels(history, tested, frames, 1)
    vitals = frames["vitals"]
    periods = vitals[vitals["page_key"].notna() & vitals["p75"].notna()].rename(columns={"page_key": "unit"})
    touches = panels.touches("page")
    readings = []
    for action in due:
        unit = panels.unit("page", action)
        if unit is None or isinstance(subject_of(action.kind, action.subtype, action.target_type), NotMeasurable):
            continue
        for device in FORM_FACTORS:
            found = read_vital(periods, unit, action.vital, device, action.executed_on, touches)
            readings.append(Reading(action, f"{action.vital}_{device}", _DAYS, False, None, found))
    return readings


def _readings(action: Executed, panels: _Panels) -> list[Reading]:
    subject = subject_of(action.kind, action.subtype, action.target_type)
    if isinstance(subject, NotMeasurable):
        return [Reading(action, REVENUE, _DAYS, True, action.revenue, Skipped(subject.because, final=True))]
    promised = ((subject.metric, True, action.delta), (REVENUE, False, action.revenue))
    return [
        Reading(
            action,
            metric,
            horizon,
            is_promised,
            estimate * horizon / _DAYS,
            _result(action, subject, metric, horizon, panels),
        )
        for metric, is_promised, estimate in promised
        for horizon in HORIZONS
    ]


def _result(action: Executed, subject: Subject, metric: str, horizon: int, panels: _Panels) -> Effect | Skipped:
    undone = action.rolled_back_on
    if undone is not None and (undone - action.executed_on).days <= horizon:
        days = (undone - action.executed_on).days
        return Skipped(f"It was rolled back after {days} day{'' if days == 1 else 's'}.", final=True)
    unit = panels.unit(subject.of, action)
    if unit is None:
        return Skipped(f"The {subject.of} is not among those that are read.", final=True)
    panel = panels.of(subject.of, metric)
    if panel is None:
        return Skipped("No day is complete yet.")
    return measure(panel, unit, action.executed_on, horizon)


class _Panels:
    """The panels of one reading, each made once."""

    def __init__(
        self,
        history: Sequence[Executed],
        tested: Sequence[Tested],
        frames: Mapping[str, pd.DataFrame],
        minor_units: int,
    ) -> None:
        self._history, self._tested, self._frames, self._minor_units = history, tested, frames, minor_units
        units = frames["outcome_units"]
        self._units = {family: units[units["family"] == family] for family in ("page", "product")}
        self._by_gid = {
            family: dict(zip(known["gid"], known["unit"], strict=True)) for family, known in self._units.items()
        }
        self._gids = dict(zip(self._units["page"]["unit"], self._units["page"]["gid"], strict=True))
        self._known = {family: set(known["unit"]) for family, known in self._units.items()}
        self._made: dict[tuple[str, str], Panel | None] = {}

    def unit(self, family: str, action: Executed) -> str | None:
        found = self._by_gid[family].get(action.gid) if action.gid else None
        if found is None and family == "page" and action.path in self._known["page"]:
            return action.path
        return str(found) if found is not None else None

    def _at(self, family: str, path: str) -> str | None:
        """The page of this address, or the product that it shows."""
        return path if family == "page" else self._gids.get(path)

    def of(self, family: str, metric: str) -> Panel | None:
        key = (family, metric)
        if key not in self._made:
            self._made[key] = self._make(family, metric)
        return self._made[key]

    def _make(self, family: str, metric: str) -> Panel | None:
        import pandas as pd

        daily, last = self._frames[f"outcome_{family}s"], self._frames["complete_days"]["last_day"].iloc[0]
        if not len(daily) or pd.isna(last):
            return None
        if metric == REVENUE:
            daily = daily.assign(revenue=daily["net_cents"] / self._minor_units)
        return panel_of(daily, self._units[family], self.touches(family), metric, last)

    def touches(self, family: str) -> pd.DataFrame:
        import pandas as pd

        days = [
            (self.unit(family, one), day)
            for one in self._history
            for day in (one.executed_on, one.rolled_back_on)
            if day is not None
        ]
        days += [(self._at(family, one.path), one.day) for one in self._tested]
        return pd.DataFrame(days, columns=["unit", "date"])
