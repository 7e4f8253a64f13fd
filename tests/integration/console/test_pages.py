"""What the pages say, in every state that the data can be in."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import httpx
import pytest

from growth_pipelines.actions.template_pauses import pause_template, paused_templates
from growth_pipelines.store.database import Store
from growth_pipelines.warehouse.database import Warehouse
from tests.console_shop import NOW, SNIPPETS, ConsoleShop, fill, judged, publish, serve

from .conftest import Visitor


def text_of(html: str) -> str:
    """What a reader sees of a page, roughly: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_today_lists_the_queue_in_its_order_with_money_and_interval(maria: Visitor):
    page = maria.get("/").text
    titles = re.findall(r"data-row>([^<]+)<", page)
    assert [title.replace("&#39;", "'") for title in titles] == [row["title"] for row in maria.queue()]
    assert "$1,184" in page
    assert "$610 – $1,790" in page
    assert "7 days left" in page
    assert "to 19 Nov" in page


def test_data_quality_names_what_is_wrong_and_where(maria: Visitor):
    assert "Nothing has been judged yet" in text_of(maria.get("/quality").text)
    judged(maria.shop.settings)
    page = text_of(maria.get("/quality").text)
    for shown in (
        "New data are held back.",
        "Judged 22 Nov 2026, 08:04 MST .",
        "Shopify held back F 59",
        "order_lines: quantity is at least 0 Blocks: 1 of 312 rows break it.",
        "quantity = -2 (line 17 of orders/20261121-20261122-0f1e2d3c4b5a)",
        "search_page_daily: as many rows as such days have Warns: 2026-11-19: 12, usual are 310 to 402.",
    ):
        assert shown in page, shown
    judged(maria.shop.settings, broken=False)
    page = text_of(maria.get("/quality").text)
    assert "Nothing is wrong" in page
    assert "held back" not in page


def test_texts_show_what_is_drafted_and_let_an_operator_resume_a_template(maria: Visitor) -> None:
    page = text_of(maria.get("/texts").text)
    assert "Nothing is decided yet" in page
    template = "en.titles.product.name_shop"
    with maria.shop.store.session() as session:
        pause_template(session, template, decisions=12, rejected=5, now=NOW)
    page = text_of(maria.get("/texts").text)
    assert "{title} | {shop} en.titles.product.name_shop 5 of 12 texts were rejected or replaced." in page
    refused = maria.http.post("/texts/resume", data={"template": template, "reason": "x", "csrf": "of another"})
    assert refused.status_code == 403
    viewer = Visitor(maria.shop).sign_in("vik")
    assert "Let it write again" not in viewer.get("/texts").text
    asked = {"template": template, "reason": "x", "csrf": viewer.csrf()}
    assert viewer.http.post("/texts/resume", data=asked).status_code == 403
    form = {"template": template, "csrf": maria.csrf()}
    assert maria.http.post("/texts/resume", data={**form, "reason": " "}).status_code == 422
    with maria.shop.store.read() as session:
        assert paused_templates(session) == {template}
    answer = maria.http.post("/texts/resume", data={**form, "reason": "It has the maker now."})
    assert "en.titles.product.name_shop writes again" in text_of(answer.text)
    assert maria.http.post("/texts/resume", data={**form, "reason": "Again."}).status_code == 409
    assert "writes again" not in text_of(maria.get("/texts?resumed=Everything").text), "only what is so is said"
    with maria.shop.store.read() as session:
        assert paused_templates(session) == set()


def test_today_links_to_dagster_and_the_data_models(maria: Visitor):
    page = maria.get("/").text
    assert 'href="/dagster/"' in page
    assert 'href="/docs/dbt"' in page


def test_an_action_shows_all_that_a_decision_needs(maria: Visitor):
    action = maria.queue()[0]
    html = maria.get(f"/actions/{action['ref']}").text
    page = text_of(html)
    for shown in (
        "How the search result would change",
        SNIPPETS[0][2],
        "58 of 60 characters",
        "Why now",
        "4.1 % 8.9 % 23 Oct – 19 Nov 2026 marts.fct_search_query_page_daily",
        "Claims are verified",
        "Write the present title back",
        "Low risk",
        "$1,184 revenue in 28 days × 86 % confidence × 100 % ease × 100 % past decisions = $1,018 score",
        "Proposed by seo_ctr",
        "22 Nov 2026, 08:04 MST",
        action["digest"][:12],
    ):
        assert shown in page, shown
    assert "<del> - Hot Rod Parts</del>" in html
    assert "<ins>, 20 ft with 10 Fittings | E85 Safe</ins>" in html


def test_fields_that_stay_are_previewed_as_the_search_engine_shows_them(maria: Visitor):
    action = maria.queue()[1]
    assert "description" not in action["draft"]
    page = maria.get(f"/actions/{action['ref']}").text
    assert page.count("Quality parts for your hot rod. Fast shipping, easy returns.") == 2


