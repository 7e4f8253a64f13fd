"""The terminal's door: ``growth …``. Commands are imported only when they are called, so ``--help`` is instant."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from growth_pipelines.errors import GrowthError

# name → module:attribute under growth_pipelines.commands, and the line that `growth --help` shows.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Run the whole loop on a sandbox shop and serve it."),
    "up": ("serve:up", "Run Dagster and the console under one supervisor."),
    "down": ("serve:down", "Stop what `growth up` started."),
    "status": ("serve:status", "Show what runs, and how fresh the data are."),
    "doctor": ("doctor:doctor", "Check credentials, scopes, clock, disk and ports."),
    "quality": ("quality:quality", "Score each source's data, and show what is wrong with them."),
    "settings": ("settings:settings", "Print every setting with its value, source and meaning."),
    "docs": ("docs:docs", "Build the dbt documentation as one static file."),
    "run": ("run:run", "One full cycle: ingest, build, monitor, recommend, queue."),
    "ingest": ("ingest:ingest", "Read the shop, Search Console and web vitals."),
    "import": ("imports:import_files", "Load Shopify and Search Console exports."),
    "actions": ("actions:actions", "List, show and decide actions."),
    "policies": ("policies:policies", "Who decides about what, by when, and what may pass without anyone."),
    "events": ("events:events", "What people know of and figures don't: deploys, campaigns, holidays."),
    "learning": ("learning:learning", "What decisions, edits and outcomes teach."),
    "tasks": ("tasks:tasks", "What is to be done by hand."),
    "templates": ("templates:templates", "What is decided about the wording of drafts."),
    "experiments": ("experiments:experiments", "Declare, start, follow and end experiments."),
    "execute": ("execute:execute", "Apply what is approved."),
    "outcomes": ("outcomes:outcomes", "What executed actions brought, and what is not known of it."),
    "operators": ("operators:operators", "Who may decide."),
    "tokens": ("tokens:tokens", "Keys of programs to the HTTP API."),
    "pause": ("brake:pause", "Stop all writes to the outside world."),
    "resume": ("brake:resume", "Allow writes again."),
    "audit": ("audit:audit", "Verify, publish and export the chain of events."),
    "mail": ("mail:mail", "The digest by mail: try it, see how it is doing."),
    "bench": ("bench:bench", "Measure what the machine costs."),
    "sandbox": ("sandbox:sandbox", "Serve a made-up shop on loopback."),
}


class _LazyCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(f"growth_pipelines.commands.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
def growth() -> None:
    """The growth machine: observe a shop, propose actions, ask, act, measure."""


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; an expected failure is one clear line on stderr and exit code 1."""
    try:
        return growth.main(args=arguments, prog_name="growth", standalone_mode=True)
    except GrowthError as error:
        click.echo(f"growth: {error}", err=True)
        sys.exit(1)
