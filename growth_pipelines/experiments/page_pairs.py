"""Pages for a search split test: matched in pairs by template and traffic, a coin for each pair.

Visitors of a search engine cannot be assigned, so pages are: half of each template's change. A few pages carry
most of the traffic, so a plain draw gives arms of different size and season; pairs of neighbours do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growth_pipelines.experiments.arms import UnusableSample
from growth_pipelines.experiments.page_panel import must_have, numbers_of, page_panel

if TYPE_CHECKING:
    import pandas as pd

# So many throws of all coins; the one with the most even arms is taken.
_THROWS = 200


@dataclass(frozen=True)
class Balance:
    """Of the days before the start: traffic a day of both arms, treatment ÷ control, and how alike they move.

    ``correlation`` is that of the arms' daily totals; ``gap`` the standard deviation of the daily log ratio of
    the totals: chance alone gives two arms of 100 clicks a day 0.14.
    """

    control_per_day: float
    treatment_per_day: float
    ratio: float
    correlation: float
    gap: float


def match_pages(pages: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Pairs of pages and their arms: columns page, template, traffic, pair and arm (0 control, 1 treatment).

    ``pages``: page, template and traffic (clicks a day, or in all, of the weeks before), one row a page. Within a
    template neighbours in traffic are a pair; of an odd number the smallest page is left out. The coins are
    thrown some hundred times, and the throw with the least difference in traffic, template by template, is
    taken. Raises UnusableSample (a ValueError) where a page is there twice or has no template, traffic is no
    number ≥ 0, or no template has two pages.
    """
    must_have(pages, ("page", "template", "traffic"), "pages")
    pages = pages.assign(traffic=numbers_of(pages, "traffic", "pages"))
    if (pages["traffic"] < 0).any() or pages[["page", "template"]].isna().any(axis=None):
        raise UnusableSample("pages: a page or template is missing, or traffic is below 0.", "Correct these rows.")
    if pages["page"].duplicated().any():
        twice = pages.loc[pages["page"].duplicated(), "page"].iloc[0]
        raise UnusableSample(f"The page {twice} is there twice.", "Give one row a page.")
    ordered = pages.sort_values(["template", "traffic", "page"], ascending=[True, False, True], kind="stable")
    position = ordered.groupby("template").cumcount()
    size = ordered.groupby("template")["page"].transform("size")
    ordered = ordered[position < size - size % 2][["page", "template", "traffic"]].reset_index(drop=True)
    if ordered.empty:
        raise UnusableSample(f"{len(pages)} pages: no template has two.", "Add pages, or widen the templates.")
    pairs = len(ordered) // 2
    first_of_pair = ordered["traffic"].to_numpy(float).reshape(pairs, 2)
    larger = first_of_pair[:, 0] - first_of_pair[:, 1]
    templates = ordered["template"].to_numpy()[::2]
    coins = np.random.default_rng([seed, 0xC0125]).integers(0, 2, (_THROWS, pairs))
    signed = np.where(coins == 1, larger, -larger)
    imbalance = sum(np.abs(signed[:, templates == one].sum(axis=1)) for one in np.unique(templates))
    chosen = coins[int(np.argmin(imbalance))]
    arms = np.column_stack([chosen, 1 - chosen]).ravel()
    return ordered.assign(pair=np.repeat(np.arange(pairs), 2), arm=arms)


def balance(daily: pd.DataFrame, pairs: pd.DataFrame, start: object, value: str = "clicks") -> Balance:
    """How alike both arms were before ``start``; frames and errors as of ``difference_in_differences``."""
    panel = page_panel(daily, pairs, start, value)
    control, treatment = (panel.before[:, arm, :].sum(axis=0) for arm in (0, 1))
    if not control.sum() > 0:
        raise UnusableSample(f"Control has no {value} at all before the start.", "Take pages that have traffic.")
    log_ratio = np.log((treatment + 0.5) / (control + 0.5))
    moving = control.std() > 0 and treatment.std() > 0
    return Balance(
        float(control.mean()),
        float(treatment.mean()),
        float(treatment.sum() / control.sum()),
        float(np.corrcoef(control, treatment)[0, 1]) if moving else 0.0,
        float(log_ratio.std(ddof=1)),
    )
