"""``growth up``, ``down`` and ``status``: Dagster's servers, the console, bot and mail, under one supervisor."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.bot import BOT, bot_names, bot_programs, bot_state
from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table
from growth_pipelines.commands.mail import MAIL, mail_names, mail_programs
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    import httpx

    from growth_pipelines.commands.supervision import Program, Supervisor
    from growth_pipelines.settings import Settings

DAGSTER, DAEMON, CONSOLE = "dagster-webserver", "dagster-daemon", "console"
# Daemons that the machine can't do without: they start runs, tick sensors and tick schedules.
_NEEDED_DAEMONS = {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR"}


@dataclass(frozen=True)
class Addresses:
    """Where people reach Dagster's pages and the console: both at the console, which asks them to sign in."""

    dagster: str
    console: str


def state_file(settings: Settings) -> Path:
    return settings.home / "run" / "growth.json"


@click.command()
@click.option("--detach", "-d", is_flag=True, help="Return once everything answers; `growth down` stops it.")
@click.option("--announce", is_flag=True, hidden=True, help="One JSON line on stdout when everything answers.")
def up(detach: bool, announce: bool) -> None:
    """Run Dagster's server and daemon and the console; restart what dies; Ctrl-C or SIGTERM stops all."""
    settings = current_settings()
    if detach:
        addresses = start_detached(settings)
        click.echo(f"Dagster  {addresses.dagster}\nConsole  {addresses.console}")
        return

    def ready(addresses: Addresses) -> None:
        if announce:
            print_line({"ready": True, **vars(addresses)})
        else:
            click.echo(f"Dagster  {addresses.dagster}\nConsole  {addresses.console}\nCtrl-C stops everything.")

    if not announce:
        click.echo("Starting Dagster and the console …")
    supervisor(settings, ready).run()


def print_line(document: Any) -> None:
    click.echo(json.dumps(document))


def supervisor(settings: Settings, on_ready: Callable[[Addresses], None]) -> Supervisor:
    """A supervisor of the machine's programs, not yet running. Raises GrowthError when a port is taken."""
    from growth_pipelines.commands.supervision import Supervisor, end_leftovers, running
    from growth_pipelines.defs.instance import prepare_instance

    if running(state_file(settings)) is not None:
        raise GrowthError("The machine is already up.", "`growth status` shows it, `growth down` stops it.")
    _check_people(settings)
    end_leftovers(state_file(settings))
    prepare_instance(settings)
    addresses, programs = machine_programs(settings)
    return Supervisor(programs, state_file(settings), settings.home / "logs", lambda: on_ready(addresses))


def _check_people(settings: Settings) -> None:
    """Raise BadBook while policies ask for more people than there are: what waits would wait for ever."""
    from growth_pipelines.actions.model import SUBTYPES
    from growth_pipelines.policies.book import check_people
    from growth_pipelines.store.database import Store

    with Store.of(settings).read() as session:
        check_people(session, SUBTYPES)


def machine_programs(settings: Settings) -> tuple[Addresses, list[Program]]:
    """What ``growth up`` runs, and where it will answer; a port setting of 0 means any free one."""
    from growth_pipelines.commands.supervision import Program
    from growth_pipelines.defs.instance import instance_environment
    from growth_pipelines.defs.web_socket import PREFIX, web_socket

    console_port = _port(settings.console.host, settings.console.port, "GROWTH_CONSOLE__PORT")
    listening = settings.console.model_copy(update={"port": console_port})
    console = listening.url
    addresses = Addresses(f"{console}{PREFIX}", console)
    environment = {**instance_environment(settings), "GROWTH_CONSOLE__PORT": str(console_port)}
    # Dagster's server has no log-in of its own, so it listens on a file that nobody else may open.
    web_server, socket_path = "http://dagster", str(web_socket(settings))
    workspace = ("-w", f"{environment['DAGSTER_HOME']}/workspace.yaml")
    python = (sys.executable, "-m")
    # Sensors tick every few seconds, and each tick would be three lines in the log.
    quiet = ("--log-level", "warning")
    return addresses, [
        Program(
            DAGSTER,
            (*python, "growth_pipelines.defs.webserver"),
            environment,
            addresses.dagster,
            f"{web_server}{PREFIX}/server_info",
            socket_path,
        ),
        Program(DAEMON, (*python, "dagster._daemon", "run", *quiet, *workspace), environment),
        Program(
            CONSOLE,
            (*python, "growth_pipelines.console"),
            environment,
            addresses.console,
            f"{addresses.console}/login",
        ),
        *bot_programs(settings, environment),
        *mail_programs(settings, environment),
    ]


