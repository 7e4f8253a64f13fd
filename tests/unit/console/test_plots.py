"""The plots: specs are data and say what they should, labels are computed, drawings fit a page."""

from __future__ import annotations

import json
import os
import re
import resource
from datetime import date, timedelta
from typing import Any

import pytest

from growth_pipelines.console.plots import effects, goods, outcome, search, vitals, watched
from growth_pipelines.console.plots.drawing import Drawing
from growth_pipelines.console.plots.plot import Missing, Plot, Subject
from growth_pipelines.console.plots.specs import CLASSES, INKS, load, names, spec_of
from growth_pipelines.console.plots.svg import compact
from growth_pipelines.console.plots.weeks import WEEKS, by_week
from growth_pipelines.monitoring.marks import Event, marked
from growth_pipelines.recommenders.phrases import phrases
from tests.action_pages import evidence_row, merchandising
from tests.incidents import finding

END = date(2026, 11, 24)
# What each drawing is made of: marks in order, and the data that they show.
DRAWN = {
    "compared": (["bar", "text"], {"rows"}),
    "ctr_curve": (["line", "rule", "point", "point", "text"], {"curve", "page", "expected", "names"}),
    "effects": (
        ["area", "rule", "rule", "line", "rule", "point", "rule", "text"],
        {"looks", "zero", "goal", "newest", "events"},
    ),
    "outcome": (["line", "line", "rule", "text"], {"weeks", "events"}),
    "places": (["bar", "rule", "bar"], {"now", "next"}),
    "search_weeks": (["bar", "rule", "line", "rule", "text"], {"weeks", "events"}),
    "stock_outlook": (["area", "rule", "text", "rule", "text"], {"stock", "limits", "delivery"}),
    "vital_weeks": (["rect", "text", "line", "text", "rule", "text"], {"bands", "weeks", "ends", "events"}),
    "watched": (
        ["rect", "area", "line", "line", "rule", "rule", "text"],
        {"span", "ahead", "days", "levels", "events"},
    ),
    "weeks": (["bar", "rule", "text"], {"weeks", "events"}),
}


class Known:
    """Series that a test knows."""

    def __init__(self, **rows: list[tuple[Any, ...]]) -> None:
        self.known = rows

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]] | None:
        return self.known.get(query)


def subject(*evidence: dict[str, Any], events: list[Event] | None = None, **more: Any) -> Subject:
    fields = {"kind": "seo_ctr", "subtype": "title", "page_key": "/products/p1", "gid": "gid", "sales_end": END}
    return Subject(evidence=list(evidence), events=events or [], **{**fields, **more})


def plots() -> list[Plot]:
    """One plot of every spec, with every part that it can have."""
    days = [(END - timedelta(days=ago), 900, 40, 60, END) for ago in range(7 * WEEKS)]
    weeks = [
        (form, END - timedelta(days=7 * n), 4500.0 - 80 * n)
        for form in ("desktop", "phone")
        for n in range(29, -1, -1)
    ]
    reorder = next(draft for draft in merchandising() if draft.subtype == "reorder")
    events = [Event(END - timedelta(days=20), "written")]
    orders = finding()
    ahead = [[str(END + timedelta(days=day)), 30.0, 24.0, 37.0] for day in range(28)]
    orders["evidence"]["ahead"] = ahead
    fifty = {"first": str(END - timedelta(days=50)), "actual": [3.0] * 50, "expected": [2.0] * 50}
    made = [
        effects.effect_plot("bar", "Carts", [effects.Looked(END, 0.04, -0.2, 0.3)], 0.1, [Event(END, "ramp")]),
        outcome.outcome_plot(fifty, "clicks", END - timedelta(days=22), "Search clicks by week", "EUR"),
        watched.finding_plot(orders, "Orders", events, "EUR"),
        watched.metric_plot(
            {**orders["evidence"], "label": "Orders", "note": "", "level": 40.0, "ahead": ahead, "floor": 32.0},
            events,
            "EUR",
        ),
        search.ctr_curve(ctr_subject(), Known(ctr_curve=[(place, 0.3 / place) for place in range(1, 21)])),
        search.search_weeks(subject(events=events), Known(page_days=days)),
        search.visits_weeks(subject(events=events), Known(page_days=days)),
        search.searches(subject(evidence_row("Impressions of “an6 <hose>”", 760, "impressions")), Known()),
        vitals.vital_weeks(subject(evidence_row("LCP p75, field", 4600, "ms")), Known(vital_weeks=weeks)),
        goods.stock_outlook(subject(*(row.model_dump(mode="json") for row in reorder.evidence)), Known()),
        goods.places(
            subject(before=["a", "b", "c"], after=["c", "a", "b"]),
            Known(collection_rates=[("a", 100, 1), ("b", 100, 0), ("c", 50, 5)]),
        ),
    ]
    assert [plot for plot in made if isinstance(plot, Missing)] == []
    return [plot for plot in made if isinstance(plot, Plot)]


