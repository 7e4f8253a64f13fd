"""The one typed settings tree: defaults < ``growth.yaml`` < ``GROWTH_…`` variables.

``growth.yaml`` is read in ``$GROWTH_HOME`` first, then in the working folder. An unknown key, a value
of the wrong type or an unresolved ``${VAR}`` stops the start with the key's full name. Every key is
read somewhere; ``growth settings`` prints each with its value, source and meaning.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from growth_pipelines.clock import Clock, clock_at
from growth_pipelines.errors import SettingsError

PREFIX = "GROWTH_"


def _split(value: Any) -> Any:
    """A comma-separated text (the form a variable can hold) as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _time_of_day(value: Any) -> Any:
    """``8:00`` and ``08:00`` as a time; YAML reads 21:00 as the number of minutes that it is."""
    if isinstance(value, int):
        return time(*divmod(value, 60)) if 0 <= value < 24 * 60 else value
    return f"0{value}" if isinstance(value, str) and re.fullmatch(r"\d:\d\d", value) else value


def _zone(name: str) -> str:
    """``name`` if it is empty or an IANA zone."""
    try:
        return ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone, such as America/Denver") from error


def _network(text: str) -> str:
    """``text`` if it is an address or a network in CIDR notation."""
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8") from error


PersonalField = Literal["email", "phone", "name", "address"]
Words = Annotated[list[str], BeforeValidator(_split)]
ChatIds = Annotated[list[int], BeforeValidator(_split)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], BeforeValidator(_split)]
Mode = Literal["observe", "propose", "live"]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShopSettings(_Group):
    domain: str = Field("", description="the shop's myshopify or primary domain; read from the shop when empty")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "", description="IANA zone of the shop's days; read from the shop when empty"
    )
    currency: str = Field("", description="ISO 4217 code; read from the shop when empty")
    brand_terms: Words = Field(
        default_factory=list,
        description="words that make a query a brand query; default: shop name and domain words",
    )
    locales: Words = Field(default_factory=list, description="languages; default: the shop's primary")
    lead_time_days: int = Field(14, ge=1, le=180, description="days from ordering goods to having them")


class ActionSettings(_Group):
    mode: Mode = Field("propose", description="observe, propose (dry run only) or live")
    expire_days: int = Field(7, ge=1, description="a pending action expires after this many days")
    execute_within_days: int = Field(7, ge=1, description="an approved action expires when not executed by then")
    defer_days_max: int = Field(60, ge=1, description="deferring reaches at most this many days ahead")
    title_change_days: int = Field(14, ge=0, description="at most one title change a page in this many days")
    min_confidence: float = Field(0.5, ge=0, le=1, description="drafts under this confidence are refused")
    min_confidence_seo: float = Field(0.6, ge=0, le=1, description="the same, for SEO drafts")
    automatic_days: int = Field(
        14, ge=1, le=366, description="auto-approval that is on for a time is so for at most this many days"
    )
    attempts: int = Field(3, ge=1, description="tries on transient errors before an action fails")
    deadline_seconds: float = Field(
        60, gt=0, description="how long one write or read of the shop is tried before giving up"
    )
    top: int = Field(10, ge=1, description="how many actions the queue shows")

    @property
    def automatic_longest(self) -> timedelta:
        """How long auto-approval may be switched on for a time."""
        return timedelta(days=self.automatic_days)


class ShopifySettings(_Group):
    base_url: str = Field("", description="replaces https://{domain}; GraphQL is at {base}/admin/api/{version}")
    access_token: SecretStr = Field(SecretStr(""), description="static Admin API token")
    client_id: str = Field("", description="client-credentials grant: id")
    client_secret: SecretStr = Field(SecretStr(""), description="client-credentials grant: secret")
    api_version: str = Field("2026-10", pattern=r"^\d{4}-\d{2}$", description="pinned Admin API version")
    overlap_minutes: int = Field(60, ge=0, description="each window re-reads this much before the cursor")
    bulk_from_orders: int = Field(
        1000, ge=0, description="more orders than this are read by bulk operations, a month each"
    )
    bulk_at_once: int = Field(4, ge=1, le=5, description="bulk operations of a backfill that run side by side")
    bulk_stuck_seconds: float = Field(
        600, gt=0, description="a bulk operation that counts no further object for this long is cancelled"
    )
    sweep_days: int = Field(
        7, ge=1, description="every so many days the whole catalogue is read again, to find what was missed"
    )


