"""``growth bench``: what the machine costs, measured beside the least that it could cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from growth_pipelines.commands.context import current_settings, json_option, print_json, print_table


@click.group()
def bench() -> None:
    """Measure what the machine costs."""


@bench.command()
@click.option("--lines", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Order lines.")
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1), help="Runs; the best one counts.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where data are kept; default: GROWTH_HOME/bench.",
)
@json_option
def warehouse(lines: int, repeat: int, folder: Path | None, as_json: bool) -> None:
    """The marts of a made-up shop beside hand-written SQL for the same tables.

    Needs about 0.6 GB of disk a million order lines. The shop's own warehouse is not touched.
    """
    from growth_pipelines.bench.warehouse.comparison import compare

    place = (folder or current_settings().home / "bench").resolve()
    document = compare(place, lines, repeat, lambda what: click.echo(what, err=True))
    if as_json:
        print_json(document)
    else:
        _print_document(document)


@bench.command()
@click.option("--pages", default=100_000, show_default=True, type=click.IntRange(100), help="Pages of the shop.")
@click.option(
    "--products", default=20_000, show_default=True, type=click.IntRange(10), help="Products among them."
)
@click.option("--seed", default=3, show_default=True, help="Of the made-up shop.")
@json_option
def recommenders(pages: int, products: int, seed: int, as_json: bool) -> None:
    """What each recommender takes on a large made-up shop."""
    from growth_pipelines.bench.recommenders import measure_all

    document = measure_all(pages, products, seed, lambda what: click.echo(what, err=True))
    if as_json:
        print_json(document)
        return
    columns = ["Recommender", "Seconds", "CPU", "Peak MB", "Drafts"]
    keys = ("recommender", "seconds", "cpu", "peak_mb", "drafts")
    rows = [[str(one[key]) for key in keys] for one in document["recommenders"]]
    rows.append(["all of them", str(document["seconds"]), "", str(document["peak_mb"]), ""])
    print_table(columns, rows, f"{pages:,} pages, {products:,} of them products")


@bench.command()
@click.option("--actions", default=100_000, show_default=True, type=click.IntRange(100), help="Actions stored.")
@click.option("--calls", default=40, show_default=True, type=click.IntRange(5), help="Requests of each page.")
@json_option
def queue(actions: int, calls: int, as_json: bool) -> None:
    """What the queue's first pages take with many actions stored.

    On SQLite, and on a PostgreSQL of its own where the development tools are installed. The machine's own store
    is not touched.
    """
    from growth_pipelines.bench.queue import measure_all

    document = measure_all(actions, calls, lambda what: click.echo(what, err=True))
    if as_json:
        print_json(document)
        return
    rows = [
        [one["engine"], one["spread"], page, str(figures["p50"]), str(figures["p95"])]
        for one in document["engines"]
        for page, figures in one["pages"].items()
    ]
    print_table(["Engine", "Actions with", "Page", "p50, ms", "p95, ms"], rows, f"{actions:,} actions")
    met = "met" if document["slowest_p50"] < document["limit_ms"] else "missed"
    click.echo(f"Slowest p50 {document['slowest_p50']} ms; limit {document['limit_ms']:.0f} ms: {met}")


@bench.command()
@click.option("--rounds", default=1000, show_default=True, type=click.IntRange(1), help="Actions decided about.")
@click.option("--quorum", default=1, show_default=True, type=click.IntRange(1, 4), help="People who must approve.")
@click.option(
    "--engine", "engines", multiple=True, type=click.Choice(["sqlite", "postgresql"]), help="Default: both."
)
@json_option
def approvals(rounds: int, quorum: int, engines: tuple[str, ...], as_json: bool) -> None:
    """Races of 64 deciders on one action, from 4 processes: exactly one may win.

    Each process is a person; with --quorum the last of so many people decides.

    Exit code 1 when a round has not exactly one winner, or anyone is told something else than the truth. The
    machine's own store is not touched.
    """
    from growth_pipelines.bench.approvals import measure_all

    document = measure_all(
        rounds, quorum, engines or ("sqlite", "postgresql"), lambda what: click.echo(what, err=True)
    )
    if as_json:
        print_json(document)
    else:
        keys = ("engine", "won", "told_the_truth", "rounds_per_second", "p50_ms", "p99_ms", "longest_ms")
        rows = [[one[key] for key in keys] for one in document["engines"]]
        columns = ["Engine", "Won", "Told the truth", "Rounds/s", "p50, ms", "p99, ms", "Longest, ms"]
        print_table(columns, rows, f"{rounds:,} rounds")
        for one in document["engines"]:
            for problem in one["problems"][:20]:
                click.echo(f"{one['engine']}: {problem}")
    if not document["ok"]:
        sys.exit(1)


@bench.command()
@click.option("--actions", default=10_000, show_default=True, type=click.IntRange(100), help="Actions stored.")
@click.option("--readers", default=50, show_default=True, type=click.IntRange(1, 500), help="People who read.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1), help="For how long.")
@json_option
def console(actions: int, readers: int, seconds: float, as_json: bool) -> None:
    """What the console's pages take while many read and another process writes.

    Each reader asks for a page every two seconds. The machine's own store is not touched.
    """
    from growth_pipelines.bench.console_load import measure

    document = measure(actions, readers, seconds, lambda what: click.echo(what, err=True))
    if as_json:
        print_json(document)
        return
    keys = ("requests", "failed", "p50", "p95", "kb")
    rows = [[name, *(str(page[key]) for key in keys)] for name, page in document["pages"].items()]
    rows.append(["all of them", *(str(document[key]) for key in keys[:-1]), str(document["largest_kb"])])
    print_table(["Page", "Requests", "Failed", "p50, ms", "p95, ms", "KB"], rows, f"{actions:,} actions")
    click.echo(f"The server used {document['server_cpu_seconds']} s of a core for {document['requests']} requests")
    for what, figure, limit in (
        ("p95", document["p95"], document["limit_ms"]),
        ("largest page", document["largest_kb"], document["limit_kb"]),
    ):
        click.echo(f"{what} {figure}; limit {limit:.0f}: {'met' if figure <= limit else 'missed'}")


@bench.command()
@click.option("--section", "sections", multiple=True, help="Only these sections; default: all.")
@click.option("--runs", default=1_000, show_default=True, type=click.IntRange(20), help="Of each simulation.")
@json_option
def statistics(sections: tuple[str, ...], runs: int, as_json: bool) -> None:
    """What the statistics promise, measured on made-up data of which the truth is known.

    Exit code 1 when a figure misses its limit.
    """
    from growth_pipelines.bench.statistics import SECTIONS, measure

    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; known: {', '.join(SECTIONS)}", param_hint="--section")
    document = measure(sections or SECTIONS, runs, lambda what: click.echo(what, err=True))
    if as_json:
        print_json(document)
    else:
        for name, figures in document["sections"].items():
            rows = [[one["figure"], f"{one['value']:,.6g}", one["limit"], _verdict(one)] for one in figures]
            print_table(["Figure", "Value", "Limit", "Met"], rows, f"{name}, {runs:,} runs")
    if not document["met"]:
        raise SystemExit(1)


def _verdict(figure: dict[str, Any]) -> str:
    if not figure["limit"]:
        return ""
    return "yes" if figure["met"] else "no"


def _print_document(document: dict[str, Any]) -> None:
    machine = f"DuckDB with {document['threads']} threads and {document['memory_limit']}"
    title = f"{document['lines']:,} order lines, {machine}"
    rows = [_row(table, found) for table, found in document["tables"].items()]
    rows.append(_row("all of them", document["totals"]))
    columns = ["Seconds of", "SQL", "models", "×", "SQL CPU", "text ids", "models", "×"]
    print_table(columns, rows, title)
    print_table(
        ["Slowest nodes", "s"], [[name, f"{seconds:.2f}"] for name, seconds in document["slowest"].items()]
    )
    print_table(
        ["Console query", "ms"], [[name, f"{value:.1f}"] for name, value in document["console_ms"].items()]
    )
    print_table(
        ["Date fact", "Changed days, s", "In full, s", "CPU", "CPU"],
        [
            [model, *(f"{t[unit]:.2f}" for unit in ("seconds", "full_seconds", "cpu", "full_cpu"))]
            for model, t in document["increment"]["tables"].items()
        ],
    )
    click.echo(
        f"Whole build {document['build_seconds']:.1f} s; the copy that the next writer makes "
        f"{document['publication']['next_writer_seconds']:.2f} s for {document['publication']['megabytes']:,} MB"
    )
    print_table(
        ["Goal", "Figure", "Limit", "Met"],
        [
            [g["goal"], f"{g['figure']:.2f}", f"{g['limit']:.2f}", "yes" if g["met"] else "no"]
            for g in document["goals"]
        ],
    )


def _row(table: str, found: dict[str, Any]) -> list[str]:
    wall, cpu = found["seconds"], found["cpu"]
    return [
        table,
        f"{wall['yardstick']:.2f}",
        f"{wall['project']:.2f}",
        f"{wall['project'] / wall['yardstick']:.2f}",
        f"{cpu['yardstick']:.2f}",
        f"{cpu['text_ids']:.2f}",
        f"{cpu['project']:.2f}",
        f"{cpu['project'] / cpu['yardstick']:.2f}",
    ]
