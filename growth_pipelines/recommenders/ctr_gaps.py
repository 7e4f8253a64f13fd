"""Which pages win credibly fewer clicks than their rank deserves, and how sure that is.

A page's clicks C are compared with E, what the shop's own curve expects at its queries' positions. Healthy
pages differ from the curve by more than chance (a log-normal factor with standard deviation τ, estimated
robustly from the shop itself), so the null model is C ~ Binomial(n, E/n × e^u), u ~ N(0, τ²): noise between
pages does not become a finding, however many clicks a page has. Both triggers of a page enter one
Benjamini–Hochberg correction over the shop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growth_pipelines.monitoring.discovery import adjusted_p_values, excess_dispersion
from growth_pipelines.recommenders.context import SeoCtrConfig
from growth_pipelines.recommenders.ctr_curve import CtrCurve
from growth_pipelines.recommenders.money import WINDOW_DAYS, extra_clicks

FloatArray = NDArray[np.float64]

# Second trigger: impressions up and CTR down by at least this share.
_GROWTH, _FALL = 0.10, 0.10
# A page whose clicks are fine once its single worst query is set aside has a problem on that results page
# (an answer box, a rival's offer), not in its snippet.
_WITHOUT_WORST_QUERY = 0.85
# Underperforming snippets win about half of the expected clicks (log scale): the alternative that the
# posterior probability of a true gap is weighed against, and how many pages are thought to have one.
_GAP_CENTRE, _GAP_SPREAD, _GAP_SHARE = float(np.log(0.55)), 0.35, 0.05
_NODES = np.linspace(-7.0, 7.0, 141)


def windows(last_day: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """(start, end) of the 28 days up to ``last_day`` and of the 28 before, ends included."""
    start = last_day - timedelta(days=WINDOW_DAYS - 1)
    return (start, last_day), (start - timedelta(days=WINDOW_DAYS), start - timedelta(days=1))


def query_totals(search: pd.DataFrame, window: tuple[date, date], brand_terms: Sequence[str] = ()) -> pd.DataFrame:
    """Non-brand clicks, impressions and impression-weighted position per page × query within ``window``.

    Left out are rows marked as brand and queries that hold one of ``brand_terms``.
    """
    day = pd.to_datetime(search["date_day"])
    inside = day.between(pd.Timestamp(window[0]), pd.Timestamp(window[1])) & ~search["is_brand"].astype(bool)
    if brand_terms:
        queries = search["query"].drop_duplicates()
        terms = "|".join(re.escape(term.lower()) for term in brand_terms)
        inside &= ~search["query"].isin(queries[queries.str.lower().str.contains(terms, regex=True)])
    rows = search.loc[inside, ["page_key", "query", "clicks", "impressions", "position"]]
    rows = rows.assign(weighted=rows["position"] * rows["impressions"])
    totals = rows.groupby(["page_key", "query"], sort=True, as_index=False)[
        ["clicks", "impressions", "weighted"]
    ].sum()
    totals = totals[totals["impressions"] > 0]
    return totals.assign(position=totals["weighted"] / totals["impressions"]).drop(columns="weighted")


def page_gaps(current: pd.DataFrame, prior: pd.DataFrame, curve: CtrCurve, config: SeoCtrConfig) -> pd.DataFrame:
    """One row a page with traffic enough to judge, indexed by page_key, and the verdict in ``trigger``.

    Columns: clicks, impressions, position, ctr, target_ctr, expected (clicks), the same with ``prior_``,
    ratio, position_change, ratio_change, p_below, p_fall, q_below, q_fall, probability (that the gap is real),
    extra_clicks with extra_low and extra_high, trigger ("below_expected", "fell" or "" for none) and why_not.
    """
    pages = _page_totals(current, curve).join(_page_totals(prior, curve).add_prefix("prior_"), how="left")
    enough = (pages["impressions"] >= config.min_impressions) & (
        pages["prior_impressions"] >= config.min_impressions
    )
    pages = pages[enough].copy()
    pages["ratio"] = pages["clicks"] / pages["expected"]
    pages["position_change"] = pages["position"] - pages["prior_position"]
    pages["rank_change"] = _rank_change(current, prior).reindex(pages.index)
    pages["ratio_without_worst"] = _ratio_without_worst_query(current, curve).reindex(pages.index)
    _weigh_evidence(pages, curve.dispersion)
    _estimate_extra_clicks(pages, curve.dispersion)
    return _verdicts(pages, config)


def _page_totals(queries: pd.DataFrame, curve: CtrCurve) -> pd.DataFrame:
    rows = queries.assign(
        expected=queries["impressions"] * curve.expected(queries["position"]),
        weighted=queries["impressions"] * queries["position"],
    )
    pages = rows.groupby("page_key", sort=True)[["clicks", "impressions", "expected", "weighted"]].sum()
    pages["position"] = pages.pop("weighted") / pages["impressions"]
    pages["ctr"] = pages["clicks"] / pages["impressions"]
    pages["target_ctr"] = pages["expected"] / pages["impressions"]
    return pages


def _rank_change(current: pd.DataFrame, prior: pd.DataFrame) -> pd.Series:
    """Change of position over the queries seen in both windows at fixed weights: no mix effect in it."""
    both = current.merge(prior, on=["page_key", "query"], suffixes=("", "_prior"))
    moved = (
        both.assign(moved=(both["position"] - both["position_prior"]) * both["impressions"])
        .groupby("page_key")[["moved", "impressions"]]
        .sum()
    )
    return moved["moved"] / moved["impressions"]


def _ratio_without_worst_query(queries: pd.DataFrame, curve: CtrCurve) -> pd.Series:
    """Clicks ÷ expected clicks of each page after leaving out the query with the largest shortfall."""
    rows = queries.assign(expected=queries["impressions"] * curve.expected(queries["position"]))
    rows["shortfall"] = rows["expected"] - rows["clicks"]
    worst = rows.groupby("page_key")["shortfall"].transform("max")
    kept = rows[rows["shortfall"] < worst]
    sums = kept.groupby("page_key")[["clicks", "expected"]].sum()
    return (sums["clicks"] / sums["expected"]).where(sums["expected"] > 5)


def _weigh_evidence(pages: pd.DataFrame, tau: float) -> None:
    """Add p_below, p_fall, their q-values and the probability of a gap."""
    clicks, expected = pages["clicks"].to_numpy(float), pages["expected"].to_numpy(float)
    impressions = pages["impressions"].to_numpy(float)
    pages["p_below"] = _lower_tail(clicks, expected, impressions, tau)
    change, noise = _change_of_ratio(pages)
    pages["ratio_change"] = np.exp(change) - 1
    # A fall that the whole shop shares (a season, a change of the results page) is nobody's snippet.
    own = change - np.median(change) if len(pages) else change
    spread = excess_dispersion(own, noise) if len(pages) >= 10 else tau / 2
    pages["p_fall"] = _normal_lower_tail(own / np.sqrt(noise + spread**2))
    # Every page enters with both tests: correcting only those that look bad would promise too much.
    tests = np.concatenate([pages["p_below"], pages["p_fall"]])
    q_below, q_fall = np.split(adjusted_p_values(tests), 2)
    pages["q_below"], pages["q_fall"] = q_below, q_fall
    pages["probability"] = _probability_of_gap(clicks, expected, impressions, tau)


def _change_of_ratio(pages: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Log change of clicks ÷ expected between the windows, and its sampling variance."""
    now, before = pages["clicks"] + 0.5, pages["prior_clicks"] + 0.5
    change = np.log(now / (pages["expected"] + 0.5)) - np.log(before / (pages["prior_expected"] + 0.5))
    return change.to_numpy(float), (1 / now + 1 / before).to_numpy(float)


