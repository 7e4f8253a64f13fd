"""``growth sandbox``: start the stand-in shop. It is a program of its own; nothing here imports it."""

from __future__ import annotations

import os
import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Serve a made-up shop on loopback; options as in `growth sandbox --help`."""
    os.execv(sys.executable, [sys.executable, "-m", "growth_pipelines.sandbox", *arguments])  # noqa: S606
