"""Google's APIs: totals, anonymised queries, late days, coverage, periods, and labs that explain the field."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from growth_pipelines.sandbox import options
from growth_pipelines.sandbox.google.crux import Crux
from growth_pipelines.sandbox.google.errors import GoogleError
from growth_pipelines.sandbox.google.psi import PageSpeed
from growth_pipelines.sandbox.google.search_console import SearchConsole
from growth_pipelines.sandbox.limits import MinuteLimit
from growth_pipelines.sandbox.options import Options
from growth_pipelines.sandbox.world import Shop

from .conftest import TODAY


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(Options(TODAY, orders=100, months=6))


@pytest.fixture(scope="module")
def search(shop: Shop) -> SearchConsole:
    return SearchConsole(shop)


def _query(search: SearchConsole, **body: Any) -> dict[str, Any]:
    day = (TODAY - timedelta(days=4)).isoformat()
    answer: dict[str, Any] = json.loads(
        search.query(options.SITE_URL, {"startDate": day, "endDate": day, "rowLimit": 25_000} | body)
    )
    return answer


def test_anonymised_queries_are_missing_from_query_rows_only(search: SearchConsole) -> None:
    by_query = _query(search, dimensions=["date", "page", "query"])["rows"]
    by_page = _query(search, dimensions=["date", "page"])["rows"]
    shown = sum(row["impressions"] for row in by_query) / sum(row["impressions"] for row in by_page)
    assert 0.5 < shown < 0.9
    assert {row["keys"][1] for row in by_query} <= {row["keys"][1] for row in by_page}
    assert by_query == sorted(by_query, key=lambda row: -row["clicks"])


def test_the_quick_answer_equals_the_general_one(search: SearchConsole) -> None:
    quick = _query(search, dimensions=["date", "page", "query"])["rows"]
    general = _query(search, dimensions=["query", "page", "date"])["rows"]
    assert {(*row["keys"], row["clicks"], row["impressions"]) for row in quick} == {
        (*reversed(row["keys"]), row["clicks"], row["impressions"]) for row in general
    }


def test_page_rows_never_add_up_to_the_property(search: SearchConsole) -> None:
    pages = _query(search, dimensions=["date", "page"])
    whole = _query(search, dimensions=["date"])
    assert pages["responseAggregationType"] == "byPage"
    assert whole["responseAggregationType"] == "byProperty"
    assert whole["rows"][0]["impressions"] < sum(row["impressions"] for row in pages["rows"])


def test_rows_come_in_pages_until_none_is_left(search: SearchConsole) -> None:
    everything = _query(search, dimensions=["page"])["rows"]
    paged: list[Any] = []
    while rows := _query(search, dimensions=["page"], rowLimit=100, startRow=len(paged)).get("rows"):
        paged += rows
    assert paged == everything


def test_final_data_end_three_days_ago_and_later_days_are_marked(search: SearchConsole) -> None:
    window = {
        "startDate": (TODAY - timedelta(days=6)).isoformat(),
        "endDate": TODAY.isoformat(),
        "dimensions": ["date"],
    }
    final, everything = _query(search, **window), _query(search, **window, dataState="all")
    assert final["rows"][-1]["keys"] == [(TODAY - timedelta(days=3)).isoformat()]
    assert "metadata" not in final
    assert everything["rows"][-1]["keys"] == [(TODAY - timedelta(days=1)).isoformat()]
    assert everything["metadata"]["firstIncompleteDate"] == (TODAY - timedelta(days=2)).isoformat()


@pytest.mark.parametrize("key", ["firstIncompleteDate", "first_incomplete_date"])
def test_the_first_incomplete_day_is_named_in_either_spelling(key: str, shop: Shop) -> None:
    search = SearchConsole(shop)
    search.spell(key)
    window = {"startDate": "2026-11-01", "endDate": TODAY.isoformat(), "dataState": "all"}
    assert _query(search, **window)["metadata"] == {key: (TODAY - timedelta(days=2)).isoformat()}
    with pytest.raises(ValueError, match="first_incomplete_date"):
        search.spell("firstincompletedate")


def _sums(rows: list[dict[str, Any]], *places: int) -> dict[tuple[str, ...], tuple[int, int]]:
    """Clicks and impressions, added up by the keys in these places."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for row in rows:
        keys = tuple(row["keys"][place] for place in places)
        clicks, impressions = found.get(keys, (0, 0))
        found[keys] = clicks + row["clicks"], impressions + row["impressions"]
    return found