def test_a_task_shows_its_steps_and_says_that_nothing_is_written(maria: Visitor):
    action = next(row for row in maria.queue() if row["subtype"] == "script")
    page = text_of(maria.get(f"/actions/{action['ref']}").text)
    assert "What someone has to do" in page
    assert "Load it after the first interaction." in page
    assert "nothing is written to the shop" in page


def test_actions_are_found_by_id_and_by_ref(maria: Visitor):
    action = maria.queue()[0]
    assert maria.get(f"/actions/{action['id']}").status_code == 200
    missing = maria.get("/actions/nothing")
    assert missing.status_code == 404
    assert "There is no action nothing" in missing.text


def test_texts_from_outside_are_escaped(maria: Visitor):
    from sqlalchemy import update

    from growth_pipelines.store.tables import Action

    action = maria.queue()[0]
    with maria.shop.store.session() as session:
        session.execute(
            update(Action)
            .where(Action.id == action["id"])
            .values(title="<script>alert(1)</script>", rationale="<b>")
        )
    for path in ("/", "/actions", f"/actions/{action['ref']}", "/audit"):
        assert "<script>alert" not in maria.get(path).text


def test_late_data_are_said_to_be_late(maria: Visitor):
    publish(maria.shop.settings, search_to=date(2026, 11, 10))
    page = text_of(maria.get("/").text)
    assert "Some data are late. Search data end on 10 Nov, 12 days ago." in page


def test_fresh_data_raise_no_alarm(maria: Visitor):
    page = text_of(maria.get("/").text)
    assert "Some data are late" not in page
    # The last order was on the 17th; that nothing was sold since is not lateness.
    assert "Orders to 21 Nov" in page


def test_where_the_history_of_orders_starts_is_said_beside_what_rests_on_them(maria: Visitor):
    pages = ["/", f"/actions/{maria.queue()[0]['ref']}"]
    assert not any("history starts" in maria.get(path).text for path in pages)
    limit = "history starts on 2026-09-23: only the last 60 days of orders can be read"
    publish(maria.shop.settings, orders_note=limit)
    for path in pages:
        assert f"Orders, and cohorts and conversion with them: {limit}." in text_of(maria.get(path).text)


def test_data_that_an_older_version_published_are_shown(maria: Visitor):
    warehouse = Warehouse.of(maria.shop.settings)
    with warehouse.write() as connection:
        connection.execute("drop table marts.dim_data_coverage")
    warehouse.publish()
    assert "Orders to 21 Nov" in text_of(maria.get("/").text)


def test_an_empty_machine_says_what_to_do(tmp_path: Path):
    from growth_pipelines.approvals.operators import add_operator

    settings = ConsoleShop.settings_in(tmp_path / "home")
    add_operator(Store.of(settings), settings, "maria", "operator", settings.clock.now())
    with serve(ConsoleShop(settings)) as shop:
        page = text_of(Visitor(shop).sign_in("maria").get("/").text)
    assert "Nothing waits for you" in page
    assert "No data are published yet. Run `growth run` first." in page


def test_a_queue_that_is_done_is_not_an_empty_machine(maria: Visitor):
    for action in maria.queue():
        maria.decide(action, "reject", reason="not_relevant")
    page = text_of(maria.get("/").text)
    assert "Nothing waits for you" in page
    assert "Every action is decided" in page


@pytest.mark.parametrize(("mode", "said"), [("propose", "Propose mode."), ("observe", "Observe mode.")])
def test_a_mode_that_writes_nothing_says_so(open_console: Callable[..., ConsoleShop], mode: str, said: str):
    shop = open_console(GROWTH_ACTIONS__MODE=mode)
    page = text_of(Visitor(shop).sign_in("maria").get("/").text)
    assert said in page


def test_actions_can_be_listed_by_state(maria: Visitor):
    action = maria.queue()[0]
    maria.decide(action, "approve")
    page = maria.get("/actions?state=approved").text
    assert re.findall(r"data-row>([^<]+)<", page) == [action["title"]]
    assert text_of(maria.get("/actions?state=failed").text).count("No actions here") == 1


def test_older_actions_are_a_page_further(maria: Visitor):
    from growth_pipelines.bench import many_actions
    from growth_pipelines.store.database import Store

    many_actions.fill(Store.of(maria.shop.settings), 60, 7, now=NOW, resources=9)
    first = maria.get("/actions").text
    assert first.count("data-row>") == 40
    [older] = re.findall(r'href="(/actions\?after=[^"]+)" rel="next"', first)
    second = maria.get(older).text
    assert second.count("data-row>") >= 10
    assert 'href="/actions">Newest' in second
    assert maria.get("/actions?after=nonsense").status_code == 422


