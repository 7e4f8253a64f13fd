"""seo_ctr finds what was planted, stays silent on healthy shops, and writes drafts fit to be approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from growth_pipelines.actions.body_html import links_of, links_text
from growth_pipelines.actions.model import ActionDraft
from growth_pipelines.actions.scoring import LEARNT
from growth_pipelines.actions.structured_fields import json_text
from growth_pipelines.content.habits import Habits
from growth_pipelines.learning import Corrections
from growth_pipelines.recommenders.context import RecommenderContext, SeoCtrConfig
from growth_pipelines.recommenders.hidden_queries import unnamed_factor
from growth_pipelines.recommenders.registry import RECOMMENDERS
from growth_pipelines.recommenders.seo_ctr import find_gaps, recommend

Simulate = Callable[..., Any]
Frames = dict[str, pd.DataFrame]
SITE = "https://www.hotrodparts.example"


def _pages(drafts: list[ActionDraft]) -> list[str]:
    return [draft.target.url.removeprefix(SITE) for draft in drafts]


@pytest.fixture(scope="module")
def planted(simulate: Simulate) -> Any:
    return simulate(1, low=10, fell=4, rank_loss=6, one_bad_query=3)


@pytest.fixture
def drafts(planted: Any, context: RecommenderContext) -> list[ActionDraft]:
    return recommend(planted.frames, context, SeoCtrConfig())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_snippets_are_found_with_precision_over_80_and_recall_over_70_percent(
    seed: int, simulate: Simulate, context: RecommenderContext
) -> None:
    shop = simulate(seed, low=10, fell=4, rank_loss=6, one_bad_query=3)
    found, true = _pages(recommend(shop.frames, context, SeoCtrConfig())), {*shop.low, *shop.fell}
    assert len(true & set(found)) / len(found) >= 0.8
    assert len(true & set(found)) / len(true) >= 0.7
    assert not set(found) & set(shop.rank_loss)
    assert len(true & set(found[:10])) >= 9


@pytest.mark.parametrize("noise", [0.08, 0.25, 0.5])
def test_a_healthy_shop_gives_at_most_one_action_per_300_pages_however_much_pages_differ(
    noise: float, simulate: Simulate, context: RecommenderContext
) -> None:
    counts = []
    for seed in range(3):
        gaps, _ = find_gaps(simulate(100 + seed, noise=noise).frames["search"], context, SeoCtrConfig())
        counts.append(int((gaps["trigger"] != "").sum()))
    assert max(counts) <= 1
    assert sum(counts) <= 1


def test_a_small_shop_is_searched_too(simulate: Simulate, context: RecommenderContext) -> None:
    shop = simulate(4, pages=60, low=3)
    assert set(_pages(recommend(shop.frames, context, SeoCtrConfig()))) == set(shop.low)


def test_thin_pages_are_left_alone_however_bad_they_look(simulate: Simulate, context: RecommenderContext) -> None:
    shop = simulate(5)
    search = shop.frames["search"]
    sums = search[~search["is_brand"]].groupby("page_key")["impressions"].sum()
    thin = sums.index[sums < 2 * 490]
    search.loc[search["page_key"].isin(thin), "clicks"] = 0
    assert recommend(shop.frames, context, SeoCtrConfig()) == []


def test_a_page_whose_rank_fell_is_not_a_snippet_problem(planted: Any, context: RecommenderContext) -> None:
    gaps, _ = find_gaps(planted.frames["search"], context, SeoCtrConfig())
    lost = gaps.reindex(planted.rank_loss).dropna(subset=["ctr"])
    assert len(lost) >= 4
    assert (lost["ctr"] < lost["prior_ctr"]).all()
    assert (lost["trigger"] == "").all()


def test_brand_queries_are_left_out_by_mark_and_by_term(planted: Any, context: RecommenderContext) -> None:
    search = planted.frames["search"].assign(is_brand=False)
    with_terms, _ = find_gaps(search, context, SeoCtrConfig())
    marked, _ = find_gaps(planted.frames["search"], context, SeoCtrConfig())
    pd.testing.assert_frame_equal(with_terms, marked)


def test_days_after_the_asked_day_are_not_looked_at(planted: Any, context: RecommenderContext) -> None:
    search = planted.frames["search"]
    cut = search[search["date_day"] <= pd.Timestamp("2026-11-15").date()]
    earlier = replace(context, as_of=pd.Timestamp("2026-11-15").date())
    pd.testing.assert_frame_equal(
        find_gaps(search, earlier, SeoCtrConfig())[0], find_gaps(cut, context, SeoCtrConfig())[0]
    )


def test_drafts_are_complete_and_fit_the_result_page(drafts: list[ActionDraft]) -> None:
    assert drafts
    for draft in drafts:
        assert len(draft.draft["title"]) <= 60
        assert len(draft.draft["description"]) <= 155
        assert draft.draft["title"] == draft.draft["variants"]["title"][0]
        assert len(draft.draft["variants"]["title"]) == 3
        assert {change.field for change in draft.diff} <= {"seo.title", "seo.description"}
        assert all(change.before != change.after for change in draft.diff)
        assert draft.rollback_plan
        assert "HRP item" in draft.rollback_plan
        assert "$" in draft.rationale
        assert "2026" in draft.rationale
        assert draft.evidence
        assert all(row.start <= row.end for row in draft.evidence)
        assert draft.impact.low <= draft.impact.delta <= draft.impact.high
        assert draft.impact.revenue_low <= draft.impact.revenue_28d <= draft.impact.revenue_high
        assert {check.name for check in draft.checks} >= {
            "rank is steady",
            "gap is not chance",
            "claims are verified",
        }


def test_the_score_is_the_product_of_its_factors(drafts: list[ActionDraft]) -> None:
    for draft in drafts:
        names = ("revenue_28d", "confidence", "ease", *(name for name in LEARNT if name in draft.factors))
        assert draft.score == pytest.approx(float(np.prod([draft.factors[name] for name in names])))
    assert [draft.score for draft in drafts] == sorted((draft.score for draft in drafts), reverse=True)


def test_confidence_follows_the_evidence(simulate: Simulate, context: RecommenderContext) -> None:
    """The same gap on fewer impressions, or for a snippet that is good already, is less sure."""
    shop = simulate(1, low=10)
    sure = {page: draft.confidence for page, draft in _by_page(shop.frames, context).items()}
    assert len(set(sure.values())) > 1
    page = shop.low[0]
    row = shop.frames["pages"]["page_key"] == page
    shop.frames["pages"].loc[row, "effective_title"] = shop.frames["pages"].loc[row, "title"] + " | Hot Rod Parts"
    shop.frames["pages"].loc[row, "effective_description"] = (
        "Reusable straight hose end for AN-6 PTFE hose. Billet 6061 aluminium, black finish. Order online."
    )
    assert _by_page(shop.frames, context)[page].confidence < sure[page] - 0.05


def _by_page(frames: dict[str, pd.DataFrame], context: RecommenderContext) -> dict[str, ActionDraft]:
    found = recommend(frames, context, SeoCtrConfig())
    return dict(zip(_pages(found), found, strict=True))


def test_queries_that_google_does_not_name_are_counted_at_most_once_more(
    planted: Any, context: RecommenderContext
) -> None:
    search = planted.frames["search"]
    last = pd.to_datetime(search["date_day"]).max()
    recent = search[(pd.to_datetime(search["date_day"]) > last - pd.Timedelta(days=28))]
    every, brand = (rows.groupby("page_key")["impressions"].sum() for rows in (recent, recent[recent["is_brand"]]))
    brand = brand.reindex(every.index, fill_value=0)
    plain = _by_page(planted.frames, context)
    for of_named, factor in ((1.0, 1.0), (1.4, 1.4), (9.0, 2.0), (0.9, 1.0)):
        performance = planted.frames["performance"].assign(
            window_end=last,
            impressions=lambda rows, of=of_named: rows["page_key"].map((every - brand) * of + brand),
        )
        scaled = _by_page({**planted.frames, "performance": performance}, context)
        for page, draft in plain.items():
            assert scaled[page].impact.delta == pytest.approx(draft.impact.delta * factor, abs=0.02)
            assert scaled[page].impact.low == draft.impact.low
            assert scaled[page].confidence == draft.confidence


def test_brand_queries_are_not_among_those_without_a_name(planted: Any, context: RecommenderContext) -> None:
    end = pd.Timestamp("2026-11-19")
    search = pd.DataFrame(
        {
            "page_key": ["/a", "/a", "/a"],
            "date_day": [end, end, end - pd.Timedelta(days=28)],
            "impressions": [1000, 300, 9000],
        }
    )
    performance = pd.DataFrame({"page_key": ["/a", "/b"], "window_end": end, "impressions": [1500, 10]})
    found = unnamed_factor(pd.Series({"/a": 1000, "/b": 10, "/c": 10}), search, performance, end)
    assert found.to_dict() == {"/a": pytest.approx(1.2), "/b": 1.0, "/c": 1.0}


def test_without_sessions_the_money_counts_half_and_says_so(planted: Any, context: RecommenderContext) -> None:
    proxy = planted.frames["performance"].assign(conversion_basis="clicks_proxy", sessions=np.nan)
    plain, halved = _by_page(planted.frames, context), _by_page({**planted.frames, "performance": proxy}, context)
    for page, draft in halved.items():
        assert draft.score == pytest.approx(plain[page].score / 2)
        assert "proxy" in draft.labels
        assert "counts half" in draft.rationale


def test_priority_is_the_same_in_any_currency(planted: Any, context: RecommenderContext) -> None:
    performance = planted.frames["performance"]
    yen = {
        **planted.frames,
        "performance": performance.assign(aov_cents=15_000),
        "shop": planted.frames["shop"].assign(currency="JPY", shop_aov=15_000.0, minor_units=1),
    }
    dollars, in_yen = _by_page(planted.frames, context), _by_page(yen, replace(context, currency="JPY"))
    assert {page: draft.priority for page, draft in in_yen.items()} == {
        page: draft.priority for page, draft in dollars.items()
    }
    assert len({draft.priority for draft in dollars.values()}) > 1


def test_a_learned_win_rate_scales_the_score(planted: Any, context: RecommenderContext) -> None:
    learned = replace(context, corrections=Corrections(win_rates={"seo_ctr/title": 1.2, "seo_ctr": 0.8}))
    plain, scaled = _by_page(planted.frames, context), _by_page(planted.frames, learned)
    assert all(scaled[page].score == pytest.approx(1.2 * plain[page].score) for page in plain)


def test_without_templates_for_the_language_a_person_is_asked(planted: Any, context: RecommenderContext) -> None:
    draft = recommend(planted.frames, replace(context, locale="ja"), SeoCtrConfig())[0]
    assert draft.diff[0].field == "task"
    assert len(draft.draft["steps"]) >= 3
    assert "title" not in draft.draft
    assert draft.ease == pytest.approx(0.4)


def test_without_a_text_that_fits_a_person_is_asked(simulate: Simulate, context: RecommenderContext) -> None:
    shop = simulate(1, low=10)
    long = " ".join(["Extraordinarily-specialised"] * 9)
    shop.frames["pages"] = shop.frames["pages"].assign(title=long, description="", effective_title=long)
    drafts = recommend(shop.frames, replace(context, shop_name=long), SeoCtrConfig())
    assert drafts
    for draft in drafts:
        assert [change.field for change in draft.diff] == ["task"]
        assert "no other text" in draft.draft["summary"]
        assert long in draft.rollback_plan


def test_pages_that_cannot_be_written_are_not_offered(planted: Any, context: RecommenderContext) -> None:
    pages = planted.frames["pages"].assign(page_type="home")
    assert recommend({**planted.frames, "pages": pages}, context, SeoCtrConfig()) == []


def test_no_data_no_drafts(planted: Any, context: RecommenderContext) -> None:
    frames = {name: frame.iloc[:0] for name, frame in planted.frames.items()}
    assert recommend(frames, context, SeoCtrConfig()) == []


def test_the_same_input_gives_the_same_drafts_and_is_left_unchanged(
    planted: Any, context: RecommenderContext
) -> None:
    before = {name: frame.copy(deep=True) for name, frame in planted.frames.items()}
    first = RECOMMENDERS["seo_ctr"].recommend(planted.frames, context)
    shuffled = {
        **planted.frames,
        "search": planted.frames["search"].sample(frac=1, random_state=3),
        "pages": planted.frames["pages"].sample(frac=1, random_state=4),
    }
    again = RECOMMENDERS["seo_ctr"].recommend(shuffled, context)
    assert [draft.draft for draft in first] == [draft.draft for draft in again]
    assert RECOMMENDERS["seo_ctr"].recommend(planted.frames, context) == first
    for name, frame in before.items():
        pd.testing.assert_frame_equal(planted.frames[name], frame)


@pytest.fixture
def linked(planted: Any) -> Frames:
    """Families of eight alike products each; two more of each are guides and collections."""
    pages = planted.frames["pages"].reset_index(drop=True)
    family = pages.index.to_series() // 10
    kinds = np.array(["product"] * 8 + ["article", "collection"])
    titles = "Family" + family.astype(str) + " Fitting No " + pages["page_key"].str[-3:]
    return {**planted.frames, "pages": pages.assign(title=titles, page_type=kinds[pages.index % 10])}


def test_links_stay_within_their_limits(linked: Frames, context: RecommenderContext) -> None:
    for page, draft in _by_page(linked, context).items():
        links = draft.draft["internal_links"]
        assert links
        sections = [link["section"] for link in links]
        assert len(links) <= 12
        assert all(sections.count(section) <= 5 for section in sections)
        assert page not in {link["url"] for link in links}
        [change] = [change for change in draft.diff if change.field == "related_links"]
        assert change.after == links_text(links)
        assert change.before == ""


def test_links_that_a_page_has_already_are_not_proposed_again_and_others_replace_them(
    linked: Frames, context: RecommenderContext
) -> None:
    first = next(iter(recommend(linked, context, SeoCtrConfig())))
    page, links = first.target.url.removeprefix(SITE), first.draft["internal_links"]

    def redrafted(kept: list[dict[str, str]]) -> ActionDraft:
        row = {"page_key": page, "page_type": "product", "body_html": None, "images": None}
        body = pd.DataFrame([{**row, "related_links": json_text(links_of(links_text(kept)))}])
        return _by_page({**linked, "bodies": body}, context)[page]

    assert "related_links" not in {change.field for change in redrafted(links).diff}
    [change] = [change for change in redrafted(links[:1]).diff if change.field == "related_links"]
    assert (change.before, change.after) == (links_text(links[:1]), links_text(links))


def test_no_link_leads_to_a_draft_or_holds_markup(linked: Frames, context: RecommenderContext) -> None:
    first = next(iter(recommend(linked, context, SeoCtrConfig())))
    page, links = first.target.url.removeprefix(SITE), first.draft["internal_links"]
    hidden, marked = links[0]["url"], links[1]["url"]
    pages = linked["pages"].assign(is_published=lambda frame: frame["page_key"] != hidden)
    pages.loc[pages["page_key"] == marked, "title"] += " <b>x</b>"
    again = _by_page({**linked, "pages": pages}, context)[page]
    assert not {hidden, marked} & {link["url"] for link in again.draft["internal_links"]}


def test_without_words_for_the_headings_links_stay_a_suggestion(
    linked: Frames, context: RecommenderContext
) -> None:
    for draft in recommend(linked, replace(context, locale="fi"), SeoCtrConfig()):
        assert draft.draft["internal_links"]
        assert "related_links" not in {change.field for change in draft.diff}


def test_a_season_that_doubles_or_halves_demand_is_no_snippet_problem(
    simulate: Simulate, context: RecommenderContext
) -> None:
    """All pages are shown and clicked twice, or half, as often lately; what a showing brings stays."""
    search = simulate(104).frames["search"]
    late = pd.to_datetime(search["date_day"]) > pd.to_datetime(search["date_day"]).max() - pd.Timedelta(days=28)
    usual, _ = find_gaps(search, context, SeoCtrConfig())
    assert (usual["trigger"] != "").sum() <= 1
    for season in (2, 0.5):
        counts = ["clicks", "impressions"]
        scaled = search[counts].astype(float)
        scaled.loc[late] *= season
        gaps, _ = find_gaps(search.assign(**scaled.round()), context, SeoCtrConfig())
        assert (gaps["trigger"] != "").sum() <= 1


def test_drafts_follow_habits_of_edits_and_say_so(
    planted: Any, context: RecommenderContext, drafts: list[ActionDraft]
) -> None:
    assert any("Parts" in one.draft["title"] for one in drafts)
    assert all("Straight" in one.draft["title"] for one in drafts), "it is in the products' names"
    habits = Habits(avoided=frozenset({"parts", "straight"}))
    followed = recommend(planted.frames, replace(context, habits=habits), SeoCtrConfig())
    assert {one.target.gid for one in followed} == {one.target.gid for one in drafts}
    for one in followed:
        assert "Parts" not in one.draft["title"]
        assert "avoid:straight" in one.draft["habits"]["title"]["missed"]
        told = next(check for check in one.checks if check.name == "habits of your edits")
        assert not told.passed
        assert "no other text fits: without “straight” (title)" in told.note
    notes = [check.note for one in followed for check in one.checks]
    assert any("follows your habit: without “parts” (title)" in note for note in notes)
    assert not any("habits" in one.draft for one in drafts)
