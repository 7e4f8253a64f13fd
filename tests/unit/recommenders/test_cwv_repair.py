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


# -- images in the page's own text ----------------------------------------------------------------------------

HERO = "https://cdn.shopify.com/s/files/hero.jpg"


def _with_text(frames: Frames, html: str, own: object = None, **details: object) -> Frames:
    """/p1's lab run blames ``HERO``, and its text is ``html``."""
    heavy = {
        "lcp_element": {"url": HERO, "bytes": 2_350_000},
        "images": [{"url": HERO, "bytes": 2_350_000, "wasted_bytes": 2_000_000}],
    }
    body = {"page_key": "/p1", "page_type": "product", "body_html": html, "related_links": None, "images": own}
    return {
        **frames,
        "lab": frames["lab"].assign(details=json.dumps({**heavy, **details})),
        "bodies": pd.DataFrame([body]),
    }


def _first(frames: Frames, context: RecommenderContext) -> ActionDraft:
    return next(d for d in recommend(frames, context, CwvRepairConfig()) if d.target.url.endswith("/p1"))


def test_an_image_of_the_text_is_loaded_first_and_as_wide_as_it_is_shown(
    frames: Frames, by_page: dict[str, ActionDraft], context: RecommenderContext
) -> None:
    tag = f'<img loading="lazy" src="{HERO}" width="700" height="400">'
    draft = _first(_with_text(frames, f"<p>x</p>{tag}"), context)
    [change] = draft.diff
    assert (change.field, change.before) == ("body_image.hero.jpg", tag)
    assert change.after == f'<img src="{HERO}?width=1400" width="700" height="400" fetchpriority="high">'
    assert "steps" not in draft.draft
    assert "automated" in draft.labels
    [way] = [check for check in draft.checks if "automated" in check.name]
    assert (way.name, "asked for the width" in way.note) == ("automated", True)
    assert draft.ease == pytest.approx(0.8)
    assert draft.score == pytest.approx(by_page["/p1"].score * 0.8 / 0.4)


def test_what_the_text_does_not_settle_stays_a_task(frames: Frames, context: RecommenderContext) -> None:
    """A file elsewhere can't be scaled by the shop's server: it comes first, the rest is by hand."""
    html = '<img src="https://elsewhere.example/hero.jpg" loading="lazy">'
    draft = _first(_with_text(frames, html), context)
    assert {change.field for change in draft.diff} == {"body_image.hero.jpg", "task"}
    assert 'fetchpriority="high"' in draft.draft["images"][0]["tag"]
    assert "width=" not in draft.draft["images"][0]["tag"]
    assert draft.draft["steps"]
    assert draft.ease == pytest.approx(0.4)
    assert any(check.name == "partly automated" for check in draft.checks)


@pytest.mark.parametrize(
    "html",
    [
        "<p>no image</p>",
        f'<img src="{HERO}?width=900" fetchpriority="high">',  # done already
        '<img src="https://cdn.shopify.com/s/files/another.jpg" loading="lazy">',
    ],
)
def test_what_the_theme_draws_or_is_done_already_is_for_a_person_and_says_why(
    html: str, frames: Frames, context: RecommenderContext
) -> None:
    draft = _first(_with_text(frames, html), context)
    assert "images" not in draft.draft
    assert draft.draft["steps"]
    [way] = [check for check in draft.checks if check.name == "manual"]
    assert "theme draws" in way.note


def test_images_that_push_the_page_get_their_room_where_their_size_is_known(
    frames: Frames, context: RecommenderContext
) -> None:
    html = f'<img src="{HERO}"><p>x</p>'
    images = json.dumps([{"url": f"{HERO}?v=1", "width": 1600, "height": 1200}])
    shift = {
        "unsized_images": [{"url": HERO}],
        "layout_shifts": [{"selector": "img", "score": 0.3, "cause": "Media element lacking an explicit size"}],
    }
    details = {"lcp_element": None, "images": [], **shift}
    vitals = pd.concat([frames["vitals"], _series("/p1", "phone", "cls", np.full(WEEKS, 0.31))], ignore_index=True)
    vitals = vitals.drop_duplicates(
        ["page_key", "form_factor", "metric", "period_end"], keep="last", ignore_index=True
    )

    def jumping(images: object, **more: object) -> ActionDraft:
        shop = {**_with_text(frames, html, images, **{**details, **more}), "vitals": vitals}
        found = recommend(shop, context, CwvRepairConfig())
        return next(d for d in found if d.target.url.endswith("/p1") and d.impact.metric == "sessions_cls")

    sized = jumping(images)
    assert sized.draft["images"][0]["tag"] == f'<img src="{HERO}" width="1600" height="1200">'
    assert "steps" not in sized.draft
    assert "images" not in jumping(None).draft
    banner = [*shift["layout_shifts"], {"selector": "#banner", "score": 0.2, "cause": None}]
    assert "steps" in jumping(images, layout_shifts=banner).draft


def test_every_repair_says_what_is_compared_later(by_page: dict[str, ActionDraft]) -> None:
    for draft in by_page.values():
        [row] = [row for row in draft.evidence if row.name.endswith(", to reach")]
        assert row.baseline == draft.evidence[0].value
        assert row.value is not None
        assert row.value < row.baseline
        assert "28 days after" in row.note