def ctr_subject() -> Subject:
    return subject(
        evidence_row("Clicks without brand queries", 729, "clicks", baseline=1825),
        evidence_row("CTR", 0.0607, "ratio", baseline=0.1519),
        evidence_row("Average position", 2.2, "position"),
        evidence_row("Impressions", 12_014, "impressions"),
    )


def layers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [part for name in ("vconcat", "layer") for part in spec.get(name, [])]
    return [layer for part in parts for layer in layers(part)] or [spec]


def test_every_spec_has_the_marks_and_the_data_that_it_is_said_to_have() -> None:
    assert names() == sorted(DRAWN)
    for name, (marks, datasets) in DRAWN.items():
        spec = load(f"{name}.vl.json")
        drawn = layers(spec)
        assert [layer["mark"]["type"] for layer in drawn] == marks, name
        named = {layer["data"]["name"] for layer in [*drawn, spec] if "data" in layer}
        assert named == datasets, name
        assert {plot.spec for plot in plots()} == set(DRAWN)
        for colour in re.findall(r'"(@[^"]+)"', json.dumps([spec, load("theme.json")])):
            assert colour.removeprefix("@") in INKS, colour
        # A colour that is written out would not follow the dark.
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", json.dumps(spec)), name


def test_plots_give_every_spec_all_the_data_and_fields_that_it_draws() -> None:
    for plot in plots():
        _, datasets = DRAWN[plot.spec]
        assert set(plot.datasets) == datasets, plot.spec
        spec = load(f"{plot.spec}.vl.json")
        for layer in layers(spec):
            rows = plot.datasets[(layer.get("data") or spec["data"])["name"]]
            channels = {**spec.get("encoding", {}), **layer.get("encoding", {})}
            fields = {channel["field"] for channel in channels.values() if "field" in channel}
            for row in rows:
                assert fields <= set(row), (plot.spec, fields - set(row))
        assert plot.told.endswith("."), plot.told
        assert all(len(row) == len(plot.columns) for row in plot.table)


def test_events_of_one_day_are_one_mark() -> None:
    day = END - timedelta(days=20)
    plot = watched.finding_plot(finding(), "Orders", [Event(day, "Sale"), Event(day, "New theme")], "EUR")
    assert isinstance(plot, Plot)
    assert plot.datasets["events"] == [{"day": day.isoformat(), "what": "2 events", "side": "right"}]
    assert "Marked: Sale on 4 Nov; New theme on 4 Nov." in plot.told


def test_names_that_would_stand_over_each_other_are_one_and_every_day_keeps_its_line() -> None:
    first, last = date(2026, 1, 1), date(2026, 7, 1)
    near = [Event(date(2026, 4, 1), "Start the experiment"), Event(date(2026, 4, 14), "New theme")]
    drawn = marked([*near, Event(date(2026, 6, 25), "Sale"), Event(date(2026, 8, 1), "Later")], first, last, 330)
    assert [(row["day"], row["what"]) for row in drawn] == [
        ("2026-04-01", "2 events"),
        ("2026-04-14", ""),
        ("2026-06-25", "Sale"),
    ]
    at_the_start = marked([Event(date(2026, 1, 3), "Sale")], first, last, 330)
    assert at_the_start[0]["side"] == "left", "there is no room before it"


def test_events_that_are_close_share_a_name_and_leave_room_for_those_of_another_month() -> None:
    days = [date(2026, 10, 2), date(2026, 10, 6), date(2026, 11, 9), date(2026, 11, 19)]
    long = [Event(day, "Start the experiment reviews-first") for day in days]
    drawn = marked(long, date(2026, 8, 1), date(2026, 12, 26), 330)
    assert [row["what"] for row in drawn] == ["2 events", "", "2 events", ""]
    every_day = [Event(date(2026, 8, 1) + timedelta(days=day), "New theme") for day in range(0, 147, 3)]
    spread = marked(every_day, date(2026, 8, 1), date(2026, 12, 26), 330)
    told = [row["what"] for row in spread if row["what"]]
    assert len(spread) == len(every_day), "each day keeps its line"
    assert sum(int(name.removesuffix(" events")) for name in told) == len(every_day), "each event is counted once"