class SearchConsoleSettings(_Group):
    base_url: str = Field("https://searchconsole.googleapis.com", description="Search Console's host")
    site_url: str = Field("", description="the property, e.g. sc-domain:example.com; default: https://{domain}/")
    credentials_file: str = Field("", description="service account key file")
    access_token: SecretStr = Field(SecretStr(""), description="static OAuth token instead of a key file")
    overlap_days: int = Field(7, ge=0, description="days before the cursor that are read again")
    delay_days: int = Field(3, ge=0, description="final data are this many days late")
    history_days: int = Field(480, ge=28, description="how far back the first load reads (16 months are kept)")
    per_minute: int = Field(1200, ge=1, description="calls in any minute (Google's rate for a property)")
    load_quota_pause_seconds: float = Field(
        900, gt=0, description="how long nothing is asked after Search Console's load quota is used up"
    )


class WebVitalsSettings(_Group):
    crux_base_url: str = Field("https://chromeuxreport.googleapis.com", description="CrUX API host")
    psi_base_url: str = Field("https://pagespeedonline.googleapis.com", description="PageSpeed Insights host")
    api_key: SecretStr = Field(SecretStr(""), description="Google API key for both")
    crux_pages: int = Field(300, ge=0, description="pages that CrUX is asked about, most visited first")
    psi_pages: int = Field(
        20, ge=0, description="pages that a day's lab runs cover at most, worst field data first"
    )
    beacons: bool = Field(False, description="whether the console takes Core Web Vitals from visitors' browsers")
    beacon_hosts: Words = Field(
        default_factory=list,
        description="hosts whose pages may send beacons; default: the shop's primary host and its domain",
    )
    beacon_spool_mb: int = Field(
        256, ge=1, description="beacons that wait to be ingested take at most this much disk, in MB"
    )
    crux_per_minute: int = Field(150, ge=1, description="CrUX calls in any minute (Google's rate)")
    psi_per_minute: int = Field(240, ge=1, description="PageSpeed Insights calls in any minute (Google's rate)")
    psi_per_day: int = Field(
        25_000, ge=1, description="PageSpeed Insights calls in a Pacific day (Google's quota)"
    )


class ExperimentSettings(_Group):
    visitors: bool = Field(
        False,
        description="whether the console tells visitors' browsers their arms and takes what they saw and did",
    )
    keep_days: int = Field(
        30,
        ge=1,
        description="what single visitors and customers did is deleted so many days after the decision",
    )
    spool_mb: int = Field(
        64, ge=1, description="visits that wait for the next build take at most this disk, in MB"
    )


class IngestionSettings(_Group):
    history_days: int = Field(760, ge=1, description="how far back the first load of orders reads")
    deadline_seconds: float = Field(900, gt=0, description="one window's time budget, retries included")


class WarehouseSettings(_Group):
    lock_seconds: float = Field(900, ge=0, description="how long a writer waits for the one before it")
    threads: int = Field(0, ge=0, description="threads of DuckDB; 0 = one a core")
    memory_limit: str = Field(
        "", description="memory of DuckDB, e.g. 2GB; beyond it work goes to disk; default: half of the machine"
    )
    models_at_once: int = Field(
        0, ge=0, description="models that dbt builds side by side; 0 = one on DuckDB, else one a core"
    )
    incremental: Literal["auto", "off"] = Field(
        "auto", description="large date facts: only changed days where that is faster, or always everything"
    )
    lifetime_value_days: int = Field(365, ge=1, description="how many days ahead customers are valued")
    spark_remote: SecretStr = Field(
        SecretStr(""),
        description="sc://host:port of a Spark Connect server that builds the models (docs/scaling.md)",
    )
    spark_folder: str = Field(
        "", description="folder or URI that this machine and Spark know by the same name, for tables as Parquet"
    )
    spark_stay: Words = Field(
        default_factory=list,
        description="marts that stay on Spark and are empty here, e.g. fct_order_lines; default: all come here",
    )


