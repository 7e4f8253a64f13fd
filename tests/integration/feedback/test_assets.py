"""What Dagster shows of learning."""

from __future__ import annotations

import dagster as dg

from growth_pipelines.defs.assets.learning import learned_win_rates, ranking_evaluation
from growth_pipelines.defs.machine import Machine
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from tests.drafts import decided, seo_draft, submitted


def test_the_morning_job_shows_rates_and_judges_rankings(store: Store, settings: Settings) -> None:
    for number, action in enumerate(submitted(store, *(seo_draft(number) for number in range(1, 7)))):
        reason = {"reason": "tone"} if number % 2 else {}
        decided(store, settings, action, "reject" if number % 2 else "approve", **reason)
    done = dg.materialize([learned_win_rates, ranking_evaluation], resources={"machine": Machine(settings)})
    assert done.success
    rates = done.asset_materializations_for_node("learned_win_rates")[0].metadata
    assert rates["decisions"].value == 6
    assert rates["win_rates"].records[0].data["kind"] == "seo_ctr"
    assert "data:image/svg" in str(rates["factors"].value)
    assert all(check.passed for check in done.get_asset_check_evaluations())
    assert done.asset_materializations_for_node("ranking_evaluation")[0].metadata["passed"].value == "none"
