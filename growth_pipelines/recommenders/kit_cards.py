"""``kit_rule``: task cards that offer three or more products as one, each two of which are bought together.

A kit has no stock of its own: it can be sold as often as its scarcest part lasts. A lower price for it is named
only where every cost is known and the margin stays above the floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from growth_pipelines.actions.model import ActionDraft, CheckRun, Evidence, Target
from growth_pipelines.recommenders.context import GuidedSellingConfig, RecommenderContext
from growth_pipelines.recommenders.economics import minor_units
from growth_pipelines.recommenders.kits import UNCOUNTED, Kit, find_kits, goods_of, open_kits
from growth_pipelines.recommenders.money import WINDOW_DAYS
from growth_pipelines.recommenders.offered import SALES_DAYS, prices_of
from growth_pipelines.recommenders.phrases import phrases
from growth_pipelines.recommenders.proposals import EvidenceDesk, Finding, Gain, drafted, last_window, task
from growth_pipelines.recommenders.stock import bundle_stock

SOURCE = "guided_selling@1"
_DEFAULT = "Default Title"
# Beliefs, until outcomes correct them: how likely a kit of parts that are bought in pairs is wanted as a whole,
# and what is left of a finding's certainty where a cost is not known.
_PROMISE, _COST_UNKNOWN = 0.7, 0.85
_PRICE_DOUBT = 0.5


def kit_drafts(
    frames: Mapping[str, pd.DataFrame], context: RecommenderContext, config: GuidedSellingConfig
) -> list[ActionDraft]:
    """One card for each kit that does not rest, worth most first."""
    kits = open_kits(find_kits(frames, config), frames["past_actions"], context.as_of)
    if not kits:
        return []
    desk = _Desk.of(kits, frames, context, config)
    drafts = [desk.draft(kit) for kit in kits]
    return sorted(drafts, key=lambda draft: (-draft.score, draft.target.url))[: config.max_drafts]


@dataclass(frozen=True)
class _Desk:
    """What all cards are written from: ``goods`` by product, ``pairs`` in both directions by (product, other),
    ``orders`` of a product in 84 days, minor units in a major one, and the margin that stands in for an unknown
    one."""

    goods: Mapping[str, Mapping[str, Any]]
    pairs: Mapping[tuple[str, str], Mapping[str, Any]]
    orders: Mapping[str, float]
    minor: float
    margin: float
    context: RecommenderContext
    config: GuidedSellingConfig

    @classmethod
    def of(
        cls,
        kits: list[Kit],
        frames: Mapping[str, pd.DataFrame],
        context: RecommenderContext,
        config: GuidedSellingConfig,
    ) -> _Desk:
        parts = {part for kit in kits for part in kit}
        goods: dict[Any, Any] = goods_of(frames, parts, config).to_dict("index")
        pairs = frames["bundle_pairs"]
        rows = pairs[pairs["product_id"].isin(parts) & pairs["paired_product_id"].isin(parts)].to_dict("records")
        forth: dict[tuple[str, str], Mapping[str, Any]] = {
            (row["product_id"], row["paired_product_id"]): {str(name): value for name, value in row.items()}
            for row in rows
        }
        back = {
            (other, one): {**row, "orders_product": row["orders_paired"], "orders_paired": row["orders_product"]}
            for (one, other), row in forth.items()
        }
        orders = frames["product_orders"].drop_duplicates("product_id").set_index("product_id")["orders"]
        margin = prices_of(frames["products"], frames["shop"], config).margin
        return cls(
            goods, {**forth, **back}, orders.astype(float), minor_units(frames["shop"]), margin, context, config
        )

    def share(self, one: str, other: str) -> float:
        """P(other | one): which share of the orders with one hold the other."""
        row = self.pairs[one, other]
        return float(row["orders_both"]) / float(row["orders_product"])

    def draft(self, kit: Kit) -> ActionDraft:
        # Its page is where the kit is offered first: of the part whose buyers want the others most.
        first = max(kit, key=lambda part: (sum(self.share(part, o) for o in kit if o != part), part))
        return _Card(self, (first, *(part for part in kit if part != first))).draft()


class _Card:
    """Writes the card of one kit; the first of its ``parts`` is the one whose page it is about."""

    def __init__(self, desk: _Desk, parts: Kit) -> None:
        self.desk, self.parts, self.config, self.context = desk, parts, desk.config, desk.context
        self.words = phrases("guided_selling")["kit"]
        self.goods = [desk.goods[part] for part in parts]
        self.unknown = [str(one["product_title"]) for one in self.goods if pd.isna(one["cost_cents"])]
        self.pairs = [
            (desk.pairs[one, other], one, other) for place, one in enumerate(parts) for other in parts[place + 1 :]
        ]
        available = np.array([one["available"] for one in self.goods])
        self.stock = int(bundle_stock(available, np.ones(len(parts))))
        self.is_counted = self.stock < UNCOUNTED
        self.facts = self._facts()

    def draft(self) -> ActionDraft:
        facts, words = self.facts, self.words
        draft, diff = task({**words["task"], "steps": [*words["task"]["steps"], facts["price_note"]]}, facts)
        draft["parts"] = [
            {"product_gid": part, "variant_gid": str(one["variant_id"]), "quantity": 1}
            for part, one in zip(self.parts, self.goods, strict=True)
        ]
        first = self.goods[0]
        finding = Finding(
            subtype="kit_rule",
            target=Target(
                type="product",
                gid=self.parts[0],
                url=self.context.url_of(str(first["page_key"])),
                handle=str(first["handle"]),
            ),
            copy=words,
            facts=facts,
            draft=draft,
            diff=diff,
            evidence=self._evidence(),
            checks=self._checks(),
            gain=self._gain(),
            certainty=(1 - facts["q_value"]) * (_COST_UNKNOWN if self.unknown else 1.0),
            promise=_PROMISE,
            priority="low",
            risk_tier="medium" if facts["which"] == "lower" else "low",
            labels=("manual",),
        )
        return drafted("guided_selling", SOURCE, finding, self.context)

    def _gain(self) -> Gain:
        """Orders of the first part × the share that takes the kit × what the other parts earn that would not have
        been bought anyway; at most as many as there are kits."""
        config, orders = self.config, self.facts["orders"]
        low, mean, high = (
            min(orders * taken, self.stock)
            for taken in (config.kit_taken_low, config.kit_taken, config.kit_taken_high)
        )
        doubt = _PRICE_DOUBT if self.unknown else 0.0
        return Gain("kits", "kits in 28 days", mean, low, high, self.facts["earned"], doubt)

    def _margin(self, one: Mapping[str, Any]) -> float:
        cost = one["cost_cents"]
        return self.desk.margin if pd.isna(cost) else 1 - float(cost) / float(one["price_cents"])

    def _facts(self) -> dict[str, Any]:
        desk, config, words = self.desk, self.config, self.words
        price, floor = (sum(float(one[name]) for one in self.goods) for name in ("price_cents", "floor_cents"))
        which = "unknown_cost" if self.unknown else "lower" if floor < price else "at_floor"
        stock_told = words["stock_counted" if self.is_counted else "stock_free"].format(stock=self.stock)
        facts = {
            "parts": _listed([f"“{one['product_title']}”" for one in self.goods]),
            "parts_in_full": _listed([_in_full(one) for one in self.goods]),
            "name": self.goods[0]["product_title"],
            "count": len(self.parts),
            "lift": min(float(row["lift"]) for row, _, _ in self.pairs),
            "confidence": min(max(desk.share(a, b), desk.share(b, a)) for _, a, b in self.pairs),
            "q_value": max(float(row["q_value"]) for row, _, _ in self.pairs),
            "least": config.kit_orders,
            "cover": config.min_cover_days,
            "orders": float(desk.orders.get(self.parts[0], 0.0)) * WINDOW_DAYS / SALES_DAYS,
            "taken": config.kit_taken,
            "taken_low": config.kit_taken_low,
            "taken_high": config.kit_taken_high,
            "earned": sum(
                (1 - desk.share(self.parts[0], part)) * float(one["price_cents"]) / desk.minor * self._margin(one)
                for part, one in zip(self.parts[1:], self.goods[1:], strict=True)
            ),
            "margin": config.kit_margin,
            "stock": self.stock,
            "stock_told": stock_told,
            "scarcest": min(self.goods, key=lambda one: float(one["available"]))["product_title"],
            "price": f"{self.context.currency} {price / desk.minor:,.2f}",
            "floor": f"{self.context.currency} {floor / desk.minor:,.2f}" if which == "lower" else "",
            "unknown": "; ".join(self.unknown),
            "which": which,
        }
        return {**facts, "price_note": words["task"][which].format(**facts)}

    def _evidence(self) -> tuple[Evidence, ...]:
        names, facts = self.words["evidence"], self.facts
        end = last_window(self.context)[1]
        since = min(pd.Timestamp(self.pairs[0][0]["since"]).date(), end)
        bought = EvidenceDesk("marts.fct_product_affinity", since, end)
        sold = EvidenceDesk("marts.fct_product_daily", *last_window(self.context, SALES_DAYS))
        goods = EvidenceDesk("marts.dim_product_variants", end, end)
        rows = [
            bought.row(
                names["pair"].format(
                    one=self.desk.goods[one]["product_title"], other=self.desk.goods[other]["product_title"]
                ),
                row["lift"],
                "times",
                1.0,
                names["pair_note"].format(
                    both=int(row["orders_both"]),
                    buyers=int(row["buyers_both"]),
                    confidence=self.desk.share(one, other),
                    reverse=self.desk.share(other, one),
                    q=float(row["q_value"]),
                ),
            )
            for row, one, other in self.pairs
        ]
        seen = self.desk.orders.get(self.parts[0], 0.0)
        return (
            *rows,
            sold.row(names["sold"].format(name=facts["name"], days=SALES_DAYS), seen, "orders"),
            goods.row(
                names["earned"].format(name=facts["name"]),
                facts["earned"],
                self.context.currency,
                note=names["unknown_note" if self.unknown else "earned_note"],
            ),
            goods.row(
                names["stock"],
                self.stock if self.is_counted else None,
                "kits",
                note=names["stock_note" if self.is_counted else "free_note"].format(**facts),
            ),
        )

    def _checks(self) -> tuple[CheckRun, ...]:
        notes = self.words["checks"]

        def run(name: str, note: str, passed: bool = True) -> CheckRun:
            return CheckRun(name=name, passed=passed, note=notes[note].format(**self.facts))

        return (
            run("more than chance", "chance"),
            run("never oversold", "stock"),
            run("no part twice", "apart"),
            run("margin kept", "margin_unknown" if self.unknown else "margin", not self.unknown),
        )


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _in_full(one: Mapping[str, Any]) -> str:
    variant = one["variant_title"]
    named = "" if pd.isna(variant) or variant in ("", _DEFAULT) else f" ({variant})"
    return f"“{one['product_title']}”{named}"
