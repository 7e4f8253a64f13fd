"""What Google leaves unsaid may not cost a day, a record or an explanation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from growth_pipelines.ingestion.results import IngestError
from growth_pipelines.ingestion.run import ingest
from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.warehouse.database import Warehouse

Machine = Callable[..., Settings]
Answers = Callable[[dict[str, Any]], tuple[int, bytes]]


@contextmanager
def serving(answer: Answers) -> Iterator[str]:
    """The address of a server that answers every POST by ``answer``, given its JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, content = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with Warehouse.of(settings).write() as connection:
        return list(connection.execute(statement).fetchall())


class SearchConsole:
    """One click a day. Google says which days can still change only to those who ask for all data by date; with
    ``always`` it says so with final data too, and gives them."""

    def __init__(self, *, always: bool) -> None:
        self.always = always
        self.incomplete = date.min

    def answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        first, last = date.fromisoformat(body["startDate"]), date.fromisoformat(body["endDate"])
        told = body["dataState"] == "all" or self.always
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        others = ["https://a.example/"] * (len(body["dimensions"]) - 1)
        answer: dict[str, Any] = {
            "rows": [
                {"keys": [f"{day}", *others], "clicks": 1, "impressions": 1, "ctr": 1, "position": 1}
                for day in days[body.get("startRow", 0) :]
                if told or day < self.incomplete
            ],
            "responseAggregationType": "byProperty",
        }
        if told and last >= self.incomplete:
            answer["metadata"] = {"firstIncompleteDate": f"{self.incomplete}"}
        return 200, json.dumps(answer).encode()


@pytest.mark.parametrize(("stream", "always"), [("search_property", False), ("search_page", True)])
def test_days_that_are_final_late_are_read_once_they_are(tmp_path: Path, stream: str, always: bool) -> None:
    google = SearchConsole(always=always)
    table = f"raw.{stream}_daily"
    with serving(google.answer) as address:
        for number, late in ((0, 12), (3, 12), (6, 12), (9, 12), (10, 2)):
            today = date(2026, 11, 1) + timedelta(days=number)
            google.incomplete = today - timedelta(days=late)
            settings = load_settings(
                {
                    "GROWTH_HOME": str(tmp_path),
                    "GROWTH_SHOP__DOMAIN": "a.myshopify.com",
                    "GROWTH_NOW": f"{today}T20:00:00+00:00",
                    "GROWTH_SEARCH_CONSOLE__BASE_URL": address,
                    "GROWTH_SEARCH_CONSOLE__ACCESS_TOKEN": "t",
                    "GROWTH_SEARCH_CONSOLE__PER_MINUTE": "1000000",
                    "GROWTH_SEARCH_CONSOLE__HISTORY_DAYS": "30",
                    "GROWTH_SEARCH_CONSOLE__OVERLAP_DAYS": "2",
                    "GROWTH_SEARCH_CONSOLE__DELAY_DAYS": "3",
                }
            )
            ingest(settings, [stream])
            ((newest,),) = asked(settings, f"select max(date) from {table}")
            assert newest < google.incomplete
        found = {day for (day,) in asked(settings, f"select date from {table}")}
    first, last = min(found), max(found)
    assert last == today - timedelta(days=3)
    assert found == {first + timedelta(days=n) for n in range((last - first).days + 1)}


def test_a_404_of_anybody_else_replaces_no_record(small_shop: Any, machine: Machine) -> None:
    settings = machine(small_shop)
    ingest(settings, ["shop", "search_page", "crux_records"])
    records = "select target, form_factor, metric, p75, found from raw.crux_records order by 1, 2, 3"
    before = asked(settings, records)
    assert any(row[-1] for row in before)
    with serving(lambda body: (404, b"<html>no such host</html>")) as address:
        settings = machine(small_shop, GROWTH_WEB_VITALS__CRUX_BASE_URL=address)
        with pytest.raises(IngestError, match="HTTP 404 that is not Google's"):
            ingest(settings, ["crux_records"])
    assert asked(settings, records) == before


def test_a_used_up_day_is_one_note_and_another_shops_lab_runs_are_not_ours(
    small_shop: Any, machine: Machine
) -> None:
    def lab(per_day: int) -> Any:
        given = {"GROWTH_WEB_VITALS__CRUX_PAGES": "300", "GROWTH_WEB_VITALS__PSI_PAGES": "50"}
        settings = machine(small_shop, **given, GROWTH_WEB_VITALS__PSI_PER_DAY=str(per_day))
        return settings, ingest(settings, ["psi"])[0]

    settings = machine(small_shop, GROWTH_WEB_VITALS__CRUX_PAGES="300")
    ingest(settings, ["shop", "search_page", "crux_records", "crux_history"])
    settings, first = lab(1)
    assert first.rows == {"psi_runs": 1}
    (note,) = first.notes
    assert "lab runs were not made: PageSpeed Insights's quota of the day is used up until" in note
    missed, wanted = int(note.split()[0]), int(note.split()[2])
    assert missed == wanted - 1 > 1

    with Warehouse.of(settings).write() as connection:
        connection.execute("update raw.psi_runs set shop_id = 'another.myshopify.com'")
    assert lab(1000)[1].rows == {"psi_runs": wanted}
    assert lab(1000)[1].rows == {}
