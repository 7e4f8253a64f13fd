"""``growth demo``: the whole loop on a made-up shop (or on real orders), a summary, and the two web pages."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from growth_pipelines.commands.context import current_settings, print_table
from growth_pipelines.commands.demo_home import (
    demo_home,
    free_port,
    fresh_home,
    running_sandbox,
    sandbox_settings,
    write_settings,
)
from growth_pipelines.errors import GrowthError

if TYPE_CHECKING:
    from growth_pipelines.commands.serve import Addresses
    from growth_pipelines.settings import Settings

REAL_DATA = Path("data/online_retail")
REAL_SHOP = {"domain": "online-retail.example", "timezone": "Europe/London", "currency": "GBP"}
# Detection needs 56 days and their past; the sixteen months that the API keeps would only make the demo wait.
DEMO_SEARCH_DAYS = 180


@click.command()
@click.option("--headless", is_flag=True, help="End after the summary.")
@click.option("--seed", default=7, show_default=True, help="Seed of the made-up shop.")
@click.option("--orders", default=5000, show_default=True, help="Orders of the made-up shop.")
@click.option("--data", type=click.Choice(["sandbox", "real"]), default="sandbox", show_default=True)
def demo(headless: bool, seed: int, orders: int, data: str) -> None:
    """Run the whole loop on a sandbox shop and serve it."""
    home = demo_home(os.environ)
    fresh_home(home)
    os.environ["GROWTH_HOME"] = str(home)
    ports: dict[str, Any] = {"console": {"port": free_port(8800)}, "dagster": {"port": free_port(3000)}}
    started = time.monotonic()
    if data == "real":
        _real_orders(home, ports)
        _finish(home, started, headless)
        return
    click.echo(
        "Starting the sandbox shop, with generous API limits (`growth sandbox --limits real` has Shopify's) …"
    )
    with running_sandbox(home, seed, orders) as base_url:
        tree = sandbox_settings(base_url) | ports
        tree["search_console"]["history_days"] = DEMO_SEARCH_DAYS
        write_settings(home, tree)
        _cycle(None)
        _finish(home, started, headless)


def _cycle(stages: list[str] | None) -> None:
    from growth_pipelines.commands.run import print_summary, stage_progress
    from growth_pipelines.defs.launch import run_stages

    settings = current_settings()
    with stage_progress() as progress:
        summary = run_stages(settings, stages, progress)
    print_summary(summary, settings.currency)
    if not summary.ok:
        raise GrowthError(summary.error)


def _real_orders(home: Path, ports: dict[str, Any]) -> None:
    """Real orders of a British retailer: import, model, and show cohorts and best sellers.

    The clock is set to the day after the last order, as if the machine ran then.
    """
    from growth_pipelines.ingestion.imports import import_paths

    if not REAL_DATA.is_dir():
        raise GrowthError(f"{REAL_DATA} is missing.", "Run the demo in the project's folder.")
    write_settings(home, {"shop": REAL_SHOP, **ports})
    click.echo(f"Importing {REAL_DATA} (Online Retail II, D. Chen, CC BY 4.0) …")
    results = import_paths(current_settings(), [REAL_DATA])
    last = max(result.window_end for result in results if result.window_end is not None)
    now = (last + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    write_settings(home, {"now": f"{now:%Y-%m-%dT%H:%M:%SZ}", "shop": REAL_SHOP, **ports})
    rows = [[table, count] for result in results for table, count in result.rows.items()]
    print_table(["Raw table", "Rows"], rows, "Imported")
    _cycle(["build", "monitor", "recommend", "queue"])
    _order_side(current_settings())


def _order_side(settings: Settings) -> None:
    from growth_pipelines.warehouse.database import Warehouse

    with Warehouse.of(settings).read() as connection:
        cohorts = connection.frame(_query("cohort_summary")).to_dict("records")
        sellers = connection.frame(_query("best_sellers")).to_dict("records")
    currency = settings.shop.currency
    print_table(
        ["Cohort", "Customers", "Month 1", "Month 2", "Month 3", "Month 6", f"Net {currency}"],
        [
            [
                f"{row['cohort_month']:%Y-%m}",
                int(row["customers"]),
                *(_share(row[f"month_{month}"]) for month in (1, 2, 3, 6)),
                f"{row['net_cents'] / 100:,.0f}",
            ]
            for row in cohorts
        ],
        "Cohorts: share of customers who ordered again",
    )
    print_table(
        ["Product", "Units", f"Net {currency}"],
        [[row["title"], int(row["units"]), f"{row['net_cents'] / 100:,.0f}"] for row in sellers],
        "Best sellers of the last 28 days",
    )
    click.echo(
        "No search or web vitals data come with these orders, so no snippet or speed action can be drafted."
    )


def _share(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.0%}"


def _query(name: str) -> str:
    return files("growth_pipelines.commands").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def _finish(home: Path, started: float, headless: bool) -> None:
    """The first operator and her link; then the two web pages, until Ctrl-C."""
    from growth_pipelines.approvals.operators import add_operator
    from growth_pipelines.store.database import Store

    settings = current_settings()
    operator = add_operator(Store.of(settings), settings, "demo", "admin", settings.clock.now())
    click.echo(f"From the start to this summary: {time.monotonic() - started:.0f} s.")
    click.echo(f"First operator's one-time console link: {operator.link_url}")
    click.echo(f"Decide in the terminal: GROWTH_HOME={home} GROWTH_OPERATOR=demo .venv/bin/growth actions list")
    if headless:
        return
    from growth_pipelines.commands.serve import supervisor

    click.echo("Starting Dagster and the console …")
    supervisor(settings, _announce).run()


def _announce(addresses: Addresses) -> None:
    click.echo(f"Dagster UI  {addresses.dagster}\nConsole     {addresses.console}\nCtrl-C stops everything.")
