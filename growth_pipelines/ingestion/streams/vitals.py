"""Core Web Vitals: field data from CrUX for the most visited pages, lab data for those that do worst there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from growth_pipelines.errors import TransientError
from growth_pipelines.ingestion.budgets import BudgetUsedUp
from growth_pipelines.ingestion.failures import Throttled
from growth_pipelines.ingestion.google.client import GoogleClient
from growth_pipelines.ingestion.google.lighthouse import lab_row
from growth_pipelines.ingestion.google.web_vitals import (
    FORM_FACTORS,
    history,
    lab_run,
    record,
)
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.queries import query
from growth_pipelines.ingestion.streams import sources
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.windows import naive_utc
from growth_pipelines.warehouse.connection import WarehouseConnection

THREADS = 4
# CrUX publishes a weekly period, ending on a Saturday, about two days later.
PUBLISHED_AFTER = timedelta(days=2)
ASK_AGAIN_AFTER = timedelta(days=7)
LAB_AGAIN_AFTER = timedelta(days=7)
STRATEGIES = {"phone": "mobile", "desktop": "desktop"}
Fetch = Callable[[GoogleClient, Any, str, str], dict[str, Any] | None]


def _field_targets(connection: WarehouseConnection, job: Job) -> list[tuple[Any, ...]]:
    """(scope, target): the origin, then pages, most visited first; those that CrUX lacked lately are left out."""
    shop_id, limit = job.shop.shop_id, job.settings.web_vitals.crux_pages
    since = naive_utc(job.now - timedelta(days=35)).date()
    rows = connection.execute(query("crux_targets"), (shop_id, since, shop_id, shop_id, shop_id, limit)).fetchall()
    lately = naive_utc(job.now - ASK_AGAIN_AFTER)
    absent = {row[0] for row in connection.execute(query("crux_absent"), (shop_id, lately)).fetchall()}
    origin = [("origin", job.shop.primary_url)] if job.shop.primary_url else []
    return origin + [("page", row[0]) for row in rows if row[0] not in absent or job.asked.full]


def _history_targets(connection: WarehouseConnection, job: Job) -> list[tuple[Any, ...]]:
    """(scope, target, form factor) that CrUX has, and whose newest published period is not here yet."""
    newest = newest_period(job.now.date())
    after = date.min if job.asked.full else newest
    return list(
        connection.execute(
            query("crux_history_targets"), (job.shop.shop_id, job.shop.shop_id, newest, after)
        ).fetchall()
    )


def newest_period(today: date) -> date:
    """The Saturday that ends the newest collection period published by ``today``."""
    ended = today - PUBLISHED_AFTER
    return ended - timedelta(days=(ended.weekday() - 5) % 7)


def _records(job: Job) -> Iterator[Landed]:
    asked = [(scope, target, form_factor) for scope, target in job.targets for form_factor in FORM_FACTORS]
    yield from _field_data(job, asked, record)


def _history(job: Job) -> Iterator[Landed]:
    yield from _field_data(job, [(row[0], row[1], row[2]) for row in job.targets], history)


def _field_data(job: Job, asked: list[tuple[str, str, str]], fetch: Fetch) -> Iterator[Landed]:
    if not asked:
        return
    fetched_at = job.now.isoformat()
    with job.connect() as client, ThreadPoolExecutor(THREADS) as pool:
        with job.land() as file:
            answers = pool.map(lambda one: fetch(client, one[0], one[1], one[2]), asked)
            for done, ((scope, target, form_factor), answer) in enumerate(zip(asked, answers, strict=True), 1):
                file.writer.record(
                    {
                        "scope": scope,
                        "target": target,
                        "form_factor": form_factor,
                        "found": answer is not None,
                        "fetched_at": fetched_at,
                        "answer": answer,
                    }
                )
                job.on_piece(done, len(asked))
    yield file.result


def _lab_targets(connection: WarehouseConnection, job: Job) -> list[tuple[Any, ...]]:
    """(url, strategy), worst field data first: pages over a "good" threshold, or a quarter over their best."""
    lately = naive_utc(job.now - LAB_AGAIN_AFTER)
    shop_id, limit = job.shop.shop_id, job.settings.web_vitals.psi_pages
    found = connection.execute(query("psi_targets"), (shop_id, shop_id, shop_id, lately, limit)).fetchall()
    return [(url, STRATEGIES[form_factor]) for url, form_factor in found]


def _lab(job: Job) -> Iterator[Landed]:
    if not job.targets:
        return
    refused: list[TransientError] = []
    with job.connect() as client, ThreadPoolExecutor(THREADS) as pool:

        def run(target: tuple[Any, ...]) -> dict[str, Any] | TransientError:
            try:
                return lab_run(client, target[0], target[1])
            except TransientError as error:
                return error

        with job.land() as file:
            answers = zip(job.targets, pool.map(run, job.targets), strict=True)
            for done, ((url, strategy), answer) in enumerate(answers, 1):
                if isinstance(answer, BudgetUsedUp | Throttled):
                    refused.append(answer)
                elif isinstance(answer, TransientError):
                    job.meter.note(f"no lab run of {url} ({answer.message})")
                elif row := lab_row(answer, url, strategy, job.now):
                    file.writer.record({"run": row, "answer": answer})
                else:
                    job.meter.note(f"Lighthouse could not load {url}")
                job.on_piece(done, len(job.targets))
    if refused:
        job.meter.note(f"{len(refused)} of {len(job.targets)} lab runs were not made: {refused[0].message}")
    yield file.result


CRUX_RECORDS = Stream(
    name="crux_records",
    source=sources.CRUX,
    group="web_vitals",
    description="The newest 28 days of field data of the origin and the most visited pages.",
    folder="crux",
    parts=(Part("crux_records"),),
    fetch=_records,
    objective=timedelta(days=3),
    stage=1,
    targets=_field_targets,
)
CRUX_HISTORY = Stream(
    name="crux_history",
    source=sources.CRUX,
    group="web_vitals",
    description="Weekly history of the field data, 28-day periods that end on Saturdays.",
    folder="crux",
    parts=(Part("crux_history"),),
    fetch=_history,
    objective=timedelta(days=10),
    cadence="weekly",
    stage=2,
    targets=_history_targets,
)
PSI = Stream(
    name="psi",
    source=sources.PSI,
    group="web_vitals",
    description="Lab runs (Lighthouse) of the pages whose field data are worst: they explain, they don't decide.",
    folder="psi",
    parts=(Part("psi_runs"),),
    fetch=_lab,
    objective=timedelta(days=8),
    cadence="weekly",
    stage=3,
    targets=_lab_targets,
)