def test_drawings_carry_names_for_colours_and_nothing_that_a_policy_or_a_reader_minds() -> None:
    drawing = Drawing()
    try:
        for plot in plots():
            svg = drawing.draw(plot.spec, plot.datasets, 30)
            assert svg, plot.spec
            assert svg.startswith('<svg viewBox="0 0 '), plot.spec
            assert not re.findall(r"#[0-9a-f]{3,6}|style=|role=|id=|url\(|<script|font-family", svg), plot.spec
            assert set(re.findall(r'[ "][fs]-(\w+)', svg)) <= set(INKS)
            assert len(svg) < 9_000, (plot.spec, len(svg))
            assert not re.findall(r'="[^"]*\d\.\d\d', svg), plot.spec
        assert "an6 &lt;hose&gt;" in "".join(
            str(drawing.draw(plot.spec, plot.datasets)) for plot in plots() if plot.spec == "compared"
        )
        # What is known is not drawn again, and what cannot be drawn is no failure of the page.
        assert drawing.draw("weeks", {"weeks": [], "events": []}, 0.0) is None
        assert drawing.draw(plots()[0].spec, plots()[0].datasets, 0.0) is not None
    finally:
        drawing.close()


def test_a_drawing_that_comes_late_is_there_for_the_next_who_asks() -> None:
    drawing = Drawing()
    try:
        plot = plots()[0]
        # The process has only begun: nobody waits for it longer than they will.
        assert drawing.draw(plot.spec, plot.datasets, 0.01) is None
        assert drawing.draw("weeks", {"weeks": [{"week": "2026-11-24", "value": 3}], "events": []}, 30)
        assert drawing.draw(plot.spec, plot.datasets, 0.0) is not None
    finally:
        drawing.close()


def test_a_renderer_that_dies_is_started_again() -> None:
    drawing = Drawing()
    try:
        week = {"weeks": [{"week": "2026-11-24", "value": 3}], "events": []}
        assert drawing.draw("weeks", week, 30)
        assert drawing._process is not None
        drawing._process.kill()
        drawing._process.wait()
        assert drawing.draw("weeks", {**week, "weeks": []}, 30)
    finally:
        drawing.close()


def test_a_process_with_many_open_files_still_gets_its_drawings() -> None:
    drawing = Drawing()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = max(soft, 1_200 if hard == resource.RLIM_INFINITY else min(hard, 1_200))
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while held[-1] < 1_024:
            held.append(os.dup(held[0]))
        assert drawing.draw("weeks", {"weeks": [{"week": "2026-11-24", "value": 3}], "events": []}, 30)
    finally:
        drawing.close()
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_svg_is_no_drawing() -> None:
    with pytest.raises(ValueError, match="no drawing"):
        compact("<p>not closed")
    kept = compact(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9.99 5"><script>x()</script>'
        f'<rect style="x" onclick="x()" fill="{next(iter(CLASSES))}" width="1.2345"/></svg>'
    )
    assert kept == (
        '<svg viewBox="0 0 10 5" aria-hidden="true" focusable="false"><rect class="f-ink" width="1.2"/></svg>'
    )


def test_the_click_rate_is_told_with_its_interval() -> None:
    # Agresti & Coull 1998: 8 of 10 has a Wilson interval of 0.490 to 0.943.
    assert search.interval(8, 10) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert search.interval(0, 50)[0] == 0.0
    plot = search.ctr_curve(ctr_subject(), Known(ctr_curve=[(1, 0.3), (2, 0.15)]))
    assert isinstance(plot, Plot)
    assert plot.told == (
        "At an average position of 2.2 the page wins 6.1 % of its impressions (95 % interval 5.7 % to 6.5 %); "
        "15.2 % is expected of its queries."
    )


