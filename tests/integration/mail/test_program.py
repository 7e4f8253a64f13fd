"""The mail program as `growth up` runs it: it ends when told to, and a restart sends nothing again."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from growth_pipelines.commands.mail import mail_names, mail_programs
from growth_pipelines.store.database import Store
from growth_pipelines.store.tables import OutboxEntry
from tests.drafts import NOW, settings_in

from .conftest import MailServer


def _start(home: Path, server: MailServer) -> subprocess.Popen[bytes]:
    settings = settings_in(home, **server.environment())
    [program] = mail_programs(settings, {"GROWTH_HOME": str(home), "GROWTH_NOW": "2026-11-23T15:00:00+00:00"})
    return subprocess.Popen(program.command, env={**os.environ, **server.environment(), **program.environment})


def _await(server: MailServer, messages: int) -> None:
    until = time.monotonic() + 60
    while len(server.taken) < messages and time.monotonic() < until:
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_program_goes_on_where_it_was_and_sends_no_second_digest(
    mail_server: MailServer, tmp_path: Path
) -> None:
    killed = _start(tmp_path, mail_server)
    _await(mail_server, 1)
    killed.kill()
    killed.wait(30)
    with Store.of(settings_in(tmp_path)).session() as session:
        session.add(OutboxEntry(event="alarm.test", payload={"message": "It burns."}, created_at=NOW))
    restarted = _start(tmp_path, mail_server)
    # The digest would come before this.
    _await(mail_server, 2)
    restarted.terminate()
    assert restarted.wait(30) == 0
    assert [message["Subject"] for message in mail_server.taken] == ["[growth] 0 to decide", "[growth] It burns."]


def test_without_a_mail_server_no_program_runs(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert (mail_programs(settings, {}), mail_names(settings)) == ([], ())
