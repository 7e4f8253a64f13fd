"""``growth doctor``: is everything in place that the machine needs? Credentials, scopes, clock, disk, ports."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import click

from growth_pipelines.clock import local_minute
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table
from growth_pipelines.errors import GrowthError
from growth_pipelines.settings import Settings

# A sick patient shouldn't wait long for the diagnosis.
PATIENCE_SECONDS = 8.0
CLOCK_SKEW_SECONDS = 60.0
State = Literal["ok", "warn", "fail"]
DISK_NEEDED, DISK_WISHED = 0.5e9, 5e9  # bytes
# Scope → what fails without it. Those that read are named where they are used, in ingestion.
WRITE_SCOPES = {
    "write_products": "SEO fields and texts of products and collections, their order, what is shown together",
    "write_content": "SEO fields and texts of pages and articles",
    "write_files": "alt text of images",
    "write_metaobject_definitions": "the types of structured content",
    "write_metaobjects": "entries of structured content",
}


@dataclass(frozen=True)
class Finding:
    """One check: ``state`` fail makes the exit code 1; ``advice`` says what to do."""

    check: str
    state: State
    found: str
    advice: str = ""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check credentials, scopes, clock, disk and ports. Exit code 1 when a check fails."""
    findings = diagnose(current_settings())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [[f.state, f.check, f.found, f.advice] for f in findings]
        print_table(["", "Check", "Found", "What to do"], rows)
    if any(finding.state == "fail" for finding in findings):
        sys.exit(1)


def diagnose(settings: Settings) -> list[Finding]:
    """Every check's findings, in order. A check that can't be made is a failed check, never an exception."""
    hurried = settings.model_copy(
        update={
            "ingestion": settings.ingestion.model_copy(update={"deadline_seconds": PATIENCE_SECONDS}),
            "warehouse": settings.warehouse.model_copy(update={"lock_seconds": PATIENCE_SECONDS}),
        }
    )
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("home", _home),
        ("store", _store),
        ("store and dagster", _reconciled),
        ("operator", _operator),
        ("policies", _policies),
        ("shopify", _shopify),
        ("clock", _clock),
        ("search console", _search_console),
        ("web vitals", _web_vitals),
        ("beacons", _beacons),
        ("telegram", _telegram),
        ("streams", _streams),
        ("api budget", _budgets),
        ("ports", _ports),
    )
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check(hurried)
        except GrowthError as error:
            findings.append(Finding(name, "fail", error.message, error.hint))
    return findings


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".doctor-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        yield Finding("home", "fail", f"{home} can't be written ({error.strerror})", "Set GROWTH_HOME.")
        return
    free = shutil.disk_usage(home).free
    state: State = "ok" if free > DISK_WISHED else "warn" if free > DISK_NEEDED else "fail"
    yield Finding("home", "ok", str(home))
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free", "" if state == "ok" else "Free some space.")


