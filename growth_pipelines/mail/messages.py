"""What mail says: the digest, and what is told at once; as text and as simple HTML, from templates.

Links lead to the console, where one signs in. None decides anything, since scanners open every link.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from growth_pipelines.approvals.digest import HAPPENED, Digest
from growth_pipelines.console import figures
from growth_pipelines.console.labels import label
from growth_pipelines.settings import Settings
from growth_pipelines.store.audit_heads import PublishedHead

_TEMPLATES = Path(__file__).parent / "templates"
# The lists whose times are still to come.
_UNTIL = ("pending", "expiring", "deferred")
_LISTS = ("pending", "expiring", *HAPPENED)


def digest_mail(settings: Settings, digest: Digest, head: PublishedHead | None, *, weekly: bool) -> EmailMessage:
    """The morning's digest; ``head`` is the newest published head of the audit chain, if there is one."""
    zone = figures.zone_of(settings.zone)
    day = digest.ends.astimezone(zone).date()
    lists = [(label("digests", name), getattr(digest, name), "until " * (name in _UNTIL)) for name in _LISTS]
    subject = f"{digest.pending.count} to decide"
    if digest.expiring.count:
        subject += f", {digest.expiring.count} end within 24 hours"
    if digest.alarms:
        subject = f"{len(digest.alarms)} alarm{'s' if len(digest.alarms) > 1 else ''}, {subject}"
    return _message(
        settings,
        f"digest-{day.isoformat()}",
        subject,
        digest.ends,
        "digest",
        title="The week" if weekly else "Today",
        day=figures.day(day),
        since=figures.moment(digest.begins, zone),
        lists=[one for one in lists if one[1].count],
        alarms=digest.alarms,
        incidents=digest.incidents,
        outcomes=digest.outcomes,
        head=f"{head.seq}:{head.hash}" if head else "",
    )


def alarm_mail(settings: Settings, key: str, told: Sequence[str], now: datetime) -> EmailMessage:
    """What can't wait; ``key`` names the occasion, so that mailboxes know a repetition."""
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    subject = told[0] if len(told[0]) <= 100 else told[0][:99] + "…"
    return _message(settings, f"alarm-{key}", f"{subject}{more}", now, "alarm", alarms=told)


def _message(
    settings: Settings, key: str, subject: str, now: datetime, template: str, **parts: Any
) -> EmailMessage:
    smtp = settings.smtp
    message = EmailMessage()
    message["Subject"] = f"[growth] {' '.join(subject.split())}"
    message["From"] = smtp.sender
    message["To"] = ", ".join(smtp.recipients)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = (
        f"<{key}.{settings.shop.domain or 'shop'}@{smtp.sender.rpartition('@')[2] or 'growth'}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    console = settings.console_url
    zone = figures.zone_of(settings.zone)
    words = {
        **parts,
        "console": console,
        "currency": settings.currency,
        "money": figures.money,
        "signed": figures.signed,
        "moment": lambda instant: figures.moment(instant, zone),
        "label": label,
    }
    message.set_content(_rendered(f"{template}.txt", words))
    message.add_alternative(_rendered(f"{template}.html", words), subtype="html")
    return message


def _rendered(name: str, words: dict[str, Any]) -> str:
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(name).render(words)