FIVE = ["date", "page", "query", "country", "device"]


@pytest.mark.parametrize(
    ("dimensions", "places"),
    [
        (FIVE, (0, 1, 2)),
        (["date", "country", "query", "page"], (0, 3, 2)),
        (["date", "page", "query", "device"], (0, 1, 2)),
    ],
)
@pytest.mark.parametrize("days", [4, 1])
def test_countries_and_devices_add_up_to_their_row(
    dimensions: list[str], places: tuple[int, ...], days: int, search: SearchConsole
) -> None:
    day = (TODAY - timedelta(days=days)).isoformat()
    window = {"startDate": day, "endDate": day, "dataState": "all"}
    whole = _query(search, dimensions=FIVE[:3], **window)["rows"]
    parts = _query(search, dimensions=dimensions, **window)["rows"]
    assert len(parts) > len(whole)
    assert _sums(parts, *places) == _sums(whole, 0, 1, 2)
    assert all(0 <= row["clicks"] <= row["impressions"] > 0 for row in parts)


def test_countries_are_three_small_letters_and_devices_capitals(search: SearchConsole) -> None:
    rows = _query(search, dimensions=["country", "device"])["rows"]
    assert {row["keys"][0] for row in rows} == {"usa", "can", "gbr", "aus", "deu"}
    assert {row["keys"][1] for row in rows} == {"DESKTOP", "MOBILE", "TABLET"}
    assert rows[0]["keys"] == ["usa", "MOBILE"]


def test_the_quick_answer_by_all_dimensions_equals_the_general_one(search: SearchConsole) -> None:
    quick = _query(search, dimensions=FIVE)["rows"]
    general = _query(search, dimensions=FIVE[::-1])["rows"]
    assert quick == sorted(quick, key=lambda row: (-row["clicks"], -row["impressions"]))
    assert {(*row["keys"], row["clicks"], row["impressions"], row["position"]) for row in quick} == {
        (*reversed(row["keys"]), row["clicks"], row["impressions"], row["position"]) for row in general
    }


def test_a_propertys_countries_and_devices_add_up_to_its_day(search: SearchConsole) -> None:
    whole = _query(search, dimensions=["date"])
    parts = _query(search, dimensions=["country", "date", "device"])
    assert parts["responseAggregationType"] == "byProperty"
    assert _sums(parts["rows"], 1) == _sums(whole["rows"], 0)
    by_query = _query(search, dimensions=["date", "query"])["rows"]
    assert _sums(_query(search, dimensions=["date", "query", "country"])["rows"], 0, 1) == _sums(by_query, 0, 1)


def test_rows_by_all_dimensions_come_in_pages_that_hold_each_once(search: SearchConsole) -> None:
    everything = _query(search, dimensions=FIVE)["rows"]
    paged: list[Any] = []
    while rows := _query(search, dimensions=FIVE, rowLimit=700, startRow=len(paged)).get("rows"):
        paged += rows
    assert len(paged) > 1_400
    assert paged == everything


@pytest.mark.parametrize(
    "body",
    [
        {"dimensions": ["page"], "aggregationType": "byProperty"},
        {"dimensions": ["planet"]},
        {"dimensions": ["country", "country"]},
        {"dimensions": ["page", "country", "device"], "aggregationType": "byProperty"},
        {"rowLimit": 25_001},
        {"startDate": "yesterday"},
        {"startDate": "2026-11-19", "endDate": "2026-11-01"},
    ],
)
def test_what_search_console_refuses_is_refused(body: dict[str, Any], search: SearchConsole) -> None:
    with pytest.raises(GoogleError) as error:
        _query(search, **body)
    assert error.value.code == 400


def test_another_property_is_forbidden(search: SearchConsole) -> None:
    with pytest.raises(GoogleError) as error:
        search.query("sc-domain:other.example", {"startDate": "2026-11-01", "endDate": "2026-11-02"})
    assert error.value.code == 403