def _store(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.actions.brake import brake
    from growth_pipelines.store.database import Store

    store = Store.of(settings)
    with store.read() as session:
        pulled = brake(session)
    yield Finding("store", "ok", f"{store.engine}, up to date")
    mode = settings.actions.mode
    if pulled:
        advice = "Release the brake with `growth resume --reason TEXT`."
        yield Finding("writes", "warn", pulled.told(settings.zone), advice)
    elif mode == "live":
        yield Finding("writes", "ok", "live: approved actions are written")
    else:
        yield Finding("writes", "ok", f"{mode}: nothing is written (GROWTH_ACTIONS__MODE)")


def _reconciled(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.approvals.alarms import newest_look
    from growth_pipelines.commands.freshness import in_words
    from growth_pipelines.store.database import Store

    with Store.of(settings).read() as session:
        looked = newest_look(session)
    for alarm in looked.alarms if looked else ():
        yield Finding("store and dagster", "warn", alarm["message"], alarm["recovery"])
    if looked is None or not looked.alarms:
        yield Finding("store and dagster", "ok", in_words(looked, settings.zone))


def _operator(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.approvals.operators import list_operators
    from growth_pipelines.approvals.signatures import key_file, present_operator
    from growth_pipelines.store.database import Store

    store = Store.of(settings)
    active = [person.name for person in list_operators(store) if person.active]
    if not active:
        yield Finding("operator", "fail", "nobody may decide", "Add one: `growth operators add NAME`.")
    elif not settings.operator:
        yield Finding(
            "operator",
            "warn",
            f"{', '.join(active)}; the command line acts as nobody",
            "Set GROWTH_OPERATOR to decide from the command line.",
        )
    else:
        name = present_operator(store, settings)
        file = key_file(settings, name)
        if file.stat().st_mode & 0o077:
            yield Finding("operator", "fail", f"others can read {file}", f"chmod 600 {file}")
        else:
            yield Finding("operator", "ok", f"acting as {name}")


def _policies(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.actions.model import SUBTYPES
    from growth_pipelines.policies.book import check_people, in_force
    from growth_pipelines.store.database import Store

    with Store.of(settings).read() as session:
        check_people(session, SUBTYPES)
        version = in_force(session).version
    yield Finding("policies", "ok", f"version {version}" if version else "as shipped")


def _shopify(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.ingestion.shopify.client import ShopifyClient
    from growth_pipelines.ingestion.shopify.scopes import granted_scopes

    query = (Path(__file__).parent / "queries" / "shop.graphql").read_text(encoding="utf-8")
    with ShopifyClient(settings) as client:
        answer = client.execute_text(query)
        served = client.api_version
        granted = granted_scopes(client)
    yield Finding("shopify", "ok", f"{answer['shop']['name']} at {settings.shopify_base_url}")
    pinned = settings.shopify.api_version
    if served != pinned:
        yield Finding(
            "api version",
            "fail",
            f"{pinned} is asked for, {served} is served",
            "Set GROWTH_SHOPIFY__API_VERSION to a supported version.",
        )
    else:
        yield Finding("api version", "ok", served)
    yield from _scopes(granted, settings.actions.mode == "live")


def _scopes(granted: Collection[str], live: bool) -> Iterator[Finding]:
    """The scopes that are missing, each with what follows from it."""
    from growth_pipelines.ingestion.shopify.scopes import NEEDED, WISHED

    writes = {scope: f"{use} can't be written" for scope, use in WRITE_SCOPES.items()}
    tables: tuple[tuple[State, Mapping[str, str]], ...] = (
        ("fail", NEEDED),
        ("fail" if live else "warn", writes),
        ("warn", WISHED),
    )
    lacking = [
        Finding("scope", state, f"{scope} is missing: {consequence}", "Grant it to the app in the Shopify admin.")
        for state, consequences in tables
        for scope, consequence in consequences.items()
        if scope not in granted
    ]
    yield from lacking or [Finding("scope", "ok", "all that are needed")]


def _clock(settings: Settings) -> Iterator[Finding]:
    """The clock decides what has expired; tokens and signatures fail when it is wrong."""
    from growth_pipelines.transport import Transport

    if settings.now is not None:
        at = local_minute(settings.clock.now(), settings.zone)
        yield Finding("clock", "warn", f"fixed at {at}", "Unset GROWTH_NOW.")
        return
    try:
        with Transport(settings.shopify_base_url, timeout=PATIENCE_SECONDS) as transport:
            answer = transport.request("GET", "/", accept=tuple(range(200, 500)))
    except GrowthError:
        yield Finding("clock", "warn", "not compared: there is no shop that tells the time")
        return
    theirs = answer.headers.get("Date")
    if theirs is None:
        yield Finding("clock", "warn", "not compared: the shop doesn't tell the time")
        return
    yield clock_finding(settings.clock.now(), parsedate_to_datetime(theirs), settings.zone)


def clock_finding(ours: datetime, theirs: datetime, zone: str) -> Finding:
    """How far this machine's clock is from the shop's; the time in ``zone``."""
    skew = ours - theirs
    if abs(skew) > timedelta(seconds=CLOCK_SKEW_SECONDS):
        word = "ahead of" if skew > timedelta(0) else "behind"
        found = f"{abs(skew.total_seconds()):.0f} s {word} the shop's"
        return Finding("clock", "fail", found, "Set the clock (NTP).")
    return Finding("clock", "ok", f"{local_minute(ours, zone)}, as the shop's")


def _search_console(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.ingestion.calls import Meter
    from growth_pipelines.ingestion.google.search_console import search_console_client, site_url

    site = site_url(settings)
    with search_console_client(settings, Meter()) as client:
        answer = client.call("GET", "/webmasters/v3/sites")
    sites = answer[1].get("siteEntry", []) if answer else []
    levels = {entry["siteUrl"]: entry.get("permissionLevel", "") for entry in sites}
    if levels.get(site) in (None, "siteUnverifiedUser"):
        yield Finding(
            "search console",
            "fail",
            f"{site} is not readable; {', '.join(levels) or 'no property'} is",
            "Add the account as a user of the property, or set GROWTH_SEARCH_CONSOLE__SITE_URL.",
        )
    else:
        yield Finding("search console", "ok", site)


def _web_vitals(settings: Settings) -> Iterator[Finding]:
    """CrUX proves the key; a lab run takes half a minute at Google's, so none is made here."""
    from growth_pipelines.ingestion.calls import Meter
    from growth_pipelines.ingestion.google.web_vitals import crux_client, record

    if not settings.web_vitals.api_key.get_secret_value():
        yield Finding("web vitals", "fail", "no API key", "Set GROWTH_WEB_VITALS__API_KEY.")
        return
    origin = f"https://{settings.shop.domain}" if settings.shop.domain else "https://www.shopify.com"
    with crux_client(settings, Meter()) as client:
        record(client, "origin", origin, "phone")
    yield Finding("web vitals", "ok", "the API key is accepted")


def _beacons(settings: Settings) -> Iterator[Finding]:
    taken = settings.web_vitals.beacons
    found = "on: the console takes them" if taken else "off (GROWTH_WEB_VITALS__BEACONS)"
    yield Finding("beacons", "ok", found)


def _telegram(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.approvals.chats import linked_chats
    from growth_pipelines.commands.bot import token_is_known
    from growth_pipelines.store.database import Store
    from growth_pipelines.telegram.heartbeat import read_heartbeat

    if not settings.telegram.on:
        yield Finding("telegram", "ok", "off (GROWTH_TELEGRAM__BOT_TOKEN)")
        return
    username, heartbeat = token_is_known(settings), read_heartbeat(settings)
    knocked = sorted(set(heartbeat.knocked if heartbeat else ()) - set(settings.telegram.allowed_chats))
    last = heartbeat.reached_at if heartbeat else None
    heard = f"; heard last {local_minute(last, settings.zone)}" if last else ""
    yield Finding("telegram", "ok", f"@{username}{heard}")
    if knocked:
        found = f"refused lately: chats {', '.join(map(str, knocked))}"
        yield Finding("telegram", "warn", found, "If one is yours, add it to GROWTH_TELEGRAM__ALLOWED_CHATS.")
    with Store.of(settings).read() as session:
        linked = [link for link in linked_chats(session) if link.chat_id in settings.telegram.allowed_chats]
    if not settings.telegram.allowed_chats:
        yield Finding("telegram", "warn", "no chat is allowed", "Set GROWTH_TELEGRAM__ALLOWED_CHATS.")
    elif not linked:
        advice = "`growth operators chat-code NAME`, then write /link CODE to the bot."
        yield Finding("telegram", "warn", "no allowed chat is linked to an operator", advice)


def _streams(settings: Settings) -> Iterator[Finding]:
    """What was read of each stream. A run that writes the warehouse meanwhile is not waited for."""
    from growth_pipelines.ingestion.status import NEVER, ingest_status, lag_in_words
    from growth_pipelines.warehouse.database import Warehouse

    if not settings.postgres_url and not Warehouse.of(settings).file.exists():
        yield Finding("streams", "ok", "nothing was read yet")
        return
    try:
        rows = ingest_status(settings)
    except GrowthError as error:
        yield Finding("streams", "warn", f"not looked at: {error.message}", error.hint)
        return
    bad = [row for row in rows if row["state"] in ("failed", "late")]
    for row in bad:
        found = row["failure"] if row["state"] == "failed" else f"{lag_in_words(row)} behind"
        advice = f"`growth ingest {row['stream']}` reads it; `growth ingest status` says more."
        yield Finding("stream", "warn", f"{row['stream']} is {row['state']}: {found}", advice)
    if not bad:
        read = sum(row["state"] == "loaded" for row in rows)
        never = sum(row["state"] == NEVER for row in rows)
        yield Finding("streams", "ok", f"{read} in time" + (f", {never} never read" if never else ""))


def _budgets(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.ingestion.budgets import budget_status

    for budget in budget_status(settings):
        if until := budget["waiting_until"]:
            found = f"{budget['scope']} grants nothing until {local_minute(until, settings.zone)}"
            yield Finding("api budget", "warn", found, "Runs wait for it by themselves.")


def _ports(settings: Settings) -> Iterator[Finding]:
    from growth_pipelines.commands.serve import CONSOLE, program_status

    ours = {row["program"] for row in program_status(settings) if row["state"] == "running"}
    yield _port("console", settings.console.host, settings.console.port, CONSOLE in ours)
    if CONSOLE not in ours and settings.dagster.port:
        # The console redirects from it; the machine does without.
        old = _port("dagster", "127.0.0.1", settings.dagster.port, False)
        yield old if old.state == "ok" else replace(old, state="warn")


def _port(name: str, host: str, port: int, ours: bool) -> Finding:
    import socket

    if ours:
        return Finding("ports", "ok", f"{name}: running on {host}:{port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            variable = f"GROWTH_{name.upper()}__PORT"
            return Finding(
                "ports",
                "fail",
                f"{name}: {host}:{port} can't be used ({error.strerror})",
                f"Stop the program that listens there, or set {variable} to another port.",
            )
    return Finding("ports", "ok", f"{name}: {host}:{port} is free")
