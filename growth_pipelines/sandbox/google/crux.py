"""The Chrome UX Report API: the newest record, and the weekly history of overlapping 28-day periods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.google.errors import GoogleError, invalid
from growth_pipelines.sandbox.vitals import METRICS, THRESHOLDS, FieldData, FieldWindow, last_saturday

DEFAULT_PERIODS = 25
MAX_PERIODS = 40
CLS = "cumulative_layout_shift"


class Crux:
    """``records:queryRecord`` and ``records:queryHistoryRecord``."""

    def __init__(self, shop: Any, field_data: FieldData) -> None:
        self.shop = shop
        self.field_data = field_data

    def record(self, body: Mapping[str, Any]) -> dict[str, Any]:
        page, key = self._target(body)
        end = self.field_data.newest(self.shop.today)
        metrics = {}
        for metric in _metrics(body):
            window = self._window(page, key, metric, end)
            metrics[metric] = {
                "histogram": [
                    bin_ | {"density": round(share, 4)}
                    for bin_, share in zip(_bins(metric), _shares(window), strict=True)
                ],
                "percentiles": {"p75": _p75(metric, window.p75)},
            }
        return {"record": {"key": key, "metrics": metrics, "collectionPeriod": _period(end)}}

    def history(self, body: Mapping[str, Any]) -> dict[str, Any]:
        page, key = self._target(body)
        count = int(body.get("collectionPeriodCount", DEFAULT_PERIODS))
        if not 1 <= count <= MAX_PERIODS:
            raise invalid(f"collectionPeriodCount must be between 1 and {MAX_PERIODS}.")
        last = last_saturday(self.field_data.newest(self.shop.today))
        ends = [last - timedelta(days=7 * i) for i in range(count - 1, -1, -1)]
        metrics = {}
        for metric in _metrics(body):
            windows = [self._window(page, key, metric, end) for end in ends]
            shares = list(zip(*(_shares(window) for window in windows), strict=True))
            metrics[metric] = {
                "histogramTimeseries": [
                    bin_ | {"densities": [round(share, 4) for share in series]}
                    for bin_, series in zip(_bins(metric), shares, strict=True)
                ],
                "percentilesTimeseries": {"p75s": [_p75(metric, window.p75) for window in windows]},
            }
        return {"record": {"key": key, "metrics": metrics, "collectionPeriods": [_period(end) for end in ends]}}

    def _target(self, body: Mapping[str, Any]) -> tuple[int | None, dict[str, Any]]:
        """The page (None = origin) and the record's key. 404 where CrUX has too few visits, as for strangers."""
        url, origin = body.get("url"), body.get("origin")
        if (url is None) == (origin is None):
            raise invalid("Exactly one of url or origin must be set.")
        form = body.get("formFactor")
        if form not in (None, "PHONE", "DESKTOP", "TABLET"):
            raise invalid(f"Invalid value at 'form_factor': {form}.")
        key: dict[str, Any] = {"formFactor": form} if form else {}
        if origin is not None:
            if str(origin).rstrip("/") != options.PRIMARY_URL or form == "TABLET":
                raise _not_found()
            return None, key | {"origin": options.PRIMARY_URL}
        page = self.field_data.page_at(str(url)) if str(url).startswith(options.PRIMARY_URL) else None
        if page is None or not self.field_data.covered(page) or form == "TABLET":
            raise _not_found()
        return page, key | {"url": str(url)}

    def _window(self, page: int | None, key: Mapping[str, Any], metric: str, end: date) -> FieldWindow:
        form = "desktop" if key.get("formFactor") == "DESKTOP" else "phone"
        return self.field_data.window(page, form, metric, end)


def _not_found() -> GoogleError:
    return GoogleError(404, "chrome ux report data not found", "NOT_FOUND", "notFound")


def _metrics(body: Mapping[str, Any]) -> list[str]:
    wanted = body.get("metrics") or list(METRICS)
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise invalid(f"Invalid metric: {unknown[0]}.")
    return list(wanted)


def _shares(window: FieldWindow) -> tuple[float, float, float]:
    return window.good, window.needs_improvement, window.poor


def _bins(metric: str) -> list[dict[str, Any]]:
    good, poor = THRESHOLDS[metric]
    low, high = (f"{good:.2f}", f"{poor:.2f}") if metric == CLS else (int(good), int(poor))
    zero = "0.00" if metric == CLS else 0
    return [{"start": zero, "end": low}, {"start": low, "end": high}, {"start": high}]


def _p75(metric: str, value: float) -> Any:
    """CLS comes as text with two decimals, everything else as a whole number of milliseconds."""
    return f"{value:.2f}" if metric == CLS else round(value)


def _period(end: date) -> dict[str, Any]:
    def parts(day: date) -> dict[str, int]:
        return {"year": day.year, "month": day.month, "day": day.day}

    return {"firstDate": parts(end - timedelta(days=27)), "lastDate": parts(end)}