def test_what_is_not_published_is_said_and_not_made_up() -> None:
    for make in (
        search.ctr_curve,
        search.search_weeks,
        search.visits_weeks,
        vitals.vital_weeks,
        goods.units_weeks,
    ):
        found = make(ctr_subject(), Known())
        assert isinstance(found, Missing), make
        assert found.why.endswith("published.") or "names no vital" in found.why
    assert isinstance(search.ctr_curve(subject(), Known(ctr_curve=[(1, 0.3)])), Missing)
    assert isinstance(search.visits_weeks(subject(), Known(page_days=[(END, 1, 1, None, END)])), Missing)
    assert isinstance(goods.stock_outlook(subject(), Known()), Missing)


def test_weeks_are_whole_and_end_on_the_last_day() -> None:
    days = [(END - timedelta(days=ago), 1) for ago in range(20) if ago != 3]
    assert by_week(days, END) == [
        (END - timedelta(days=14), [6.0]),
        (END - timedelta(days=7), [7.0]),
        (END, [6.0]),
    ]
    assert by_week([(END - timedelta(days=7), 2)], END)[-1] == (END, [0.0])
    assert by_week([(END + timedelta(days=1), 2)], END) == []


def test_vitals_are_drawn_between_the_bands_of_what_is_good_and_poor() -> None:
    weeks = [("phone", END - timedelta(days=7 * n), 0.3 if n < 3 else 0.05) for n in range(6)]
    plot = vitals.vital_weeks(subject(evidence_row("CLS p75, field", 0.3)), Known(vital_weeks=weeks[::-1]))
    assert isinstance(plot, Plot)
    good, poor = plot.datasets["bands"]
    assert (good["low"], good["high"], good["text"]) == (0, 0.1, "good ≤ 0.10")
    assert (poor["low"], poor["text"]) == (0.25, "poor > 0.25")
    assert poor["high"] > 0.3
    assert "from 0.05 in the 28 days to 20 Oct to 0.30 in those to 24 Nov; the worst: 0.30." in plot.told


def test_stock_ends_when_the_evidence_says_so() -> None:
    names_of = phrases("merch_playbook")["reorder"]["evidence"]
    rows = [
        evidence_row(names_of["available"], 6, "units"),
        evidence_row(names_of["cover"], 2.5, "days", baseline=14),
        evidence_row(names_of["daily"], 2.4, "units a day"),
        evidence_row(names_of["point"], 45, "units"),
    ]
    plot = goods.stock_outlook(subject(*rows), Known())
    assert isinstance(plot, Plot)
    assert [(row["day"], round(row["units"], 9)) for row in plot.datasets["stock"]] == [(0, 6), (2.5, 0), (21, 0)]
    assert plot.told == (
        "6 units last 2.5 days at 2.4 a day; an order of today arrives in 14 days. The reorder point is 45 units."
    )


def test_events_are_marked_and_told() -> None:
    days = [(END - timedelta(days=ago), 10, 1, 2, END) for ago in range(28)]
    plot = search.search_weeks(subject(events=[Event(date(2026, 11, 12), "written")]), Known(page_days=days))
    assert isinstance(plot, Plot)
    assert plot.datasets["events"] == [{"day": "2026-11-12", "what": "written", "side": "right"}]
    assert plot.told.endswith("Marked: written on 12 Nov.")
    assert spec_of("search_weeks", plot.datasets)["datasets"]["events"] == plot.datasets["events"]


@pytest.mark.parametrize(
    ("unit", "drawn", "said"),
    [("ms", 0.04, "In seconds."), ("share", 4000.0, "In per cent."), ("money", 40.0, "In EUR."), ("", 40, "")],
)
def test_a_findings_axis_counts_what_its_note_says(unit: str, drawn: float, said: str) -> None:
    changed = finding()
    changed["evidence"]["unit"] = unit
    plot = watched.finding_plot(changed, "Orders", [], "EUR")
    assert isinstance(plot, Plot)
    assert plot.datasets["days"][0]["value"] == pytest.approx(drawn)
    assert plot.datasets["levels"][0]["value"] == pytest.approx(drawn)
    assert plot.note.startswith(f"{said} Shaded".lstrip())
    evidence = {**changed["evidence"], "label": "Orders", "note": "", "level": 40.0, "ahead": [], "floor": None}
    watch = watched.metric_plot(evidence, [], "EUR")
    assert isinstance(watch, Plot)
    assert (watch.datasets["days"][0]["value"], watch.note) == (pytest.approx(drawn), said)
