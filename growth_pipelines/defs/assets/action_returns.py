"""What executed actions brought, summed by recommender and month of execution, as a report that is kept."""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.action_outcomes import OUTCOMES
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import amount, chart, table
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    from growth_pipelines.outcomes import Return

RETURNS = dg.AssetKey("action_returns")
# Rows drawn: a plot of all months would not be read.
_DRAWN = 12
_COLUMNS = (
    *("month", "recommender", "actions", "measured", "waiting", "not_measurable"),
    *("promised", "realised", "interval_95"),
)


@dg.asset(
    key=RETURNS,
    deps=[OUTCOMES],
    group_name="outcomes",
    kinds={"python"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="The return by recommender and month of execution: revenue of 28 days that was promised and that "
    "was realised, with the 95 % interval of the sum, and how many actions wait or can't be measured. Kept in the "
    "store; the next build brings it into the mart `fct_action_returns`.",
)
def action_returns(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.actions.returns import executed_returns, record_returns
    from growth_pipelines.outcomes import not_known, return_of, returns

    shop = machine.read_shop()
    with machine.store.session() as session:
        executed = executed_returns(session, machine.zone)
        rows, whole = returns(executed), return_of(executed)
        shop_id = str(shop.get("shop_id") or machine.settings.shop.domain)
        record_returns(session, shop_id, [*map(_row, rows)], machine.now)
    currency = str(shop.get("currency") or "")
    known = whole.realised
    return dg.MaterializeResult(
        metadata={
            "actions": whole.actions,
            "measured": whole.measured,
            "waiting": whole.waiting,
            "not_measurable": whole.not_measurable,
            **(
                {"realised": known.effect, "realised_low": known.low, "realised_high": known.high} if known else {}
            ),
            **({"not_known": "  \n".join(said)} if (said := not_known(whole)) else {}),
            "by_month": table([_told(one, currency) for one in rows], _COLUMNS),
            **_drawn(rows, currency),
        }
    )


def _row(one: "Return") -> dict[str, Any]:
    """The return as a row of the store."""
    names = ("recommender", "actions", "measured", "waiting", "not_measurable", "overlapping")
    known = one.realised
    return {
        **{name: getattr(one, name) for name in (*names, "promised", "promised_in_all")},
        "month": date.fromisoformat(f"{one.month}-01"),
        "realised": known.effect if known else None,
        "realised_low": known.low if known else None,
        "realised_high": known.high if known else None,
    }


def _told(one: "Return", currency: str) -> dict[str, Any]:
    known = one.realised
    return {
        "month": one.month,
        "recommender": one.recommender,
        "actions": one.actions,
        "measured": one.measured,
        "waiting": one.waiting,
        "not_measurable": one.not_measurable,
        "promised": amount(one.promised, currency) if known else "",
        "realised": amount(known.effect, currency) if known else "not known",
        "interval_95": f"{known.low:+,.0f} to {known.high:+,.0f}" if known else "",
    }


def _drawn(rows: "list[Return]", currency: str) -> dict[str, Any]:
    """The newest months in which something was measured, as points with their intervals."""
    values = [
        {
            "of": f"{one.month} {one.recommender}",
            "promised": one.promised,
            "realised": one.realised.effect,
            "low": one.realised.low,
            "high": one.realised.high,
        }
        for one in rows
        if one.realised is not None
    ][:_DRAWN]
    if not values:
        return {}
    return {"realised_by_month": chart("action_returns", f"Revenue of 28 days, {currency}".rstrip(", "), values)}
