"""What a repair did to the vital itself: windows that share no day with it, beside pages nothing was done to."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.bench.statistics.vital_changes import vital_figures
from growth_pipelines.outcomes import Effect, Executed, Skipped, read_vitals
from growth_pipelines.outcomes.vitals import LEAST_PAGES, read_vital

FIRST, DAYS, PAGES = date(2026, 1, 4), 160, 40
REPAIRED = FIRST + timedelta(days=84)
NOBODY = pd.DataFrame({"unit": ["/p/0"], "date": [REPAIRED]})


def history(step: float = 1.0, pages: int = PAGES, last: int = DAYS, device: str = "phone") -> pd.DataFrame:
    """p75 of LCP of 28 days, new each week; page 0 changes by ``step`` the day after the repair."""
    rng = np.random.default_rng(4)
    daily = np.exp(rng.normal(np.log(3_000), 0.02, (pages, DAYS)))
    daily[0, 85:] *= step
    ends = range(27, last, 7)
    return pd.DataFrame(
        [
            {
                "page_key": f"/p/{page}",
                "form_factor": device,
                "metric": "lcp",
                "period_start": FIRST + timedelta(days=end - 27),
                "period_end": FIRST + timedelta(days=end),
                "p75": round(float(np.median(daily[page, end - 27 : end + 1]))),
            }
            for page in range(pages)
            for end in ends
        ]
    )


def read(vitals: pd.DataFrame, touches: pd.DataFrame = NOBODY) -> Effect | Skipped:
    periods = vitals.rename(columns={"page_key": "unit"})
    return read_vital(periods, "/p/0", "lcp", "phone", REPAIRED, touches)


def known(found: Effect | Skipped) -> Effect:
    assert isinstance(found, Effect), found
    return found


def reason(found: Effect | Skipped) -> tuple[str, bool]:
    assert isinstance(found, Skipped), found
    return found.reason, found.final


def test_the_whole_step_is_told_and_not_a_part_of_its_ramp() -> None:
    found = known(read(history(step=0.7)))
    assert found.first > np.datetime64(REPAIRED)
    assert found.first <= np.datetime64(REPAIRED + timedelta(days=7))
    assert found.effect == pytest.approx(-0.3 * found.baseline, rel=0.1)
    assert found.low <= -0.3 * found.baseline <= found.high < 0
    assert found.controls == PAGES - 1


def test_what_all_pages_did_is_no_effect_of_the_repair() -> None:
    vitals = history()
    vitals.loc[pd.to_datetime(vitals["period_start"]) > pd.Timestamp(REPAIRED), "p75"] *= 2
    found = known(read(vitals))
    assert found.observed > 1.9 * found.baseline
    assert found.low < 0 < found.high


def test_it_waits_until_28_days_that_begin_after_the_repair_are_published() -> None:
    published = 84 + 28
    assert reason(read(history(0.7, last=published))) == (
        "28 days of field data that begin after it are not published yet.",
        False,
    )
    known(read(history(0.7, last=published + 7)))


def test_pages_that_were_touched_too_are_no_measure_and_too_few_are_said() -> None:
    touches = pd.DataFrame({"unit": [f"/p/{n}" for n in range(PAGES)], "date": [REPAIRED] * PAGES})
    some = touches.assign(date=[REPAIRED, *[REPAIRED + timedelta(days=9)] * 10, *[FIRST] * (PAGES - 11)])
    assert known(read(history(0.7), some)).controls == PAGES - 11
    said, final = reason(read(history(0.7), touches))
    assert "It went from 2,997 ms to 2,107 ms" in said
    assert f"only 0 untouched pages have field data of both times; {LEAST_PAGES} are needed" in said
    assert final


def test_a_page_without_field_data_near_the_repair_is_not_measured() -> None:
    vitals = history(0.7)
    ends = pd.to_datetime(vitals["period_end"])
    own = vitals["page_key"] == "/p/0"
    gap = own & (ends > pd.Timestamp(REPAIRED - timedelta(days=20))) & (ends < pd.Timestamp(REPAIRED))
    assert reason(read(vitals[~gap]))[1]
    late = own & (
        pd.to_datetime(vitals["period_start"]).between(*map(pd.Timestamp, (REPAIRED, FIRST + timedelta(100))))
    )
    assert reason(read(vitals[~late])) == ("Chrome has no field data of its 28 days after.", True)


def test_another_action_on_the_page_is_said() -> None:
    again = pd.concat([NOBODY, NOBODY.assign(date=REPAIRED + timedelta(days=5))])
    assert known(read(history(0.7), again)).is_overlapping
    assert not known(read(history(0.7))).is_overlapping


def test_a_repair_is_read_on_each_device_and_has_no_class() -> None:
    vitals = pd.concat([history(0.7), history(1.0, device="desktop")])
    units = pd.DataFrame(
        {"family": "page", "unit": [f"/p/{n}" for n in range(PAGES)], "template": "", "gid": None}
    )
    done = Executed("a", "cwv_repair", "image", "product", "", "/p/0", REPAIRED, None, 20.0, 10.0, "lcp")
    found = read_vitals([done], [done], {"vitals": vitals, "outcome_units": units})
    assert {(one.metric, one.horizon, one.is_promised, one.outcome_class) for one in found} == {
        ("lcp_phone", 28, False, None),
        ("lcp_desktop", 28, False, None),
    }
    phone, desktop = (known(one.result) for one in found)
    assert phone.high < 0
    assert desktop.low < 0 < desktop.high
    theme = Executed("a", "cwv_repair", "script", "theme", "", "/p/0", REPAIRED, None, 20.0, 10.0, "lcp")
    assert read_vitals([theme], [theme], {"vitals": vitals, "outcome_units": units}) == []


def test_a_page_that_was_in_the_middle_of_a_step_is_not_measured() -> None:
    """Three weeks after a lasting step a p75 of 28 days has not arrived: the rest would be taken for harm."""
    vitals = history()
    since = REPAIRED - timedelta(days=21)
    ends = pd.to_datetime(vitals["period_end"])
    share = ((ends - pd.Timestamp(since)).dt.days.clip(0, 28) / 28).where(vitals["page_key"] == "/p/0", 0.0)
    said, final = reason(read(vitals.assign(p75=vitals["p75"] * (1 + 0.5 * share))))
    assert "was changing in the weeks before" in said
    assert final


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    """Printed with more runs by `growth bench statistics --section outcomes`, whose limits another test holds."""
    return {one.name: one.value for one in vital_figures(40)}


def test_a_repair_that_works_is_found_on_most_pages_that_did_not_just_change(figures: dict[str, float]) -> None:
    assert figures["vitals, page at random: power, 25% better"] >= 0.7
    assert figures["vitals, page at random: not measured, as it was changing"] <= 0.15
    assert figures["vitals, page had regressed: not measured, as it was changing"] >= 0.2
