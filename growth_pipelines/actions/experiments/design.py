"""What is declared besides for an experiment on pages, customers or slices of time, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# By unit, what can be read of it, and as which kinds of metric.
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    "page": dict.fromkeys(("clicks", "impressions", "sessions", "orders", "revenue"), ("mean",)),
    "customer": {
        "orders": ("mean", "cuped"),
        "revenue": ("mean", "cuped"),
        "buyers": ("proportion",),
    },
    "time_slice": dict.fromkeys(("revenue", "orders", "sessions", "clicks"), ("mean",)),
}
# They come in pairs, one of each arm.
_PAIRED = ("page", "time_slice")
_WEEKS_OF_DAYS = 14


@dataclass(frozen=True)
class Design:
    """``page_type`` (empty for all) and ``handle`` (``*`` stands for anything) say which pages may take part;
    ``settle_days`` after the start are left out, until the search engine has seen the change.
    ``cap_quantile`` of what buyers paid before is where customers' revenue is capped. ``block_days`` is how long
    the shop keeps an arm, the first ``carry_over_days`` of which are left out after a switch.
    """

    page_type: str = ""
    handle: str = "*"
    settle_days: int = 7
    cap_quantile: float = 0.99
    block_days: int = 1
    carry_over_days: int = 0


def flaws_of(
    one: Design, unit: str, weights: Sequence[float], metrics: Sequence[tuple[str, str]], planned_days: int
) -> Iterator[tuple[bool, str]]:
    """Whether something is wrong, and what: of a unit that is drawn before the start."""
    if unit not in METRICS:
        return
    known = METRICS[unit]
    for metric, kind in metrics:
        name = unit.replace("_", " ")
        yield metric not in known, f"Of a {name} these are read: {', '.join(known)}."
        kinds = known.get(metric, ())
        yield bool(kinds) and kind not in kinds, f"{metric} of a {name} is a {' or '.join(kinds)}."
    if unit in _PAIRED:
        yield len(weights) != 2 or weights[0] != weights[1], "Pairs have two arms of one weight."
    yield planned_days < _WEEKS_OF_DAYS, "Plan two whole weeks at least: weekdays differ."
    yield not 0 <= one.settle_days <= 60, "Pages settle for 0 to 60 days."
    yield not 0.5 < one.cap_quantile < 1, "The cap is a quantile between 0.5 and 1."
    yield not 0 <= one.carry_over_days < one.block_days, "Some day of a block must be left after the carry-over."
    if unit == "time_slice":
        yield planned_days < 4 * one.block_days, "At least two pairs of blocks fit into the planned days."
