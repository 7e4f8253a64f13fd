"""What the statistics promise, measured on made-up data of which the truth is known.

A section is a module with ``figures(runs, tell)``; ``runs`` scales its simulations. Seeds are fixed, so a figure
changes only with the code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from growth_pipelines.bench.statistics.figure import Figure

# In the order in which they are printed; a new section is a new module here.
SECTIONS = ("experiments", "detection", "forecasts", "fleet", "outcomes", "learning")


def measure(sections: Sequence[str], runs: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """The figures of ``sections`` as one document; ``tell`` hears what is being simulated."""
    found: dict[str, list[Figure]] = {}
    for section in sections:
        found[section] = import_module(f"{__name__}.{section}").figures(runs, tell)
    return {
        "runs": runs,
        "sections": {name: [one.as_dict() for one in figures] for name, figures in found.items()},
        "met": all(one.met for figures in found.values() for one in figures),
    }
