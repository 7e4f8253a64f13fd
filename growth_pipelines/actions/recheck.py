"""When a repair of a Core Web Vital is looked at again, and what is compared then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

# Field data are a window of so many days: only then does it hold no visit from before the repair.
RECHECK_DAYS = 28
_MARK = ", to reach"


@dataclass(frozen=True)
class Recheck:
    """``day`` is None until the repair is carried out; ``baseline`` and ``goal`` are p75 in ``unit``."""

    metric: str
    unit: str
    baseline: float
    goal: float
    day: date | None


def recheck_of(evidence: Sequence[Mapping[str, Any]], executed_on: date | None) -> Recheck | None:
    """The re-check that the evidence of an action sets out, executed on a day of the shop's; None without one."""
    row = next((row for row in evidence if str(row["name"]).endswith(_MARK)), None)
    if row is None or row["baseline"] is None or row["value"] is None:
        return None
    day = executed_on + timedelta(days=RECHECK_DAYS) if executed_on else None
    return Recheck(
        str(row["name"]).removesuffix(_MARK), row["unit"], float(row["baseline"]), float(row["value"]), day
    )
