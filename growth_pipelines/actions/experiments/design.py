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
    one: Design,
    unit: str,
    weights: Sequence[float],
    primary: tuple[str, str],
    guardrails: Sequence[tuple[str, str]],
    planned_days: int,
) -> Iterator[tuple[bool, str, str]]:
    """Whether something is wrong, with which field, and what: of a unit that is drawn before the start.

    Metrics are (name, kind).
    """
    if unit not in METRICS:
        return
    known, name = METRICS[unit], unit.replace("_", " ")
    for place, measures in (("primary_metric", [primary]), ("guardrails", guardrails)):
        for metric, kind in measures:
            yield metric not in known, place, f"Of a {name} these are read: {', '.join(known)}."
            kinds = known.get(metric, ())
            yield bool(kinds) and kind not in kinds, place, f"{metric} of a {name} is a {' or '.join(kinds)}."
    if unit in _PAIRED:
        yield len(weights) != 2 or weights[0] != weights[1], "arms", "Pairs have two arms of one weight."
    days = "planned_days"
    yield planned_days < _WEEKS_OF_DAYS, days, "Plan two whole weeks at least: weekdays differ."
    plain = one.page_type.isprintable() and one.handle.isprintable()
    yield not (plain and one.handle), "handle", "Say which handles take part: * for all."
    yield not 0 <= one.settle_days <= 60, "settle_days", "Pages settle for 0 to 60 days."
    yield not 0.5 < one.cap_quantile < 1, "cap_quantile", "The cap is a quantile between 0.5 and 1."
    yield (
        not 0 <= one.carry_over_days < one.block_days,
        "carry_over_days",
        "Some day of a block must be left after the carry-over.",
    )
    if unit == "time_slice":
        yield planned_days < 4 * one.block_days, days, "At least two pairs of blocks fit into the planned days."
