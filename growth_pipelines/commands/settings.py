"""``growth settings``: every key with its value, source and meaning."""

from __future__ import annotations

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Print every setting with its value, source and meaning; secrets are masked."""
    from growth_pipelines.settings import described

    rows = described(current_settings())
    if as_json:
        print_json(rows)
    else:
        print_table(["Key", "Value", "Source", "Meaning"], [list(row.values()) for row in rows])
