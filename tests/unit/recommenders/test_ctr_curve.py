"""The shop's CTR curve: the prior without data, the shop's own with them, never rising, hard to fool."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.recommenders.ctr_curve import KNOTS, PRIOR_CTR, fit_curve

SPECIFIED = [0.316, 0.156, 0.101, 0.074, 0.059, 0.049, 0.041, 0.035, 0.031, 0.027]


def _rows(
    seed: int, pages: int, scale: float, impressions: float = 400, low: float = 0.0, noise: float = 0.1
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    page = np.repeat(np.arange(pages), 10)
    position = rng.uniform(1, 12, page.size)
    factor = np.exp(rng.normal(0, noise, pages)) * np.where(np.arange(pages) < low * pages, 0.4, 1.0)
    shown = rng.poisson(impressions, page.size) + 1
    chance = np.clip(np.interp(position, KNOTS, PRIOR_CTR) * scale * factor[page], 0, 1)
    clicks = rng.binomial(shown, chance)
    return pd.DataFrame(
        {
            "page_key": [f"/p{number}" for number in page],
            "clicks": clicks,
            "impressions": shown,
            "position": position,
        }
    )


def test_without_data_the_curve_is_the_prior() -> None:
    curve = fit_curve(_rows(0, 1, 1.0).iloc[:0])
    assert curve.expected(np.arange(1.0, 11.0)) == pytest.approx(SPECIFIED)
    assert curve.expected(np.array([11.0, 35.0, 90.0])) == pytest.approx([0.02] * 3)
    assert curve.expected(np.array([1.5])) == pytest.approx([(0.316 + 0.156) / 2])


def test_thin_data_hardly_move_the_curve() -> None:
    thin = pd.DataFrame({"page_key": ["/a"], "clicks": [0], "impressions": [10], "position": [1.0]})
    assert fit_curve(thin).expected(np.array([1.0]))[0] > 0.9 * 0.316


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.4])
def test_with_data_it_is_the_shops_own(scale: float) -> None:
    curve = fit_curve(_rows(1, 200, scale))
    assert curve.ctr[:10] == pytest.approx(np.minimum(PRIOR_CTR[:10] * scale, 1), rel=0.08)


def test_it_never_rises_with_position_even_where_the_data_do() -> None:
    rows = _rows(2, 60, 1.0)
    rows.loc[rows["position"] > 7, "clicks"] = rows["impressions"] // 4
    assert (np.diff(fit_curve(rows).ctr) <= 0).all()


def test_one_page_in_six_with_a_bad_snippet_does_not_drag_it_down() -> None:
    honest, spoilt = fit_curve(_rows(3, 150, 1.0)), fit_curve(_rows(3, 150, 1.0, low=1 / 6))
    assert spoilt.ctr[:10] == pytest.approx(honest.ctr[:10], rel=0.05)


def test_one_huge_page_does_not_become_the_curve() -> None:
    rows = _rows(4, 80, 1.0)
    giant = pd.DataFrame(
        {"page_key": ["/giant"], "clicks": [40_000], "impressions": [1_000_000], "position": [2.0]}
    )
    assert fit_curve(pd.concat([rows, giant])).expected(np.array([2.0]))[0] == pytest.approx(0.156, rel=0.1)


@pytest.mark.parametrize("noise", [0.08, 0.25, 0.5])
def test_it_knows_how_much_healthy_pages_differ(noise: float) -> None:
    measured = fit_curve(_rows(5, 250, 1.0, impressions=3000, noise=noise)).dispersion
    assert measured == pytest.approx(noise, rel=0.2)
