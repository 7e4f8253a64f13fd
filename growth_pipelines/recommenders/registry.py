"""The list of recommenders: what each needs and how it is called. Importing it loads none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from growth_pipelines.recommenders.context import (
    CwvRepairConfig,
    GuidedSellingConfig,
    MerchPlaybookConfig,
    MetaobjectGenConfig,
    RecommenderContext,
    SeoCtrConfig,
)

if TYPE_CHECKING:
    import pandas as pd

    from growth_pipelines.actions.model import ActionDraft

Frames = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True)
class Recommender:
    """A recommender as the rest of the machine sees it.

    ``frames`` names the frames that ``recommend`` needs; ``config`` is the class of its tunable numbers
    (``config.of(settings.recommenders.<name>)``); ``writes_texts`` whether its drafts hold texts of templates.
    """

    name: str
    kind: str
    version: int
    frames: tuple[str, ...]
    description: str
    config: (
        type[SeoCtrConfig]
        | type[CwvRepairConfig]
        | type[MetaobjectGenConfig]
        | type[GuidedSellingConfig]
        | type[MerchPlaybookConfig]
    )
    writes_texts: bool = False

    def recommend(
        self, frames: Frames, context: RecommenderContext, config: Any | None = None
    ) -> list[ActionDraft]:
        """Drafted actions, best score first; the frames are left unchanged."""
        module = import_module(f"growth_pipelines.recommenders.{self.name}")
        run: Callable[..., list[ActionDraft]] = module.recommend
        return run(frames, context, self.config() if config is None else config)


RECOMMENDERS: dict[str, Recommender] = {
    recommender.name: recommender
    for recommender in (
        Recommender(
            name="seo_ctr",
            kind="seo_ctr",
            version=1,
            frames=("search", "pages", "bodies", "performance", "shop"),
            description="Search snippets that win fewer clicks than their rank deserves: a better title, "
            "description and internal links.",
            config=SeoCtrConfig,
            writes_texts=True,
        ),
        Recommender(
            name="cwv_repair",
            kind="cwv_repair",
            version=1,
            frames=("vitals", "lab", "pages", "bodies", "performance", "shop"),
            description="Pages whose Core Web Vitals got worse for real visitors, with the cause that lab "
            "runs show and the steps that repair it.",
            config=CwvRepairConfig,
        ),
        Recommender(
            name="metaobject_gen",
            kind="metaobject_gen",
            version=1,
            frames=(
                "products",
                "metaobjects",
                "topics",
                "topic_queries",
                "pages",
                "bodies",
                "performance",
                "shop",
            ),
            description="Products without answers, specifications or how-tos, and topics that no page serves: "
            "structured content from the catalogue's own words.",
            config=MetaobjectGenConfig,
            writes_texts=True,
        ),
        Recommender(
            name="guided_selling",
            kind="guided_selling",
            version=1,
            frames=(
                "affinity",
                "product_orders",
                "products",
                *("sell_through", "bundle_pairs", "stock", "past_actions"),
                "topics",
                "questions",
                "metaobjects",
                "pages",
                "shop",
            ),
            description="Products that are bought together and not yet shown together, better ones that a page "
            "could show beside its own, kits, and questions of searchers that no page answers.",
            config=GuidedSellingConfig,
        ),
        Recommender(
            name="merch_playbook",
            kind="merch_playbook",
            version=1,
            frames=(
                *("stock", "variant_days", "days_out", "stock_age", "sell_through", "collection_products"),
                *("bundle_pairs", "product_orders", "performance", "past_actions", "shop"),
            ),
            description="What to order before it runs out, to clear, to bundle and to show first, and what is "
            "back.",
            config=MerchPlaybookConfig,
        ),
    )
}
