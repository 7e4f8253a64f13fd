"""``seo_ctr``: search snippets that win fewer clicks than their rank deserves.

The shop's own CTR curve says what a page's positions should bring; pages credibly below it, at a steady rank,
get a new title and description from templates over the page's verified facts. Brand queries are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import (
    EASE,
    ActionDraft,
    CheckRun,
    Evidence,
    Impact,
    Priority,
    Target,
)
from growth_pipelines.actions.scoring import score
from growth_pipelines.recommenders.context import RecommenderContext, SeoCtrConfig
from growth_pipelines.recommenders.ctr_curve import fit_curve
from growth_pipelines.recommenders.ctr_gaps import page_gaps, query_totals, windows
from growth_pipelines.recommenders.economics import PageEconomics, economics_by_page
from growth_pipelines.recommenders.habits import RECORD, habit_checks
from growth_pipelines.recommenders.hidden_queries import unnamed_factor
from growth_pipelines.recommenders.internal_links import LinkProposal, LinkWriter
from growth_pipelines.recommenders.money import Worth, day, money, span, worth
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.snippets import Rewrite, Rewriter

SOURCE = "seo_ctr@1"
WRITABLE_TYPES = ("product", "collection", "page", "article")
_TOP_QUERIES = 3
# A page that takes more than this share of the shop's non-brand clicks is changed with more care.
_MAJOR_PAGE_SHARE = 0.1
# Gains in 28 days, in average orders of the shop, from which on an action is of high and of medium priority.
_HIGH_FROM_ORDERS, _MEDIUM_FROM_ORDERS = 5.0, 0.5


def recommend(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: SeoCtrConfig
) -> list[ActionDraft]:
    """Drafts for the pages that :func:`find_gaps` names, best score first."""
    gaps, current = find_gaps(frames["search"], context, config)
    offered = gaps[gaps["trigger"] != ""]
    pages = frames["pages"].drop_duplicates("page_key").set_index("page_key", drop=False)
    writable = pages["page_type"].isin(WRITABLE_TYPES) & pages["resource_gid"].notna()
    offered = offered[offered.index.isin(pages.index[writable])]
    if offered.empty:
        return []
    offered = _with_unnamed_queries(offered, frames, context)
    economics = economics_by_page(frames["performance"], frames["shop"])
    offered = _most_valuable(offered, economics, config.max_drafts)
    desk = _Desk(frames, context, config, gaps, current[current["page_key"].isin(offered.index)], economics)
    drafts = [desk.draft(pages.loc[str(key)], gap) for key, gap in offered.iterrows()]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))


def _with_unnamed_queries(
    offered: pd.DataFrame, frames: Mapping[str, pd.DataFrame], context: RecommenderContext
) -> pd.DataFrame:
    """The gaps with what the snippet wins on queries without a name (``unnamed``, a factor); at worst nothing."""
    search = frames["search"]
    known = search[pd.to_datetime(search["date_day"]) <= pd.Timestamp(context.as_of)]
    end = pd.Timestamp(last_day(known))
    factor = unnamed_factor(offered["impressions"], known, frames["performance"], end)
    return offered.assign(
        unnamed=factor,
        extra_clicks=offered["extra_clicks"] * factor,
        extra_high=offered["extra_high"] * factor,
    )


def _most_valuable(offered: pd.DataFrame, economics: Mapping[str, PageEconomics], most: int) -> pd.DataFrame:
    """The ``most`` gaps that are worth most: more texts than anybody reads in months need not be written today."""
    if len(offered) <= most:
        return offered
    visits = [economics.get(str(key), economics[""]) for key in offered.index]
    money_of_click = pd.Series([one.conversion * one.order_value for one in visits], index=offered.index)
    worth_of_gap = offered["extra_clicks"] * offered["probability"] * money_of_click
    return offered.loc[worth_of_gap.sort_values(ascending=False, kind="stable").index[:most]]


def find_gaps(
    search: pd.DataFrame, context: RecommenderContext, config: SeoCtrConfig
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdict on every page with traffic enough (see :func:`page_gaps`) and the current page × query rows."""
    days = pd.to_datetime(search["date_day"])
    search = search[days <= pd.Timestamp(context.as_of)]
    if search.empty:
        return page_gaps(_no_rows(), _no_rows(), fit_curve(_no_rows()), config), _no_rows()
    now, before = windows(last_day(search))
    current, prior = (query_totals(search, days, context.brand_terms) for days in (now, before))
    curve = fit_curve(current)
    gaps = page_gaps(current, prior, curve, config)
    current["target_ctr"] = curve.expected(current["position"])
    return gaps, current


def last_day(search: pd.DataFrame) -> date:
    """The last complete day of the search data."""
    newest: date = pd.to_datetime(search["date_day"]).max().date()
    return newest