class SeoCtrSettings(_Group):
    ctr_ratio: float = Field(0.7, gt=0, description="trigger: CTR under this share of the expected CTR")
    min_impressions: int = Field(500, ge=1, description="impressions needed in each window used")
    max_position_change: float = Field(0.5, gt=0, description="larger position changes are not CTR problems")
    fdr: float = Field(0.05, gt=0, lt=1, description="false-discovery rate over pages")
    max_drafts: int = Field(200, ge=1, description="texts written a run, for the gaps worth most")
    weekly_cap: int = Field(10, ge=0, description="new actions a week; 0 = no cap")


class CwvRepairSettings(_Group):
    min_sessions: int = Field(30, ge=1, description="fewer sessions in 28 days are low signal")
    fdr: float = Field(0.05, gt=0, lt=1, description="false-discovery rate over pages, devices and metrics")
    phone_share: float = Field(
        0.65, ge=0, le=1, description="share of sessions on phones, where only one kind of device is affected"
    )
    weekly_cap: int = Field(10, ge=0, description="new actions a week; 0 = no cap")


class MetaobjectGenSettings(_Group):
    faq_price: float = Field(200, ge=0, description="products above this price need answers (shop's currency)")
    specification_variants: int = Field(3, ge=1, description="products with more variants need specifications")
    faq_lift: float = Field(0.03, gt=0, description="expected relative gain in conversion by answers")
    specification_lift: float = Field(0.02, gt=0, description="expected relative gain by specifications")
    how_to_lift: float = Field(0.01, gt=0, description="expected relative gain by a how-to")
    min_topic_impressions: int = Field(500, ge=1, description="impressions in 28 days that a topic needs")
    served_to_position: float = Field(10, ge=1, description="a topic answered up to here needs no page")
    goal_position: float = Field(8, ge=1, description="position that a new page is expected to reach")
    preview_days: int = Field(7, ge=0, description="days that a page stays a preview before it is published")
    max_drafts: int = Field(200, ge=1, description="products and topics written for in one run")
    weekly_cap: int = Field(10, ge=0, description="new actions a week; 0 = no cap")


class GuidedSellingSettings(_Group):
    min_confidence: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="share of the orders with A that hold B too, exceeded before B is shown with A",
    )
    min_orders_both: int = Field(10, ge=0, description="orders with both products, exceeded before a rule is made")
    min_lift: float = Field(1.2, ge=1, description="how much likelier B is in orders with A, at least")
    fdr: float = Field(0.05, gt=0, lt=1, description="false-discovery rate over all pairs of products tested")
    sold_as_one: float = Field(
        0.9, gt=0, le=1, description="products in each other's orders this often are one set, not a rule"
    )
    max_companions: int = Field(4, ge=1, le=10, description="products shown with one product, at most")
    min_cover_days: int = Field(7, ge=0, description="days that the stock of B has to last at its present pace")
    min_margin: float = Field(0.1, lt=1, description="products of a smaller known margin are not offered")
    assumed_margin: float = Field(0.3, gt=0, le=1, description="margin where the shop knows no product's cost")
    attach_lift: float = Field(
        0.05, gt=0, description="expected relative gain in orders of B among orders of A, once B is shown"
    )
    attach_lift_low: float = Field(0.005, ge=0, description="lower end of its 90 % interval")
    attach_lift_high: float = Field(0.15, gt=0, description="upper end of its 90 % interval")
    min_question_impressions: int = Field(200, ge=1, description="impressions in 28 days that questions need")
    answered_to_position: float = Field(10, ge=1, description="a page up to here may answer a question")
    answered_ctr_ratio: float = Field(
        0.5, gt=0, lt=1, description="a page there that wins less of its expected clicks does not answer it"
    )
    goal_position: float = Field(8, ge=1, description="position that a new answer is expected to reach")
    question_value: float = Field(
        0.3, gt=0, le=1, description="what a visit by a question is worth, as a share of the shop's usual one"
    )
    max_alternatives: int = Field(3, ge=1, le=10, description="better products shown beside one, at most")
    upsell_from: float = Field(0.1, gt=0, description="a better product costs so much more, at least")
    upsell_to: float = Field(0.6, gt=0, description="a better product costs so much more, at most")
    upsell_gain: float = Field(0.1, ge=0, description="a better product earns so much more, at least")
    upsell_visits: int = Field(300, ge=1, description="visits in 84 days that both products' pages need")
    upsell_orders: int = Field(10, ge=1, description="orders in 84 days that both products need")
    upsell_chance: float = Field(
        0.9, ge=0.5, lt=1, description="how sure it must be that the better one sells as readily per visit"
    )
    upsell_grades: Words = Field(
        default_factory=list, description="words of finish and grade in titles, besides the usual ones"
    )
    trade_up: float = Field(
        0.02, gt=0, lt=1, description="expected share of a product's orders that take a better one shown beside it"
    )
    trade_up_low: float = Field(0.002, ge=0, description="lower end of its 90 % interval")
    trade_up_high: float = Field(0.08, gt=0, description="upper end of its 90 % interval")
    kit_parts: int = Field(5, ge=3, le=10, description="products in a kit, at most; three at least")
    kit_orders: int = Field(10, ge=0, description="buyers and orders that each pair of a kit exceeds")
    kit_lift: float = Field(
        2, ge=1, description="each pair is bought together so many times as often as by chance"
    )
    kit_confidence: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="share of the orders with the rarer of each pair that hold the other, exceeded",
    )
    kit_reverse: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="the same of the more frequent one's orders: what goes with everything is no part",
    )
    kit_stock: int = Field(5, ge=1, description="kits that can be sold now, at least")
    kit_margin: float = Field(
        0.2, ge=0, lt=1, description="margin that each part of a kit has, where costs are known"
    )
    kit_taken: float = Field(0.03, gt=0, lt=1, description="expected share of a part's orders that take the kit")
    kit_taken_low: float = Field(0.005, ge=0, description="lower end of its 90 % interval")
    kit_taken_high: float = Field(0.1, gt=0, description="upper end of its 90 % interval")
    max_drafts: int = Field(200, ge=1, description="drafts of each kind in one run")
    weekly_cap: int = Field(10, ge=0, description="new actions a week; 0 = no cap")


