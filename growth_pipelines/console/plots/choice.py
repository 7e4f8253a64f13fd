"""Which plots an action is shown with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from growth_pipelines.actions.executors.collection_order import ORDER
from growth_pipelines.console.plots import goods, search, vitals
from growth_pipelines.console.plots.plot import Event, Missing, Plot, Subject
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
_EVENTS = 3
_SALES = {"marts.fct_product_daily", "marts.fct_order_lines"}


def plots_of(subject: Subject, series: Series) -> list[Plot | Missing]:
    """The plots of an action's kind, in order; none for kinds that have no series."""
    makers = _MAKERS.get(f"{subject.kind}.{subject.subtype}") or _MAKERS.get(subject.kind, ())
    return [make(subject, series) for make in makers]


def subject_of(action: Action, events: Sequence[Event]) -> Subject:
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


def events_of(session: Session, action: Action, zone: ZoneInfo) -> list[Event]:
    """What was approved for, or written to, the same resource: the latest, oldest first."""
    same = Action.resource_gid == action.resource_gid if action.resource_gid else Action.id == action.id
    done = or_(Action.executed_at.is_not(None), Action.state == "approved")
    latest = select(Action).where(same, done).order_by(Action.updated_at.desc()).limit(_EVENTS)
    events = [_event(one, zone) for one in session.scalars(latest)]
    return sorted(events, key=lambda event: event.day)


def _event(action: Action, zone: ZoneInfo) -> Event:
    if action.executed_at is not None:
        return Event(_day(action.executed_at, zone), "written")
    return Event(_day(action.decided_at or action.updated_at, zone), "approved")


def _day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()
