"""Core Web Vitals that the shop's own visitors sent as beacons. A source of its own, never mixed with CrUX."""

from __future__ import annotations

from collections.abc import Iterator

from growth_pipelines.ingestion.beacons.spool import Spool
from growth_pipelines.ingestion.landing import Landed
from growth_pipelines.ingestion.loading import Part
from growth_pipelines.ingestion.streams.base import Job, Stream
from growth_pipelines.ingestion.streams.sources import RUM as RUM_SOURCE

REPORT_EVERY = 10_000


def _beacons(job: Job) -> Iterator[Landed]:
    """Land what was spooled, then remove the spool. A crash in between lands the same beacons once more, and
    loading replaces them by their keys."""
    spool = Spool.of(job.settings)
    if not spool.root.exists():
        return
    landed = _land(job, spool)
    refused = spool.take_refusals()
    if refused:
        job.meter.note(
            f"{refused:,} beacons were refused because the spool was full: "
            "ingest more often or raise GROWTH_WEB_VITALS__BEACON_SPOOL_MB"
        )
    if landed is not None:
        yield landed


def _land(job: Job, spool: Spool) -> Landed | None:
    with spool.taken() as files:
        if not files:
            return None
        cut = 0
        with job.land() as file:
            for line in spool.lines(files):
                if line is None:
                    cut += 1
                    continue
                file.writer.raw(line)
                if file.writer.rows % REPORT_EVERY == 0:
                    job.on_piece(file.writer.rows, 0)
        job.on_piece(file.writer.rows, file.writer.rows)
        spool.remove(files)
    if cut:
        job.meter.note(f"{cut:,} lines of the beacon spool were cut short and are left out")
    landed: Landed = file.result
    return landed


RUM = Stream(
    name="rum",
    source=RUM_SOURCE,
    group="web_vitals",
    description="Core Web Vitals that the shop's own visitors sent as beacons (off unless switched on).",
    folder="rum",
    parts=(Part("web_vitals_beacons"),),
    fetch=_beacons,
)
