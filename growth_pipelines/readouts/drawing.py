"""The units of an experiment are drawn from the published warehouse before its start is asked for.

The approval then binds to what was drawn. Seeds come from the experiment's key, so nobody can draw until the arms
please; drawing again differs only by what the warehouse knows meanwhile.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.proposals import propose_start
from growth_pipelines.actions.experiments.registry import arm_names, arm_weights, find_experiment
from growth_pipelines.actions.experiments.switch import GID
from growth_pipelines.actions.experiments.units import keep_units, units_in_use
from growth_pipelines.actions.model import OPEN_STATES
from growth_pipelines.clock import local_date
from growth_pipelines.errors import GrowthError
from growth_pipelines.experiments import assign_all, balance, match_pages, switchback_schedule
from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.customer_readout import LEAST_CUSTOMERS
from growth_pipelines.experiments.page_readout import LEAST_PAIRS
from growth_pipelines.experiments.planned_looks import planned_looks
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action, Experiment
from growth_pipelines.warehouse.connection import WarehouseConnection
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.named_queries import query

if TYPE_CHECKING:
    import pandas as pd

# Days before the start that pages are matched by, and their weekday levels are taken from.
PAGE_DAYS_BEFORE = 56
# Search Console revises its newest days.
INCOMPLETE_DAYS = 3
_WIDER = {"page": "other --page-type or --handle", "customer": "more --coverage", "time_slice": "more --days"}


class NotDrawn(GrowthError):
    """The warehouse has too few units for the experiment; the message says what is missing."""


@dataclass(frozen=True)
class Drawn:
    """``units`` as they are kept, and what is told ``about`` them."""

    units: list[dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)


def ask_for_start(store: Store, settings: Settings, row: Experiment, now: datetime) -> str:
    """Draw the units of a draft, unless they come by themselves, and ask whether it may start; the action's id.

    While it is asked already the units stay as they are: the open action binds to them. Raises NotDrawn,
    NotProposed.
    """
    if row.unit != "visitor" and row.status == "draft" and not _is_asked(store, row):
        row = draw_units(store, settings, row, now)
    return propose_start(store, settings, row, now)


def _is_asked(store: Store, row: Experiment) -> bool:
    asked = select(Action.id).where(Action.resource_gid == GID + row.key, Action.state.in_(OPEN_STATES))
    with store.read() as session:
        return row.drawn is not None and session.scalar(asked.limit(1)) is not None


def draw_units(store: Store, settings: Settings, row: Experiment, now: datetime) -> Experiment:
    """Draw and keep the units of a draft; the experiment as it is then. Raises NotDrawn, BadExperiment."""
    drawn = drawn_now(store, settings, row, now)
    with store.session() as session:
        held = find_experiment(session, row.key)
        keep_units(session, held, drawn.units, drawn.about, now)
        session.expunge_all()
    return held


def drawn_now(store: Store, settings: Settings, row: Experiment, now: datetime) -> Drawn:
    """The units that a draw would give ``row`` now, the planned ones or more; nothing is kept. Raises NotDrawn."""
    today, taken = local_date(now, settings.zone), taken_by_others(store, row)
    if row.unit == "time_slice" and taken:
        raise NotDrawn("Another switchback is under way.", "The whole shop has one at a time: wait for its end.")
    with Warehouse.of(settings).read() as connection:
        drawn = draw_on(connection, row, taken, today)
    if len(drawn.units) < row.planned_units:
        kind = "days" if row.unit == "time_slice" else f"{row.unit}s"
        raise NotDrawn(
            f"The plan has {row.planned_units:,} {kind}, and {len(drawn.units):,} can be drawn.",
            f"Register another one that plans fewer, or with {_WIDER[row.unit]}.",
        )
    return drawn


def taken_by_others(store: Store, row: Experiment) -> set[str]:
    """Units of experiments under way that ``row`` can't have.

    Customers may be in several experiments at once: hashes of two keys are independent.
    """
    if row.unit == "customer":
        return set()
    with store.read() as session:
        return units_in_use(session, row.unit)


def seed_of(key: str) -> int:
    """The seed of everything that is drawn at random for the experiment ``key``."""
    return int.from_bytes(sha256(key.encode()).digest()[:6])


def last_search_day(connection: WarehouseConnection, shop_id: str, today: date) -> date | None:
    """The newest day whose search figures are all there and are revised no more; None without search data."""
    [[newest]] = connection.execute(query("experiment_search_days"), [shop_id]).fetchall()
    if newest is None:
        return None
    return min(newest, today - timedelta(days=INCOMPLETE_DAYS + 1))


def last_sales_day(connection: WarehouseConnection, shop_id: str, today: date) -> date | None:
    """The newest day before ``today`` whose orders are all there; None without any."""
    [[newest]] = connection.execute(query("experiment_sales_days"), [shop_id]).fetchall()
    return None if newest is None else min(newest, today - timedelta(days=1))


def draw_on(connection: WarehouseConnection, row: Experiment, taken: set[str], today: date) -> Drawn:
    """The units that ``row`` would be given on the day ``today``, without those ``taken``. Raises NotDrawn."""
    if row.unit == "page":
        return _pages(connection, row, taken, today)
    return _customers(connection, row, today) if row.unit == "customer" else _slices(row)


def _customers(connection: WarehouseConnection, row: Experiment, today: date) -> Drawn:
    """All who have bought before ``today``, by the hash that assigns visitors too."""
    keys = connection.frame(query("experiment_customers"), [row.shop_id, today])["customer_key"].tolist()
    arms = assign_all(keys, row.key, arm_weights(row), row.coverage_goal)
    names = arm_names(row)
    units = [{"unit_id": key, "arm": names[arm]} for key, arm in zip(keys, arms, strict=True) if arm >= 0]
    fewest = min((sum(unit["arm"] == name for unit in units) for name in names), default=0)
    if fewest < LEAST_CUSTOMERS:
        raise NotDrawn(
            f"An arm would have {fewest} customers.", f"At least {LEAST_CUSTOMERS} are needed: raise --coverage."
        )
    return Drawn(units, {"bought_before": today.isoformat()})


def _slices(row: Experiment) -> Drawn:
    block, days = Design(**row.design).block_days, 7 * planned_looks(row.planned_days)[-1].weeks
    try:
        arms = switchback_schedule(days, block, seed_of(row.key))
    except UnusableSample as error:
        raise NotDrawn(error.message, error.hint) from error
    names = arm_names(row)
    units = [
        {"unit_id": str(day), "arm": names[arm], "pair": day // (2 * block)}
        for day, arm in enumerate(arms.tolist())
    ]
    return Drawn(units, {"block_days": block})


def _pages(connection: WarehouseConnection, row: Experiment, taken: set[str], today: date) -> Drawn:
    design, last = Design(**row.design), last_search_day(connection, row.shop_id, today)
    if last is None:
        raise NotDrawn("The warehouse has no search data.", "Read Search Console first: `growth run`.")
    first = last - timedelta(days=PAGE_DAYS_BEFORE - 1)
    pattern = design.handle.translate({ord("%"): "!%", ord("_"): "!_", ord("!"): "!!"}).replace("*", "%")
    bounds = [row.shop_id, design.page_type, design.page_type, pattern, first, last]
    days = connection.frame(query("experiment_page_candidates"), bounds)
    days = days[~days["page"].isin(taken)]
    pages = days.groupby(["page", "template"], as_index=False)[row.primary_metric].sum()
    pages = pages.rename(columns={row.primary_metric: "traffic"})
    pages = pages[pages["traffic"] > 0].assign(traffic=lambda frame: frame["traffic"] / PAGE_DAYS_BEFORE)
    if len(pages) < 2 * LEAST_PAIRS:
        raise NotDrawn(
            f"{len(pages)} pages that match have any {row.primary_metric} of their own.",
            f"At least {2 * LEAST_PAIRS} are needed: widen --page-type or --handle.",
        )
    return _paired(row, pages, days, last)


def _paired(row: Experiment, pages: pd.DataFrame, days: pd.DataFrame, last: date) -> Drawn:
    try:
        pairs = match_pages(pages, seed_of(row.key))
        before = balance(days, pairs, last + timedelta(days=1), row.primary_metric)
    except UnusableSample as error:
        raise NotDrawn(error.message, error.hint) from error
    names = arm_names(row)
    units = [
        {"unit_id": page, "arm": names[arm], "pair": pair, "template": template, "traffic": traffic}
        for page, arm, pair, template, traffic in pairs[["page", "arm", "pair", "template", "traffic"]]
        .astype(object)
        .itertuples(index=False)
    ]
    return Drawn(units, {"pairs": len(pairs) // 2, "matched_to": last.isoformat(), "balance": asdict(before)})
