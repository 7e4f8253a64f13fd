"""A repair of a web vital is measured by the field data that a whole cycle has read."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from growth_pipelines.actions.executors.plan import TaskDraft
from growth_pipelines.actions.executors.task_cards import open_card
from growth_pipelines.actions.model import ActionDraft, Target
from growth_pipelines.actions.outcomes import outcomes_of
from growth_pipelines.actions.tasks import mark_done
from growth_pipelines.defs.assets.action_outcomes import OUTCOMES
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.machine import Machine
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import Action
from tests.drafts import task_draft, with_operator
from tests.outcomes_read import executed

from .conftest import NOW, QUIET, Cycled

_PAGE = """
select pages.resource_gid, pages.page_key
from marts.dim_pages as pages
join marts.fct_web_vitals as vitals on vitals.page_key = pages.page_key
where vitals.metric = 'lcp' and vitals.is_weekly and vitals.p75 is not null and pages.page_type = 'product'
group by 1, 2
order by count(*) desc, 2
limit 1
"""


@pytest.mark.slow
@pytest.mark.xdist_group("cycled")
def test_the_vital_that_a_repair_was_for_is_told_beside_its_promise(cycled: Cycled, tmp_path: Path) -> None:
    home = shutil.copytree(cycled.home, tmp_path / "home", symlinks=True)
    settings = load_settings({"GROWTH_HOME": str(home), "GROWTH_NOW": NOW.isoformat()})
    store = Store.of(settings)
    repaired = executed(store, draft=_repair(settings))
    with_operator(store, settings)
    with store.session() as session:
        action = session.get_one(Action, repaired.id)
        action.created_at = action.executed_at = NOW - timedelta(days=90)
        open_card(session, action, TaskDraft("Repair it", ("Open the theme.",)), NOW - timedelta(days=90))
    with open_instance(settings) as instance:
        job = build_defs(settings).resolve_job_def("measure_outcomes")
        assert job.execute_in_process(instance=instance, run_config=QUIET).success
        with store.session() as session:
            assert outcomes_of(session, repaired.id) == [], "nothing is read of work that nobody has done"
            day, action = (NOW - timedelta(days=60)).date(), session.get_one(Action, repaired.id)
            mark_done(session, action, day, actor="bo", channel="cli", now=NOW, zone=settings.zone)
        result = job.execute_in_process(instance=instance, run_config=QUIET)
        [told] = [
            event.step_materialization_data.materialization.metadata
            for event in result.get_asset_materialization_events()
            if event.asset_key == OUTCOMES
        ]
    assert isinstance(told["web_vitals"], dg.TableMetadataValue)
    rows = [row.data for row in told["web_vitals"].records if row.data["action"] == repaired.ref]
    assert {row["vital"] for row in rows} == {"lcp_phone", "lcp_desktop"}
    with store.read() as session:
        vitals = [one for one in outcomes_of(session, repaired.id) if one.metric.startswith("lcp")]
    assert len(vitals) == 2
    for one in vitals:
        assert (one.horizon_days, one.is_promised, one.outcome_class) == (28, False, None)
        assert one.skipped or one.effect_low <= one.effect <= one.effect_high
    assert any(one.effect is not None for one in vitals), [one.skipped for one in vitals]


def _repair(settings: Settings) -> ActionDraft:
    """A repair of the LCP of a page with field data."""
    with Machine(settings).warehouse.read() as connection:
        gid, path = connection.execute(_PAGE).fetchone()
    handle = path.rpartition("/")[2]
    target = Target(type="product", gid=gid, url=f"https://www.hotrodparts.example{path}", handle=handle)
    return task_draft(metric="sessions_lcp", target=target)
