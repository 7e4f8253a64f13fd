"""Templates and what they may use: filters in the shop's zone and currency, labels, versioned assets."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from growth_pipelines.console import figures
from growth_pipelines.console.labels import humane, label

HERE = Path(__file__).parent
STATIC = HERE / "static"


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep what they have."""
    content = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={content}"


@pass_context
def _money(context: Context, amount: float) -> str:
    return figures.money(amount, context["shop"].currency)


@pass_context
def _moment(context: Context, instant: datetime) -> str:
    return figures.moment(instant, _zone(context))


@pass_context
def _ago(context: Context, instant: datetime) -> str:
    return figures.ago(instant, context["now"])


@pass_context
def _time_left(context: Context, until: datetime) -> str:
    return figures.time_left(until, context["now"])


@pass_context
def _answer_by(context: Context, due: datetime) -> str:
    return figures.answer_by(due, context["now"])


@pass_context
def _weekday(context: Context, instant: datetime) -> str:
    local = instant.astimezone(_zone(context))
    return f"{local:%A} {local.day} {local:%B}"


def _zone(context: Context) -> ZoneInfo:
    return figures.zone_of(context["shop"].timezone)


def _short_day(value: date) -> str:
    return f"{value.day} {value:%b}"


def _path(url: str) -> str:
    return urlsplit(url).path or "/"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template environment: escaping on, unknown names are errors. It knows no machine: all consoles of a
    process share one, and each template is compiled once."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "money": _money,
        "moment": _moment,
        "ago": _ago,
        "time_left": _time_left,
        "answer_by": _answer_by,
        "span": figures.span,
        "weekday": _weekday,
        "short_day": _short_day,
        "month_name": lambda month: f"{date.fromisoformat(month + '-01'):%B %Y}",
        "chance": figures.chance,
        "percent": figures.percent,
        "change": figures.change,
        "figure": figures.number,
        "signed": figures.signed,
        "path": _path,
        "on_site": lambda url, page: urljoin(page, url),
        "first_capital": lambda text: text[:1].upper() + text[1:],
        "humane": humane,
        "execution_label": lambda name: label("executions", name),
        "tier_label": lambda name: label("tiers", name),
        "kind_label": lambda name: label("kinds", name),
        "metric_label": lambda name: label("metrics", name),
        "outcome_metric": lambda name: label("outcome_metrics", name),
        "outcome_words": lambda name: label("outcome_classes", name),
        "experiment_reads": lambda name: label("experiment_reads", name),
        "experiment_look": lambda name: label("experiment_looks", name),
        "experiment_unit": lambda name: label("experiment_units", name),
        "experiment_metric": lambda name: label("experiment_metrics", name),
        "event_label": lambda name: label("events", name),
        "field_label": lambda name: label("fields", name),
        "ending_label": lambda name: label("endings", name),
        "chat_label": lambda name: label("chats", name),
        "program_label": lambda name: label("programs", name),
        "tab_label": lambda name: label("tabs", name),
        "fate_label": lambda name: label("fates", name),
        "bulk_done_label": lambda name: label("bulk_done", name),
        "reason_label": lambda name: label("reasons", name),
        "how_label": lambda name: label("how", name),
        "channel_label": lambda name: label("channels", name),
    }
    templates.filters.update(filters)
    templates.globals.update(asset=asset, icon=templates.get_template("icon.html").module)
    return templates
