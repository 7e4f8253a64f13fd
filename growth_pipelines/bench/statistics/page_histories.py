"""Made-up pages, one of which is acted upon: what their days can be like when nothing, or something, is done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from growth_pipelines.bench.statistics.shop_pages import lasting
from growth_pipelines.outcomes import Panel

EXECUTED, DAYS, PAGES = 84, 113, 80
FIRST = np.datetime64("2026-01-05")
# Pages that count in bursts; in weeks; with noise that lasts; with trends of their own; all of it; picked because
# they fell most in the last four weeks; with a few clicks in four weeks; and picked because they rose most.
HISTORIES = (
    "bursts",
    "weeks",
    "lasting noise",
    "trends",
    "all of it",
    "picked for a fall",
    "few counts",
    "picked for a rise",
)
_PICKED = {"picked for a fall": -1, "picked for a rise": 1}


@dataclass(frozen=True, eq=False)
class History:
    """``extra``: what the action truly brought by the day after the execution on, day by day."""

    panel: Panel
    unit: object
    extra: np.ndarray


def page_history(name: str, lift: float, seed: int, level: float = 1.0) -> History:
    """80 pages over 113 days; the page acted upon on day 84 gets ``lift`` more since.

    ``level``: logarithm of the clicks a day of the middle page.
    """
    rng = np.random.default_rng([seed, HISTORIES.index(name), 5])
    mean = _expected(rng, name, level)
    values = _counted(rng, mean).astype(float)
    row = _moved(values, _PICKED[name]) if name in _PICKED else int(rng.integers(PAGES))
    lifted = mean[row].copy()
    lifted[EXECUTED:] *= 1 + lift
    values[row, EXECUTED:] = _counted(rng, lifted)[EXECUTED:]
    names = np.array([f"/p/{number}" for number in range(PAGES)], dtype=object)
    templates = np.array(["product"] * PAGES, dtype=object)
    panel = Panel(values, FIRST, names, templates, np.zeros(values.shape, dtype=bool))
    return History(panel, names[row], (lifted - mean[row])[EXECUTED + 1 :])


def _expected(rng: np.random.Generator, name: str, level: float) -> np.ndarray:
    traffic = np.exp(rng.normal(level - 2.5 if name == "few counts" else level, 1.2, PAGES))
    log = np.tile(lasting(rng, 1, DAYS, 0.9, 0.1), (PAGES, 1))
    day = np.arange(DAYS)
    if name in ("weeks", "all of it"):
        log = log + np.log(1 + 0.3 * np.sin(day * 2 * np.pi / 7))
    if name in ("lasting noise", "all of it", *_PICKED):
        log = log + lasting(rng, PAGES, DAYS, 0.93, 0.35)
    if name in ("trends", "all of it"):
        log = log + rng.normal(0, 0.004, PAGES)[:, None] * day
    expected: np.ndarray = traffic[:, None] * np.exp(log)
    return expected


def _counted(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Negative binomial counts: of variance mean + mean² ÷ 5."""
    return rng.negative_binomial(5, 5 / (5 + mean))


def _moved(values: np.ndarray, side: int) -> int:
    """The page with the largest fall (-1) or rise (1) of the last four weeks against the eight before, in units
    of chance."""
    recent, before = values[:, EXECUTED - 28 : EXECUTED].sum(axis=1), values[:, : EXECUTED - 28].sum(axis=1) / 2
    move = np.where(before > 20, side * (recent - before) / np.sqrt(recent + before + 1), -np.inf)
    return int(np.argmax(move))