def _port(host: str, port: int, setting: str) -> int:
    """``port`` if it is free (a free one for 0). Raises GrowthError naming the setting when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GrowthError(
                f"{setting}: {host}:{port} can't be used ({error.strerror}).",
                f"Stop the program that listens there, or set {setting} to another port (0 = any free one).",
            ) from error
        number: int = probe.getsockname()[1]
        return number


def start_detached(settings: Settings) -> Addresses:
    """Start the machine in the background and wait until everything answers."""
    settings.home.joinpath("logs").mkdir(parents=True, exist_ok=True)
    with (settings.home / "logs" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "growth_pipelines", "up", "--announce"],
            env={**os.environ, "GROWTH_HOME": str(settings.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        last = Path(log.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise GrowthError(
            f"The machine did not start: {last[-1] if last else 'no reason given'}", f"See {log.name}."
        )
    answer = json.loads(line)
    return Addresses(answer["dagster"], answer["console"])


@click.command()
def down() -> None:
    """Stop what `growth up` started, and wait until it is gone."""
    from growth_pipelines.commands.supervision import stop_machine

    stopped = stop_machine(state_file(current_settings()))
    click.echo("Stopped." if stopped else "Nothing was running.")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show what runs and how fresh the data are; the exit code is not 0 when any program is dead."""
    from growth_pipelines.commands.freshness import data_status

    settings = current_settings()
    programs = program_status(settings)
    data = data_status(settings)
    if as_json:
        print_json({"programs": programs, "data": data})
    else:
        columns = ("program", "state", "pid", "restarts", "since", "address")
        print_table(
            [name.capitalize() for name in columns], [[str(p[name]) for name in columns] for p in programs]
        )
        print_table(["What", "State"], [[row["what"], row["state"]] for row in data])
    if any(program["state"] != "running" for program in programs):
        sys.exit(1)


def program_status(settings: Settings) -> list[dict[str, Any]]:
    """Each program with its state as seen from outside: ``running`` only if it answers, not if it is said to."""
    from growth_pipelines.commands.supervision import birth, running

    document = running(state_file(settings)) or {"programs": {}}
    rows = []
    for name in (DAGSTER, DAEMON, CONSOLE, *bot_names(settings), *mail_names(settings)):
        known = document["programs"].get(name, {})
        alive = bool(known.get("birth")) and birth(known["pid"]) == known["birth"]
        if alive:
            state = bot_state(settings) if name == BOT else _seen(name, document["programs"])
        else:
            state = known.get("state", "stopped")
        rows.append(
            {
                "program": name,
                "state": "dead" if not alive and state in ("ready", "starting") else state,
                "pid": known.get("pid", "") if alive else "",
                "restarts": known.get("restarts", 0),
                "since": known.get("since", ""),
                "address": known.get("address", ""),
            }
        )
    return rows


def _seen(name: str, programs: dict[str, Any]) -> str:
    """What a live program answers."""
    import httpx

    if name == MAIL:
        # It answers nobody: alive is running, and `growth mail status` tells how the last digest went.
        return "running"
    try:
        if name == DAEMON:
            return _daemon_state(programs[DAGSTER]["socket"])
        if name == DAGSTER:
            with _dagster(programs[DAGSTER]["socket"]) as client:
                answer = client.get("/server_info")
        else:
            answer = httpx.get(f"{programs[CONSOLE]['address']}/login", trust_env=False, timeout=10)
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    return "running" if answer.status_code < 500 else f"answers with HTTP {answer.status_code}"


def _dagster(socket_path: str) -> httpx.Client:
    """A client of Dagster's web server."""
    import httpx

    from growth_pipelines.defs.web_socket import PREFIX

    transport = httpx.HTTPTransport(uds=socket_path)
    return httpx.Client(base_url=f"http://dagster{PREFIX}", transport=transport, timeout=10)


def _daemon_state(socket_path: str) -> str:
    """The daemon has no port; it writes heartbeats, which Dagster's server reads."""
    query = (
        files("growth_pipelines.commands").joinpath("queries/daemon_health.graphql").read_text(encoding="utf-8")
    )
    with _dagster(socket_path) as client:
        answer = client.post("/graphql", json={"query": query})
    daemons = answer.raise_for_status().json()["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    silent = sorted(d["daemonType"] for d in daemons if d["daemonType"] in _NEEDED_DAEMONS and not d["healthy"])
    return f"no heartbeat from {', '.join(silent)}" if silent else "running"