class MerchPlaybookSettings(_Group):
    service_level: float = Field(0.95, gt=0.5, lt=1, description="share of deliveries that stock should last to")
    cover_days: int = Field(28, ge=1, le=365, description="days that an order should last beyond its delivery")
    critical_days: float = Field(3, gt=0, description="stock for fewer days is critical")
    high_days: float = Field(7, gt=0, description="stock for fewer days is of high urgency")
    medium_days: float = Field(14, gt=0, description="stock for fewer days is of medium urgency; above, no action")
    min_sale_days: int = Field(3, ge=1, description="days with a sale, of the last 84, that a forecast needs")
    order_ratio: float = Field(
        1.2, gt=1, description="last products convert so much better than the first: reorder"
    )
    order_chance: float = Field(0.9, ge=0.5, lt=1, description="how sure that must be")
    slow_units: int = Field(10, ge=0, description="unsold products with more in stock are slow movers")
    slow_cover_days: int = Field(365, ge=28, description="days after which slow movers would still be in stock")
    slow_chance: float = Field(0.9, ge=0.5, lt=1, description="how sure that must be")
    margin_floor: float = Field(0.2, ge=0, lt=1, description="margin that no proposed price goes below")
    feature_ratio: float = Field(1.5, gt=1, description="products that convert so much better are to be featured")
    pulse_rest_days: int = Field(7, ge=1, description="days between two messages that an item is back in stock")
    bundle_confidence: float = Field(
        0.3, gt=0, lt=1, description="share of orders with one part that hold the other"
    )
    bundle_orders: int = Field(10, ge=1, description="bundles need more orders than this with both parts")
    bundle_lift: float = Field(
        2, gt=1, description="bundles are bought together so many times as often as by chance"
    )
    max_drafts: int = Field(200, ge=1, description="actions of one kind drafted in one run, worth most first")
    weekly_cap: int = Field(10, ge=0, description="new actions a week; 0 = no cap")


