"""The metrics of the shop as a whole, its data and its stock: how they are, what is forecast, what is an incident.

Each family is an asset that keeps its newest look in the store; ``incidents`` puts the findings of all looks
together, since one cause shows in several families. The statistics are in ``growth_pipelines.monitoring``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from growth_pipelines.defs.ages import DAILY
from growth_pipelines.defs.assets.monitoring import SEARCH, VITALS
from growth_pipelines.defs.assets.published import PUBLISHED
from growth_pipelines.defs.dbt_graph import OWNER
from growth_pipelines.defs.display import change_percent, chart, table
from growth_pipelines.defs.happenings import happenings, marked
from growth_pipelines.defs.machine import Machine

if TYPE_CHECKING:
    import pandas

    from growth_pipelines.monitoring.breaches import Ahead, Arrival
    from growth_pipelines.monitoring.findings import Finding, Found
    from growth_pipelines.monitoring.suspects import Happening
    from growth_pipelines.monitoring.watching import Watched
    from growth_pipelines.store.incidents import IncidentDraft

INCIDENTS = dg.AssetKey("incidents")
CHECK = "no_open_incident"
# Families of the shop's own metrics, and what is said of them.
SHOP_FAMILIES: Mapping[str, str] = {
    "sales": "Net sales, orders and order value by day: lasting changes, and four weeks ahead.",
    "refunds": "Refunds as a share of net sales by day: lasting changes.",
    "traffic": "Sessions and orders per session by day: lasting changes, and four weeks ahead.",
    "search": "Clicks and impressions of the whole shop by day, with click rate and position to name the cause; "
    "the last three days of Search Console are not judged.",
}  # fmt: skip


def watch_key(family: str) -> dg.AssetKey:
    return dg.AssetKey(f"{family}_watch")


# The asset that a family's check sits on.
CHECKED: Mapping[str, dg.AssetKey] = {
    **{family: watch_key(family) for family in (*SHOP_FAMILIES, "data", "stock")},
    "vitals": VITALS,
}
WATCHES = tuple(watch_key(family) for family in (*SHOP_FAMILIES, "data", "stock"))


@dataclass(frozen=True)
class Monitoring:
    """The definitions of this file."""

    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]

    @property
    def keys(self) -> tuple[dg.AssetKey, ...]:
        return (*WATCHES, INCIDENTS)

    @property
    def check_keys(self) -> tuple[dg.AssetCheckKey, ...]:
        return tuple(dg.AssetCheckKey(key, CHECK) for key in CHECKED.values())


def monitoring() -> Monitoring:
    """All of it."""
    shop = [_shop_watch(family, text) for family, text in SHOP_FAMILIES.items()]
    return Monitoring([*shop, data_watch, stock_watch, incidents], [_check(f, key) for f, key in CHECKED.items()])


def _shop_watch(family: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=watch_key(family),
        deps=[PUBLISHED],
        group_name="monitoring",
        kinds={"python", "pandas"},
        owners=[OWNER],
        freshness_policy=DAILY,
        description=description,
    )
    def watched(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
        from growth_pipelines.monitoring.breaches import ahead
        from growth_pipelines.monitoring.metrics import metrics
        from growth_pipelines.monitoring.watching import shop_frame, watch
        from growth_pipelines.warehouse.frames import load_frames

        machine.on_progress(f"{family} metrics", None)
        with machine.warehouse.read() as connection:
            frame = shop_frame(load_frames(connection, ["shop_days"], machine.today)["shop_days"])
        looks = watch(frame, [one for one in metrics() if one.family == family], machine.today)
        forecasts = [ahead(one) for one in looks if one.metric.sum]
        return _looked(machine, family, looks, forecasts)

    return watched


@dg.asset(
    key=watch_key("data"),
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="Rows a day of every stream that has some each day, and when the next data of each are expected: "
    "less than usual, or later than usual, shows here before figures go wrong.",
)
def data_watch(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    import pandas as pd

    from growth_pipelines.ingestion.state import status_rows
    from growth_pipelines.ingestion.windows import naive_utc
    from growth_pipelines.monitoring.breaches import ahead, arrivals, freshness_findings
    from growth_pipelines.monitoring.metrics import volume_of
    from growth_pipelines.monitoring.watching import watch
    from growth_pipelines.warehouse.frames import load_frames

    machine.on_progress("data volume", None)
    with machine.warehouse.read() as connection:
        frames = load_frames(connection, ["stream_days", "stream_runs"], machine.today)
        status = status_rows(connection)
    days = frames["stream_days"].assign(date_day=pd.to_datetime(frames["stream_days"]["date_day"]))
    counts = days.pivot_table(index="date_day", columns="stream", values="found", aggfunc="sum").astype(float)
    looks = watch(_whole(counts, machine.today), [volume_of(str(name)) for name in counts.columns], machine.today)
    expected = arrivals(frames["stream_runs"])
    zone = ZoneInfo(machine.zone)
    late = freshness_findings(expected, _deadlines(status), naive_utc(machine.now), zone)
    shown = [_arrival(one, zone) for one in expected]
    more = {"arrivals": table(shown)} if shown else {}
    return _looked(machine, "data", looks, [ahead(one) for one in looks], late, more)


def _arrival(one: "Arrival", zone: ZoneInfo) -> dict[str, str]:
    """When a stream's data came and come, in the shop's time."""
    moments = {"last": one.last, "next": one.middle, "at_the_latest": one.late}
    local = {name: moment.replace(tzinfo=UTC).astimezone(zone) for name, moment in moments.items()}
    return {"stream": one.stream, **{name: f"{moment:%d %b %H:%M}" for name, moment in local.items()}}


def _whole(counts: Any, today: date) -> Any:
    """Every day from the first on; a day without a row has none, up to yesterday."""
    import pandas as pd

    if not len(counts):
        return counts
    calendar = pd.date_range(counts.index.min(), pd.Timestamp(today) - timedelta(days=1), freq="D")
    whole = counts.reindex(calendar)
    begun = whole.notna().cummax()
    # A source whose newest days are still to come is late, which is not the same as having nothing to bring.
    arrived = whole[::-1].notna().cummax()[::-1]
    return whole.where(~(begun & arrived & whole.isna()), 0.0)


def _deadlines(status: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    from growth_pipelines.ingestion.streams import STREAMS

    return {
        row["stream"]: row["covered_to"] + STREAMS[row["stream"]].objective
        for row in status
        if row["stream"] in STREAMS and row["covered_to"] is not None
    }


@dg.asset(
    key=watch_key("stock"),
    deps=[PUBLISHED],
    group_name="monitoring",
    kinds={"python", "pandas"},
    owners=[OWNER],
    freshness_policy=DAILY,
    description="After how many days each variant is sold out (nine of ten outcomes lie between the first and the "
    "last day), by the same demand that reorders are drafted from; an incident where that is before a delivery.",
)
def stock_watch(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.defs.assets.proposals import recommender_context
    from growth_pipelines.monitoring.breaches import days_until_out, stock_findings
    from growth_pipelines.recommenders.context import MerchPlaybookConfig
    from growth_pipelines.recommenders.stock_outlook import stock_outlook
    from growth_pipelines.warehouse.frames import load_frames

    machine.on_progress("stock", None)
    with machine.warehouse.read() as connection:
        frames = load_frames(connection, ["stock", "variant_days", "days_out", "shop"], machine.today)
    shop = machine.read_shop()
    if not shop or not len(frames["stock"]):
        return _looked(machine, "stock", [], [], more={"runs_out_first": table([], _STOCK_COLUMNS)})
    config = MerchPlaybookConfig.of(machine.settings.recommenders.merch_playbook)
    outlook = stock_outlook(frames, recommender_context(machine, shop), config)
    lead = machine.settings.shop.lead_time_days
    stock = outlook.rows["available"].to_numpy(float)
    days = days_until_out(outlook.demand, stock, machine.today.weekday(), 2 * lead)
    names = outlook.rows["product_title"].str.cat(outlook.rows["variant_title"].fillna(""), sep=" ").str.strip()
    items = outlook.rows.assign(subject=names.str.removesuffix(" Default Title"))
    found = stock_findings(items, days, machine.today, lead, config.min_sale_days)
    shown = _runs_out(items, days, 2 * lead)
    more = {
        "lead_time_days": lead,
        "variants": len(items),
        "runs_out_first": table(shown, _STOCK_COLUMNS),
        **({"days_of_stock": _stock_plot(shown, lead)} if shown else {}),
    }
    return _looked(machine, "stock", [], [], found, more)


_STOCK_COLUMNS = ("variant", "in_stock", "sold_a_day", "earliest_days", "days_left", "latest_days")
# As many as are read from a plot.
_STOCK_DRAWN = 15


def _runs_out(items: "pandas.DataFrame", days: Any, horizon: int) -> list[dict[str, Any]]:
    """What is counted, in stock and likely sold out within ``horizon`` days, the first first."""
    rows = items.assign(early=days[:, 0], middle=days[:, 1], late=days[:, 2])
    short = rows[rows["is_counted"] & (rows["available"] > 0) & (rows["middle"] <= horizon)]
    return [
        {
            "variant": row["subject"],
            "in_stock": int(row["available"]),
            "sold_a_day": round(float(row["daily"]), 2),
            "earliest_days": int(row["early"]),
            "days_left": int(row["middle"]),
            # Whatever is later than the days looked at is only known to be later.
            "latest_days": int(row["late"]) if row["late"] <= horizon else None,
        }
        for row in short.sort_values(["middle", "early", "subject"], kind="stable").head(25).to_dict("records")
    ]


def _stock_plot(rows: Sequence[Mapping[str, Any]], lead: int) -> dg.MetadataValue:
    """The days that are left of each, with nine outcomes in ten, beside those that a delivery takes."""
    values = [{**row, "latest_days": row["latest_days"] or 2 * lead, "delivery": lead} for row in rows]
    return chart("days_of_stock", "Days until sold out", values[:_STOCK_DRAWN])


def _looked(
    machine: Machine,
    family: str,
    looks: "Sequence[Watched]",
    forecasts: "Sequence[Ahead]",
    more_found: "Sequence[Finding]" = (),
    more: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult:
    """Keep the look, and show it."""
    from growth_pipelines.monitoring.findings import as_document
    from growth_pipelines.store.looks import keep_look

    maybe = [*(one.finding for one in looks), *(one.finding for one in forecasts), *more_found]
    found = [one for one in maybe if one is not None]
    ahead = {one.metric.name: one for one in forecasts}
    watched = [_document(one, ahead.get(one.metric.name)) for one in looks]
    with machine.store.session() as session:
        keep_look(session, family, watched, [as_document(one) for one in found], machine.now)
    rows = [_row(one) for one in watched]
    return dg.MaterializeResult(
        metadata={
            "findings": len(found),
            **({"plot": _plot(machine, family, watched)} if watched else {}),
            **({} if family == "stock" else {"metrics": table(rows, _METRIC_COLUMNS)}),
            **({"found": table([_found_row(one) for one in found])} if found else {}),
            **(more or {}),
        }
    )


def _document(one: "Watched", ahead: "Ahead | None") -> dict[str, Any]:
    """A metric at a look as pages show it."""
    from growth_pipelines.monitoring.breaches import ahead_of
    from growth_pipelines.monitoring.watching import series_of

    metric = one.metric
    return {
        "name": metric.name,
        "label": f"{metric.label}, {metric.subject}" if metric.subject else metric.label,
        "unit": metric.unit,
        "state": one.state,
        "note": one.note,
        "level": None if one.level != one.level else one.level,
        "since": one.since.isoformat() if one.since else None,
        "series": series_of(one.days, one.values),
        "ahead": ahead_of(ahead.days, ahead.mean, ahead.low, ahead.high) if ahead else [],
        "floor": None if ahead is None or ahead.floor != ahead.floor else ahead.floor,
        "ahead_note": ahead.note if ahead else "",
    }


_METRIC_COLUMNS = ("metric", "state", "since", "level", "next_28_days", "note")


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "metric": one["label"],
        "state": one["state"],
        "since": one["since"] or "",
        "level": round(one["level"], 4) if one["level"] is not None else None,
        "next_28_days": round(sum(row[1] for row in one["ahead"][-28:]), 1) if one["ahead"] else None,
        "note": one["note"] or one["ahead_note"],
    }


def _found_row(one: "Finding") -> dict[str, Any]:
    return {
        "metric": one.metric,
        "of": one.subject or "shop",
        "since": str(one.expected_on or one.since),
        "change_percent": change_percent(one.size),
        "cause": one.cause,
        "severity": one.severity,
    }


def _plot(machine: Machine, family: str, watched: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    values: list[dict[str, Any]] = []
    for one in watched:
        measure = one["label"]
        values += [{"measure": measure, "day": day, "value": value} for day, value in one["series"]]
        values += [
            {"measure": measure, "day": day, "mean": mean, "low": low, "high": high}
            for day, mean, low, high in one["ahead"]
        ]
    return chart("watched", f"{family}: what was, and what is expected", marked(machine, values))


@dg.asset(
    key=INCIDENTS,
    deps=[*WATCHES, SEARCH, VITALS],
    group_name="monitoring",
    kinds={"python"},
    owners=[OWNER],
    description="What is worse, or about to be: findings of all families that began together and share a cause "
    "are one incident, opened, escalated and closed by looks alone. Known events are named; an operator can "
    "silence one.",
)
def incidents(machine: dg.ResourceParam[Machine]) -> dg.MaterializeResult:
    from growth_pipelines.monitoring.findings import finding_of, merged
    from growth_pipelines.store.incidents import open_incidents, record_look
    from growth_pipelines.store.looks import newest_looks

    machine.on_progress("incidents", None)
    with machine.store.session() as session:
        found = [finding_of(one) for look in newest_looks(session).values() for one in look.findings]
        done = happenings(session, machine.today, machine.zone)
        drafts = [draft_of(one, done, machine.today) for one in merged(found)]
        change = record_look(session, drafts, machine.now)
        rows = [
            {
                "number": row.id,
                "incident": row.title,
                "severity": row.severity,
                "state": row.state,
                "suspects": ", ".join(one["title"] for one in row.suspects),
            }
            for row in open_incidents(session)
        ]
    return dg.MaterializeResult(
        metadata={
            "open": len(rows),
            "opened": len(change.opened),
            "escalated": len(change.escalated),
            "closed": len(change.closed),
            "incidents": table(rows, ("number", "incident", "severity", "state", "suspects")),
        }
    )


def draft_of(found: "Found", done: "Sequence[Happening]", today: date) -> "IncidentDraft":
    """An incident as the store keeps it, with its suspects."""
    from growth_pipelines.monitoring.findings import as_document
    from growth_pipelines.monitoring.suspects import explanation_of, suspects_of
    from growth_pipelines.monitoring.wording import title_of
    from growth_pipelines.store.incidents import IncidentDraft

    lead = found.lead
    suspects = suspects_of(found, done) if lead.expected_on is None else []
    return IncidentDraft(
        title=title_of(found),
        family=lead.family,
        metric=lead.metric,
        level=found.level,
        subject=found.subject,
        direction=lead.direction,
        cause=lead.cause,
        severity=found.severity,
        since=lead.since,
        since_first=lead.first,
        since_last=lead.last,
        size=lead.size,
        low=lead.low,
        high=lead.high,
        expected_on=lead.expected_on,
        findings=[as_document(one) for one in found.findings],
        suspects=[
            {"kind": one.kind, "title": one.title, "day": one.starts_on.isoformat(), "ref": one.ref}
            for one in suspects
        ],
        explained_by=explanation_of(found, suspects, today),
    )


def _check(family: str, key: dg.AssetKey) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key,
        name=CHECK,
        additional_deps=[INCIDENTS],
        description=f"Amber while an incident of {family} is open that nobody silenced and no event explains.",
    )
    def no_open_incident(machine: dg.ResourceParam[Machine]) -> dg.AssetCheckResult:
        from growth_pipelines.store.incidents import families_of, loud_incidents

        with machine.store.read() as session:
            rows = families_of(loud_incidents(session, machine.now)).get(family, [])
        return dg.AssetCheckResult(
            passed=not rows,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"open": len(rows), **{f"incident {row.id}": row.title for row in rows[:10]}},
        )

    return no_open_incident
