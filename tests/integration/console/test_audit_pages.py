"""Events are found by who, what, where and when, and taken away as a file that proves itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy.orm import Session

from growth_pipelines.console import audit_pages, chain_looks
from growth_pipelines.store.audit import verify_chain
from growth_pipelines.store.audit_export import verify_file
from growth_pipelines.store.database import Store
from tests.console_shop import NOW

from .conftest import Visitor


def _events(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="seq">#(\d+)', page)]


def test_events_are_found_by_who_what_where_and_when(maria: Visitor) -> None:
    action = maria.queue()[0]
    maria.decide(action, "reject", reason="tone", note="too loud")
    rejected = _events(maria.get(f"/audit?actor=maria&event=rejected&action={action['ref']}").text)
    assert len(rejected) == 1
    assert rejected[0] in _events(maria.get("/audit?channel=console&actor=").text)
    assert "No such events" in maria.get("/audit?actor=mallory").text
    assert "No such events" in maria.get("/audit?until=2020-01-01").text
    assert rejected[0] in _events(maria.get("/audit?since=2020-01-01").text)
    assert maria.get("/audit?since=yesterday").status_code == 422
    page = maria.get("/audit?actor=%22%3E%3Cscript%3E").text
    assert "<script>" not in page.replace("<script src", "").replace("<script type", "")
    older = re.search(r'href="(/audit\?[^"]*before=\d+)"', maria.get("/audit?since=2020-01-01").text)
    if older:
        assert "since=2020-01-01" in older[1]


def test_what_is_looked_for_is_short_and_a_number_one_of_the_chains(maria: Visitor) -> None:
    assert maria.get(f"/audit?before={10**30}").status_code == 422
    assert maria.get(f"/audit?actor={'x' * 300}").status_code == 422
    # Who only looks can't fill the chain, which keeps everything, with what they look for.
    long = {"csrf": maria.csrf(), "form": "csv", "actor": "x" * 300}
    assert maria.http.post("/audit/export", data=long).status_code == 422
    assert "No such events" in maria.get("/audit?event=audit_exported&actor=maria").text


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_a_download_proves_itself_and_is_on_record(maria: Visitor, tmp_path: Path, form: str) -> None:
    csrf = maria.csrf()
    with maria.http.stream("POST", "/audit/export", data={"csrf": csrf, "form": form}) as answer:
        assert answer.status_code == 200
        assert f'.{form}"' in answer.headers["content-disposition"]
        file = tmp_path / f"audit.{form}"
        file.write_bytes(b"".join(answer.iter_bytes()))
    found = verify_file(file)
    with maria.shop.store.read() as session:
        chain = verify_chain(session)
    assert (found.intact, found.whole, found.head, found.events) == (True, True, chain.head, chain.events)
    assert "Audit exported" in maria.get("/audit?event=audit_exported&actor=maria").text
    part = maria.http.post("/audit/export", data={"csrf": csrf, "form": form, "actor": "maria"})
    file.write_bytes(part.content)
    assert verify_file(file).intact
    assert not verify_file(file).whole


def _checked(page: str) -> str:
    [said] = re.findall(r"Chain intact<span class=\"soft\">([^<]+)<", page)
    return said


def test_a_long_chain_is_walked_when_asked_and_for_everybody_once_a_minute(
    maria: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_pages, "VERIFIED_UNASKED", 0)
    assert "Verify the whole chain" in maria.get("/audit").text
    first = _checked(maria.get("/audit?verify=1").text)
    vik = Visitor(maria.shop).sign_in("vik")
    assert _checked(vik.get("/audit?verify=1").text) == first, "signing in is a new event, not looked at yet"
    monkeypatch.setattr(chain_looks, "KEPT_SECONDS", 0.0)
    later = _checked(vik.get("/audit?verify=1").text)
    assert int(later.split()[0]) > int(first.split()[0])
    assert " checked at 22 Nov 2026" in later


def test_while_a_long_chain_is_walked_nobody_starts_another_walk(
    maria: Visitor,
) -> None:
    looks = chain_looks.ChainLooks(maria.shop.store)
    begun, go_on = Event(), Event()

    class Slow(Store):
        @contextmanager
        def read(self) -> Iterator[Session]:
            begun.set()
            go_on.wait(20)
            with super().read() as session:
                yield session

    looks.store = Slow(maria.shop.store.url)
    with ThreadPoolExecutor() as pool:
        walking = pool.submit(looks.newest, NOW)
        assert begun.wait(20)
        assert looks.newest(NOW) is None
        go_on.set()
        found = walking.result(20)
    assert found is not None
    assert found.report.intact
    assert looks.newest(NOW) is found


def test_without_the_forms_token_nothing_is_downloaded(maria: Visitor) -> None:
    assert maria.http.post("/audit/export", data={"form": "csv"}).status_code in (401, 403)
    assert maria.http.get("/audit/export").status_code == 405
