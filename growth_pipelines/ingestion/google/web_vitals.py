"""The Chrome UX Report (field data) and PageSpeed Insights (lab data) as calls."""

from __future__ import annotations

from typing import Any, Literal

from growth_pipelines.ingestion.budgets import BudgetFile, CountBudget, scope_name
from growth_pipelines.ingestion.calls import Meter
from growth_pipelines.ingestion.google.client import ApiKey, GoogleClient
from growth_pipelines.settings import Settings

# A page that Lighthouse can't load fails each time, and each try takes half a minute.
PSI_ATTEMPTS = 3
# Newest first asked for; CrUX gives at most 40 weekly periods.
HISTORY_PERIODS = 40
FORM_FACTORS = {"phone": "PHONE", "desktop": "DESKTOP"}
# Parts of a PageSpeed answer that are pictures: most of its bytes, and nothing a rule reads.
_PICTURES = ("final-screenshot", "screenshot-thumbnails", "full-page-screenshot")

Scope = Literal["page", "origin"]


def crux_client(settings: Settings, meter: Meter) -> GoogleClient:
    given = settings.web_vitals
    key = given.api_key.get_secret_value()
    # Records and history are counted together, by the key's project.
    scope = scope_name("crux", given.crux_base_url, secret=key)
    return GoogleClient(
        given.crux_base_url,
        ApiKey(key),
        CountBudget(BudgetFile.of(settings), scope, "CrUX", given.crux_per_minute, zone=settings.zone),
        meter,
        deadline=settings.ingestion.deadline_seconds,
    )


def psi_client(settings: Settings, meter: Meter) -> GoogleClient:
    given = settings.web_vitals
    key = given.api_key.get_secret_value()
    scope = scope_name("psi", given.psi_base_url, secret=key)
    file = BudgetFile.of(settings)
    return GoogleClient(
        given.psi_base_url,
        ApiKey(key),
        CountBudget(
            file, scope, "PageSpeed Insights", given.psi_per_minute, given.psi_per_day, zone=settings.zone
        ),
        meter,
        deadline=settings.ingestion.deadline_seconds,
        timeout=120.0,
        attempts=PSI_ATTEMPTS,
    )


def record(client: GoogleClient, scope: Scope, target: str, form_factor: str) -> dict[str, Any] | None:
    """The newest 28 days of a page or origin; None where CrUX has too few visits ("data not found")."""
    body = {"url" if scope == "page" else "origin": target, "formFactor": FORM_FACTORS[form_factor]}
    answer = client.call("POST", "/v1/records:queryRecord", json=body, not_found=True, needs=("record",))
    return answer[1] if answer else None


def history(client: GoogleClient, scope: Scope, target: str, form_factor: str) -> dict[str, Any] | None:
    """The weekly collection periods of a page or origin, oldest first; None without data."""
    body = {
        "url" if scope == "page" else "origin": target,
        "formFactor": FORM_FACTORS[form_factor],
        "collectionPeriodCount": HISTORY_PERIODS,
    }
    answer = client.call("POST", "/v1/records:queryHistoryRecord", json=body, not_found=True, needs=("record",))
    return answer[1] if answer else None


def lab_run(client: GoogleClient, url: str, strategy: str) -> dict[str, Any]:
    """One Lighthouse run, without its pictures."""
    params = {"url": url, "strategy": strategy, "category": "performance"}
    answer = client.call("GET", "/pagespeedonline/v5/runPagespeed", params=params, needs=("lighthouseResult",))
    assert answer is not None
    body = answer[1]
    lighthouse = body.get("lighthouseResult") or {}
    lighthouse.pop("fullPageScreenshot", None)
    for name in _PICTURES:
        (lighthouse.get("audits") or {}).pop(name, None)
    return body
