"""Which plots an action is shown with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from growth_pipelines.actions.executors.collection_order import ORDER
from growth_pipelines.console.plots import goods, search, vitals
from growth_pipelines.console.plots.plot import Missing, Plot, Subject
from growth_pipelines.monitoring.marks import Dated
from growth_pipelines.store.tables import Action
from growth_pipelines.warehouse.series import Series

Maker = Callable[[Subject, Series], Plot | Missing]
_MAKERS: dict[str, tuple[Maker, ...]] = {
    "seo_ctr": (search.ctr_curve, search.search_weeks),
    "cwv_repair": (vitals.vital_weeks,),
    "metaobject_gen.product_content": (search.visits_weeks,),
    "metaobject_gen.landing_page": (search.searches,),
    "merch_playbook.reorder": (goods.stock_outlook, goods.units_weeks),
    "merch_playbook.clearance": (goods.units_weeks,),
    "merch_playbook.back_in_stock": (goods.units_weeks,),
    "merch_playbook.collection_order": (goods.places,),
    "merch_playbook.feature": (goods.places, goods.compared),
    "merch_playbook.bundle": (goods.units_weeks,),
    "guided_selling.cross_sell_rule": (goods.shares, goods.units_weeks),
    "guided_selling.upsell_rule": (goods.units_weeks,),
    "guided_selling.kit_rule": (goods.units_weeks,),
    "guided_selling.content_gap": (search.searches,),
}
_SALES = {"marts.fct_product_daily", "marts.fct_order_lines"}


def plots_of(subject: Subject, series: Series) -> list[Plot | Missing]:
    """The plots of an action's kind, in order; none for kinds that have no series."""
    makers = _MAKERS.get(f"{subject.kind}.{subject.subtype}") or _MAKERS.get(subject.kind, ())
    return [make(subject, series) for make in makers]


def subject_of(action: Action, events: Sequence[Dated]) -> Subject:
    """What the plots read of an action."""
    changes = {change["field"]: change for change in action.diff}
    order: dict[str, Any] = changes.get(ORDER, {})
    return Subject(
        kind=action.kind,
        subtype=action.subtype,
        evidence=list(action.evidence),
        page_key=urlsplit(action.target["url"]).path,
        gid=action.resource_gid,
        sales_end=_sales_end(action),
        before=order.get("before", "").split(),
        after=order.get("after", "").split(),
        events=list(events),
    )


def _sales_end(action: Action) -> date:
    """The last whole day of the sales in the evidence; the day before it was drafted where there are none."""
    ends = [date.fromisoformat(row["end"]) for row in action.evidence if row["source"] in _SALES]
    return max(ends, default=action.created_at.date() - timedelta(days=1))