def test_crux_history_is_weekly_28_day_periods_that_end_on_saturday(shop: Shop) -> None:
    answer = Crux(shop, shop.field_data).history({"origin": options.PRIMARY_URL, "formFactor": "PHONE"})["record"]
    assert len(answer["collectionPeriods"]) == 25
    last = answer["collectionPeriods"][-1]
    assert last["lastDate"] == {"year": 2026, "month": 11, "day": 14}
    assert last["firstDate"] == {"year": 2026, "month": 10, "day": 18}
    shift = answer["metrics"]["cumulative_layout_shift"]["percentilesTimeseries"]["p75s"]
    paint = answer["metrics"]["largest_contentful_paint"]["percentilesTimeseries"]["p75s"]
    assert all(isinstance(value, str) for value in shift)
    assert all(isinstance(value, int) for value in paint)


def test_crux_knows_no_quiet_page_and_no_stranger(shop: Shop) -> None:
    crux = Crux(shop, shop.field_data)
    quiet = shop.demand.paths[int(shop.field_data.sessions.argmin())]
    for url in (options.PRIMARY_URL + quiet, "https://example.com/"):
        with pytest.raises(GoogleError) as error:
            crux.record({"url": url, "formFactor": "PHONE"})
        assert (error.value.code, str(error.value)) == (404, "chrome ux report data not found")


def test_crux_wants_exactly_one_target(shop: Shop) -> None:
    with pytest.raises(GoogleError) as error:
        Crux(shop, shop.field_data).record({"formFactor": "PHONE"})
    assert error.value.code == 400


def _explained(audits: dict[str, Any], why: str) -> bool:
    """Whether the audits name the cause that is planted."""
    failing = {name for name, audit in audits.items() if audit["score"] == 0.0}
    wanted = {
        "image": {"modern-image-formats", "uses-optimized-images"},
        "script": {"render-blocking-resources", "third-party-summary", "long-tasks"},
        "layout": {"unsized-images", "layout-shifts"},
        "font": {"font-display", "layout-shifts"},
        "server": {"server-response-time"},
    }[why]
    return wanted <= failing


def test_the_lab_explains_each_planted_regression_and_accuses_no_healthy_page(shop: Shop) -> None:
    psi = PageSpeed(shop, shop.field_data)
    for one in shop.plants.regressions:
        url = options.PRIMARY_URL + shop.demand.paths[one.page]
        audits = psi.run({"url": url, "strategy": "mobile"})["lighthouseResult"]["audits"]
        assert _explained(audits, one.why), one
        others = {"image", "script", "layout", "font", "server"} - {one.why}
        assert not any(_explained(audits, other) for other in others), one
    healthy = next(page for page in range(1, 60) if page not in {one.page for one in shop.plants.regressions})
    audits = psi.run({"url": options.PRIMARY_URL + shop.demand.paths[healthy], "strategy": "mobile"})
    scores = {name: audit["score"] for name, audit in audits["lighthouseResult"]["audits"].items()}
    assert [name for name, score in scores.items() if score == 0.0] == []


def test_a_page_that_cannot_be_loaded_is_a_lighthouse_error(shop: Shop) -> None:
    with pytest.raises(GoogleError) as error:
        PageSpeed(shop, shop.field_data).run({"url": f"{options.PRIMARY_URL}/nowhere", "strategy": "mobile"})
    assert error.value.code == 500


def test_a_quiet_page_shows_the_origins_field_data_and_says_so(shop: Shop) -> None:
    quiet = options.PRIMARY_URL + shop.demand.paths[int(shop.field_data.sessions.argmin())]
    answer = PageSpeed(shop, shop.field_data).run({"url": quiet, "strategy": "mobile"})
    assert answer["loadingExperience"]["origin_fallback"] is True
    assert answer["loadingExperience"]["metrics"] == answer["originLoadingExperience"]["metrics"]


def test_a_minute_limit_lets_so_many_pass_and_names_the_wait() -> None:
    now = [100.0]
    limit = MinuteLimit(3, clock=lambda: now[0])
    assert [limit.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    now[0] += 20
    assert limit.take() == pytest.approx(40)
    now[0] += 40.1
    assert limit.take() == 0.0
