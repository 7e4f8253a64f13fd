"""How old assets may get: one day plus a late run, then a second missed one; sources that are weekly longer."""

from datetime import timedelta

from dagster import FreshnessPolicy

DAILY = FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=54))
WEEKLY = FreshnessPolicy.time_window(warn_window=timedelta(days=3), fail_window=timedelta(days=8))
