"""cwv_repair: field data decide, lab data explain, one action a page and metric, priced in the shop's money."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.recommenders.context import CwvRepairConfig, RecommenderContext
from growth_pipelines.recommenders.cwv_repair import recommend
from growth_pipelines.recommenders.registry import RECOMMENDERS

END = date(2026, 11, 21)
WEEKS = 25
LEVELS = {"lcp": 1900.0, "inp": 140.0, "cls": 0.05}
Frames = dict[str, pd.DataFrame]
IMAGE = "https://cdn.example/files/hose-1.jpg?v=1"


def _series(page: str, device: str, metric: str, values: np.ndarray) -> pd.DataFrame:
    ends = [END - timedelta(days=7 * (WEEKS - 1 - week)) for week in range(WEEKS)]
    return pd.DataFrame(
        {
            "page_key": page,
            "form_factor": device,
            "metric": metric,
            "period_start": [end - timedelta(days=27) for end in ends],
            "period_end": ends,
            "p75": values,
        }
    )


def _ramp(weeks_ago: int, before: float, after: float) -> np.ndarray:
    share = np.clip((np.arange(WEEKS) - (WEEKS - 1 - weeks_ago)) / 4, 0, 1)
    return before * (after / before) ** share


@pytest.fixture
def frames(frames_of: Callable[[list[str]], Frames]) -> Frames:
    """Twelve calm pages; /p1 regressed in LCP on both devices, /p2 in INP, /p3 has been poor in CLS for long."""
    keys = [f"/p{number}" for number in range(12)]
    rng = np.random.default_rng(5)
    changed = {
        ("/p1", "phone", "lcp"): _ramp(7, 1900, 4500),
        ("/p1", "desktop", "lcp"): _ramp(7, 1700, 3100),
        ("/p2", "phone", "inp"): _ramp(5, 140, 330),
        ("/p3", "phone", "cls"): np.full(WEEKS, 0.31),
    }
    parts = []
    for key in keys:
        for device in ("phone", "desktop"):
            for metric, level in LEVELS.items():
                noise = np.convolve(rng.normal(0, 0.03, WEEKS + 3), np.ones(4) / 4, "valid")
                values = changed.get((key, device, metric), np.full(WEEKS, level)) * np.exp(noise)
                parts.append(_series(key, device, metric, values.round(2 if metric == "cls" else 0)))
    heavy = {
        "lcp_element": {"selector": "main img", "url": IMAGE, "bytes": 2_350_000},
        "images": [{"url": IMAGE, "bytes": 2_350_000, "wasted_bytes": 2_000_000}],
    }
    lab = {
        "page_key": "/p1",
        "strategy": "mobile",
        "fetched_at": pd.Timestamp("2026-11-21 05:00"),
        "lcp_ms": 4700.0,
    }
    made = frames_of(keys)
    made["pages"].loc[1, "image_url"] = IMAGE
    made["vitals"] = pd.concat(parts, ignore_index=True)
    made["lab"] = pd.DataFrame([{**lab, "cls": 0.02, "tbt_ms": 90.0, "details": json.dumps(heavy)}])
    return made


@pytest.fixture
def by_page(frames: Frames, context: RecommenderContext) -> dict[str, ActionDraft]:
    return {draft.target.url[-3:]: draft for draft in recommend(frames, context, CwvRepairConfig())}


def test_regressed_and_standing_pages_are_found_and_no_others(by_page: dict[str, ActionDraft]) -> None:
    assert set(by_page) == {"/p1", "/p2", "/p3"}
    assert "regressed" in by_page["/p1"].labels
    assert "regressed" in by_page["/p2"].labels
    assert "standing" in by_page["/p3"].labels


def test_both_devices_are_one_action(by_page: dict[str, ActionDraft]) -> None:
    assert "on phones and desktops" in by_page["/p1"].rationale


def test_the_lab_chooses_the_steps_and_the_alt_text_is_written(by_page: dict[str, ActionDraft]) -> None:
    draft = by_page["/p1"]
    assert draft.subtype == "image"
    assert "hose-1.jpg" in draft.rationale
    assert draft.draft["media_gid"] == "gid://shopify/MediaImage/2"
    assert {change.field for change in draft.diff} == {"image.alt", "task"}
    assert len(draft.draft["steps"]) >= 4
    assert draft.confidence > by_page["/p2"].confidence
    assert by_page["/p2"].subtype == "task_card"
    assert by_page["/p2"].diff[0].change_type == "task"


def test_a_regression_is_dated_and_priced(by_page: dict[str, ActionDraft]) -> None:
    """7,000 sessions back from poor to good LCP: 7,000 × (.06 + .11) × .02 × 100."""
    draft = by_page["/p1"]
    assert draft.impact.delta == pytest.approx(1190)
    assert draft.impact.revenue_28d == pytest.approx(2380)
    assert draft.impact.revenue_low < 2380 < draft.impact.revenue_high
    onset = END - timedelta(days=49)
    dated = {f"{day.day} {day:%b %Y}" for day in (onset + timedelta(days=shift) for shift in range(-7, 9))}
    assert any(text in draft.rationale for text in dated)
    assert draft.priority == "critical"


def test_one_device_counts_its_share_of_sessions(by_page: dict[str, ActionDraft]) -> None:
    assert by_page["/p2"].impact.delta == pytest.approx(7000 * 0.65 * 0.09)


def test_a_standing_problem_is_promised_one_band_only(by_page: dict[str, ActionDraft]) -> None:
    assert by_page["/p3"].impact.delta == pytest.approx(7000 * 0.65 * 0.03)


def test_fewer_than_30_sessions_are_low_signal(frames: Frames, context: RecommenderContext) -> None:
    frames["performance"] = frames["performance"].assign(sessions=29)
    assert recommend(frames, context, CwvRepairConfig()) == []


def test_where_sessions_cannot_be_read_clicks_stand_in_and_count_half(
    frames: Frames, by_page: dict[str, ActionDraft], context: RecommenderContext
) -> None:
    proxy = frames["performance"].assign(sessions=np.nan, clicks=7000, conversion_basis="clicks_proxy")
    drafts = recommend({**frames, "performance": proxy}, context, CwvRepairConfig())
    for draft in drafts:
        assert draft.score == pytest.approx(by_page[draft.target.url[-3:]].score / 2)
        assert "proxy" in draft.labels


def test_each_metric_of_a_page_is_a_subject_of_its_own(frames: Frames, context: RecommenderContext) -> None:
    worse = _series("/p1", "phone", "cls", _ramp(6, 0.05, 0.3))
    vitals = frames["vitals"]
    same = (vitals["page_key"] == "/p1") & (vitals["form_factor"] == "phone") & (vitals["metric"] == "cls")
    frames["vitals"] = pd.concat([vitals[~same], worse], ignore_index=True)
    metrics = [
        d.impact.metric for d in recommend(frames, context, CwvRepairConfig()) if d.target.url.endswith("/p1")
    ]
    assert sorted(metrics) == ["sessions_cls", "sessions_lcp"]


def test_the_draft_does_not_change_when_the_figures_move_a_little(
    frames: Frames, by_page: dict[str, ActionDraft], context: RecommenderContext
) -> None:
    """A decision binds to the draft: next week's p75 must not void it."""
    frames["vitals"] = frames["vitals"].assign(p75=frames["vitals"]["p75"] * 1.01)
    for draft in recommend(frames, context, CwvRepairConfig()):
        assert draft.draft == by_page[draft.target.url[-3:]].draft


def test_the_same_input_gives_the_same_drafts_and_is_left_unchanged(
    frames: Frames, context: RecommenderContext
) -> None:
    before = {name: frame.copy(deep=True) for name, frame in frames.items()}
    first = RECOMMENDERS["cwv_repair"].recommend(frames, context)
    shuffled = {**frames, "vitals": frames["vitals"].sample(frac=1, random_state=2)}
    assert RECOMMENDERS["cwv_repair"].recommend(shuffled, context) == first
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frames[name], frame)


def test_no_data_and_days_to_come_give_no_drafts(frames: Frames, context: RecommenderContext) -> None:
    empty = {name: frame.iloc[:0] for name, frame in frames.items()}
    assert recommend(empty, context, CwvRepairConfig()) == []
    assert recommend(frames, replace(context, as_of=date(2026, 1, 1)), CwvRepairConfig()) == []
