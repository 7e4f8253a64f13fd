"""detect_fleet: what changed on single pages, apart from what the whole site did."""

from __future__ import annotations

import numpy as np
import pandas as pd

from growth_pipelines.bench.statistics.made_up_sites import STYLES, made_up_site
from growth_pipelines.monitoring import detect_fleet


def test_pages_that_got_worse_are_found_and_the_sites_fall_accuses_none() -> None:
    found, true, right = 0, 0, 0
    for style in STYLES[:2]:
        site = made_up_site(style, 1, pages=150, worse=12)
        table = detect_fleet(site.frame)
        pages = table[(table["scope"] == "page") & (table["metric"] == "clicks")]
        found += pages["page"].nunique()
        right += pages["page"].drop_duplicates().isin(list(site.truth)).sum()
        true += len(site.truth)
        start = site.frame["date"].max() - pd.Timedelta(days=27)
        hits = pages[pages["page"].isin(list(site.truth))]
        assert ((hits["first"] <= start) & (start <= hits["last"])).mean() > 0.7
        assert (hits["direction"] == "down").mean() > 0.9
        of_the_site = table[(table["scope"] == "site") & (table["metric"] == "impressions")]
        assert of_the_site["page"].isna().all()
        assert (of_the_site["share"] + 0.2).abs().min() < 0.06
    assert right / found >= 0.9
    assert right / true >= 0.85


def test_a_fleet_in_which_only_the_site_moved_accuses_nobody() -> None:
    alarms = 0
    for seed in range(3):
        table = detect_fleet(made_up_site("heavy tail", 50 + seed, pages=120, worse=0).frame)
        alarms += (table["scope"] == "page").sum()
    assert alarms <= 1


def test_order_of_rows_does_not_matter_and_the_frame_is_left_alone() -> None:
    frame = made_up_site("even", 3, pages=40, worse=3).frame
    before = frame.copy(deep=True)
    table = detect_fleet(frame)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(detect_fleet(frame.sample(frac=1, random_state=1)), table)
    assert (table["low"] <= table["size"]).all()
    assert (table["size"] <= table["high"]).all()
    assert (table["q_value"] <= 0.05).all()


def test_no_rows_thin_pages_and_missing_positions() -> None:
    frame = made_up_site("even", 4, pages=25, worse=0).frame
    assert detect_fleet(frame.iloc[:0]).empty
    assert detect_fleet(frame.assign(clicks=0, impressions=0, position=np.nan)).empty
    assert detect_fleet(frame.head(10)).empty