class RecommenderSettings(_Group):
    seo_ctr: SeoCtrSettings = Field(default_factory=lambda: SeoCtrSettings())
    cwv_repair: CwvRepairSettings = Field(default_factory=lambda: CwvRepairSettings())
    metaobject_gen: MetaobjectGenSettings = Field(default_factory=lambda: MetaobjectGenSettings())
    guided_selling: GuidedSellingSettings = Field(default_factory=lambda: GuidedSellingSettings())
    merch_playbook: MerchPlaybookSettings = Field(default_factory=lambda: MerchPlaybookSettings())


class ContentSettings(_Group):
    provider: Literal["none", "openai", "anthropic"] = Field(
        "none", description="language model that may reword templates; openai: any server that speaks its protocol"
    )
    base_url: str = Field("", description="host of the language model; default: the provider's")
    model: str = Field("", description="name of the language model")
    api_key: SecretStr = Field(SecretStr(""), description="key of the language model")
    timeout_seconds: float = Field(20, gt=0, description="how long one answer may take")


class ConsoleSettings(_Group):
    host: str = Field("127.0.0.1", description="address the console listens on")
    port: int = Field(8800, ge=0, le=65535, description="port of the console")
    session_hours: int = Field(12, ge=1, description="a console session ends after this many hours")
    session_idle_minutes: int = Field(
        120, ge=5, description="a console session ends after this many minutes without a request"
    )
    proof_minutes: int = Field(
        15,
        ge=1,
        le=24 * 60,
        description="approving what is of high risk, and changing policies or operators, asks who it is when the "
        "last log-in is longer ago than this many minutes",
    )
    allowed_hosts: Words = Field(
        default_factory=list, description="names besides loopback that the console answers to, e.g. behind a proxy"
    )
    trusted_proxies: Networks = Field(
        default_factory=list,
        description="addresses (CIDR) of reverse proxies whose X-Forwarded-… headers are believed; default: none",
    )
    proxy_user_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]*$",
        description="header in which a trusted proxy names who it has signed in, e.g. X-Forwarded-User",
    )
    logins_per_minute: int = Field(30, ge=1, description="log-ins that one client may try in a minute")
    changes_per_minute: int = Field(
        240, ge=1, description="decisions and other changes in a minute, of a session or token"
    )
    api_per_minute: int = Field(1200, ge=1, description="requests to /api in a minute, of a session or token")

    @model_validator(mode="after")
    def _names_come_from_somewhere(self) -> Self:
        if self.proxy_user_header and not self.trusted_proxies:
            raise ValueError("proxy_user_header needs trusted_proxies: the addresses that may name a user")
        return self

    @property
    def proof_lasts(self) -> timedelta:
        """How long a proof of who somebody is counts for what weighs most."""
        return timedelta(minutes=self.proof_minutes)

    @property
    def reached_at(self) -> str:
        """The host for addresses that people open: one that answers, also when it listens on every interface."""
        if self.host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not listened on
            return self.allowed_hosts[0] if self.allowed_hosts else "127.0.0.1"
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def url(self) -> str:
        """Where the console listens, as an address."""
        return f"http://{self.reached_at}:{self.port}"


class TelegramSettings(_Group):
    base_url: str = Field("https://api.telegram.org", description="Telegram's Bot API")
    bot_token: SecretStr = Field(SecretStr(""), description="the bot's token from BotFather; no token, no bot")
    allowed_chats: ChatIds = Field(
        default_factory=list, description="ids of the chats that the bot hears and writes to; none: no chat"
    )
    mode: Literal["polling", "webhook"] = Field("polling", description="ask Telegram for messages, or be called")
    webhook_url: str = Field("", description="https address that Telegram calls in webhook mode")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="what Telegram's calls must carry, 1-256 of A-Z, a-z, 0-9, _ and -"
    )
    webhook_port: int = Field(8810, ge=1, le=65535, description="loopback port of the webhook, behind your proxy")
    quiet_from: TimeOfDay = Field(time(21), description="from then on (shop time) only critical requests are loud")
    quiet_until: TimeOfDay = Field(time(8), description="until then; the same time as quiet_from: never quiet")
    digest_at: TimeOfDay = Field(time(8), description="when the daily digest is sent, shop time")
    console_url: str = Field("", description="the console's address in links; default: where it listens")

    @property
    def on(self) -> bool:
        """Whether there is a bot at all."""
        return bool(self.bot_token.get_secret_value())