def _no_rows() -> pd.DataFrame:
    numbers = {name: pd.Series(dtype=float) for name in ("clicks", "impressions", "position")}
    return pd.DataFrame({"page_key": pd.Series(dtype=str), "query": pd.Series(dtype=str), **numbers})


class _Desk:
    """Writes the drafts of one batch; holds what all of them share."""

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        context: RecommenderContext,
        config: SeoCtrConfig,
        gaps: pd.DataFrame,
        current: pd.DataFrame,
        economics: Mapping[str, PageEconomics],
    ) -> None:
        self.context, self.config = context, config
        days = pd.to_datetime(frames["search"]["date_day"])
        self.window, self.prior_window = windows(last_day(frames["search"][days <= pd.Timestamp(context.as_of)]))
        ordered = current.sort_values(["impressions", "query"], ascending=[False, True])
        self.queries = dict(tuple(ordered.groupby("page_key", sort=False)))
        self.all_clicks = float(gaps["clicks"].sum())
        self.economics = economics
        self.links = LinkWriter(frames["pages"], frames["bodies"], context.locale)
        self.rewriter = Rewriter(frames["pages"], context)
        self.copy = phrases("seo_ctr")

    def draft(self, page: pd.Series, gap: pd.Series) -> ActionDraft:
        queries = self.queries[str(page["page_key"])]
        money_facts = self.economics.get(page["page_key"], self.economics[""])
        value = worth(
            gap["extra_clicks"],
            gap["extra_low"],
            gap["extra_high"],
            money_facts.conversion,
            money_facts.order_value,
            money_facts.orders,
        )
        rewrite = self.rewriter.rewrite(page, queries)
        confidence = round(self._sureness(gap) * rewrite.promise, 4)
        ranked = score(
            value.revenue,
            confidence * money_facts.basis_factor,
            EASE["text"] if rewrite.written else EASE["task_card"],
            self.context.learnt("seo_ctr", rewrite.subtype, confidence),
        )
        links = self.links.proposal(str(page["page_key"]), rewrite.written)
        facts = self._facts(page, gap, value, money_facts)
        return ActionDraft(
            kind="seo_ctr",
            subtype=rewrite.subtype,
            source=SOURCE,
            title=self._title(rewrite, facts),
            rationale=f"{self.copy['rationale']} {self.copy['basis'][money_facts.basis]}".format(**facts),
            why_now=self.copy["why_now"][gap["trigger"]].format(**facts),
            target=Target(
                type=page["page_type"],
                gid=page["resource_gid"],
                url=self.context.url_of(page["page_key"]),
                handle=str(page["handle"]),
            ),
            draft={**rewrite.draft, "internal_links": list(links.links)},
            diff=(*rewrite.diff, *links.diff),
            evidence=self._evidence(gap, queries, money_facts),
            checks=self._checks(gap, rewrite, links),
            freshness=self.context.freshness or f"search data to {day(self.window[1])}",
            confidence=confidence,
            ease=ranked.factors["ease"],
            impact=Impact(
                metric="search clicks",
                delta=round(value.visits, 2),
                low=round(value.low, 2),
                high=round(value.high, 2),
                unit="clicks in 28 days",
                revenue_28d=round(value.revenue, 2),
                revenue_low=round(value.revenue_low, 2),
                revenue_high=round(value.revenue_high, 2),
            ),
            risk_tier="medium" if gap["clicks"] > _MAJOR_PAGE_SHARE * self.all_clicks else "low",
            priority=_priority(value.revenue, self.economics[""].order_value),
            score=ranked.value,
            factors={
                **ranked.factors,
                "gap_probability": self._sureness(gap),
                "snippet_promise": rewrite.promise,
                **({"text_quality": round(rewrite.score_after, 4)} if rewrite.written else {}),
            },
            ranking_version=self.context.corrections.version,
            rollback_plan=self._rollback(page, rewrite, links),
            labels=(gap["trigger"], *(("proxy",) if money_facts.basis_factor < 1 else ())),
        )

    @staticmethod
    def _sureness(gap: pd.Series) -> float:
        """How probable it is that the gap is real and not chance or a page that is merely different."""
        if gap["trigger"] == "fell":
            return float(max(gap["probability"], 1 - gap["q_fall"]))
        return float(gap["probability"])

    def _facts(self, page: pd.Series, gap: pd.Series, value: Worth, economics: PageEconomics) -> dict[str, Any]:
        currency = self.context.currency
        return {
            **gap.to_dict(),
            "name": page["title"],
            "window": span(*self.window),
            "prior_window": span(*self.prior_window),
            "extra": value.visits,
            "growth": gap["impressions"] / gap["prior_impressions"] - 1,
            "revenue": money(value.revenue, currency),
            "revenue_low": money(value.revenue_low, currency),
            "revenue_high": money(value.revenue_high, currency),
            "weekly": money(value.revenue / 4, currency),
            "conversion": economics.conversion,
            "order_value": money(economics.order_value, currency),
        }

    def _title(self, rewrite: Rewrite, facts: Mapping[str, Any]) -> str:
        wording = self.copy["title"]
        if not rewrite.written:
            return str(self.copy["task"]["title"].format(**facts))
        both = len(rewrite.diff) == 2
        return str(wording["both" if both else rewrite.subtype].format(**facts))

    def _rollback(self, page: pd.Series, rewrite: Rewrite, links: LinkProposal) -> str:
        if not rewrite.written:
            shown = {kind: self.rewriter.shown[kind][str(page["page_key"])] for kind in ("title", "description")}
            return str(self.copy["task"]["rollback"].format(**shown))
        fields = " and ".join("title" if change.field == "seo.title" else "description" for change in rewrite.diff)
        before = "; ".join(f"“{change.before}”" for change in rewrite.diff)
        plan = str(self.copy["rollback"].format(fields=fields, before=before)).strip()
        return f"{plan} {self.copy['rollback_links'].strip()}" if links.diff else plan

    def _evidence(self, gap: pd.Series, queries: pd.DataFrame, economics: PageEconomics) -> tuple[Evidence, ...]:
        start, end = self.window
        search = "marts.fct_search_query_page_daily"

        def row(name: str, value: float, unit: str, baseline: float | None, note: str, source: str) -> Evidence:
            return Evidence(
                name=name,
                source=source,
                value=round(value, 4),
                unit=unit,
                baseline=None if baseline is None else round(baseline, 4),
                start=start,
                end=end,
                note=note,
            )

        before = f"baseline: {span(*self.prior_window)}"
        rows = [
            row(
                "Clicks without brand queries",
                gap["clicks"],
                "clicks",
                gap["expected"],
                "baseline: expected",
                search,
            ),
            row("CTR", gap["ctr"], "ratio", gap["target_ctr"], "baseline: your pages at this position", search),
            row("CTR, before and now", gap["ctr"], "ratio", gap["prior_ctr"], before, search),
            row("Average position", gap["position"], "position", gap["prior_position"], before, search),
            row("Impressions", gap["impressions"], "impressions", gap["prior_impressions"], before, search),
        ]
        rows += [
            row(
                f"CTR of “{query['query']}”",
                query["clicks"] / query["impressions"],
                "ratio",
                query["target_ctr"],
                f"{query['impressions']:,.0f} impressions at position {query['position']:.1f}",
                search,
            )
            for query in queries.head(_TOP_QUERIES).to_dict("records")
        ]
        performance = "marts.fct_page_performance"
        rows.append(
            row(
                "Impressions of queries that Google does not name",
                gap["impressions"] * (gap["unnamed"] - 1),
                "impressions",
                None,
                "shown with the same snippet: extra clicks count them",
                performance,
            )
        )
        rows.append(
            row("Conversion rate", economics.conversion, "orders per visit", None, economics.basis, performance)
        )
        rows.append(
            row(
                "Order value",
                economics.order_value,
                self.context.currency,
                None,
                "shrunk to the shop's",
                performance,
            )
        )
        if economics.margin is not None:
            rows.append(row("Margin", economics.margin, "ratio", None, "", performance))
        return tuple(rows)

    def _checks(self, gap: pd.Series, rewrite: Rewrite, links: LinkProposal) -> tuple[CheckRun, ...]:
        notes = self.copy["checks"]
        q = gap["q_fall"] if gap["trigger"] == "fell" else gap["q_below"]
        lengths = {f"{name}_length": len(rewrite.draft.get(name, "")) for name in ("title", "description")}
        found = [
            CheckRun(
                name="rank is steady",
                passed=True,
                note=notes["rank"].format(
                    moved=abs(gap["position_change"]), allowed=self.config.max_position_change
                ),
            ),
            CheckRun(name="gap is not chance", passed=True, note=notes["chance"].format(q=q)),
        ]
        if rewrite.written:
            better = rewrite.score_after > rewrite.score_before
            found += [
                CheckRun(name="lengths", passed=True, note=notes["length"].format(**lengths)),
                CheckRun(name="claims are verified", passed=True, note=notes["claims"]),
                CheckRun(name="title is unique", passed=rewrite.unique, note=notes["unique"]),
                CheckRun(
                    name="quality",
                    passed=better,
                    note=notes["better"].format(after=rewrite.score_after, before=rewrite.score_before),
                ),
                *habit_checks(rewrite.draft.get(RECORD, {})),
            ]
        if links.diff:
            told = notes["links"].format(links=len(links.links))
            found.append(CheckRun(name="links stay within their limits", passed=True, note=told))
        return tuple(found)


def _priority(revenue: float, order_value: float) -> Priority:
    """How soon an answer is wanted, by the gain in average orders of the shop: the same in any currency."""
    if order_value <= 0:
        return "low"
    orders = revenue / order_value
    return "high" if orders >= _HIGH_FROM_ORDERS else "medium" if orders >= _MEDIUM_FROM_ORDERS else "low"
