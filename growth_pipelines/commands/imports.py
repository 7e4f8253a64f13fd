"""``growth import``: load exports that were downloaded by hand."""

from __future__ import annotations

from pathlib import Path

import click

from growth_pipelines.commands.context import current_settings, json_option
from growth_pipelines.commands.ingest import print_results


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@json_option
def import_files(paths: tuple[Path, ...], as_json: bool) -> None:
    """Load Shopify's exports of orders, customers and products, and Search Console's (.csv, .csv.gz, .zip or
    folders of them).

    All files are checked first and loaded together or not at all.
    """
    from growth_pipelines.ingestion.imports import import_paths

    print_results(import_paths(current_settings(), paths), as_json)
