"""``upsell_rule``: better products for a page to show as related ones, behind those that the merchant chose.

A product that costs more, earns more and is bought at least as readily loses nobody: who looks at the cheaper one
may take it, and the cheaper one stays where it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, Target
from growth_pipelines.actions.recommended_products import RELATED, products_of
from growth_pipelines.recommenders.alternatives import find_alternatives
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.money import WINDOW_DAYS, money
from growth_pipelines.recommenders.offered import SALES_DAYS, put_behind
from growth_pipelines.recommenders.phrases import Chance, phrases
from growth_pipelines.recommenders.proposals import (
    EvidenceDesk,
    Finding,
    Gain,
    drafted,
    last_window,
    most_worth,
    resting,
)

SOURCE = "guided_selling@1"
_RESTING_DAYS = 84
_Z90 = 1.644854
# Beliefs, until outcomes correct them: how likely the words are right that one does the other's job and the step
# then works, and what is left of a finding's certainty where a cost is not known.
_PROMISE, _COST_UNKNOWN = 0.75, 0.85
# What one piece earns more may be half of that, or half as much again, where a cost is not known.
_PRICE_DOUBT = 0.5


def upsell_drafts(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """One draft for each product with better ones that its page does not show yet, worth most first."""
    found = find_alternatives(frames, config)
    waits = resting(frames["past_actions"], "guided_selling", "upsell_rule", _RESTING_DAYS, context.as_of)
    found = found[~found["product_id"].isin(waits)]
    if found.empty:
        return []
    share = found.groupby("product_id")["more"].transform("size")
    found = most_worth(
        found.assign(worth=found["a_orders"] * found["more"] / share), "product_id", config.max_drafts
    )
    products = frames["products"].drop_duplicates("product_id").set_index("product_id", drop=False)
    titles = products["title"].to_dict()
    facts: dict[Any, Any] = products[products.index.isin(found["product_id"])].to_dict("index")
    drafts = [
        _Upsell(facts[product_id], list(rows), titles, context, config).draft()
        for product_id, rows in groupby(found.to_dict("records"), key=lambda row: row["product_id"])
    ]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))


class _Upsell:
    """Writes the draft for one product."""

    def __init__(
        self,
        product: Mapping[Any, Any],
        chosen: list[dict[Any, Any]],
        titles: Mapping[Any, Any],
        context: RecommenderContext,
        config: GuidedSellingConfig,
    ) -> None:
        self.product, self.chosen, self.context, self.config = product, chosen, context, config
        self.shown = products_of(product.get("related_products"))
        self.better = [str(row["paired_product_id"]) for row in chosen]
        self.titles = {gid: str(titles[gid]) for gid in (*self.better, *self.shown) if gid in titles}
        self.words = phrases("guided_selling")["upsell"]
        self.unknown = [
            str(title)
            for title, known in [
                (chosen[0]["a_title"], chosen[0]["a_is_known"]),
                *((row["b_title"], row["b_is_known"]) for row in chosen),
            ]
            if not known
        ]
        self.orders = float(chosen[0]["a_orders"]) * WINDOW_DAYS / SALES_DAYS
        self.facts = self._facts()

    def draft(self) -> ActionDraft:
        draft, diff = put_behind(RELATED, self.shown, self.better, self.titles)
        words, one = self.words, len(self.chosen) == 1
        finding = Finding(
            subtype="upsell_rule",
            target=Target(
                type="product",
                gid=str(self.product["product_id"]),
                url=self.context.url_of(str(self.product["page_key"])),
                handle=str(self.product["handle"]),
            ),
            copy={
                "title": words["title" if one else "title_of_many"],
                "rationale": words["rationale"],
                "why_now": words["why_now"],
                "rollback": words["rollback" if self.shown else "rollback_to_nothing"],
            },
            facts=self.facts,
            draft=draft,
            diff=diff,
            evidence=self._evidence(),
            checks=self._checks(),
            gain=self._gain(),
            certainty=float(self.facts["chance"]) * (_COST_UNKNOWN if self.unknown else 1.0),
            promise=_PROMISE,
            ease="setting",
            priority="low",
        )
        return drafted("guided_selling", SOURCE, finding, self.context)

    def _gain(self) -> Gain:
        """Orders of the product × the share that trades up × what the better ones earn more, on average.

        The share (the prior) and the orders to come (Poisson) are uncertain and independent: their relative errors
        add in quadrature.
        """
        config = self.config
        units = self.orders * config.trade_up
        orders = _Z90 / math.sqrt(max(float(self.chosen[0]["a_orders"]), 1.0))
        below = math.hypot(1 - config.trade_up_low / config.trade_up, orders)
        above = math.hypot(config.trade_up_high / config.trade_up - 1, orders)
        return Gain(
            metric="trade_ups",
            unit="orders in 28 days",
            units=units,
            low=units * max(0.0, 1 - below),
            high=units * (1 + above),
            price=self.facts["more"],
            price_doubt=_PRICE_DOUBT if self.unknown else 0.0,
        )

    def _facts(self) -> dict[str, Any]:
        config, first, currency = self.config, self.chosen[0], self.context.currency
        dearer = [row["b_price"] / row["a_price"] - 1 for row in self.chosen]
        more = sum(float(row["more"]) for row in self.chosen) / len(self.chosen)
        return {
            "name": first["a_title"],
            "better": "; ".join(f"“{row['b_title']}”" for row in self.chosen),
            "count": len(self.chosen),
            "price": money(first["a_price"], currency),
            "dearer": f"{min(dearer):.0%}" if len(dearer) == 1 else f"{min(dearer):.0%} to {max(dearer):.0%}",
            "more": more,
            "more_told": money(more, currency),
            "chance": Chance(min(row["chance"] for row in self.chosen)),
            "limit": config.upsell_chance,
            "orders": self.orders,
            "visits": float(first["a_visits"]),
            "days": SALES_DAYS,
            "cover": config.min_cover_days,
            "least_visits": config.upsell_visits,
            "least_orders": config.upsell_orders,
            "lower": config.upsell_from,
            "upper": config.upsell_to,
            "kept": len(self.shown),
            "trade_up": config.trade_up,
            "trade_up_low": config.trade_up_low,
            "trade_up_high": config.trade_up_high,
            "unknown": "; ".join(dict.fromkeys(self.unknown)),
            "unsure": self.words["unsure"] if self.unknown else "",
        }

    def _evidence(self) -> tuple[Evidence, ...]:
        names, first, currency = self.words["evidence"], self.chosen[0], self.context.currency
        end = last_window(self.context)[1]
        sold = EvidenceDesk("marts.fct_product_daily", *last_window(self.context, SALES_DAYS))
        seen = EvidenceDesk("marts.fct_page_daily", *last_window(self.context, SALES_DAYS))
        goods = EvidenceDesk("marts.dim_products", end, end)
        rows: list[Evidence] = []
        for row in self.chosen:
            facts = {"name": row["b_title"], "margin": row["b_margin"], "chance": Chance(row["chance"])}
            known = row["a_is_known"] and row["b_is_known"]
            rows += [
                goods.row(names["price"].format(**facts), row["b_price"], currency, row["a_price"], names["base"]),
                goods.row(
                    names["earned"].format(**facts),
                    row["b_earned"],
                    currency,
                    row["a_earned"],
                    names["earned_note" if known else "unknown_note"].format(**facts),
                ),
                sold.row(
                    names["rate"].format(**facts),
                    row["b_rate"],
                    "orders per visit",
                    row["a_rate"],
                    names["rate_note"].format(
                        orders=row["b_orders"], visits=row["b_visits"], chance=Chance(row["chance"])
                    ),
                ),
                goods.row(names["stock"].format(**facts), row["b_available"], "pieces"),
            ]
        named = {"name": first["a_title"], "days": SALES_DAYS}
        return (
            *rows,
            sold.row(names["sold"].format(**named), first["a_orders"], "orders"),
            seen.row(names["seen"].format(**named), first["a_visits"], "visits"),
        )

    def _checks(self) -> tuple[CheckRun, ...]:
        notes = self.words["checks"]

        def passed(name: str, note: str) -> CheckRun:
            return CheckRun(name=name, passed=True, note=notes[note].format(**self.facts))

        return (
            passed("fits the same", "fits"),
            passed("in the band of prices", "band"),
            passed("bought as readily", "readily"),
            passed("enough is known of both", "enough"),
            passed("in stock", "stock"),
            passed("no companion", "companion"),
            CheckRun(
                name="costs are known",
                passed=not self.unknown,
                note=notes["costs_unknown" if self.unknown else "costs"].format(**self.facts),
            ),
        )
