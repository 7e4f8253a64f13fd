"""Regressions in overlapping 28-day p75s: found and dated; overlap alone is no regression."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.monitoring.vitals import find_regressions, rating

END = date(2026, 11, 21)
BASE = {"lcp": 1950.0, "inp": 140.0, "cls": 0.05}
FACTOR = {"lcp": 1.65, "inp": 2.3, "cls": 3.4}
Key = tuple[str, str, str]


def fleet(
    seed: int, pages: int = 60, regressed: int = 6, noise: float = 0.035, weeks: int = 25
) -> tuple[pd.DataFrame, dict[Key, date]]:
    """Weekly p75s whose noise is a four-week moving average, with regressions that began 3–10 weeks ago."""
    rng = np.random.default_rng(seed)
    ends = [END - timedelta(days=7 * (weeks - 1 - week)) for week in range(weeks)]
    truth: dict[Key, date] = {}
    parts = []
    for page in range(pages):
        for device in ("phone", "desktop"):
            for number, (metric, base) in enumerate(BASE.items()):
                log = np.convolve(rng.normal(0, noise, weeks + 3), np.ones(4) / 4, "valid") + rng.uniform(
                    -0.1, 0.08
                )
                if page < regressed and device == "phone" and number == page % 3:
                    ago = int(rng.integers(3, 11))
                    log += np.log(FACTOR[metric]) * np.clip((np.arange(weeks) - (weeks - 1 - ago)) / 4, 0, 1)
                    truth[f"/p{page}", device, metric] = END - timedelta(days=7 * ago)
                p75 = (base * np.exp(log)).round(2 if metric == "cls" else 0)
                parts.append(
                    pd.DataFrame(
                        {
                            "page_key": f"/p{page}",
                            "form_factor": device,
                            "metric": metric,
                            "period_start": [end - timedelta(days=27) for end in ends],
                            "period_end": ends,
                            "p75": p75,
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True), truth


def _keys(found: pd.DataFrame) -> set[Key]:
    return set(zip(found["page_key"], found["form_factor"], found["metric"], strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_regressions_are_found_and_dated_within_a_week(seed: int) -> None:
    vitals, truth = fleet(seed)
    found = find_regressions(vitals)
    assert _keys(found) == set(truth)
    for row in found.to_dict("records"):
        began = truth[row["page_key"], row["form_factor"], row["metric"]]
        assert abs((row["since"] - began).days) <= 8
        assert row["after"] > row["before"]
        if (END - began).days >= 28:  # until then a window holds days from before
            assert row["size"] == pytest.approx(FACTOR[row["metric"]] - 1, rel=0.35)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
def test_a_calm_fleet_gives_no_alarm_however_wide_its_noise(noise: float) -> None:
    """Twelve weekly looks at 120 pages × devices × metrics: at most one false alarm."""
    vitals, _ = fleet(9, pages=40, regressed=0, noise=noise, weeks=36)
    alarms = [
        len(
            find_regressions(
                vitals[pd.to_datetime(vitals["period_end"]) <= pd.Timestamp(END - timedelta(days=7 * w))]
            )
        )
        for w in range(12)
    ]
    assert sum(alarms) <= 1


def test_what_stays_good_or_has_recovered_is_no_regression() -> None:
    vitals, truth = fleet(4, regressed=1)
    page, device, metric = next(iter(truth))
    mine = (vitals["page_key"] == page) & (vitals["form_factor"] == device) & (vitals["metric"] == metric)
    better = vitals.assign(p75=vitals["p75"].where(~mine, vitals["p75"] * 0.5))
    assert find_regressions(better).empty
    mended = vitals.copy()
    mended.loc[mine & (pd.to_datetime(vitals["period_end"]) > pd.Timestamp("2026-11-10")), "p75"] = 1950.0
    assert find_regressions(mended).empty


def test_severity_tells_poor_from_middling() -> None:
    vitals, _ = fleet(5, regressed=3)
    found = find_regressions(vitals).set_index("metric")
    assert found.loc["lcp", "severity"] == "high"
    worse = vitals.assign(p75=vitals["p75"].where(vitals["p75"] < 2700, vitals["p75"] * 1.5))
    assert find_regressions(worse).set_index("metric").loc["lcp", "severity"] == "critical"


def test_thin_weeks_and_the_origin_are_skipped_not_stumbled_over() -> None:
    vitals, truth = fleet(6)
    holes = vitals.assign(p75=vitals["p75"].mask(np.arange(len(vitals)) % 7 == 3))
    origin = vitals[vitals["page_key"] == "/p0"].assign(page_key=None)
    found = find_regressions(pd.concat([holes, origin], ignore_index=True))
    assert len(_keys(found) & set(truth)) >= 5
    assert _keys(found) <= set(truth)
    assert find_regressions(vitals.iloc[:0]).empty
    assert find_regressions(vitals[vitals["period_end"] == END]).empty


@pytest.mark.parametrize(
    ("metric", "p75", "expected"),
    [
        ("lcp", 2500, "good"),
        ("lcp", 2501, "needs-improvement"),
        ("lcp", 4001, "poor"),
        ("inp", 200, "good"),
        ("inp", 501, "poor"),
        ("cls", 0.1, "good"),
        ("cls", 0.26, "poor"),
    ],
)
def test_ratings_are_googles(metric: str, p75: float, expected: str) -> None:
    assert rating(metric, p75) == expected
