"""Charts of days in Dagster mark what was done to the shop."""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from growth_pipelines.defs.display import chart
from growth_pipelines.defs.happenings import marked
from growth_pipelines.defs.machine import Machine
from growth_pipelines.store.known_events import add_event
from tests.drafts import NOW, decided, seo_draft, settings_in, submitted, with_operator

DAYS = [NOW.date() - timedelta(days=ago) for ago in range(40, -1, -1)]
DEPLOY = NOW.date() - timedelta(days=20)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(settings_in(tmp_path / "home", ""))
    store, settings = machine.store, machine.settings
    with_operator(store, settings, "bo")
    (action,) = submitted(store, seo_draft(1))
    decided(store, settings, action)
    for title, day in (("New theme", DEPLOY), ("Before all of it", NOW.date() - timedelta(days=90))):
        with store.session() as session:
            add_event(
                session,
                kind="deploy",
                title=title,
                starts_on=day,
                actor="bo",
                channel="cli",
                now=NOW,
            )
    return machine


def texts(name: str, values: list[dict[str, Any]]) -> str:
    picture = base64.b64decode(re.findall(r"base64,([^)]*)", str(chart(name, "Days", values).value))[0]).decode()
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))


def days(**more: Any) -> list[dict[str, Any]]:
    return [{"day": str(day), "value": float(place), **more} for place, day in enumerate(DAYS)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("daily_measures", [*days(measure="Orders"), *days(measure="Sessions")]),
        ("watched", [*days(measure="Orders"), *days(measure="Sessions")]),
        ("vitals_trend", days(good=10.0, poor=20.0)),
        ("outcome_days", [*days(series="it got", executed=False), *days(series="would have got", executed=False)]),
    ],
)
def test_a_chart_of_days_names_the_deploys_and_approved_actions_of_its_days(
    machine: Machine, name: str, values: list[dict[str, Any]]
) -> None:
    rows = marked(machine, values)
    assert {row["day"] for row in rows if row.get("event")} == {str(DEPLOY), str(NOW.date())}
    said = texts(name, rows)
    assert "New theme" in said
    assert "approved: " in said
    assert "Before all of it" not in said


def test_a_chart_of_one_page_leaves_out_what_was_done_to_others(machine: Machine) -> None:
    named = {row["event"] for row in marked(machine, days(), "/products/another") if "event" in row}
    assert named == {"New theme"}
    assert marked(machine, []) == []
    assert date.fromisoformat(marked(machine, days())[-1]["day"]) == NOW.date()
