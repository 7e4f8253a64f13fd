"""A whole cycle on the real instance, in one run as the schedule starts it and in stages as the terminal does."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import select

from growth_pipelines.actions.template_pauses import pause_template
from growth_pipelines.defs.build import build_defs
from growth_pipelines.defs.instance import open_instance
from growth_pipelines.defs.launch import STAGES, run_stages
from growth_pipelines.errors import GrowthError
from growth_pipelines.feedback.learnt import learnt
from growth_pipelines.feedback.switches import follow_habit
from growth_pipelines.learning.edits import words_in
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.outbox import undelivered
from growth_pipelines.store.tables import Action
from tests.conftest import SandboxShop
from tests.drafts import decided, seo_draft, submitted, with_operator

from .conftest import NOW, QUIET, SHORT, Cycled


@pytest.fixture
def settings(tmp_path: Path, small_shop: SandboxShop) -> Settings:
    return small_shop.settings(tmp_path / "home", **SHORT)


def _metadata(instance: dg.DagsterInstance, key: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    assert event is not None, key
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.mark.slow
def test_the_daily_cycle_is_one_green_run_while_approvals_are_awaited(settings: Settings) -> None:
    with open_instance(settings) as instance:
        result = (
            build_defs(settings)
            .resolve_job_def("daily_cycle")
            .execute_in_process(instance=instance, run_config=QUIET)
        )
        assert result.success
        assert len(instance.get_run_records()) == 1
        gates = [c for c in result.get_asset_check_evaluations() if c.check_name == "approved_by_operator"]
        assert {gate.metadata["state"].value for gate in gates} <= {"pending", "no_proposal"}
        assert not any(gate.passed for gate in gates)
        assert {gate.severity for gate in gates} == {dg.AssetCheckSeverity.WARN}
        assert _metadata(instance, "raw/orders")["rows"] > 0
        assert _metadata(instance, "marts/fct_orders")["dagster/row_count"] > 0
        published = _metadata(instance, "published_warehouse")
        assert "search to 2026-11-19" in published["freshness"]
        assert len(published["orders_by_day"]) == 28
        assert published["search_clicks_by_day"].endswith("  "), "days that Google has not given yet are no zeros"
        assert published["currency"] == "USD"
        assert published["quality_shopify"] >= 90
        assert "data:image/svg+xml" in published["last_8_weeks"]
        assert _metadata(instance, "marts/fct_shop_daily")["window"].endswith("21 Nov 2026")
        assert _metadata(instance, "search_regressions")["window"] == "23 Oct – 19 Nov 2026"
        assert _metadata(instance, "raw/orders")["window"] == "23 Oct 2024 – 22 Nov 2026, 12:00 (UTC)"
        batch = _metadata(instance, "seo_ctr_recommendations")
        shown = [record.data for record in batch["proposals"].records] if batch["actions"] else []
        assert all(row["ref"] and row["digest"] and row["money_28d"].endswith(" USD") for row in shown)
        event = instance.get_latest_data_version_record(dg.AssetKey("seo_ctr_recommendations"))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.tags["dagster/data_version"] == batch["digest"]
        texts = [c for c in result.get_asset_check_evaluations() if c.check_name == "texts_hold_up"]
        assert {check.asset_key.to_user_string() for check in texts} == {
            "seo_ctr_recommendations",
            "metaobject_gen_recommendations",
        }
        assert all(check.passed for check in texts)
        assert sum(check.metadata["drafted"].value for check in texts) > 0
        _paused_templates_write_nothing(settings, instance)
    assert (settings.home / "shop.json").exists(), "the schedule's zone is read from it"


def _paused_templates_write_nothing(settings: Settings, instance: dg.DagsterInstance) -> None:
    """A snippet that waits is drafted again by another template when its own has been paused."""
    store = Store.of(settings)
    snippets = ("en.titles.", "en.descriptions.")
    names = [name for action in _pending(store) for name in _chosen(action.draft)]
    made_by = Counter(name for name in names if name.startswith(snippets))
    often = made_by.most_common(1)[0][0]
    with store.session() as session:
        pause_template(session, often, decisions=10, rejected=4, now=NOW)
    job = build_defs(settings).resolve_job_def("recommend_actions")
    assert job.execute_in_process(instance=instance, run_config=QUIET).success
    now_made_by = {name for action in _pending(store) for name in _chosen(action.draft)}
    assert now_made_by
    assert often not in now_made_by


def _pending(store: Store) -> Sequence[Action]:
    with store.read() as session:
        return session.scalars(select(Action).where(Action.state == "pending")).all()


def _chosen(draft: dict[str, Any]) -> list[str]:
    """The templates of the texts that would be written."""
    return [
        names[draft["variants"][part].index(draft[part])] if part in draft.get("variants", {}) else names[0]
        for part, names in draft.get("templates", {}).items()
    ]


@pytest.mark.slow
@pytest.mark.xdist_group("cycled")
def test_stages_can_be_repeated_and_tell_what_they_did(cycled: Cycled, settings: Settings) -> None:
    shutil.copytree(cycled.home, settings.home, symlinks=True)
    first, seen = cycled.summary, cycled.seen
    assert [stage.name for stage in first.stages] == list(STAGES)
    assert first.tables["orders"] > 0
    assert first.actions
    assert {stage for stage, what, done in seen if what == "done" and done == 1.0} == set(STAGES)
    assert all(done is None or 0 <= done <= 1 for _, _, done in seen)

    again = run_stages(settings, ["recommend", "queue"])
    assert again.ok
    figures = again.stages[0].figures
    assert figures["created"] == 0
    drafted = next(stage.figures for stage in first.stages if stage.name == "recommend")
    assert figures["refreshed"] == drafted["created"] >= len(first.actions)
    assert [action["id"] for action in again.actions] == [action["id"] for action in first.actions]
    with Store.of(settings).read() as session:
        assert undelivered(session, 10) == [], "Dagster has been told everything"


@pytest.mark.slow
@pytest.mark.xdist_group("cycled")
def test_the_next_drafts_follow_what_was_edited_three_times_unless_it_is_switched_off(
    cycled: Cycled, settings: Settings
) -> None:
    shutil.copytree(cycled.home, settings.home, symlinks=True)
    store = Store.of(settings)
    with_operator(store, settings)
    word, having = _avoidable(store)
    drafted = {action.id: action.draft["description"] for action in having}
    assert drafted
    for action in submitted(store, *(seo_draft(900 + n, None, f"A line. With {word} it is.") for n in range(3))):
        decided(store, settings, action, "edit", draft={"description": "A line. Nicely as it is."})

    assert run_stages(settings, ["recommend"]).ok
    for action in _pending(store):
        if action.id in drafted:
            assert word not in words_in(action.draft["description"])
            assert f"avoid:{word}" in action.draft["habits"]["description"]["followed"]
            told = next(check for check in action.checks if check["name"] == "habits of your edits")
            assert f"without “{word}” (description)" in told["note"]
            assert action.version == 2
    with store.read() as session:
        assert all(habit.times == 3 for habit, _ in learnt(session, NOW).preferences), "none is learnt from drafts"

    with store.session() as session:
        follow_habit(session, f"avoid:{word}", False, actor="bo", channel="test", now=NOW)
    assert run_stages(settings, ["recommend"]).ok
    assert {
        action.id: action.draft["description"] for action in _pending(store) if action.id in drafted
    } == drafted


def _avoidable(store: Store) -> tuple[str, list[Action]]:
    """A word, and the pending actions whose description has it while another wording has not."""
    having = defaultdict(list)
    for action in _pending(store):
        if "description" in action.draft:
            others = [set(words_in(text)) for text in action.draft["variants"]["description"]]
            for word in set(words_in(action.draft["description"])):
                if len(word) > 3 and any(word not in other for other in others):
                    having[word].append(action)
    return max(having.items(), key=lambda item: (len(item[1]), item[0]))


@pytest.mark.slow
def test_a_source_that_refuses_stops_the_cycle_with_one_clear_line(
    tmp_path: Path, small_shop: SandboxShop
) -> None:
    settings = small_shop.settings(tmp_path, **SHORT, GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN="wrong")
    summary = run_stages(settings)
    assert not summary.ok
    assert [stage.name for stage in summary.stages] == ["ingest"]
    assert "refused" in summary.error
    assert "Traceback" not in summary.error
    assert summary.tables["orders"] > 0, "what the other sources gave is loaded"


def test_nothing_is_proposed_before_anything_is_published(settings: Settings) -> None:
    summary = run_stages(settings, ["recommend"])
    assert not summary.ok
    assert "Run `growth run` first" in summary.error


def test_an_unknown_stage_is_refused(settings: Settings) -> None:
    with pytest.raises(GrowthError, match="There is no stage cook"):
        run_stages(settings, ["cook"])
