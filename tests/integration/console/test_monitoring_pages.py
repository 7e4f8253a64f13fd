"""The monitoring pages: what they say of looks and incidents, and what their forms do."""

from __future__ import annotations

import re
import time
from datetime import timedelta

from growth_pipelines.approvals.operators import add_operator
from growth_pipelines.console.plots.shown import wanted
from growth_pipelines.store.incidents import loud_incidents, record_look
from growth_pipelines.store.known_events import known_events
from growth_pipelines.store.looks import keep_look
from growth_pipelines.store.tables import Incident
from tests.console_shop import NOW, ConsoleShop
from tests.incidents import SINCE, finding, incident

from .conftest import Visitor

TITLE = "Orders fell by 24 % (17 to 31 %) since 10 Nov 2026"


def worse(shop: ConsoleShop) -> int:
    """Let a look find an incident; its number."""
    watched = {
        "name": "orders",
        "label": "Orders",
        "unit": "",
        "state": "worse",
        "note": "",
        "level": 30.4,
        "since": SINCE.isoformat(),
        "series": finding()["evidence"]["series"],
        "ahead": [["2026-11-22", 31.0, 22.0, 41.0]],
        "floor": 24.0,
        "ahead_note": "",
    }
    with shop.store.session() as session:
        keep_look(session, "sales", [watched], [finding()], NOW)
        suspect = {"kind": "deploy", "title": "New theme", "day": SINCE.isoformat(), "ref": ""}
        found = record_look(session, [incident(suspects=[suspect])], NOW)
        return found.opened[0]


def test_before_the_first_look_the_page_says_what_will_be_looked_at(console: ConsoleShop) -> None:
    page = Visitor(console).sign_in("maria").get("/monitoring")
    assert page.status_code == 200
    assert "No look yet" in page.text


def test_open_incidents_come_first_and_today_names_them(console: ConsoleShop) -> None:
    number = worse(console)
    maria = Visitor(console).sign_in("maria")
    page = maria.get("/monitoring").text
    assert page.index(TITLE) < page.index("What is watched")
    assert "Worse since 10 Nov" in page
    assert "Suspected: New theme." in page
    today = maria.get("/").text
    assert "1 incident open" in today
    assert f'href="/monitoring/{number}"' in today


def test_its_plots_are_among_those_that_are_drawn_before_anybody_asks(console: ConsoleShop) -> None:
    """Without a look there are none, with one there is the watched metric's."""
    ahead = [spec for spec, _ in wanted(console.settings, console.store, NOW)]
    assert "watched" not in ahead
    worse(console)
    assert [spec for spec, _ in wanted(console.settings, console.store, NOW)] == ["watched", *ahead]


def test_the_page_is_small_with_all_that_a_shop_can_have(console: ConsoleShop) -> None:
    days = [SINCE - timedelta(days=60) + timedelta(days=day) for day in range(148)]
    series = [[str(day), 3_456.78 + 97 * (number % 13)] for number, day in enumerate(days[:120])]
    ahead = [[str(day), 3_500.12, 2_900.34, 4_100.56] for day in days[120:]]
    metric = {"unit": "money", "state": "worse", "note": "", "level": 3_456.78, "since": str(SINCE)}
    metric |= {"series": series, "ahead": ahead, "floor": 2_765.4, "ahead_note": ""}
    families = {"sales": 3, "refunds": 1, "traffic": 2, "search": 4, "data": 3}
    with console.store.session() as session:
        for family, count in families.items():
            watched = [{**metric, "name": f"m{n}", "label": f"{family} {n}"} for n in range(count)]
            for one in watched[: 1 if family == "refunds" else 0] + (watched[2:] if family == "search" else []):
                one["ahead"] = []
            keep_look(session, family, watched, [finding()], NOW)
        found = [finding(subject=f"/products/a-hose-of-a-long-name-{number}") for number in range(8)]
        record_look(
            session, [incident(one, since=SINCE - timedelta(days=9 * n)) for n, one in enumerate(found)], NOW
        )
    maria = Visitor(console).sign_in("maria")
    for _ in range(40):
        page = maria.get("/monitoring").text
        if "being drawn" not in page:
            break
        time.sleep(0.25)
    assert page.count("<svg viewBox") == 7, "seven metrics have a forecast; rows a day are told by the table alone"
    assert len(page.encode()) < 60_000


def test_an_incidents_page_says_when_how_much_why_and_what_would_speak_against_it(console: ConsoleShop) -> None:
    text = Visitor(console).sign_in("maria").get(f"/monitoring/{worse(console)}").text
    for said in (
        "10 Nov 2026; with 95 % probability 8 Nov 2026 – 12 Nov 2026",
        "−24 % (17 to 31 %)",
        "Fewer visits (fewer visits −22 %, fewer visitors buy −3 %)",
        "40 % of the clicks",
        "New theme (deploy, 10 Nov)",
        "Visits in another counter",
    ):
        assert said in text
    missing = Visitor(console).sign_in("maria").get("/monitoring/999")
    assert missing.status_code == 404


def test_an_operator_silences_it_and_ends_the_silence(console: ConsoleShop) -> None:
    number = worse(console)
    maria = Visitor(console).sign_in("maria")
    csrf, path = maria.csrf(), f"/monitoring/{number}/silence"
    refused = maria.http.post(path, data={"csrf": csrf, "days": "400", "reason": "known"})
    assert (refused.status_code, "1 to 90 days" in refused.text) == (422, True)
    quiet = maria.http.post(path, data={"csrf": csrf, "days": "14", "reason": "a big customer left"})
    assert "The incident is silenced." in quiet.text
    assert "a big customer left" in quiet.text
    with console.store.read() as session:
        row = session.get_one(Incident, number)
        assert timedelta(days=13) < row.silenced_until - NOW < timedelta(days=15)
        assert loud_incidents(session, NOW) == []
    assert "incident open" not in maria.get("/").text
    maria.http.post(path, data={"csrf": csrf})
    with console.store.read() as session:
        assert [one.id for one in loud_incidents(session, NOW)] == [number]


def test_events_are_noted_and_removed_by_operators_and_not_by_viewers(console: ConsoleShop) -> None:
    maria = Visitor(console).sign_in("maria")
    form = {"csrf": maria.csrf(), "kind": "campaign", "title": "Autumn sale", "starts_on": "2026-11-01"}
    assert maria.http.post("/monitoring/events", data={**form, "starts_on": "soon"}).status_code == 422
    page = maria.http.post("/monitoring/events", data={**form, "ends_on": "2026-11-09"}).text
    assert "Campaign, 1 Nov – 9 Nov, noted by maria" in page
    add_operator(console.store, console.settings, "vi", "viewer", NOW)
    vi = Visitor(console).sign_in("vi")
    assert "Note it" not in vi.get("/monitoring").text
    assert vi.http.post("/monitoring/events", data={**form, "csrf": vi.csrf()}).status_code == 403
    number = re.search(r'name="number" value="(\d+)"', page)
    assert number
    maria.http.post("/monitoring/events/remove", data={"csrf": maria.csrf(), "number": number[1]})
    with console.store.read() as session:
        assert known_events(session, SINCE - timedelta(days=30)) == []
