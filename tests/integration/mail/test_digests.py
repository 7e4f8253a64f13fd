"""A digest a morning, never two; what can't wait is told at once, and once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from growth_pipelines.actions.brake import pause
from growth_pipelines.approvals.automatic import POLICY
from growth_pipelines.clock import FixedClock
from growth_pipelines.errors import CredentialRefused
from growth_pipelines.ingestion.state import prepared
from growth_pipelines.mail.alarms import begin, tell_conditions, tell_events
from growth_pipelines.mail.conditions import present_conditions
from growth_pipelines.mail.digests import last_digest, send_due_digest
from growth_pipelines.mail.program import Mailer
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit_heads import publish_head
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import OutboxEntry
from growth_pipelines.warehouse.database import Warehouse
from tests.drafts import decided, seo_draft, settings_in, submitted, with_operator
from tests.new_stores import new_store

from .conftest import PASSWORD, MailServer

# 08:00 in Denver on Monday 23 November 2026.
MORNING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def settings(mail_server: MailServer, tmp_path: Path) -> Settings:
    return settings_in(tmp_path, GROWTH_SHOP__TIMEZONE="America/Denver", **mail_server.environment())


@pytest.fixture
def store(settings: Settings) -> Store:
    store = new_store(settings)
    with_operator(store, settings)
    return store


def _last(store: Store) -> tuple[str, str, int]:
    with store.read() as session:
        last = last_digest(session)
    return last["day"], last["state"], last["attempts"]


def test_the_digest_comes_at_eight_once_a_day_also_after_restarts(
    store: Store, settings: Settings, mail_server: MailServer
) -> None:
    evening = MORNING - timedelta(hours=12)
    one, two = submitted(store, seo_draft(1), seo_draft(2, title="<script>x</script>"), now=evening)
    decided(store, settings, one, now=evening)
    head = publish_head(store, settings, MORNING)
    assert send_due_digest(store, settings, MORNING - timedelta(seconds=1)) == ""
    assert send_due_digest(store, settings, MORNING) == "sent"
    for later in (timedelta(0), timedelta(minutes=1), timedelta(hours=15, minutes=59)):
        assert send_due_digest(Store(store.url), settings, MORNING + later) == ""
    [message] = mail_server.taken
    assert message["Subject"] == "[growth] 1 to decide"
    text, html = (part.get_content() for part in message.iter_parts())
    assert f"/actions/{two.ref}" in text
    assert "approved by bo on the command line" in text
    assert f"{head.seq}:{head.hash}" in text
    assert "<script>" not in html
    assert "token=" not in text + html, "no link signs anyone in"
    # Links are the console's pages, which only show.
    assert {re.sub(r"\w{12}$", "REF", link) for link in re.findall(r'href="([^"]+)"', html)} == {
        "http://127.0.0.1:8800/",
        "http://127.0.0.1:8800/actions/REF",
    }
    assert send_due_digest(store, settings, MORNING + DAY) == "sent"
    text = mail_server.taken[1].get_body(("plain",)).get_content()
    assert "approved by bo" not in text, "told yesterday"


def test_on_friday_the_digest_is_of_the_week(store: Store, settings: Settings, mail_server: MailServer) -> None:
    [one] = submitted(store, seo_draft(1), now=MORNING)
    decided(store, settings, one, now=MORNING + timedelta(minutes=1))
    for day in range(1, 5):
        assert send_due_digest(store, settings, MORNING + day * DAY) == "sent"
    texts = [message.get_body(("plain",)).get_content() for message in mail_server.taken]
    assert [text.split(",")[0] for text in texts] == ["Today", "Today", "Today", "The week"]
    assert ["approved by bo" in text for text in texts] == [True, False, False, True]


def test_a_server_that_is_full_is_tried_again_ever_more_seldom_and_then_gets_one(
    store: Store, settings: Settings, mail_server: MailServer
) -> None:
    mail_server.answers += ["451 full", "451 full"]
    assert send_due_digest(store, settings, MORNING) == "waiting"
    assert send_due_digest(store, settings, MORNING + timedelta(seconds=59)) == ""
    assert send_due_digest(store, settings, MORNING + timedelta(seconds=60)) == "waiting"
    assert send_due_digest(store, settings, MORNING + timedelta(seconds=179)) == ""
    assert send_due_digest(store, settings, MORNING + timedelta(seconds=180)) == "sent"
    assert (len(mail_server.taken), _last(store)) == (1, ("2026-11-23", "sent", 3))


@pytest.mark.parametrize(("answer", "state"), [("554 spam", "refused"), ("", "unclear")])
def test_what_was_refused_or_may_have_arrived_is_not_sent_again_that_day(
    store: Store, settings: Settings, mail_server: MailServer, answer: str, state: str
) -> None:
    mail_server.answers.append(answer)
    assert send_due_digest(store, settings, MORNING) == state
    assert send_due_digest(store, settings, MORNING + timedelta(hours=2)) == ""
    assert send_due_digest(store, settings, MORNING + DAY) == "sent"
    assert len(mail_server.taken) == 1


def test_what_can_not_wait_is_told_once_and_nothing_of_the_past(
    store: Store, settings: Settings, mail_server: MailServer
) -> None:
    def happens(event: str, **payload: object) -> None:
        with store.session() as session:
            session.add(OutboxEntry(event=event, payload=payload, created_at=MORNING))

    happens("action.failed", title="Before the mailbox", ref="r")
    begin(store, MORNING)
    happens("action.failed", title="A better title", ref="abc")
    happens("action.executed", title="Fine", ref="abc")
    happens("alarm.reconciler", message="abc is approved but not executed.", recovery="Run `growth execute`.")
    happens("automatic.paused", kind="seo_ctr", well=1, ended=5, actor=POLICY)
    pause(store, actor="bo", channel="cli", reason="a sale", now=MORNING)
    mail_server.answers.append("451 full")
    with pytest.raises(Exception, match="451"):
        tell_events(store, settings, MORNING)
    begin(store, MORNING)
    assert tell_events(store, settings, MORNING) == [
        "A better title (abc) failed and is not tried again.",
        "abc is approved but not executed. Run `growth execute`.",
        "Auto-approval of seo_ctr is paused: only 1 of 5 actions went well.",
        "All writes are paused by bo: a sale",
    ]
    assert tell_events(store, settings, MORNING) == []
    mail_server.answers.append("554 spam")
    happens("alarm.other", message="Refused for good.")
    assert tell_events(store, settings, MORNING) == ["Refused for good."]
    assert tell_events(store, settings, MORNING) == [], "it holds up nothing"
    assert len(mail_server.taken) == 1


def test_while_the_log_in_is_refused_alarms_and_the_digest_wait_and_then_go_out(
    start_mail_server: Callable[..., MailServer], tmp_path: Path
) -> None:
    server = start_mail_server(log_in=True, auth_require_tls=False)

    def mailer(password: str, at: datetime) -> Mailer:
        """The program as it is started with this password."""
        log_in = {"GROWTH_SMTP__USERNAME": "growth", "GROWTH_SMTP__PASSWORD": password}
        settings = settings_in(tmp_path, GROWTH_SHOP__TIMEZONE="America/Denver", **server.environment(**log_in))
        made = Mailer(Store.of(settings), settings, FixedClock(at), lambda: {"console": "dead"})
        begin(made.store, at)
        return made

    before = MORNING - timedelta(hours=1)
    refused = mailer("wrong", before)
    with refused.store.session() as session:
        session.add(OutboxEntry(event="alarm.test", payload={"message": "It burns."}, created_at=before))
    for minutes in (0, 20, 60):
        refused.clock = FixedClock(before + timedelta(minutes=minutes))
        with pytest.raises(CredentialRefused):
            refused.look()
    assert len(server.log_ins) == 4 * 2, "in both ways each time: thrice for the alarm, once for the digest"
    assert _last(refused.store) == ("2026-11-23", "waiting", 1)

    mended = mailer(PASSWORD, MORNING + timedelta(minutes=10))
    mended.look()
    mended.clock = FixedClock(MORNING + timedelta(minutes=21))
    mended.look()
    subjects = [message["Subject"].split(" since")[0].strip() for message in server.taken]
    assert subjects == ["[growth] 0 to decide", "[growth] It burns.", "[growth] console has not run"]


def test_what_lasts_is_told_when_it_begins_and_when_it_comes_again(
    store: Store, settings: Settings, mail_server: MailServer
) -> None:
    submitted(store, seo_draft(), now=MORNING)
    dead = {"telegram": MORNING}

    def look(after: timedelta) -> list[str]:
        now = MORNING + after
        return tell_conditions(store, settings, present_conditions(store, settings, dead, now), now)

    assert look(timedelta(minutes=9)) == []
    assert [told.split()[0] for told in look(timedelta(minutes=10))] == ["telegram"]
    assert look(timedelta(minutes=11)) == []
    dead.clear()
    assert look(timedelta(minutes=12)) == []
    dead["telegram"] = MORNING
    assert [told.split()[0] for told in look(timedelta(minutes=23))] == ["telegram"]
    assert ["daily run" in told for told in look(timedelta(hours=27))] == [True]
    assert len(mail_server.taken) == 3


def test_a_source_older_than_twice_its_objective_is_told(store: Store, settings: Settings) -> None:
    warehouse = Warehouse.of(settings)
    with prepared(warehouse) as connection:
        for stream, hours in (("orders", 53), ("products", 51)):
            at = (MORNING - timedelta(hours=hours)).replace(tzinfo=None)
            connection.execute(
                "insert into raw._ingest_run (run_id, shop_id, stream, status, started_at, finished_at)"
                " values ('1', 's', ?, 'loaded', ?, ?)",
                (stream, at, at),
            )
            connection.execute(
                "insert into raw._ingest_cursor (shop_id, stream, position) values ('s', ?, ?)", (stream, at)
            )
    assert present_conditions(store, settings, {}, MORNING) == {}, "nothing is published yet"
    warehouse.publish()
    assert present_conditions(store, settings, {}, MORNING) == {
        "source:orders": "orders is too old: 53 h of 26 h."
    }


def test_a_program_that_is_dead_for_ten_minutes_is_told_by_the_mailer(
    store: Store, settings: Settings, mail_server: MailServer
) -> None:
    states = {"console": "running", "dagster-daemon": "dead"}
    mailer = Mailer(store, settings, FixedClock(MORNING - timedelta(hours=1)), lambda: states)
    for minutes in (0, 5, 10, 11):
        mailer.clock = FixedClock(MORNING - timedelta(hours=1) + timedelta(minutes=minutes))
        mailer.look()
    [message] = mail_server.taken
    assert message["Subject"].startswith("[growth] dagster-daemon has not run since 2026-11-23 07:00 MST.")
