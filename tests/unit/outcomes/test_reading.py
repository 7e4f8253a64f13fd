"""Executed actions are read against frames: each by its own page or product, or with the reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.outcomes import Effect, Executed, Reading, Skipped, Tested, read_outcomes

FIRST, DAYS, PAGES = date(2026, 1, 5), 113, 60
EXECUTED_ON = FIRST + timedelta(days=84)


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(3)
    clicks = rng.poisson(rng.uniform(2, 9, PAGES)[:, None], (PAGES, DAYS))
    clicks[0, 85:] *= 3
    units = [f"/p/{number}" for number in range(PAGES)]
    days = pd.date_range(FIRST, periods=DAYS)
    daily = pd.DataFrame({"unit": np.repeat(units, DAYS), "date": np.tile(days, PAGES), "clicks": clicks.ravel()})
    gids = [f"gid://shopify/Product/{number}" for number in range(PAGES)]
    page_units = pd.DataFrame({"family": "page", "unit": units, "template": "product", "gid": gids})
    product_units = page_units.assign(family="product", unit=gids)
    return {
        "outcome_pages": daily.assign(sessions=0, orders=daily["clicks"] // 4, net_cents=daily["clicks"] * 500),
        "outcome_products": daily.assign(unit=np.repeat(gids, DAYS), orders=1, units=1, net_cents=100),
        "outcome_units": pd.concat([page_units, product_units]),
        "complete_days": pd.DataFrame({"last_day": [days[-1]]}),
    }


def action(number: int = 0) -> Executed:
    gid, path = f"gid://shopify/Product/{number}", f"/p/{number}"
    return Executed(f"a{number}", "seo_ctr", "title", "product", gid, path, EXECUTED_ON, None, 100.0, 560.0)


def by_metric(readings: list[Reading]) -> dict[tuple[str, int], Reading]:
    return {(one.metric, one.horizon): one for one in readings}


def test_clicks_and_revenue_are_read_at_each_horizon_beside_what_was_promised(
    frames: dict[str, pd.DataFrame],
) -> None:
    found = by_metric(read_outcomes([action()], [action()], frames))
    assert set(found) == {(metric, days) for metric in ("clicks", "revenue") for days in (7, 14, 28)}
    assert {key: one.estimate for key, one in found.items() if key[1] == 7} == {
        ("clicks", 7): 25.0,
        ("revenue", 7): 140.0,
    }
    clicks, revenue = found["clicks", 28].result, found["revenue", 28].result
    assert isinstance(clicks, Effect)
    assert isinstance(revenue, Effect)
    assert found["clicks", 28].outcome_class == "success"
    assert revenue.effect == pytest.approx(5 * clicks.effect, rel=0.05)
    assert [one.is_promised for one in found.values()].count(True) == 3


def test_one_rolled_back_is_read_no_further_and_says_so(frames: dict[str, pd.DataFrame]) -> None:
    undone = replace(action(), rolled_back_on=EXECUTED_ON + timedelta(days=9))
    found = by_metric(read_outcomes([undone], [undone], frames))
    assert isinstance(found["clicks", 7].result, Effect)
    for days in (14, 28):
        result = found["clicks", days].result
        assert isinstance(result, Skipped)
        assert "rolled back after 9 days" in result.reason


def test_what_cannot_be_measured_says_why_once(frames: dict[str, pd.DataFrame]) -> None:
    [found] = read_outcomes([replace(action(), kind="guided_selling", subtype="cross_sell_rule")], [], frames)
    assert isinstance(found.result, Skipped)
    assert found.result.final
    assert found.outcome_class is None


def test_days_that_are_not_complete_yet_only_wait(frames: dict[str, pd.DataFrame]) -> None:
    early = {**frames, "complete_days": pd.DataFrame({"last_day": [EXECUTED_ON + timedelta(days=7)]})}
    found = by_metric(read_outcomes([action()], [action()], early))
    assert isinstance(found["clicks", 7].result, Effect)
    result = found["clicks", 28].result
    assert isinstance(result, Skipped)
    assert not result.final
    none = {**frames, "complete_days": pd.DataFrame({"last_day": [pd.NaT]})}
    assert all(isinstance(one.result, Skipped) for one in read_outcomes([action()], [], none))


def test_other_actions_are_kept_out_of_the_comparison(frames: dict[str, pd.DataFrame]) -> None:
    others = [action(number) for number in range(1, 20)]
    alone, among = (by_metric(read_outcomes([action()], [action(), *more], frames)) for more in ([], others))
    before, after = alone["clicks", 28].result, among["clicks", 28].result
    assert isinstance(before, Effect)
    assert isinstance(after, Effect)
    assert (before.controls, after.controls) == (PAGES - 1, PAGES - 20)


def test_pages_that_a_split_test_changed_in_these_days_are_compared_with_nothing(
    frames: dict[str, pd.DataFrame],
) -> None:
    began, long_ago = EXECUTED_ON + timedelta(days=3), FIRST - timedelta(days=10)
    under_test = [Tested(f"/p/{number}", began) for number in range(10, 25)]
    throughout = [Tested(f"/p/{number}", long_ago) for number in range(30, 40)]
    tested = [*under_test, *throughout, Tested("/gone", began), Tested("/p/0", began)]
    sold = replace(action(), kind="merch_playbook", subtype="feature")
    for done, metric in ((action(), "clicks"), (action(), "revenue"), (sold, "orders")):
        found = by_metric(read_outcomes([done], [done], frames, tested=tested))[metric, 28].result
        assert isinstance(found, Effect)
        assert found.is_overlapping
        assert found.controls == PAGES - 1 - len(under_test)


def test_an_unknown_page_is_told(frames: dict[str, pd.DataFrame]) -> None:
    gone = replace(action(), gid="", path="/gone")
    assert {type(one.result) for one in read_outcomes([gone], [gone], frames)} == {Skipped}


def test_the_slug_names_kind_target_and_date() -> None:
    assert action().slug == "seo_ctr-p-0-20260330"
    assert replace(action(), path="/").slug == "seo_ctr-home-20260330"
