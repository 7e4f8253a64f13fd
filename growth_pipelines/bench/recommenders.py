"""The recommenders on a made-up large shop: seconds and peak memory of each.

Each is a process of its own, so that its peak memory is its own:
``python -m growth_pipelines.bench.recommenders PAGES PRODUCTS SEED NAME`` prints one JSON document.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from growth_pipelines.bench.memory import forget_peak, peak_mb
from growth_pipelines.bench.own_process import run_module
from growth_pipelines.bench.recommender_frames import AS_OF, frames_of
from growth_pipelines.recommenders.context import RecommenderContext

if TYPE_CHECKING:
    import pandas as pd


def measure(pages: int, products: int, seed: int, name: str) -> dict[str, Any]:
    """Seconds, CPU seconds and the peak memory while the recommender ``name`` runs, frames included."""
    from growth_pipelines.recommenders.registry import RECOMMENDERS

    frames = frames_of(pages, products, seed)
    recommender = RECOMMENDERS[name]
    given: Mapping[str, pd.DataFrame] = {frame: frames[frame] for frame in recommender.frames}
    context = RecommenderContext(
        as_of=AS_OF, shop_name="Bench", primary_url="https://www.bench.example", currency="USD"
    )
    del frames
    forget_peak()
    started, cpu = time.monotonic(), time.process_time()
    drafts = recommender.recommend(given, context)
    return {
        "recommender": name,
        "seconds": round(time.monotonic() - started, 2),
        "cpu": round(time.process_time() - cpu, 2),
        "peak_mb": peak_mb(),
        "drafts": len(drafts),
    }


def measure_all(pages: int, products: int, seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every recommender, each in a process of its own; ``tell`` hears which one runs."""
    from growth_pipelines.recommenders.registry import RECOMMENDERS

    found = []
    for name in RECOMMENDERS:
        tell(name)
        found.append(run_module("growth_pipelines.bench.recommenders", pages, products, seed, name))
    return {
        "pages": pages,
        "products": products,
        "seed": seed,
        "recommenders": found,
        "seconds": round(sum(one["seconds"] for one in found), 2),
        "peak_mb": max(one["peak_mb"] for one in found),
    }


if __name__ == "__main__":
    pages, products, seed, name = sys.argv[1:]
    print(json.dumps(measure(int(pages), int(products), int(seed), name)))  # noqa: T201 - read by the parent
