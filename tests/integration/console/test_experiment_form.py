"""The form that declares an experiment: the planner's answer first, errors at their fields, then one draft."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from growth_pipelines.store.tables import Experiment
from growth_pipelines.warehouse.database import Warehouse
from tests.console_shop import ConsoleShop
from tests.experiments_declared import fresh

from .conftest import Visitor
from .test_pages import text_of

FORM = "/experiments/new"
TYPED = {
    "key": "bar-at-the-top",
    "hypothesis": "A bar at the top of the page is seen by more visitors.",
    "measure": "visitor:conversions:proportion",
    "arms": "control, bar:2",
    "guardrails": "sessions:0.05",
    "baseline": "0.03",
    "minimum_effect": "0.1",
    "daily": "4000",
    "coverage_goal": "1",
}


def send(visitor: Visitor, **fields: str) -> Any:
    return visitor.http.post(FORM, data={"csrf": visitor.csrf(), **TYPED, **fields})


def value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def wrong(page: str) -> set[str]:
    """The fields that say of themselves that they are wrong, each with the sentence that it points to."""
    marked = set(re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page))
    assert all(f'id="{name}-wrong"' in page for name in marked)
    return marked


def registered(shop: ConsoleShop) -> int:
    with shop.store.read() as session:
        return session.scalar(select(func.count()).select_from(Experiment)) or 0


def test_the_form_begins_with_the_shops_own_numbers(maria: Visitor) -> None:
    page = maria.get(FORM).text
    assert (value(page, "baseline"), value(page, "daily")) == ("0.02", "350")
    assert "2.00 % of sessions had an order" in text_of(page)


def test_numbers_that_cannot_be_read_are_said_to_be_and_not_taken_for_a_new_shop(maria: Visitor) -> None:
    published = Warehouse.of(maria.shop.settings).current
    broken = published.with_name("broken.duckdb")
    broken.write_bytes(b"no warehouse")
    published.unlink()
    published.symlink_to(broken.name)
    page = maria.get(FORM).text
    assert value(page, "baseline") == ""
    assert "cannot be opened" in text_of(page)
    planned = send(maria)
    assert (planned.status_code, value(planned.text, "baseline")) == (200, "0.03")
    asked = maria.http.get("/api/phase7/experiments/plan", params={"minimum_effect": "0.1"})
    assert "cannot be opened" in asked.json()["title"] + asked.json().get("detail", "")


def test_the_planner_answers_before_anything_is_saved(maria: Visitor) -> None:
    answer = send(maria)
    assert answer.status_code == 200
    units, days = value(answer.text, "planned_units"), value(answer.text, "planned_days")
    assert int(days) % 7 == 0
    assert f"{int(units):,} units, {days} days." in text_of(answer.text)
    smaller = send(maria, minimum_effect="0.05", planned_units=units, planned_days=days)
    assert int(value(smaller.text, "planned_units")) > 3 * int(units)
    assert registered(maria.shop) == 0
    done = send(maria, planned_units=units, planned_days=days, do="declare")
    assert "It is registered as a draft." in done.text
    row = fresh(maria.shop.store, "bar-at-the-top")
    assert (row.planned_units, row.planned_days, row.created_by) == (int(units), int(days), "maria")
    assert row.arms == [{"name": "control", "weight": 1.0}, {"name": "bar", "weight": 2.0}]
    assert row.guardrails[0]["metric"] == "sessions"
    again = send(maria, planned_units=units, planned_days=days, do="declare")
    assert (again.status_code, wrong(again.text)) == (422, {"key"})


def test_every_wrong_field_says_so_and_keeps_what_was_typed(maria: Visitor) -> None:
    answer = send(maria, key="Bar!", baseline="three", arms="control, bar:many", daily="4000")
    assert (answer.status_code, wrong(answer.text)) == (422, {"key", "baseline", "arms"})
    assert value(answer.text, "arms") == "control, bar:many"
    assert wrong(send(maria, daily="nobody").text) == {"daily"}
    assert wrong(send(maria, do="declare").text) == {"planned_units", "planned_days"}
    pages = send(maria, measure="page:clicks:mean", guardrails="")
    assert wrong(pages.text) == {"arms"}, "pairs have two arms of one weight"
    assert registered(maria.shop) == 0


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e999", "", "9" * 3000, "\x00"])
def test_no_number_breaks_the_form(maria: Visitor, text: str) -> None:
    for name in ("baseline", "minimum_effect", "daily", "coverage_goal", "planned_days"):
        answer = send(maria, **{name: text})
        assert answer.status_code in (200, 422), name
    assert registered(maria.shop) == 0


def test_days_of_the_whole_shop_are_planned_as_they_would_be_drawn(maria: Visitor) -> None:
    answer = send(
        maria, measure="time_slice:revenue:mean", arms="control, margin", guardrails="", planned_days="84"
    )
    assert answer.status_code == 200, text_of(answer.text)
    assert value(answer.text, "planned_units") == "84"


def test_a_viewer_registers_nothing(maria: Visitor) -> None:
    vik = Visitor(maria.shop).sign_in("vik")
    assert 'name="hypothesis"' not in vik.get(FORM).text
    assert send(vik, planned_units="4000", planned_days="14", do="declare").status_code == 403
    assert "New experiment" not in vik.get("/experiments").text
    assert registered(maria.shop) == 0


def test_power_is_part_of_the_plan_and_of_what_is_registered(maria: Visitor) -> None:
    surely = send(maria, power="0.95")
    assert "in 95 % of cases" in text_of(surely.text)
    assert int(value(surely.text, "planned_units")) > int(value(send(maria).text, "planned_units"))
    assert wrong(send(maria, power="2", cap_quantile="1").text) == {"power"}
    customers = {"measure": "customer:revenue:mean", "guardrails": "", "planned_days": "28"}
    assert wrong(send(maria, cap_quantile="1", **customers).text) == {"cap_quantile"}
    send(maria, planned_units="4000", cap_quantile="0.95", power="0.9", do="declare", **customers)
    row = fresh(maria.shop.store, "bar-at-the-top")
    assert (row.power, row.design["cap_quantile"]) == (0.9, 0.95)
