"""``growth experiments units|now``: which pages, customers or days are in which arm, and the arm of today."""

from __future__ import annotations

import csv
import sys
from typing import Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table

_COLUMNS = ("unit", "arm", "pair", "template", "traffic")


@click.command("units")
@click.argument("key")
@click.option("--arm", help="Only this arm's.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout.")
@json_option
def units(key: str, arm: str | None, as_csv: bool, as_json: bool) -> None:
    """List the pages, customers or days that were drawn for KEY and their arms.

    Pages are paths of the shop, customers the keys of the warehouse; days are numbered from the first whole one
    after the start, which is 0.
    """
    rows = _units(key, arm)
    if as_json:
        print_json(rows)
    elif as_csv:
        _write_csv(rows)
    elif rows:
        print_table([name.title() for name in _COLUMNS], [[row[name] for name in _COLUMNS] for row in rows])
    else:
        click.echo(f"Nothing is drawn. `growth experiments start {key}` draws pages, customers and days.")


@click.command("now")
@click.argument("key")
@json_option
def now(key: str, as_json: bool) -> None:
    """Say which arm the whole shop has today by the switchback KEY; control's unless it runs."""
    from growth_pipelines.actions.experiments.registry import find_experiment
    from growth_pipelines.actions.experiments.units import arm_of_day
    from growth_pipelines.clock import local_date
    from growth_pipelines.store.database import Store

    settings = current_settings()
    today = local_date(settings.clock.now(), settings.zone)
    with Store.of(settings).read() as session:
        arm = arm_of_day(session, find_experiment(session, key), today, settings.zone)
    if as_json:
        print_json({"day": today, "arm": arm})
    else:
        click.echo(arm)


def _units(key: str, arm: str | None) -> list[dict[str, Any]]:
    from growth_pipelines.actions.experiments.registry import find_experiment
    from growth_pipelines.actions.experiments.units import units_of
    from growth_pipelines.store.database import Store

    with Store.of(current_settings()).read() as session:
        return [
            {
                "unit": unit.unit_id,
                "arm": unit.arm,
                "pair": "" if unit.pair is None else unit.pair,
                "template": unit.template,
                "traffic": "" if unit.traffic is None else round(unit.traffic, 3),
            }
            for unit in units_of(session, find_experiment(session, key))
            if arm in (None, unit.arm)
        ]


def _write_csv(rows: list[dict[str, Any]]) -> None:
    from growth_pipelines.actions.export import safe_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([safe_cell(row[name]) for name in _COLUMNS] for row in rows)
