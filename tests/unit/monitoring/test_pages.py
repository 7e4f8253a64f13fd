"""scan_pages: pages that got worse for a reason of their own, with the right reason, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.monitoring import scan_pages

DAYS = 120


def site(seed: int, pages: int = 150, worse: int = 12) -> tuple[pd.DataFrame, dict[str, str]]:
    """A site whose demand falls by a fifth everywhere in the last 28 days, and ``worse`` pages by more."""
    rng = np.random.default_rng(seed)
    demand = np.outer(3000 / np.arange(1, pages + 1) ** 0.7, np.where(np.arange(DAYS) < DAYS - 28, 1.0, 0.8))
    demand = demand * np.exp(0.1 * rng.normal(size=demand.shape))
    position = rng.uniform(1.5, 9, (pages, 1)) + rng.normal(0, 0.15, demand.shape)
    factor = np.exp(rng.normal(0, 0.15, (pages, 1))) * np.ones(demand.shape)
    truth = {}
    for number, page in enumerate(rng.permutation(100)[:worse]):
        cause = ("position", "ctr", "demand")[number % 3]
        truth[f"/p{page}"] = cause
        if cause == "position":
            position[page, -28:] += 3
        elif cause == "ctr":
            factor[page, -28:] *= 0.55
        else:
            demand[page, -28:] *= 0.5
    impressions = rng.poisson(demand)
    clicks = rng.binomial(impressions, np.clip(0.3 / np.maximum(position, 1) * factor, 0, 1))
    return (
        pd.DataFrame(
            {
                "page": np.repeat([f"/p{page}" for page in range(pages)], DAYS),
                "date": np.tile(pd.date_range("2026-07-23", periods=DAYS), pages),
                "clicks": clicks.ravel(),
                "impressions": impressions.ravel(),
                "position": np.maximum(position, 1).ravel(),
            }
        ),
        truth,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_worse_pages_are_found_with_their_cause(seed: int) -> None:
    frame, truth = site(seed)
    found = scan_pages(frame)
    right = sum(truth.get(row["page"]) == row["cause"] for row in found.to_dict("records"))
    assert right / len(found) >= 0.9
    assert right / len(truth) >= 0.85
    assert (found["size"] < 0).all()
    assert found["page"].is_unique


def test_a_season_that_hits_everyone_accuses_nobody() -> None:
    assert sum(len(scan_pages(site(20 + seed, worse=0)[0])) for seed in range(4)) <= 1


def test_a_page_that_vanished_is_a_loss_of_demand() -> None:
    frame, _ = site(5, worse=0)
    newest = frame["date"] > frame["date"].max() - pd.Timedelta(days=28)
    gone = frame[~((frame["page"] == "/p3") & newest)]
    found = scan_pages(gone)
    assert found["page"].tolist()[0] == "/p3"
    assert found["cause"].tolist()[0] == "demand"


def test_the_frame_is_left_unchanged_and_order_does_not_matter() -> None:
    frame, _ = site(6)
    before = frame.copy(deep=True)
    first = scan_pages(frame)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(scan_pages(frame.sample(frac=1, random_state=1)), first)


def test_no_rows_and_thin_pages_give_an_empty_frame() -> None:
    frame, _ = site(7)
    assert scan_pages(frame.iloc[:0]).columns.tolist() == ["page", "cause", "size", "p_value"]
    assert scan_pages(frame.assign(clicks=0, impressions=1)).empty


def test_days_before_search_data_were_collected_are_not_taken_for_zeros() -> None:
    """Orders reach back further than search data do: their days are no wobble of the page."""
    frame, _ = site(8)
    earlier = frame.assign(date=frame["date"] - pd.Timedelta(days=400), clicks=0, impressions=0, position=np.nan)
    pd.testing.assert_frame_equal(scan_pages(pd.concat([earlier, frame])), scan_pages(frame))


def test_a_frame_without_a_column_is_refused_with_what_is_missing_and_needed() -> None:
    frame, _ = site(9, pages=3, worse=0)
    needed = "needed: page, date, clicks, impressions, position"
    for short in (frame, frame.iloc[:0]):
        with pytest.raises(ValueError, match=f"no column date, position; {needed}"):
            scan_pages(short.drop(columns=["position", "date"]))


@pytest.mark.parametrize("wrong", [-1.0, np.inf])
@pytest.mark.parametrize("column", ["clicks", "impressions"])
def test_counts_that_cannot_be_are_refused_and_not_taken_for_a_quiet_site(column: str, wrong: float) -> None:
    frame, _ = site(1, pages=5, worse=0)
    with pytest.raises(ValueError, match=f"{column} of 1 of 600 rows are below 0 or infinite"):
        scan_pages(frame.assign(**{column: frame[column].astype(float).where(frame.index > 0, wrong)}))
