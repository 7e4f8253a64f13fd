"""Made-up pages of a shop: heavy-tailed traffic, templates whose demand drifts apart, weeks, noise that lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

START = np.datetime64("2026-03-02")
_BEFORE, _AFTER = 84, 28
_TEMPLATES = ("product", "collection", "article")


def page_traffic(pages: int, seed: int) -> pd.DataFrame:
    """page, template and traffic (expected clicks a day): a few pages carry most of it."""
    import pandas as pd

    rng = np.random.default_rng([seed, 1])
    return pd.DataFrame(
        {
            "page": [f"/p/{number}" for number in range(pages)],
            "template": rng.choice(_TEMPLATES, pages, p=[0.6, 0.25, 0.15]),
            "traffic": np.exp(rng.normal(2.0, 1.2, pages)),
        }
    )


def page_days(pairs: pd.DataFrame, effect: float, seed: int) -> pd.DataFrame:
    """page, date and clicks of 84 days before START and 28 after; pages of arm 1 get ``effect`` more since."""
    import pandas as pd

    rng = np.random.default_rng([seed, 2])
    days = START - _BEFORE + np.arange(_BEFORE + _AFTER)
    site = lasting(rng, 1, days.size, 0.9, 0.08)[0] + 0.1 * np.sin(np.arange(days.size) / 30)
    drift = dict(zip(_TEMPLATES, lasting(rng, 3, days.size, 0.97, 0.1), strict=True))
    week = {name: 1 + 0.25 * rng.normal(size=7) / np.sqrt(7) for name in _TEMPLATES}
    weekday = (days.astype(int) + 3) % 7
    log_level = site + np.array([drift[name] + np.log(week[name][weekday]) for name in pairs["template"]])
    log_level = log_level + lasting(rng, len(pairs), days.size, 0.9, 0.25)
    lift = np.where((pairs["arm"].to_numpy()[:, None] == 1) & (days >= START), 1 + effect, 1.0)
    mean = pairs["traffic"].to_numpy()[:, None] * np.exp(log_level) * lift
    clicks = rng.negative_binomial(5, 5 / (5 + mean))
    return pd.DataFrame(
        {
            "page": np.repeat(pairs["page"].to_numpy(), days.size),
            "date": np.tile(days, len(pairs)),
            "clicks": clicks.ravel(),
        }
    )


def lasting(rng: np.random.Generator, series: int, days: int, memory: float, spread: float) -> np.ndarray:
    """First-order autoregressive series of standard deviation ``spread``."""
    values = np.empty((series, days))
    values[:, 0] = rng.normal(size=series)
    for day in range(1, days):
        values[:, day] = memory * values[:, day - 1] + np.sqrt(1 - memory**2) * rng.normal(size=series)
    return spread * values
