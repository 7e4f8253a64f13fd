"""Made-up search days of a site under a site-wide fall of demand, of which some pages got worse by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from growth_pipelines.bench.statistics.made_up_series import FIRST_DAY

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
Style = Literal["even", "heavy tail", "restless"]
STYLES: tuple[Style, ...] = ("even", "heavy tail", "restless")
DRIFT: Mapping[Style, float] = {"even": 0.03, "heavy tail": 0.08, "restless": 0.12}
CAUSES = ("position", "ctr", "demand")
RECENT = 28


@dataclass(frozen=True)
class MadeUpSite:
    """``frame`` as ``scan_pages`` takes it; ``truth``: cause by page of those that got worse by themselves."""

    frame: pd.DataFrame
    truth: dict[str, str]


def made_up_site(
    style: Style,
    seed: int,
    pages: int = 1_200,
    worse: int = 60,
    days: int = 140,
    fall: float = 0.2,
    drift: float | None = None,
) -> MadeUpSite:
    """Demand falls by ``fall`` everywhere in the last 28 days, and ``worse`` pages lose 30 to 60 % more.

    "even": like traffic, little noise; "heavy tail": a few pages carry most, weekdays differ; "restless": pages
    wander from week to week, by ``drift`` (standard deviation of the logarithm; each style has its own), and days
    vary more than by chance. The pages that got worse have at least 20 clicks a
    day: whom a loss of half hardly touches, no test finds.
    """
    import pandas as pd

    rng = np.random.default_rng([STYLES.index(style), seed, 61])
    traffic = _traffic(rng, style, pages)
    position = np.repeat(rng.uniform(1.5, 9.0, (pages, 1)), days, axis=1)
    rate = 0.3 / position[:, :1] ** rng.uniform(0.7, 1.1) * np.exp(rng.normal(0, 0.15, (pages, 1)))
    demand = np.outer(traffic / rate[:, 0], np.where(np.arange(days) < days - RECENT, 1.0, 1.0 - fall))
    demand *= _week(rng, style, days) * np.exp(
        _wandering(rng, DRIFT[style] if drift is None else drift, pages, days)
    )
    factor = np.ones((pages, days))
    truth = {}
    able = rng.permutation(np.flatnonzero(traffic >= 20.0))[:worse]
    slope = 1.0
    for number, page in enumerate(able):
        cause = CAUSES[number % 3]
        truth[f"/p/{page}"] = cause
        loss = rng.uniform(0.3, 0.6)
        if cause == "position":
            position[page, -RECENT:] += np.maximum(
                position[page, -RECENT:] * (1 / (1 - loss) ** (1 / slope) - 1), 1.0
            )
        elif cause == "ctr":
            factor[page, -RECENT:] *= 1 - loss
        else:
            demand[page, -RECENT:] *= 1 - loss
    shown = _counted(rng, style, demand)
    jitter = position * np.exp(rng.normal(0, 0.04, position.shape))
    chance = np.clip(0.3 / jitter**slope * (rate / (0.3 / position[:, :1])) * factor, 0, 1)
    frame = pd.DataFrame(
        {
            "page": np.repeat([f"/p/{page}" for page in range(pages)], days),
            "date": np.tile(FIRST_DAY + np.arange(days), pages),
            "clicks": rng.binomial(shown, chance).ravel(),
            "impressions": shown.ravel(),
            "position": np.maximum(jitter, 1.0).ravel(),
        }
    )
    return MadeUpSite(frame, truth)


def _traffic(rng: np.random.Generator, style: Style, pages: int) -> FloatArray:
    """Expected clicks a day."""
    if style == "even":
        return rng.uniform(15, 60, pages)
    return np.exp(rng.normal(2.8, 1.2, pages))


def _week(rng: np.random.Generator, style: Style, days: int) -> FloatArray:
    spread = {"even": 0.1, "heavy tail": 0.35, "restless": 0.2}[style]
    factors = np.exp(rng.normal(0, spread, 7))
    return (factors / factors.mean())[np.arange(days) % 7]


def _wandering(rng: np.random.Generator, spread: float, pages: int, days: int) -> FloatArray:
    """Logarithms: drift of each page over weeks, and of the site as a whole."""
    from scipy.signal import lfilter

    memory = 0.9
    shocks = rng.normal(0, spread * np.sqrt(1 - memory**2), (pages + 1, days + 60))
    path = lfilter([1.0], [1.0, -memory], shocks, axis=1)[:, 60:]
    drift: FloatArray = path[:-1] + path[-1:]
    return drift


def _counted(rng: np.random.Generator, style: Style, demand: FloatArray) -> NDArray[np.int64]:
    if style == "even":
        return rng.poisson(demand)
    size = 20.0 if style == "heavy tail" else 8.0
    return rng.negative_binomial(size, size / (size + demand))
