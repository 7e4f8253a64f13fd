"""Split tests of pages from the draw to the decision, on made-up pages whose effect is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.execution import execute_approved
from growth_pipelines.actions.experiments.declaration import BadExperiment, Guardrail
from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import (
    decide_experiment,
    experiments,
    find_experiment,
    operator_move,
    promote,
)
from growth_pipelines.actions.experiments.units import keep_units, pages_changed, paired_units, units_of
from growth_pipelines.actions.queue import find
from growth_pipelines.bench.statistics.shop_pages import START, page_days, page_traffic
from growth_pipelines.clock import local_date
from growth_pipelines.readouts.drawing import NotDrawn, ask_for_start
from growth_pipelines.readouts.reading import Reading, readings
from growth_pipelines.readouts.supervision import decide_on, supervise
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse
from tests.drafts import decided
from tests.experiment_marts import at, publish
from tests.experiments_declared import begun_on_units, declaration, fresh, registered

BEGUN = datetime.fromisoformat(f"{START}T14:00:00").replace(tzinfo=UTC)
PAGES = page_traffic(160, 5)
SPLIT: dict[str, Any] = {
    "unit": "page",
    "hypothesis": "Titles that name the part's fit are clicked more often.",
    "primary_metric": "clicks",
    "metric_kind": "mean",
    "arms": (("control", 1.0), ("fitted", 1.0)),
    "guardrails": (Guardrail("impressions", 0.5, kind="mean"),),
    "planned_days": 21,
    "planned_units": 40,
}


def marts(effect: float, treated: set[str]) -> dict[str, pd.DataFrame]:
    """Pages, and their days: 84 before START and 28 after; those of ``treated`` get ``effect`` more."""
    pages = PAGES.assign(arm=PAGES["page"].isin(treated).astype(int))
    days = page_days(pages, effect, 5).rename(
        columns={"page": "page_key", "date": "date_day", "clicks": "search_clicks"}
    )
    days["date_day"] = pd.to_datetime(days["date_day"])
    shown = np.random.default_rng(1).poisson(20 + 10 * days["search_clicks"])
    days = days.assign(search_impressions=shown, sessions=days["search_clicks"], orders=0, net_cents=0)
    catalogue = pages.rename(columns={"page": "page_key", "template": "page_type"})
    catalogue = catalogue.assign(handle=[key.rpartition("/")[2] for key in catalogue["page_key"]])
    return {
        "dim_pages": catalogue.assign(is_published=True)[["page_key", "page_type", "handle", "is_published"]],
        "fct_page_daily": days,
    }


def until(frames: dict[str, pd.DataFrame], last: Any) -> dict[str, pd.DataFrame]:
    days = frames["fct_page_daily"]
    return {**frames, "fct_page_daily": days[days["date_day"] <= pd.Timestamp(last)]}


def begun(settings: Settings, key: str = "fitted-titles", **other: Any) -> set[str]:
    """An experiment that was approved and carried out at BEGUN; the pages to be changed."""
    units = begun_on_units(settings, key, SPLIT | other, BEGUN)
    return {unit.unit_id for unit in units if unit.arm == "fitted"}


def read(settings: Settings, days: int) -> tuple[Settings, dict[str, Reading]]:
    """What the experiments read so many days after BEGUN."""
    later = at(settings, BEGUN + timedelta(days=days))
    store = Store.of(later)
    with store.read() as session:
        rows, units = experiments(session), paired_units(session)
        session.expunge_all()
    with Warehouse.of(later).read() as connection:
        return later, readings(connection, rows, units, local_date(later.clock.now(), later.zone), later.zone)


def drawn(settings: Settings, effect: float, **other: Any) -> set[str]:
    """The pages drawn before START, with what they got afterwards published."""
    before = START - np.timedelta64(1, "D")
    publish(settings, before.item(), **until(marts(0.0, set()), before))
    treated = begun(settings, **other)
    publish(settings, (START + 27).item(), **marts(effect, treated))
    return treated


def test_pages_are_drawn_in_pairs_of_one_template_and_kept_with_their_balance(machine: Settings) -> None:
    treated = drawn(machine, 0.0)
    row = fresh(Store.of(machine), "fitted-titles")
    with Store.of(machine).read() as session:
        units = units_of(session, row)
    assert row.drawn is not None
    assert row.drawn["units"] == len(units) == 2 * row.drawn["pairs"] == 2 * len(treated)
    by_pair = pd.DataFrame([(unit.pair, unit.arm, unit.template) for unit in units]).groupby(0)
    assert (by_pair[1].nunique() == 2).all()
    assert (by_pair[2].nunique() == 1).all()
    assert row.drawn["balance"]["ratio"] == pytest.approx(1, abs=0.1)
    with Store.of(machine).session() as session, pytest.raises(BadExperiment, match="drawn"):
        keep_units(session, row, [{"unit_id": "/p/1", "arm": "fitted"}], {}, BEGUN)


def test_only_pages_that_match_take_part_and_none_that_another_test_has(machine: Settings) -> None:
    frames = marts(0.0, set())
    before = START - np.timedelta64(1, "D")
    publish(machine, before.item(), **until(frames, before))
    with pytest.raises(NotDrawn, match="The plan has 1,000 pages"):
        begun_on_units(machine, "many", SPLIT | {"planned_units": 1000}, BEGUN)
    products = _design(machine, "products", page_type="product")
    kinds = frames["dim_pages"].set_index("page_key")["page_type"]
    assert set(kinds[list(products)]) == {"product"}
    rest = _design(machine, "all-others")
    assert not rest & products
    with pytest.raises(NotDrawn, match="widen"):
        _design(machine, "few", handle="15*")


def _design(settings: Settings, key: str, **design: Any) -> set[str]:
    begun(settings, key, design=Design(**design))
    with Store.of(settings).read() as session:
        return {unit.unit_id for unit in units_of(session, fresh(Store.of(settings), key))}


def test_a_planted_gain_is_read_at_the_planned_end_and_not_before(machine: Settings) -> None:
    drawn(machine, 0.5)
    _, early = read(machine, 7 + 6)
    assert early["fitted-titles"].readout.arms[0].effect is None
    _, found = read(machine, 7 + 14 + 4)
    halfway = found["fitted-titles"].readout
    assert halfway.look is not None
    assert (halfway.look.week, halfway.look.next_week) == (2, 3)
    assert (halfway.status, halfway.winner) == ("too early", ""), "before the end only harm is looked for"
    later, found = read(machine, 7 + 21 + 4)
    reading = found["fitted-titles"]
    [arm] = reading.readout.arms
    assert arm.effect is not None
    assert 0 < arm.effect.ci_low < 0.5 < arm.effect.ci_high
    assert reading.readout.cross is not None
    assert reading.readout.cross.agrees
    assert (reading.readout.status, reading.readout.winner) == ("ship", "fitted")
    assert read(later, 7 + 21 + 9)[1]["fitted-titles"] == reading, "a later day reads the same look"
    store, now = Store.of(later), later.clock.now()
    with store.session() as session:
        assert supervise(session, found, now).stopped == ()
        operator_move(session, "fitted-titles", "stop", actor="bo", channel="cli", now=now, reason="over")
        row = decide_on(session, "fitted-titles", found, actor="bo", channel="cli", now=now)
        assert row.decision is not None
        assert row.decision["data_digest"] == reading.data_digest


def test_harm_is_stopped_at_the_first_look_that_shows_it(machine: Settings) -> None:
    drawn(machine, -0.6)
    later, found = read(machine, 7 + 7 + 4)
    assert found["fitted-titles"].readout.status == "roll back"
    with Store.of(later).session() as session:
        assert supervise(session, found, later.clock.now()).stopped == ("fitted-titles",)


def test_the_pages_that_a_test_changes_are_known_with_the_moments(machine: Settings) -> None:
    treated, store = drawn(machine, 0.0), Store.of(machine)
    stopped = BEGUN + timedelta(days=30)
    begin_to_end = [(page, at) for at in (BEGUN, stopped) for page in treated]
    with store.session() as session:
        everything = {unit.unit_id for unit in units_of(session, fresh(store, "fitted-titles"))}
        said = {"actor": "bo", "channel": "cli"}
        operator_move(session, "fitted-titles", "stop", now=stopped, reason="over", **said)
        assert sorted(pages_changed(session, BEGUN)) == sorted(begin_to_end)
        row = find_experiment(session, "fitted-titles")
        decide_experiment(session, row, {"status": "ship"}, now=stopped, **said)
        promote(session, row, "fitted", now=stopped + timedelta(days=1), **said)
        changed = begin_to_end + [(page, stopped + timedelta(days=1)) for page in everything]
        assert sorted(pages_changed(session, BEGUN)) == sorted(changed)
        assert sorted(pages_changed(session, stopped)) == sorted(changed[len(treated) :])


def test_nothing_starts_with_other_pages_than_were_approved(machine: Settings) -> None:
    before = START - np.timedelta64(1, "D")
    publish(machine, before.item(), **until(marts(0.0, set()), before))
    store = Store.of(machine)
    row = registered(store, declaration("fitted-titles", **SPLIT), BEGUN)
    action_id = ask_for_start(store, machine, row, BEGUN)
    with store.session() as session:
        action, row = find(session, action_id), fresh(store, "fitted-titles")
        swapped = [
            {"unit_id": unit.unit_id, "arm": "fitted", "pair": unit.pair} for unit in units_of(session, row)
        ]
        keep_units(session, session.merge(row), swapped, {}, BEGUN)
        session.expunge_all()
    decided(store, machine, action, "approve", now=BEGUN)
    [result] = execute_approved(store, machine, only=[action_id], now=BEGUN)
    assert result.status == "failed"
    assert fresh(store, "fitted-titles").status == "draft"
