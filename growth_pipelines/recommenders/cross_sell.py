"""Drafts of cross-sell rules: the products that a product's page should show with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import EASE, ActionDraft, CheckRun, Evidence, Impact, Target
from growth_pipelines.actions.recommended_products import COMPLEMENTARY, products_of
from growth_pipelines.actions.scoring import score
from growth_pipelines.recommenders.affinity import directed_rules
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.likeness import SAME_WORDS, likeness
from growth_pipelines.recommenders.money import WINDOW_DAYS, money
from growth_pipelines.recommenders.offered import SALES_DAYS, Prices, for_sale, prices_of, put_behind, visible
from growth_pipelines.recommenders.phrases import phrases

SOURCE = "guided_selling@1"
_Z90 = 1.644854
# How sure it is that a rule helps: of a pair that just passes, and of one beyond doubt; learned rates correct it.
_SURE_LEAST, _SURE_MOST = 0.55, 0.85


def cross_sell_drafts(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """One draft for each product with companions that its page does not show yet."""
    products = frames["products"].drop_duplicates("product_id").set_index("product_id", drop=False)
    rules = directed_rules(frames["affinity"], config)
    if rules.empty or products.empty:
        return []
    prices = prices_of(products, frames["shop"], config)
    facts: dict[str, dict[Any, Any]] = {str(row["product_id"]): row for row in products.to_dict("records")}
    products = products[visible(products, frames["pages"])]
    sold = products.index[for_sale(products, frames["product_orders"], config)]
    rules = rules[rules["product_id"].isin(products.index)]
    rules = rules[rules["paired_product_id"].isin(sold)]
    if rules.empty:
        return []
    rules = _valued(rules, products, frames["product_orders"], prices, config)
    # Of what nobody has bought for months, nothing more is to be expected.
    rules = rules[(rules["margin"] >= config.min_margin) & (rules["orders_seen"] > 0)].sort_values(
        ["product_id", "worth", "paired_product_id"], ascending=[True, False, True], kind="stable"
    )
    drafts = []
    for product_id, rows in groupby(rules.to_dict("records"), key=lambda row: str(row["product_id"])):
        product = facts[product_id]
        shown = products_of(product.get("complementary_products"))
        room = config.max_companions - len(shown)
        chosen = [row for row in rows if _goes_with(product, facts[row["paired_product_id"]], shown)]
        if room > 0 and chosen:
            drafts.append(_Rule(product, shown, chosen[:room], facts, prices, context, config).draft())
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))[: config.max_drafts]


def _valued(
    rules: pd.DataFrame,
    products: pd.DataFrame,
    product_orders: pd.DataFrame,
    prices: Prices,
    config: GuidedSellingConfig,
) -> pd.DataFrame:
    """The rules with what B earns (price, margin, contribution in major units) and what the rule is worth.

    ``orders`` of A in 28 days × P(B|A) × the lift of a rule that is shown = ``extra`` orders of B.
    """
    found = rules.copy()
    of_b = products.loc[found["paired_product_id"]]
    found["price"] = of_b["price_min_cents"].to_numpy(float) / prices.minor
    found["known_margin"] = of_b["margin_rate"].to_numpy(float)
    found["margin"] = found["known_margin"].fillna(prices.margin)
    found["contribution"] = found["price"] * found["margin"]
    seen = product_orders.set_index("product_id")["orders"].astype(float)
    found["orders_seen"] = found["product_id"].map(seen).fillna(0.0)
    found["orders"] = found["orders_seen"] * WINDOW_DAYS / SALES_DAYS
    found["extra"] = found["orders"] * found["confidence"] * config.attach_lift
    # By its likely lower end: of two products the better known goes first.
    found["worth"] = found["confidence_low"] * found["contribution"]
    return found


def _goes_with(product: Mapping[Any, Any], other: Mapping[Any, Any], shown: list[str]) -> bool:
    """Not shown already, and no version of the product itself."""
    if other["product_id"] in shown or other["product_id"] == product["product_id"]:
        return False
    if (product.get("product_type") or "") != (other.get("product_type") or ""):
        return True
    return likeness(str(product["title"]), str(other["title"])) < SAME_WORDS


class _Rule:
    """Writes the draft for one product."""

    def __init__(
        self,
        product: Mapping[str, Any],
        shown: list[str],
        chosen: list[dict[Any, Any]],
        facts: Mapping[str, Mapping[Any, Any]],
        prices: Prices,
        context: RecommenderContext,
        config: GuidedSellingConfig,
    ) -> None:
        self.product, self.shown, self.chosen = product, shown, chosen
        self.prices, self.context, self.config = prices, context, config
        named = [str(row["paired_product_id"]) for row in chosen]
        self.titles = {gid: str(facts[gid]["title"]) for gid in named}
        self.known = {gid: str(facts[gid]["title"]) for gid in (*named, *shown) if gid in facts}
        self.stock = {gid: facts[gid]["available"] for gid in named}
        self.words = phrases("guided_selling")["cross_sell"]
        self.impact = self._impact()

    def draft(self) -> ActionDraft:
        facts = self._facts()
        # A pair beyond doubt has a tiny q-value and a share that stays over the limit at its lower end.
        sure = min(
            (1 - row["q_value"]) * min(1.0, row["confidence_low"] / self.config.min_confidence)
            for row in self.chosen
        )
        confidence = round(_SURE_LEAST + (_SURE_MOST - _SURE_LEAST) * sure, 4)
        ease = EASE["setting"]
        learnt = self.context.learnt("guided_selling", "cross_sell_rule", confidence)
        ranked = score(self.impact.revenue_28d, confidence, ease, learnt)
        one = len(self.chosen) == 1
        draft, diff = put_behind(COMPLEMENTARY, self.shown, [*self.titles], self.known)
        return ActionDraft(
            kind="guided_selling",
            subtype="cross_sell_rule",
            source=SOURCE,
            title=self.words["title" if one else "title_of_many"].format(**facts),
            rationale=" ".join(
                [
                    *(self.words["pair"].format(**self._pair(row)) for row in self.chosen),
                    self.words["rationale"].format(**facts),
                ]
            ),
            why_now=self.words["why_now"].format(**facts),
            target=Target(
                type="product",
                gid=str(self.product["product_id"]),
                url=self.context.url_of(str(self.product["page_key"])),
                handle=str(self.product["handle"]),
            ),
            draft=draft,
            diff=diff,
            evidence=self._evidence(),
            checks=self._checks(),
            freshness=self.context.freshness,
            confidence=confidence,
            ease=ease,
            impact=self.impact,
            risk_tier="low",
            priority="low",
            score=ranked.value,
            factors={**ranked.factors, "pair_certainty": round(sure, 4)},
            ranking_version=self.context.corrections.version,
            rollback_plan=self.words["rollback" if self.shown else "rollback_to_nothing"].format(**facts),
        )

    def _impact(self) -> Impact:
        """Extra orders of the companions and their contribution, with a 90 % interval.

        Four things are uncertain and independent, so their relative errors add in quadrature: the lift of a shown
        rule (the prior), P(B|A) (Jeffreys interval), the orders of A to come (Poisson), and the margin where it is
        not known.
        """
        config = self.config
        extra = sum(row["extra"] for row in self.chosen)
        revenue = sum(row["extra"] * row["contribution"] for row in self.chosen)
        weights = [row["extra"] or 1.0 for row in self.chosen]

        def mean(values: list[float]) -> float:
            return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)

        lift_low = 1 - config.attach_lift_low / config.attach_lift
        lift_high = config.attach_lift_high / config.attach_lift - 1
        share_low = mean([1 - row["confidence_low"] / row["confidence"] for row in self.chosen])
        share_high = mean([row["confidence_high"] / row["confidence"] - 1 for row in self.chosen])
        orders = _Z90 / math.sqrt(max(self.chosen[0]["orders_seen"], 1.0))
        # Without costs a margin may be half of what is usual, or half as much again.
        margin = mean([0.5 if math.isnan(row["known_margin"]) else 0.0 for row in self.chosen])
        below = math.hypot(lift_low, share_low, orders)
        above = math.hypot(lift_high, share_high, orders)
        return Impact(
            metric="orders",
            delta=round(extra, 3),
            low=round(extra * max(0.0, 1 - below), 3),
            high=round(extra * (1 + above), 3),
            unit="orders in 28 days",
            revenue_28d=round(revenue, 2),
            revenue_low=round(revenue * max(0.0, 1 - math.hypot(below, margin)), 2),
            revenue_high=round(revenue * (1 + math.hypot(above, margin)), 2),
        )

    def _facts(self) -> dict[str, Any]:
        currency = self.context.currency
        return {
            "name": self.product["title"],
            "companion": next(iter(self.titles.values())),
            "count": len(self.chosen),
            "orders": self.chosen[0]["orders"],
            "lift": self.config.attach_lift,
            "lift_low": self.config.attach_lift_low,
            "lift_high": self.config.attach_lift_high,
            "extra": self.impact.delta,
            "kept": len(self.shown),
            "revenue": money(self.impact.revenue_28d, currency),
            "revenue_low": money(self.impact.revenue_low, currency),
            "revenue_high": money(self.impact.revenue_high, currency),
        }

    def _pair(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **{name: row[name] for name in ("orders_both", "orders_product", "confidence", "base", "lift")},
            "buyers": row["buyers_both"],
            "name": self.product["title"],
            "companion": self.titles[row["paired_product_id"]],
        }

    def _evidence(self) -> tuple[Evidence, ...]:
        notes, end = self.words["evidence"], self.context.as_of - timedelta(days=1)

        def row(
            name: str,
            source: str,
            value: float,
            unit: str,
            start: date,
            baseline: float | None = None,
            note: str = "",
        ) -> Evidence:
            return Evidence(
                name=name,
                source=f"marts.{source}",
                value=None if pd.isna(value) else round(float(value), 4),
                unit=unit,
                baseline=None if baseline is None else round(baseline, 4),
                start=start,
                end=end,
                note=note,
            )

        affinity, sold_since = "fct_product_affinity", end - timedelta(days=SALES_DAYS - 1)
        since = min(end, pd.Timestamp(self.chosen[0]["since"]).date())
        rows = []
        for pair in self.chosen:
            facts = {**self._pair(pair), "q": pair["q_value"], "pairs": pair["pairs_tested"]}
            rows += [
                row(
                    notes["share"].format(**facts),
                    affinity,
                    pair["confidence"],
                    "share",
                    since,
                    pair["base"],
                    notes["share_note"].format(**facts),
                ),
                row(
                    notes["lift"].format(**facts),
                    affinity,
                    pair["lift"],
                    "times",
                    since,
                    self.config.min_lift,
                    notes["lift_note"].format(**facts),
                ),
                row(
                    notes["stock"].format(**facts),
                    "dim_products",
                    self.stock[pair["paired_product_id"]],
                    "pieces",
                    end,
                ),
                self._earned(pair, row, end),
            ]
        sold = notes["sold"].format(name=self.product["title"], days=SALES_DAYS)
        rows.append(row(sold, "fct_product_daily", self.chosen[0]["orders_seen"], "orders", sold_since))
        return tuple(rows)

    def _earned(self, pair: Mapping[str, Any], row: Any, end: date) -> Evidence:
        """What one piece earns; a cost that is not known is said."""
        notes, price = self.words["evidence"], money(pair["price"], self.context.currency)
        if not math.isnan(pair["known_margin"]):
            note = notes["earned_note"]
        elif self.prices.known:
            note = notes["cost_unknown"]
        else:
            note = notes["no_cost_known"]
        name = notes["earned"].format(companion=self.titles[pair["paired_product_id"]])
        told: Evidence = row(
            name,
            "dim_products",
            pair["contribution"],
            self.context.currency,
            end,
            None,
            note.format(price=price, margin=pair["margin"]),
        )
        return told

    def _checks(self) -> tuple[CheckRun, ...]:
        notes, config = self.words["checks"], self.config
        unknown = [self.titles[r["paired_product_id"]] for r in self.chosen if math.isnan(r["known_margin"])]
        worst = max(row["q_value"] for row in self.chosen)
        buyers = min(row["buyers_both"] for row in self.chosen)
        pairs = self.chosen[0]["pairs_tested"]
        return (
            CheckRun(
                name="more than chance",
                passed=True,
                note=notes["chance"].format(q=worst, fdr=config.fdr, pairs=pairs),
            ),
            CheckRun(name="many buyers", passed=True, note=notes["buyers"].format(buyers=buyers)),
            CheckRun(
                name="this direction",
                passed=True,
                note=notes["direction"].format(
                    least=min(row["confidence"] for row in self.chosen), limit=config.min_confidence
                ),
            ),
            CheckRun(name="in stock", passed=True, note=notes["stock"].format(days=config.min_cover_days)),
            CheckRun(name="no version of itself", passed=True, note=notes["version"]),
            CheckRun(
                name="costs are known",
                passed=not unknown,
                note=notes["costs_unknown"].format(products="; ".join(unknown)) if unknown else notes["costs"],
            ),
        )