class SmtpSettings(_Group):
    host: str = Field("", description="mail server of the digest; no host, no mail")
    port: int = Field(587, ge=1, le=65535, description="its port; 465 speaks TLS from the first byte")
    username: str = Field("", description="log-in at the mail server; default: none")
    password: SecretStr = Field(SecretStr(""), description="password of that log-in")
    starttls: bool = Field(True, description="whether the connection must be encrypted before anything is said")
    sender: str = Field("", description="the address that mail comes from")
    recipients: Words = Field(default_factory=list, description="who gets the digest and what is told at once")

    @property
    def on(self) -> bool:
        """Whether mail is sent at all."""
        return bool(self.host)


class DagsterSettings(_Group):
    port: int = Field(
        3000,
        ge=0,
        le=65535,
        description="loopback port that only redirects to the console's /dagster, until the next release; 0: none",
    )


class PrivacySettings(_Group):
    pseudonym_key: SecretStr = Field(
        SecretStr(""),
        description="key of the customer pseudonyms; default: made once in $GROWTH_HOME/secrets",
    )
    personal_fields: Annotated[list[PersonalField], BeforeValidator(_split)] = Field(
        default_factory=list,
        description="personal data of customers to read in the clear: email, phone, name, address; default: none",
    )


class Settings(_Group):
    """The whole tree. Build it with :func:`load_settings`; tests may construct it directly."""

    home: Path = Field(Path("data/home"), description="folder for data, databases, logs and snapshots")
    database_url: SecretStr = Field(
        SecretStr(""), description="postgresql://… for warehouse, store and Dagster; unset: DuckDB + SQLite"
    )
    now: datetime | None = Field(None, description="fixed clock for tests and replays (ISO 8601)")
    operator: str = Field("", description="who the command line acts as")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="what reaches stderr")
    shop: ShopSettings = Field(default_factory=lambda: ShopSettings())
    actions: ActionSettings = Field(default_factory=lambda: ActionSettings())
    shopify: ShopifySettings = Field(default_factory=lambda: ShopifySettings())
    search_console: SearchConsoleSettings = Field(default_factory=lambda: SearchConsoleSettings())
    web_vitals: WebVitalsSettings = Field(default_factory=lambda: WebVitalsSettings())
    experiments: ExperimentSettings = Field(default_factory=lambda: ExperimentSettings())
    ingestion: IngestionSettings = Field(default_factory=lambda: IngestionSettings())
    warehouse: WarehouseSettings = Field(default_factory=lambda: WarehouseSettings())
    recommenders: RecommenderSettings = Field(default_factory=lambda: RecommenderSettings())
    content: ContentSettings = Field(default_factory=lambda: ContentSettings())
    console: ConsoleSettings = Field(default_factory=lambda: ConsoleSettings())
    dagster: DagsterSettings = Field(default_factory=lambda: DagsterSettings())
    telegram: TelegramSettings = Field(default_factory=lambda: TelegramSettings())
    smtp: SmtpSettings = Field(default_factory=lambda: SmtpSettings())
    privacy: PrivacySettings = Field(default_factory=lambda: PrivacySettings())

    @property
    def clock(self) -> Clock:
        return clock_at(self.now)

    @property
    def shop_file(self) -> Path:
        """Where is kept what the shop last said of itself, for those who can't wait for the warehouse."""
        return self.home / "shop.json"

    @property
    def console_url(self) -> str:
        """Where people reach the console, for links: as set for messages, else where it listens."""
        return self.telegram.console_url.rstrip("/") or self.console.url

    @property
    def zone(self) -> str:
        """The IANA zone of the shop's days: as set, else what the shop said when it was last read, else UTC."""
        try:
            return self.shop.timezone or _zone(self._said("timezone")) or "UTC"
        except ValueError:
            return "UTC"

    @property
    def currency(self) -> str:
        """The shop's ISO 4217 code: as set, else what the shop said when it was last read, else empty."""
        return self.shop.currency or self._said("currency")

    @property
    def primary_host(self) -> str:
        """The host of the online store as the shop last said it, lower case, else empty."""
        try:
            return (urlsplit(self._said("primary_url")).hostname or "").lower()
        except ValueError:
            return ""

    def _said(self, name: str) -> str:
        try:
            return str(json.loads(self.shop_file.read_text(encoding="utf-8")).get(name) or "")
        except (OSError, ValueError):
            return ""

    @property
    def postgres_url(self) -> str:
        """The PostgreSQL URL as given, or an empty text when DuckDB and SQLite are in use."""
        return self.database_url.get_secret_value()

    @property
    def engine(self) -> Literal["duckdb", "postgres"]:
        """What keeps the raw tables and the marts that are read."""
        return "postgres" if self.postgres_url else "duckdb"

    @property
    def model_engine(self) -> Literal["duckdb", "postgres", "spark"]:
        """What the models run on."""
        return "spark" if self.warehouse.spark_remote.get_secret_value() else self.engine

    @property
    def shopify_base_url(self) -> str:
        if self.shopify.base_url:
            return self.shopify.base_url.rstrip("/")
        if not self.shop.domain:
            raise SettingsError(
                "No shop is configured: GROWTH_SHOP__DOMAIN is not set.",
                "Set it to your shop's domain, e.g. GROWTH_SHOP__DOMAIN=example.myshopify.com.",
            )
        return f"https://{self.shop.domain}"


