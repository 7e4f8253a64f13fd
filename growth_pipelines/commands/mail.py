"""``growth mail``: the digest by mail, and how it is doing."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json

if TYPE_CHECKING:
    from growth_pipelines.commands.supervision import Program
    from growth_pipelines.settings import Settings

MAIL = "mail"


def mail_programs(settings: Settings, environment: Mapping[str, str]) -> list[Program]:
    """The mail program; none without a mail server."""
    from growth_pipelines.commands.supervision import Program

    if not settings.smtp.on:
        return []
    return [Program(MAIL, (sys.executable, "-m", "growth_pipelines", "mail", "run"), environment)]


def mail_names(settings: Settings) -> tuple[str, ...]:
    """The names of :func:`mail_programs`."""
    return (MAIL,) if settings.smtp.on else ()


@click.group()
def mail() -> None:
    """The digest by mail: try it, see how it is doing."""


@mail.command()
def run() -> None:
    """Send what is due until stopped; `growth up` runs this."""
    from growth_pipelines.mail.program import Mailer
    from growth_pipelines.mail.transport import check
    from growth_pipelines.store.database import Store

    settings = current_settings()
    check(settings.smtp)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Mailer(Store.of(settings), settings, settings.clock, lambda: program_states(settings)).run(stop)


def program_states(settings: Settings) -> dict[str, str]:
    """What the other programs of a machine that is up do; empty when it is not."""
    from growth_pipelines.commands.serve import program_status, state_file
    from growth_pipelines.commands.supervision import running

    if running(state_file(settings)) is None:
        return {}
    return {row["program"]: row["state"] for row in program_status(settings) if row["program"] != MAIL}


@mail.command()
def test() -> None:
    """Send the digest as it is now, whatever was sent before; today's own still comes."""
    from datetime import timedelta

    from growth_pipelines.approvals.digest import digest_of
    from growth_pipelines.mail.messages import digest_mail
    from growth_pipelines.mail.transport import deliver
    from growth_pipelines.store.audit_heads import newest_published
    from growth_pipelines.store.database import Store

    settings = current_settings()
    now = settings.clock.now()
    with Store.of(settings).read() as session:
        digest = digest_of(session, now - timedelta(days=1), now, zone=settings.zone, mode=settings.actions.mode)
        head = newest_published(session)
    message = digest_mail(settings, digest, head, weekly=False)
    message.replace_header("Message-ID", f"<test-{now:%Y%m%d%H%M%S%f}.{str(message['Message-ID']).lstrip('<')}")
    deliver(settings.smtp, message)
    click.echo(f"Sent to {message['To']}.")


@mail.command()
@json_option
def status(as_json: bool) -> None:
    """Show how the last digest went; exit code 1 when it was not sent."""
    from growth_pipelines.mail.digests import last_digest
    from growth_pipelines.store.database import Store

    settings = current_settings()
    with Store.of(settings).read() as session:
        last = last_digest(session)
    if as_json:
        print_json(last)
    else:
        click.echo(_in_words(last))
    if last.get("state") not in (None, "sent"):
        sys.exit(1)


def _in_words(last: dict[str, Any]) -> str:
    if not last:
        return "No digest was sent yet."
    why = f": {last['why']}" if last["why"] else ""
    return f"The digest of {last['day']}: {last['state']} (attempt {last['attempts']}){why}"