def test_the_audit_tail_shows_every_event_and_that_the_chain_holds(maria: Visitor):
    action = maria.queue()[0]
    maria.decide(action, "reject", reason="tone", note="too loud")
    page = text_of(maria.get("/audit").text)
    assert "Chain intact" in page
    assert "Rejected The tone is off: too loud maria in the console" in page


def test_the_audit_page_shows_a_broken_chain(maria: Visitor):
    with maria.shop.store.connection() as connection:
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_events_no_update")
        triggers = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
        ).scalars()
        for name in list(triggers):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("UPDATE audit_events SET actor = 'mallory' WHERE seq = 4")
    page = text_of(maria.get("/audit").text)
    assert "Chain broken" in page
    assert "event 4" in page


def test_the_dbt_docs_are_served_in_a_sandbox(maria: Visitor):
    missing = maria.get("/docs/dbt")
    assert missing.status_code == 404
    assert "growth docs" in missing.text
    file = maria.shop.settings.home / "docs" / "dbt.html"
    file.parent.mkdir()
    file.write_text("<!doctype html><title>dbt Docs</title><script>1</script>")
    shown = maria.get("/docs/dbt")
    assert shown.status_code == 200
    assert shown.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in shown.headers["content-security-policy"]
    for short in ("/docs", "/docs/"):
        assert maria.get(short).url.path == "/docs/dbt"


def test_the_api_lists_what_the_command_line_lists(maria: Visitor):
    body = maria.http.get("/api/actions", headers={"accept": "application/json"}, params={"top": 10}).json()
    assert body["actions"] == maria.queue()
    pending = maria.http.get("/api/actions", params={"state": "pending", "kind": "cwv_repair"}).json()
    assert len(pending["actions"]) == 2
    ref = body["actions"][0]["ref"]
    assert maria.http.get(f"/api/actions/{ref}").json() == body["actions"][0]


def test_the_api_describes_itself(maria: Visitor):
    document = maria.http.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/actions",
        "/api/actions/export",
        "/api/actions/suppressions",
        "/api/actions/{id_or_ref}",
        "/api/actions/tasks",
        "/api/actions/{id_or_ref}/done",
        "/api/actions/{id_or_ref}/lift",
        "/api/approvals",
        "/api/approvals/bulk",
        "/api/approvals/{id_or_ref}",
        "/api/approvals/{id_or_ref}/decision",
        "/api/audit/events",
        "/api/cross-sell/{product}",
        "/api/phase7/approvals/history",
        "/api/phase7/approvals/pending",
        "/api/phase7/beta/candidates",
        "/api/phase7/experiments",
        "/api/phase7/experiments/plan",
        "/api/phase7/experiments/{experiment}/decision",
        "/api/phase7/experiments/{experiment}/move",
        "/api/phase7/experiments/{experiment}/promotion",
        "/api/phase7/experiments/{experiment}/start",
        "/api/phase7/experiments/{key}",
        "/api/phase7/growth/metrics",
        "/api/phase7/ops/metrics",
        "/api/phase7/outcomes",
        "/api/phase7/outcomes/{id_or_ref}",
        "/api/phase7/status",
        "/api/session",
    }
    operations = [one for each in document["paths"].values() for one in each.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        for status, answer in one["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (one["operationId"], status)
    assert "digest" in document["components"]["schemas"]["Decision"]["required"]


def test_pages_are_small_and_quick(maria: Visitor):
    maria.get("/")
    for path in ("/", f"/actions/{maria.queue()[0]['ref']}", "/audit"):
        answer = maria.get(path)
        assert len(answer.content) < 60_000, path
        # Bounds a page that forgot to be cheap, on the slowest machine; usually it takes some 30 ms.
        assert answer.elapsed.total_seconds() < 1.5, path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_process_serves_and_stops_on_sigterm(tmp_path: Path):
    port = free_port()
    environment = {
        "PATH": "/usr/bin:/bin",
        "GROWTH_HOME": str(tmp_path),
        "GROWTH_CONSOLE__PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "growth_pipelines.console"], env=environment)
    try:
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(transport=transport, trust_env=False, timeout=30) as client:
            assert client.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)


def test_a_wrong_setting_is_one_clear_line(tmp_path: Path):
    environment = {"PATH": "/usr/bin:/bin", "GROWTH_HOME": str(tmp_path), "GROWTH_CONSOLE__PORT": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "growth_pipelines.console"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "GROWTH_CONSOLE__PORT" in done.stderr


@pytest.mark.postgres
def test_the_console_decides_on_postgresql_too(tmp_path: Path, postgres_url: str):
    shop = fill(tmp_path / "home", GROWTH_DATABASE_URL=postgres_url)
    with serve(shop) as running:
        maria = Visitor(running).sign_in("maria")
        page = text_of(maria.get("/").text)
        assert "Search data to 19 Nov" in page
        action = maria.queue()[0]
        assert "Approved." in maria.decide(action, "approve").text
        assert maria.action(action["ref"])["state"] == "approved"
        assert "Chain intact" in maria.get("/audit").text
