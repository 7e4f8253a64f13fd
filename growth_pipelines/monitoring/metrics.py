"""The metrics of the shop as a whole that are watched, as ``metrics.yaml`` lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Metric:
    """``name`` is its column in the frame of days; ``level`` and ``subject`` say of what, as in a finding; see
    ``metrics.yaml`` for the others."""

    name: str
    family: str
    label: str
    unit: str
    kind: Any
    harm: str
    delay: int
    alone: bool
    sum: bool
    level: str = "shop"
    subject: str = ""
    of: Sequence[str] = ()
    settles: int = 0


@cache
def metrics() -> tuple[Metric, ...]:
    """All of them, in the order in which they are shown."""
    return tuple(Metric(**row) for row in _yaml("metrics"))


def volume_of(stream: str) -> Metric:
    """The rows that a stream brings a day."""
    delay = 3 if stream.startswith("search") else 0
    label: str = words()["labels"]["rows"]
    return Metric(stream, "data", label, "rows", "count", "down", delay, True, True, "stream", stream)


@cache
def words() -> Any:
    """``wording.yaml``."""
    return _yaml("wording")


def _yaml(name: str) -> Any:
    import yaml

    return yaml.safe_load(files("growth_pipelines.monitoring").joinpath(f"{name}.yaml").read_text("utf-8"))
