"""What every command shares: the settings in force, and one way to print tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from growth_pipelines.settings import Settings, load_settings
from growth_pipelines.telemetry import configure_logging

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout."
)


def current_settings() -> Settings:
    """Read the settings once for this command and send its logs to stderr and ``$GROWTH_HOME/logs``."""
    settings = load_settings()
    configure_logging(settings.home / "logs", settings.log_level)
    return settings


def print_json(document: Any) -> None:
    """One JSON document on stdout; dates, decimals and paths as text."""
    click.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> None:
    """A table for people; numbers align right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    Console().print(table)
