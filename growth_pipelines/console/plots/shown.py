"""Plots drawn for a page; and drawn ahead of it, so that nobody waits for the first drawing."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Thread
from zoneinfo import ZoneInfo

from markupsafe import Markup

from growth_pipelines.actions.queue import top
from growth_pipelines.console.monitoring_views import overview_plots
from growth_pipelines.console.observed import observe
from growth_pipelines.console.plots.choice import plots_of, subject_of
from growth_pipelines.console.plots.drawing import Datasets, Drawing
from growth_pipelines.console.plots.events import events_of, events_since
from growth_pipelines.console.plots.plot import Missing, Plot
from growth_pipelines.console.plots.series import series_of
from growth_pipelines.errors import GrowthError
from growth_pipelines.monitoring.marks import Dated
from growth_pipelines.settings import Settings
from growth_pipelines.store.database import Store
from growth_pipelines.store.looks import newest_looks
from growth_pipelines.store.tables import Action
from growth_pipelines.telemetry import logger


@dataclass(frozen=True)
class Figure:
    """A plot as a page shows it; ``svg`` is None while it isn't drawn yet: the table says the same."""

    plot: Plot
    svg: Markup | None


@dataclass(frozen=True)
class Figures:
    """The drawn plots, and those that can't be."""

    drawn: list[Figure]
    missing: list[Missing]


@cache
def drawing() -> Drawing:
    """The one renderer of this process."""
    made = Drawing()
    atexit.register(made.close)
    return made


def figures_of(settings: Settings, action: Action, events: list[Dated]) -> Figures:
    """The plots of ``action``; what was done to its resource is marked on them."""
    return drawn_of(plots_of(subject_of(action, events), series_of(settings)))


def drawn_of(plots: Sequence[Plot | Missing]) -> Figures:
    """``plots``, drawn as far as they can be."""
    drawn = [Figure(plot, _svg(plot)) for plot in plots if isinstance(plot, Plot)]
    return Figures(drawn, [plot for plot in plots if isinstance(plot, Missing)])


def _svg(plot: Plot) -> Markup | None:
    drawn = drawing().draw(plot.spec, plot.datasets)
    # Compacted by us from our own renderer's output: no text of anybody's stands unescaped in it.
    return Markup(drawn) if drawn is not None else None  # noqa: S704


def warm(settings: Settings, store: Store, now: datetime) -> None:
    """Draw what today's queue and the page Monitoring will be asked for, beside whatever else goes on."""
    Thread(target=_warm, args=(settings, store, now), name="plots", daemon=True).start()


def _warm(settings: Settings, store: Store, now: datetime) -> None:
    try:
        drawing().warm(wanted(settings, store, now))
    except (GrowthError, OSError) as error:
        logger("console").info("plots are not drawn ahead", why=str(error))


def wanted(settings: Settings, store: Store, now: datetime) -> Iterator[tuple[str, Datasets]]:
    """The plots of the page Monitoring, then those of today's queue."""
    zone = ZoneInfo(settings.zone)
    with store.read() as session:
        queue = top(session, settings.actions.top, now)
        subjects = [subject_of(action, events_of(session, action, now, zone)) for action in queue]
        looks, events = newest_looks(session), events_since(session, now, zone)
    series = series_of(settings)
    watched = overview_plots(looks, events, observe(settings, now).shop.currency)
    for plots in (watched, *(plots_of(subject, series) for subject in subjects)):
        for plot in plots:
            if isinstance(plot, Plot):
                yield plot.spec, plot.datasets
