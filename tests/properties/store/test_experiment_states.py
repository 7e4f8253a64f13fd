"""Whatever is tried in whatever order: an experiment only makes the moves that are declared, and never returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from growth_pipelines.actions.experiments.states import MOVES, NoSuchMove, Status, after, ramp_due

ORDER: dict[Status, int] = {"draft": 0, "running": 1, "paused": 1, "stopped": 2, "decided": 3}
STEPS = st.sampled_from(["start", "pause", "resume", "stop", "decide"])


@given(st.lists(STEPS, max_size=30))
def test_an_experiment_never_goes_back_and_is_decided_once(steps: list[str]) -> None:
    status: Status = "draft"
    starts = decisions = 0
    for step in steps:
        before = status
        try:
            status = after(status, step)  # type: ignore[arg-type]
        except NoSuchMove:
            assert (before, step) not in MOVES
            continue
        starts, decisions = starts + (step == "start"), decisions + (step == "decide")
        assert ORDER[status] >= ORDER[before]
        assert status != "decided" or before == "stopped"
    assert starts <= 1
    assert decisions <= 1
    assert (status == "draft") == (starts == 0)


@given(st.sampled_from(sorted(ORDER)), st.floats(0, 1), st.floats(0, 1), st.none() | st.integers(0, 100))
def test_only_a_running_ramp_of_a_day_is_raised(
    status: str, coverage: float, goal: float, hours: int | None
) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    since = None if hours is None else now - timedelta(hours=hours)
    due = ramp_due(status, coverage, goal, since, now)
    assert due == (status == "running" and coverage < goal and hours is not None and hours >= 24)
