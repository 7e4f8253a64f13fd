"""Findings: which are one incident, what is suspected, what explains it, and how it is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from growth_pipelines.monitoring.findings import Finding, as_document, finding_of, interval_of, merged
from growth_pipelines.monitoring.suspects import Happening, explanation_of, suspects_of
from growth_pipelines.monitoring.wording import title_of

DAY = date(2026, 11, 10)


def finding(**fields: Any) -> Finding:
    values: dict[str, Any] = {
        "family": "sales",
        "metric": "orders",
        "level": "shop",
        "subject": "",
        "direction": "down",
        "since": DAY,
        "first": DAY - timedelta(days=2),
        "last": DAY + timedelta(days=1),
        "size": -0.23,
        "low": -0.30,
        "high": -0.15,
        "cause": "",
        "severity": "high",
    }
    return Finding(**{**values, **fields})


def page(number: int, folder: str = "products", **fields: Any) -> Finding:
    base = {"family": "search", "metric": "page_clicks", "level": "page", "subject": f"/{folder}/p{number}"}
    return finding(**{**base, "cause": "ctr", "severity": "medium", **fields})


def later(days: int) -> dict[str, date]:
    return {"since": DAY + timedelta(days=days)}


def test_what_began_together_and_shares_family_or_cause_is_one_incident_of_the_widest() -> None:
    found = merged(
        [
            page(1, cause="demand"),
            finding(cause="traffic"),
            finding(family="traffic", metric="sessions", cause="search"),
            finding(family="search", metric="clicks", cause="demand"),
            finding(metric="net_sales", **later(2)),
        ]
    )
    assert [(one.level, one.lead.metric, len(one.findings)) for one in found] == [
        ("shop", "orders", 3),
        ("shop", "clicks", 2),
    ]


def test_what_began_on_another_day_or_has_nothing_in_common_stays_apart() -> None:
    assert len(merged([finding(), finding(metric="net_sales", **later(9))])) == 2
    assert len(merged([finding(cause="traffic"), finding(family="vitals", cause="vitals")])) == 2
    # No chain of days ties a month together.
    assert len(merged([page(number, **later(2 * number)) for number in range(8)])) > 2


def test_three_pages_of_one_template_are_the_templates() -> None:
    [found] = merged([page(1), page(2), page(3)])
    assert (found.level, found.subject) == ("template", "/products/")
    assert title_of(found) == (
        "Search clicks of 3 pages under /products/ fell by 23 % (15 to 30 %) since 10 Nov 2026"
    )
    [mixed] = merged([page(1), page(2), page(3, "collections")])
    assert (mixed.level, mixed.subject) == ("page", "/products/p1")
    assert "/products/p1 and 2 more pages fell" in title_of(mixed)


def test_forecasts_are_incidents_of_their_own() -> None:
    ahead = finding(expected_on=DAY + timedelta(days=9), severity="medium")
    assert [len(one.findings) for one in merged([finding(), ahead])] == [1, 1]
    assert ahead.key != finding().key
    assert "expected to be below their usual range by 19 Nov 2026" in title_of(merged([ahead])[0])


def test_a_finding_is_the_same_after_a_trip_through_json() -> None:
    one = finding(expected_on=DAY, evidence={"series": [["2026-11-01", 3.0]]})
    assert finding_of(as_document(one)) == one


def test_an_interval_from_a_p_value_is_the_one_that_made_the_p_value() -> None:
    # log(0.5) with a standard error of a third of it: z = 3, p = 0.00135.
    low, high = interval_of(-0.5, 0.001350)
    assert low == pytest.approx(2 ** -(1 + 1.959964 / 3) - 1, abs=1e-3)
    assert high == pytest.approx(2 ** -(1 - 1.959964 / 3) - 1, abs=1e-3)


def happening(kind: str, days: int = 0, length: int = 0, **fields: str) -> Happening:
    start = DAY + timedelta(days=days)
    return Happening(kind, kind.title(), start, start + timedelta(days=length), **fields)


def test_suspects_began_or_ended_when_it_may_have_begun_and_touch_its_subject() -> None:
    [found] = merged([page(1)])
    deploy, before, ended = happening("deploy"), happening("deploy", -30), happening("campaign", -20, 19)
    own, other = happening("action", -1, page="/products/p1"), happening("action", page="/products/p9")
    assert suspects_of(found, [before, own, other, ended, deploy]) == [ended, deploy, own]


def test_the_end_of_a_campaign_does_not_explain_a_fall_below_what_was_before_it() -> None:
    def days(before: float, during: float) -> list[list[object]]:
        return [[str(DAY + timedelta(days=n)), before if n < -10 else during] for n in range(-60, 10)]

    campaign = happening("campaign", -10, 9)
    for before, explained in ((70.0, "Campaign"), (100.0, "")):
        [found] = merged([finding(evidence={"series": days(before, 100.0), "before": 100.0})])
        assert explanation_of(found, [campaign], DAY) == explained


def test_an_ended_campaign_and_a_holiday_explain_a_fall_but_never_a_deploy_or_an_action() -> None:
    [found] = merged([finding()])
    ended, holiday = happening("campaign", -20, 19), happening("holiday", 0, 1)
    assert explanation_of(found, [ended], DAY) == "Campaign"
    assert explanation_of(found, [happening("campaign")], DAY) != "", "of one day"
    assert explanation_of(found, [happening("campaign", 0, 20)], DAY) == "", "it has only begun"
    assert explanation_of(found, [holiday], DAY + timedelta(days=10)) == "Holiday"
    assert explanation_of(found, [holiday], DAY + timedelta(days=30)) == "", "it is long over"
    assert explanation_of(found, [happening("deploy"), happening("action")], DAY) == ""
    long = happening("holiday", -12, 30)
    assert suspects_of(found, [long, happening("campaign", -12, 30)]) == [long], "it fell while the holiday lasted"
    assert explanation_of(found, [long], DAY + timedelta(days=30)) == "Holiday"
    [slower] = merged([finding(family="vitals", direction="up", size=0.4)])
    assert explanation_of(slower, [ended, holiday], DAY) == ""