def _fell(pages: pd.DataFrame) -> pd.Series:
    """Impressions up and CTR down by the shares of the second trigger."""
    return (pages["impressions"] >= (1 + _GROWTH) * pages["prior_impressions"]) & (
        pages["ctr"] <= (1 - _FALL) * pages["prior_ctr"]
    )


def _lower_tail(clicks: FloatArray, expected: FloatArray, impressions: FloatArray, tau: float) -> FloatArray:
    """P(as few clicks or fewer) for a healthy page: the binomial tail averaged over page-level noise."""
    from scipy.special import bdtr

    weights = np.exp(-0.5 * _NODES**2)
    chance = np.clip((expected / impressions)[:, None] * np.exp(tau * _NODES), 0, 1)
    tails = bdtr(np.floor(clicks)[:, None], impressions[:, None].astype(np.int64), chance)
    result: FloatArray = tails @ (weights / weights.sum())
    return result


def _normal_lower_tail(z: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    result: FloatArray = ndtr(z)
    return result


def _probability_of_gap(
    clicks: FloatArray, expected: FloatArray, impressions: FloatArray, tau: float
) -> FloatArray:
    """Posterior probability that a page underperforms rather than being healthy (a two-group model)."""
    chance = expected / impressions

    def log_likelihood(centre: float, spread: float) -> FloatArray:
        p = np.clip(chance[:, None] * np.exp(centre + spread * _NODES), 1e-12, 1 - 1e-9)
        log_p = clicks[:, None] * np.log(p) + (impressions - clicks)[:, None] * np.log1p(-p) - 0.5 * _NODES**2
        peak = log_p.max(axis=1, keepdims=True)
        result: FloatArray = peak[:, 0] + np.log(np.exp(log_p - peak).sum(axis=1))
        return result

    odds = np.log(_GAP_SHARE / (1 - _GAP_SHARE))
    odds = odds + log_likelihood(_GAP_CENTRE, _GAP_SPREAD) - log_likelihood(0.0, tau)
    result: FloatArray = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
    return result


def _estimate_extra_clicks(pages: pd.DataFrame, tau: float) -> None:
    """Clicks to win back in 28 days: point and 95 % interval (noise of the clicks and of what is normal)."""
    missing = pages["expected"] - pages["clicks"]
    error = 1.959964 * np.sqrt(pages["clicks"] + 1 + (tau * pages["expected"]) ** 2)
    pages["extra_clicks"] = extra_clicks(pages["impressions"], pages["ctr"], pages["target_ctr"])
    pages["extra_low"], pages["extra_high"] = (missing - error).clip(lower=0), (missing + error).clip(lower=0)


def _verdicts(pages: pd.DataFrame, config: SeoCtrConfig) -> pd.DataFrame:
    """Add ``trigger`` and, for pages that look low but are not offered, ``why_not``."""
    below = pages["ratio"] < config.ctr_ratio
    fell = _fell(pages)
    moved = np.maximum(pages["position_change"].abs(), pages["rank_change"].abs().fillna(np.inf))
    credible_below = below & (pages["q_below"] <= config.fdr) & (pages["extra_low"] > 0)
    credible_fall = fell & (pages["q_fall"] <= config.fdr) & (pages["extra_clicks"] > 0)
    one_query = pages["ratio_without_worst"].fillna(0) >= _WITHOUT_WORST_QUERY
    reasons = [
        (~(below | fell), "healthy"),
        (moved >= config.max_position_change, "its position changed: a rank problem, not a snippet problem"),
        (~(credible_below | credible_fall), "the gap may be chance"),
        (one_query, "one query explains the gap"),
    ]
    pages["why_not"] = ""
    for hit, reason in reversed(reasons):
        pages.loc[hit, "why_not"] = reason
    offered = pages["why_not"] == ""
    pages["trigger"] = np.where(offered, np.where(credible_below, "below_expected", "fell"), "")
    return pages
