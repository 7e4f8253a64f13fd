"""``growth docs``: the warehouse's documentation as one static file."""

from __future__ import annotations

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json


@click.command()
@json_option
def docs(as_json: bool) -> None:
    """Build the dbt documentation as one file that opens without a server, and print its path."""
    from growth_pipelines.warehouse.dbt import write_docs

    path = write_docs(current_settings())
    if as_json:
        print_json({"path": path})
    else:
        click.echo(path)
