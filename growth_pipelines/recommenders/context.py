"""What a recommender is told besides the frames: whose shop, as of which day, and its tunable numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from growth_pipelines.content.habits import NO_HABITS, Habits

if TYPE_CHECKING:
    from growth_pipelines.learning import Corrections


def _nothing_learnt() -> Corrections:
    # Imported late: it brings NumPy along, which declaring a recommender doesn't need.
    from growth_pipelines.learning import Corrections

    return Corrections()


@dataclass(frozen=True)
class RecommenderContext:
    """The shop and the day a recommendation is made for.

    ``as_of`` is the shop's own day; ``freshness`` a label a person reads ("search data to 19 Nov 2026");
    ``corrections`` are what decisions and outcomes taught; goods arrive ``lead_time_days`` after they were
    ordered; ``paused_templates`` write nothing; texts follow the operators' ``habits``; ``guided_selling`` is what
    kits need, so that no bundle repeats one.
    """

    as_of: date
    shop_name: str
    primary_url: str
    currency: str
    locale: str = "en"
    brand_terms: tuple[str, ...] = ()
    freshness: str = ""
    corrections: Corrections = field(default_factory=_nothing_learnt)
    lead_time_days: int = 14
    paused_templates: frozenset[str] = frozenset()
    habits: Habits = NO_HABITS
    guided_selling: GuidedSellingConfig = field(default_factory=lambda: GuidedSellingConfig())

    def learnt(self, recommender: str, subtype: str, confidence: float) -> dict[str, float]:
        """What multiplies the score of one kind of change with this stated confidence; 1 without data."""
        return self.corrections.of(recommender, subtype, confidence)

    def url_of(self, page_key: str) -> str:
        """The page's public address."""
        return f"{self.primary_url.rstrip('/')}{page_key}"


class _FromSettings:
    @classmethod
    def of(cls, settings_group: Any) -> Self:
        """The configuration with the values of a settings group that has attributes of the same names."""
        names = [item.name for item in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: getattr(settings_group, name) for name in names if hasattr(settings_group, name)})


@dataclass(frozen=True)
class SeoCtrConfig(_FromSettings):
    """Tunable numbers of ``seo_ctr`` (weekly caps are the queue's business, not the recommender's)."""

    ctr_ratio: float = 0.7
    min_impressions: int = 500
    max_position_change: float = 0.5
    fdr: float = 0.05
    max_drafts: int = 200


@dataclass(frozen=True)
class CwvRepairConfig(_FromSettings):
    """Tunable numbers of ``cwv_repair``."""

    min_sessions: int = 30
    fdr: float = 0.05
    phone_share: float = 0.65


@dataclass(frozen=True)
class MetaobjectGenConfig(_FromSettings):
    """Tunable numbers of ``metaobject_gen``; prices in major units, lifts as shares of the conversion rate.

    ``lift_low`` and ``lift_high`` are the ends of the lifts' 90 % interval, as multiples.
    """

    faq_price: float = 200.0
    specification_variants: int = 3
    faq_lift: float = 0.03
    specification_lift: float = 0.02
    how_to_lift: float = 0.01
    lift_low: float = 0.1
    lift_high: float = 2.0
    min_topic_impressions: int = 500
    served_to_position: float = 10.0
    contested_share: float = 0.5
    goal_position: float = 8.0
    preview_days: int = 7
    max_drafts: int = 200


@dataclass(frozen=True)
class GuidedSellingConfig(_FromSettings):
    """Tunable numbers of ``guided_selling``; shares from 0 to 1.

    Three are beliefs with the ends of their 90 % intervals, and no measurements: ``attach_lift``, by how much more
    often B is bought with A once A's page shows it; ``trade_up``, the share of A's orders that then take a better
    one; ``kit_taken``, the share of a part's orders that then take the kit. ``assumed_margin`` stands in where the
    shop knows no cost at all.
    """

    min_confidence: float = 0.3
    min_orders_both: int = 10
    min_lift: float = 1.2
    fdr: float = 0.05
    sold_as_one: float = 0.9
    max_companions: int = 4
    min_cover_days: int = 7
    min_margin: float = 0.1
    assumed_margin: float = 0.3
    attach_lift: float = 0.05
    attach_lift_low: float = 0.005
    attach_lift_high: float = 0.15
    min_question_impressions: int = 200
    answered_to_position: float = 10.0
    answered_ctr_ratio: float = 0.5
    goal_position: float = 8.0
    question_value: float = 0.3
    max_alternatives: int = 3
    upsell_from: float = 0.1
    upsell_to: float = 0.6
    upsell_gain: float = 0.1
    upsell_visits: int = 300
    upsell_orders: int = 10
    upsell_chance: float = 0.9
    upsell_grades: tuple[str, ...] = ()
    trade_up: float = 0.02
    trade_up_low: float = 0.002
    trade_up_high: float = 0.08
    kit_parts: int = 5
    kit_orders: int = 10
    kit_lift: float = 2.0
    kit_confidence: float = 0.3
    kit_reverse: float = 0.1
    kit_stock: int = 5
    kit_margin: float = 0.2
    kit_taken: float = 0.03
    kit_taken_low: float = 0.005
    kit_taken_high: float = 0.1
    max_drafts: int = 200


@dataclass(frozen=True)
class MerchPlaybookConfig(_FromSettings):
    """Tunable numbers of ``merch_playbook``."""

    service_level: float = 0.95
    cover_days: int = 28
    critical_days: float = 3.0
    high_days: float = 7.0
    medium_days: float = 14.0
    min_sale_days: int = 3
    order_ratio: float = 1.2
    order_chance: float = 0.9
    slow_units: int = 10
    slow_cover_days: int = 365
    slow_chance: float = 0.9
    margin_floor: float = 0.2
    feature_ratio: float = 1.5
    pulse_rest_days: int = 7
    bundle_confidence: float = 0.3
    bundle_orders: int = 10
    bundle_lift: float = 2.0
    max_drafts: int = 200