def flat_keys(
    group: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every leaf of the tree as (path, pydantic field)."""
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from flat_keys(field.annotation, (*path, name))
        else:
            yield (*path, name), field


def variable_name(path: tuple[str, ...]) -> str:
    """The environment variable of a key: ("shop", "domain") → GROWTH_SHOP__DOMAIN."""
    return PREFIX + "__".join(path).upper()


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {variable_name(path): path for path, _ in flat_keys()}
    tree: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or value == "":
            continue
        if name not in known:
            raise SettingsError(f"Unknown setting {name}.", "See `growth settings` for every key; unset this one.")
        node = tree
        *groups, leaf = known[name]
        for group in groups:
            node = node.setdefault(group, {})
        node[leaf] = value
    return tree


def _resolve(value: Any, environ: Mapping[str, str], path: str, source: Path) -> Any:
    if isinstance(value, dict):
        return {k: _resolve(v, environ, f"{path}.{k}".lstrip("."), source) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, environ, path, source) for v in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise SettingsError(
                f"{path} in {source} refers to ${{{match[1]}}}, which is not set.",
                f"Set {match[1]} or remove it.",
            )
        return environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", replace, value)


def _from_yaml(home: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    for source in (home / "growth.yaml", Path("growth.yaml")):
        if not source.exists():
            continue
        try:
            tree = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{source} is not readable YAML: {str(error).splitlines()[0]}.", "Mend the file."
            ) from error
        if not isinstance(tree, dict):
            raise SettingsError(f"{source} must hold keys and values.", "See `growth settings` for every key.")
        resolved: dict[str, Any] = _resolve(tree, environ, "", source)
        return resolved
    return {}


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _merge(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the tree from ``growth.yaml`` and the environment. Raises SettingsError naming the key."""
    environ = os.environ if environ is None else environ
    variables = _from_environment(environ)
    home = Path(variables.get("home", "data/home")).expanduser()
    try:
        settings = Settings.model_validate(_merge(_from_yaml(home, environ), variables))
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(str(part) for part in first["loc"])
        raise SettingsError(
            f"{variable_name(path)} ({'.'.join(path)}): {first['msg']}.",
            "See `growth settings` for its meaning.",
        ) from error
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def described(settings: Settings, environ: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Every key with its variable, value (secrets masked), source and meaning, in the tree's order."""
    environ = os.environ if environ is None else environ
    in_file = _from_yaml(settings.home, environ)
    rows = []
    for path, field in flat_keys():
        value: Any = settings
        file_value: Any = in_file
        for part in path:
            value = getattr(value, part)
            file_value = file_value.get(part) if isinstance(file_value, dict) else None
        if isinstance(value, SecretStr):
            value = "***" if value.get_secret_value() else ""
        source = (
            "environment"
            if environ.get(variable_name(path))
            else "growth.yaml"
            if file_value is not None
            else "default"
        )
        shown = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        rows.append(
            {"key": variable_name(path), "value": shown, "source": source, "meaning": field.description or ""}
        )
    return rows
