"""A split test of pages on the made-up shop: what one arm got is found, and not more than that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from growth_pipelines.actions.experiments.design import Design
from growth_pipelines.actions.experiments.registry import experiments
from growth_pipelines.actions.experiments.units import paired_units
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.readouts.reading import Reading, readings
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse
from growth_pipelines.warehouse.dbt import build
from tests.conftest import SandboxShop
from tests.drafts import with_operator
from tests.experiments_declared import begun_on_units

pytestmark = pytest.mark.slow
BEGUN, READ = date(2026, 9, 20), date(2026, 10, 30)
# What the sandbox makes of a title without a word of what the page sells: a quarter fewer clicks of searches that
# do not name the shop; those that do are up to a third of a page's clicks, and stay.
NOTHING_SAID, LEFT, NAMING = "Zzzz qqqq", 0.75, 0.34
STREAMS = ("shop", "products", "collections", "pages", "search_page", "search_page_query")
SPLIT: dict[str, Any] = {
    "unit": "page",
    "planned_units": 16,
    "hypothesis": "Titles that say nothing of the part are clicked less.",
    "primary_metric": "clicks",
    "metric_kind": "mean",
    "arms": (("control", 1.0), ("unsaid", 1.0)),
    "guardrails": (),
    "planned_days": 28,
    "design": Design(page_type="product"),
}


def noon(day: date) -> datetime:
    return datetime.combine(day, time(18), UTC)


def machine(shop: SandboxShop, home: Path, day: date) -> Settings:
    """The settings of a machine on ``day``, with the search data and the marts of that day."""
    more = {"GROWTH_NOW": noon(day).isoformat(), "GROWTH_OPERATOR": "bo", "GROWTH_ACTIONS__MODE": "live"}
    settings = shop.settings(home, **more, GROWTH_SEARCH_CONSOLE__HISTORY_DAYS="75")
    ingest(settings, STREAMS)
    assert build(settings, ["+dim_pages", "+dim_shops", "+fct_page_daily"], data_tests=False).ok
    Warehouse.of(settings).publish()
    return settings


def begin(settings: Settings, key: str) -> list[str]:
    """Approved and carried out; the pages that the change is for."""
    units = begun_on_units(settings, key, SPLIT, settings.clock.now())
    return [unit.unit_id for unit in units if unit.arm == "unsaid"]


@pytest.fixture(scope="module")
def read(
    start_sandbox: Callable[..., SandboxShop], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Reading]:
    """A test in which titles of all treated pages were emptied of sense, six weeks after its start."""
    shop = start_sandbox("--seed", "11", "--orders", "300", "--products", "60", "--today", f"{BEGUN}")
    home = tmp_path_factory.mktemp("split") / "home"
    settings = machine(shop, home, BEGUN)
    with_operator(Store.of(settings), settings)
    treated = begin(settings, "titles")
    with Warehouse.of(settings).read() as connection:
        gids = dict(connection.execute("select page_key, resource_gid from marts.dim_pages").fetchall())
    for page in treated:
        edit = {"gid": gids[page], "field": "seo.title", "value": NOTHING_SAID}
        httpx.post(f"{shop.base_url}/_sandbox/edit", json=edit, timeout=60, trust_env=False).raise_for_status()
    shop.advance((READ - BEGUN).days)
    later = machine(shop, home, READ)
    store = Store.of(later)
    with store.read() as session:
        rows, units = experiments(session), paired_units(session)
        session.expunge_all()
    with Warehouse.of(later).read() as connection:
        return readings(connection, rows, units, READ + timedelta(days=1), later.zone)


def test_the_loss_that_was_planted_is_found(read: dict[str, Reading]) -> None:
    found = read["titles"].readout
    [arm] = found.arms
    assert arm.effect is not None
    assert arm.effect.ci_low < (LEFT - 1) * (1 - NAMING), "what was planted lies inside"
    assert LEFT - 1 < arm.effect.ci_high < 0
    assert found.cross is not None
    assert found.status == "roll back"
