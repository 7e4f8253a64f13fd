"""Incidents as a look finds them, for tests of who keeps, tells and shows them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from growth_pipelines.store.incidents import IncidentDraft

SINCE = date(2026, 11, 10)


def finding(metric: str = "orders", subject: str = "", **fields: Any) -> dict[str, Any]:
    """The document of a finding."""
    level = "page" if subject else "shop"
    days = [SINCE - timedelta(days=20) + timedelta(days=n) for n in range(32)]
    return {
        "key": f"sales:{metric}:{level}:{subject}:down",
        "family": "sales",
        "metric": metric,
        "level": level,
        "subject": subject,
        "direction": "down",
        "since": SINCE.isoformat(),
        "first": (SINCE - timedelta(days=2)).isoformat(),
        "last": (SINCE + timedelta(days=2)).isoformat(),
        "size": -0.24,
        "low": -0.31,
        "high": -0.17,
        "cause": "traffic",
        "severity": "high",
        "expected_on": None,
        "evidence": {
            "series": [[day.isoformat(), 40.0 if day < SINCE else 30.0] for day in days],
            "unit": "",
            "before": 40.0,
            "after": 30.4,
            "share_of_loss": 0.4,
            "parts": {"traffic": -0.22, "conversion": -0.03},
        },
        **fields,
    }


def incident(*findings: dict[str, Any], **fields: Any) -> IncidentDraft:
    """An incident of these findings (one of orders unless given)."""
    lead = (findings or (finding(),))[0]
    values: dict[str, Any] = {
        "title": "Orders fell by 24 % (17 to 31 %) since 10 Nov 2026",
        **{
            name: lead[name] for name in ("family", "metric", "level", "subject", "direction", "cause", "severity")
        },
        "since": SINCE,
        "since_first": SINCE - timedelta(days=2),
        "since_last": SINCE + timedelta(days=2),
        **{name: lead[name] for name in ("size", "low", "high")},
        "expected_on": None,
        "findings": list(findings or (lead,)),
        "suspects": [],
    }
    return IncidentDraft(**{**values, **fields})
